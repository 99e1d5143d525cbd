"""Orders and order statistics, sets and search, counts by bin, and reductions that skip NaNs."""

import numpy as np

from tests.laws.case import table
from tests.laws.domains import away, distinct, real

VECTOR = distinct((5,))
MATRIX = distinct((3, 4))
CUBE = distinct((2, 3, 2))
EDGES = np.array([-3.0, -1.2, -0.4, 1.2, 3.0])


def ordered(x, axis=-1):
    """The sorted array, by real parts."""
    return np.take_along_axis(x, np.argsort(np.real(x), axis=axis, kind="stable"), axis)


def between(x, place):
    """A value between entries of a sorted vector."""
    low = int(place)
    return x[low] + (x[min(low + 1, len(x) - 1)] - x[low]) * (place - low)


def sorts_in_place(x):
    y = x.copy()
    y.sort()
    z = x[::-1].copy()
    z.partition(2)
    return y * z * x


def sorts_in_place_twin(x):
    y = ordered(x)
    ranks = np.argsort(np.argsort(np.real(x)[::-1]))
    arranged = np.argpartition(np.real(x)[::-1], 2)
    return y * y[ranks[arranged]] * x


def gap(x):
    """A bound that no entry of VECTOR or MATRIX comes near."""
    return -1.2 if x.ndim == 1 else -1.0


def holes(x):
    """Numbers with gaps."""
    return np.where(x > gap(x), x, np.nan)


def kept(x):
    """Where `holes` leaves a number."""
    return np.real(x) > gap(x)


def mean_of(x, mask, axis=None):
    return np.sum(np.where(mask, x, 0), axis=axis) / np.sum(mask, axis=axis)


def variance_of(x, mask):
    return mean_of((x - mean_of(x, mask)) ** 2, mask)


ORDERS = table(
    ("sort", lambda x: np.sort(x) * x, VECTOR, lambda x: ordered(x) * x),
    ("sort axis", lambda x: np.sort(x, axis=0) * x, MATRIX, lambda x: ordered(x, 0) * x),
    ("sort flat", lambda x: np.sort(x, axis=None) ** 2, MATRIX, lambda x: ordered(x.ravel()) ** 2),
    ("sort backwards", lambda x: np.sort(x)[::-1] * x, VECTOR, lambda x: ordered(x)[::-1] * x),
    ("sort and partition in place", sorts_in_place, VECTOR, sorts_in_place_twin),
    (
        "argsort as an index",
        lambda x: x[np.argsort(x)] * x[x.argsort()[::-1]],
        VECTOR,
        lambda x: ordered(x) * ordered(x)[::-1],
    ),
    (
        "take_along_axis of argsort",
        lambda x: np.take_along_axis(x**2, np.argsort(x, axis=1), axis=1),
        MATRIX,
        lambda x: ordered(x, 1) ** 2,
    ),
    (
        "partition",
        lambda x: np.partition(x, 2)[2] * x + np.partition(x, [1, 3])[1],
        VECTOR,
        lambda x: ordered(x)[2] * x + ordered(x)[1],
    ),
    (
        "argpartition",
        lambda x: np.sort(x[np.argpartition(x, 2)[:2]]) ** 2,
        VECTOR,
        lambda x: ordered(x)[:2] ** 2,
    ),
    ("median, odd", lambda x: np.median(x) * x, VECTOR, lambda x: ordered(x)[2] * x),
    (
        "median axis, even",
        lambda x: np.median(x**3, axis=1),
        MATRIX,
        lambda x: (ordered(x**3, 1)[:, 1] + ordered(x**3, 1)[:, 2]) / 2,
    ),
    (
        "median of two axes",
        lambda x: np.median(x, axis=(0, 2)) ** 2,
        CUBE,
        lambda x: (
            np.stack([(ordered(x[:, k].ravel())[1] + ordered(x[:, k].ravel())[2]) / 2 for k in range(3)]) ** 2
        ),
    ),
    (
        "percentiles",
        lambda x: np.percentile(x, [20, 55], axis=0, keepdims=True) * x,
        MATRIX,
        lambda x: np.stack([between(ordered(x, 0), 2 * q) for q in (0.2, 0.55)])[:, None] * x,
    ),
    (
        "quantile lower higher",
        lambda x: np.quantile(x, 0.3, method="lower") * np.quantile(x, 0.3, method="higher"),
        VECTOR,
        lambda x: ordered(x)[1] * ordered(x)[2],
    ),
    (
        "quantile midpoint nearest",
        lambda x: np.quantile(x, 0.3, method="midpoint") * np.quantile(x, 0.3, method="nearest"),
        VECTOR,
        lambda x: (ordered(x)[1] + ordered(x)[2]) / 2 * ordered(x)[1],
    ),
    (
        "quantile hazen",
        lambda x: np.quantile(x, 0.5, method="hazen") ** 2,
        VECTOR,
        lambda x: ordered(x)[2] ** 2,
    ),
    (
        "quantile of a traced level",
        lambda x: np.quantile(x, 0.3 + x[0] / 50),
        VECTOR,
        lambda x: ordered(x)[1] + (ordered(x)[2] - ordered(x)[1]) * (4 * (0.3 + x[0] / 50) - 1),
    ),
    ("unique", lambda x: np.unique(np.append(x, x[:2])) ** 2, VECTOR, lambda x: ordered(x) ** 2),
    (
        "unique with counts",
        lambda x: (lambda found: found[0] * found[1])(np.unique(np.append(x, x[0]), return_counts=True)),
        VECTOR,
        lambda x: ordered(x) * (1 + (np.argsort(np.real(x)) == 0)),
    ),
    (
        "running maximum",
        lambda x: np.maximum.accumulate(x) * x,
        VECTOR,
        lambda x: x[[int(np.argmax(np.real(x)[: k + 1])) for k in range(5)]] * x,
    ),
)

SEARCH = table(
    (
        "searchsorted as an index",
        lambda x: EDGES[np.searchsorted(EDGES, x)] * x,
        VECTOR,
        lambda x: EDGES[np.searchsorted(EDGES, np.real(x))] * x,
    ),
    (
        "searchsorted method, traced table",
        lambda x: x * np.sort(x).searchsorted(0.2, side="right"),
        VECTOR,
        lambda x: x * np.sum(np.real(x) < 0.2),
    ),
    (
        "digitize",
        lambda x: np.arange(5.0)[np.digitize(x, EDGES)] * x + np.digitize(x, EDGES[::-1]),
        VECTOR,
        lambda x: np.searchsorted(EDGES, np.real(x)) * x + 5 - np.searchsorted(EDGES, np.real(x)),
    ),
    (
        "bincount with weights",
        lambda x: np.bincount([0, 2, 1, 2, 0], weights=x**2, minlength=4),
        VECTOR,
        lambda x: np.stack([x[0] ** 2 + x[4] ** 2, x[2] ** 2, x[1] ** 2 + x[3] ** 2, 0 * x[0]]),
    ),
    (
        "histogram of weights",
        lambda x: np.histogram([-2.0, -1.0, -0.5, 3.0, 9.0], bins=EDGES, weights=x**2)[0],
        VECTOR,
        lambda x: np.stack([x[0] ** 2, x[1] ** 2 + x[2] ** 2, 0 * x[0], x[3] ** 2]),
    ),
    (
        "histogram, density",
        lambda x: np.histogram([-2.0, -1.0, -1.0, 2.0, 2.0], bins=EDGES, weights=x**2, density=True)[0],
        VECTOR,
        lambda x: (
            np.stack([x[0] ** 2, x[1] ** 2 + x[2] ** 2, 0 * x[0], x[3] ** 2 + x[4] ** 2])
            / np.diff(EDGES)
            / np.sum(x**2)
        ),
    ),
    (
        "edges of a histogram",
        lambda x: np.histogram(x, bins=2)[1] * np.histogram_bin_edges(x, 2),
        VECTOR,
        lambda x: np.stack([ordered(x)[0], (ordered(x)[0] + ordered(x)[4]) / 2, ordered(x)[4]]) ** 2,
    ),
    (
        "isin",
        lambda x: x * np.isin([1.0, 2.0, 3.0], [2.0, 5.0]).sum() * ~np.isin(x, [7.0]),
        VECTOR,
        lambda x: x,
    ),
)

WITHOUT_NANS = table(
    ("nansum", lambda x: np.nansum(holes(x) ** 2, axis=0), MATRIX, lambda x: np.sum(kept(x) * x**2, axis=0)),
    (
        "nanmean nanmax nanmin",
        lambda x: np.nanmean(holes(x)) * np.nanmax(holes(x)) * np.nanmin(holes(x)),
        MATRIX,
        lambda x: mean_of(x, kept(x)) * ordered(x.ravel())[-1] * ordered(x.ravel())[np.sum(~kept(x))],
    ),
    ("nanvar", lambda x: np.nanvar(holes(x)), MATRIX, lambda x: variance_of(x, kept(x))),
    ("nanstd", lambda x: np.nanstd(holes(x)), MATRIX, lambda x: np.sqrt(variance_of(x, kept(x)))),
    (
        "nanprod nancumsum nancumprod",
        lambda x: np.nanprod(holes(x)) + np.nancumsum(holes(x)) * np.nancumprod(holes(x)),
        VECTOR,
        lambda x: (
            np.prod(np.where(kept(x), x, 1))
            + np.cumsum(np.where(kept(x), x, 0)) * np.cumprod(np.where(kept(x), x, 1))
        ),
    ),
    (
        "nanmedian nanpercentile nanquantile",
        lambda x: np.nanmedian(holes(x)) * np.nanpercentile(holes(x), 50) + np.nanquantile(holes(x), 0.0),
        VECTOR,
        lambda x: between(ordered(x[kept(x)]), (np.sum(kept(x)) - 1) / 2) ** 2 + ordered(x[kept(x)])[0],
    ),
    (
        "nanargmax nanargmin",
        lambda x: x[np.nanargmax(holes(x))] * x[np.nanargmin(holes(x))],
        VECTOR,
        lambda x: ordered(x)[-1] * ordered(x[kept(x)])[0],
    ),
)

SIGNS = np.array([[1.0, -2.0, 1.0, 0.5], [2.0, 1.0, -1.0, 1.0], [1.0, 1.0, 3.0, -1.0]])

MOMENTS = table(
    ("cov", lambda x: np.cov(x), real((3, 4)), lambda x: centred(x) @ centred(x).T / 3),
    (
        "cov of two",
        lambda x: np.cov(x[0], x[1] ** 2, bias=True),
        real((3, 4)),
        lambda x: centred(np.stack([x[0], x[1] ** 2])) @ centred(np.stack([x[0], x[1] ** 2])).T / 4,
    ),
    (
        "cov with weights",
        lambda x: np.cov(x, aweights=[1.0, 2.0, 1.0, 0.5], ddof=0),
        real((3, 4)),
        lambda x: weighted_cov(x, np.array([1.0, 2.0, 1.0, 0.5])),
    ),
    ("corrcoef", lambda x: np.corrcoef(x * SIGNS), MATRIX, lambda x: correlation(x * SIGNS)),
    (
        "average with traced weights",
        lambda x: np.average(np.arange(5.0), weights=x**2, returned=True),
        away((5,)),
        lambda x: (np.sum(np.arange(5) * x**2) / np.sum(x**2), np.sum(x**2)),
    ),
    (
        "mean var std with a mask",
        lambda x: np.mean(x, where=x > -1) * np.var(x, where=x > -1),
        MATRIX,
        lambda x: mean_of(x, kept(x)) * variance_of(x, kept(x)),
    ),
    (
        "sum and max with a mask",
        lambda x: np.sum(x, where=x > -0.4, initial=2.0) * np.max(x, where=x < 3, initial=-9.0, axis=None),
        VECTOR,
        lambda x: (np.sum(np.where(np.real(x) > -0.4, x, 0)) + 2) * ordered(x)[-1],
    ),
    (
        "max with initial",
        lambda x: np.max(x, initial=5.0) * x.min(initial=-5.0) * x,
        VECTOR,
        lambda x: -25.0 * x,
    ),
    ("cumulative_sum", lambda x: np.cumulative_sum(x**2, include_initial=True), VECTOR),
    ("cumulative_prod", lambda x: np.cumulative_prod(x), VECTOR),
)


def centred(x):
    return x - np.mean(x, axis=-1, keepdims=True)


def weighted_cov(x, w):
    c = x - (x @ w / np.sum(w))[:, None]
    return (c * w) @ c.T / np.sum(w)


def correlation(x):
    c = centred(x) @ centred(x).T
    d = np.sqrt(np.diag(c))
    return c / d[:, None] / d


CASES = ORDERS + SEARCH + WITHOUT_NANS + MOMENTS
