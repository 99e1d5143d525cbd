"""Reductions, running reductions, contractions and linear algebra."""

import numpy as np
from scipy.special import logsumexp

from tests.laws.case import table
from tests.laws.domains import distinct, matrix, real

VECTOR = real((4,))
MATRIX = real((3, 4))
CUBE = real((2, 3, 2))
SQUARE = matrix()


def picked(x, choose, axis=None):
    """The extreme entries, chosen by real part."""
    place = np.expand_dims(choose(np.real(x), axis=axis), axis) if axis is not None else None
    return x.ravel()[choose(np.real(x))] if axis is None else np.take_along_axis(x, place, axis).squeeze(axis)


def variance(x):
    return np.mean((x - np.mean(x, axis=0)) ** 2, axis=0)


def euclidean(x):
    return np.sqrt(np.sum(x * x))


SUMS = table(
    ("sum", lambda x: np.sum(x**2), MATRIX),
    ("array by its name", lambda x: np.sum(a=x**2, axis=0) * np.mean(a=x), MATRIX),
    ("max of nothing with a start", lambda x: np.max(x[:0], initial=2.0) * x[0], VECTOR),
    ("norm of nothing", lambda x: np.linalg.norm(x[:, :0], axis=1) + x[:, 0] ** 2, MATRIX),
    ("sum axis", lambda x: np.sum(x**2, axis=0), MATRIX),
    ("sum negative axis keepdims", lambda x: x / (9 + np.sum(x**2, axis=-1, keepdims=True)), MATRIX),
    ("sum two axes", lambda x: np.sum(x**2, axis=(0, 2)), CUBE),
    ("sum method", lambda x: (x**2).sum(), MATRIX),
    ("sum method axis", lambda x: (x**2).sum(1), MATRIX),
    ("builtin sum", lambda x: sum(x**2), VECTOR),
    ("builtin sum of a generator", lambda x: sum(v * v for v in x), VECTOR),
    ("mean", lambda x: np.mean(x**2), MATRIX),
    ("mean axis", lambda x: x.mean(axis=1) * np.mean(x, 1), MATRIX),
    ("average with weights", lambda x: np.average(x**2, weights=np.array([1.0, 2.0, 3.0, 4.0])), VECTOR),
    ("var", lambda x: np.var(x), VECTOR, variance),
    ("std", lambda x: np.std(x), distinct((4,)), lambda x: np.sqrt(variance(x))),
    ("std ddof", lambda x: np.std(x, ddof=1, axis=0), distinct((3, 4)), lambda x: np.sqrt(1.5 * variance(x))),
    ("prod", lambda x: np.prod(x), VECTOR),
    ("prod axis", lambda x: np.prod(x, axis=0), MATRIX),
    ("max", lambda x: np.max(x) ** 2, distinct((4,)), lambda x: picked(x, np.argmax) ** 2),
    ("min axis", lambda x: np.min(x, axis=1) ** 2, distinct((3, 4)), lambda x: picked(x, np.argmin, 1) ** 2),
    (
        "max method keepdims",
        lambda x: x * x.max(axis=0, keepdims=True),
        distinct((3, 4)),
        lambda x: x * picked(x, np.argmax, 0)[None],
    ),
    ("builtin max", lambda x: max(x) ** 2, distinct((4,)), lambda x: picked(x, np.argmax) ** 2),
    (
        "ptp",
        lambda x: np.ptp(x) ** 2,
        distinct((4,)),
        lambda x: (picked(x, np.argmax) - picked(x, np.argmin)) ** 2,
    ),
    (
        "argmax as an index",
        lambda x: x[np.argmax(x)] ** 2,
        distinct((4,)),
        lambda x: picked(x, np.argmax) ** 2,
    ),
    ("cumsum", lambda x: np.cumsum(x**2), VECTOR),
    ("cumsum axis", lambda x: np.cumsum(x**2, axis=1), MATRIX),
    ("cumsum flat", lambda x: np.cumsum(x**2), MATRIX),
    ("cumprod", lambda x: np.cumprod(x), VECTOR),
    ("trapezoid", lambda x: np.trapezoid(x**2, dx=0.1), VECTOR),
    ("trapezoid over points", lambda x: np.trapezoid(x**2, np.array([0.0, 0.1, 0.4, 1.0])), VECTOR),
    ("logsumexp", lambda x: logsumexp(x), VECTOR, lambda x: np.log(np.sum(np.exp(x)))),
    ("logsumexp axis", lambda x: logsumexp(x, axis=1), MATRIX, lambda x: np.log(np.sum(np.exp(x), axis=1))),
    (
        "softmax by hand",
        lambda x: np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))),
        distinct((4,)),
        lambda x: np.exp(x) / np.sum(np.exp(x)),
    ),
    ("add.reduce", lambda x: np.add.reduce(x**2, axis=1), MATRIX),
    ("count of a mask", lambda x: x * np.sum(np.abs(x) < 9.0), VECTOR, lambda x: 4.0 * x),
)

PRODUCTS = table(
    ("dot of vectors", lambda x, y: np.dot(x, y), (VECTOR, VECTOR)),
    ("dot method", lambda x: x.dot(x), VECTOR),
    ("matrix @ vector", lambda a, x: a @ x, (MATRIX, VECTOR)),
    ("vector @ matrix", lambda a, x: x[:3] @ a, (MATRIX, VECTOR)),
    ("matrix @ matrix", lambda a: a @ a.T, MATRIX),
    ("batched matmul", lambda a: a @ np.swapaxes(a, 1, 2), CUBE),
    ("np.dot of matrices", lambda a, x: np.dot(a, np.outer(x, x)), (MATRIX, VECTOR)),
    ("constant matrix @", lambda x: np.arange(12.0).reshape(3, 4) @ x, VECTOR),
    (
        "inner outer vdot",
        lambda x: np.inner(x, x) * np.outer(x, x) + np.vdot(x, x),
        VECTOR,
        lambda x: np.inner(x, x) * np.outer(x, x) + np.inner(x, x),
    ),
    ("tensordot", lambda a: np.tensordot(a, a, axes=([0, 2], [0, 2])), CUBE),
    ("tensordot one axis", lambda a: np.tensordot(a, a[0].T, axes=1), CUBE),
    ("kron", lambda x: np.kron(x[:2], x), VECTOR),
    ("cross", lambda x: np.cross(x[:3], x[1:]), VECTOR),
    ("einsum matmul", lambda a, x: np.einsum("ij,j->i", a, x), (MATRIX, VECTOR)),
    ("einsum quadratic form", lambda a, x: np.einsum("i,ij,j->", x[:3], a, x), (MATRIX, VECTOR)),
    ("einsum trace", lambda a: np.einsum("ii", a @ a), SQUARE),
    ("einsum diagonal", lambda a: np.einsum("ii->i", a) ** 2, SQUARE),
    ("einsum implicit output", lambda a: np.einsum("ij,kj", a, a), MATRIX),
    ("einsum sum over a lone letter", lambda a: np.einsum("ij->j", a * a), MATRIX),
    ("einsum batch", lambda a: np.einsum("bij,bkj->bik", a, a), CUBE),
    ("einsum ellipsis", lambda a: np.einsum("...j,...j->...", a, a), CUBE),
)

CASES = SUMS + PRODUCTS
