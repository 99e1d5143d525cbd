"""Functions that are smooth only where a mask holds, each with the same function written with a safe operand.

The first is what people write; the second is its "double where": its derivatives never meet an infinity.
"""

# ruff: noqa: E501 - a row is a line

import numpy as np
from scipy import special

import diffsci as ds
from solvers import solve_ivp

BASE = np.array([0.0, -1.5, 2.0, 0.7])
EDGES = np.array([1.0, -1.0, 0.3, 1.7])


def positive(x, fill=1.0):
    """The operand where it is positive, a harmless number elsewhere."""
    return np.where(x > 0, x, fill)


def nonzero(x, fill=1.0):
    return np.where(x != 0, x, fill)


def inside(x, fill=0.0):
    return np.where(np.abs(x) < 1, x, fill)


# what NumPy does in place ---------------------------------------------------------------------------


def assigned_log(x):
    y = np.zeros_like(x)
    m = x > 0
    y[m] = np.log(x[m])
    return y


def assigned_places(x):
    y = np.zeros_like(x)
    (where,) = np.nonzero(x > 0)
    y[where] = np.log(x[where])
    return y


def scaled_under_mask(x):
    y = x + 1.0
    m = x > 0
    y[m] *= np.sqrt(x[m])
    return y


def divided_under_mask(x):
    y = np.ones_like(x)
    m = x != 0
    y[m] /= x[m]
    return y


def erased_log(x):
    y = np.log(x)
    y[~(x > 0)] = 0
    return y


def erased_quotient(x):
    y = np.sin(x) / x
    y[x == 0] = 1.0
    return y


def put_masked(x):
    y = np.log(x)
    np.putmask(y, x <= 0, 0.0)
    return y


def placed(x):
    y = np.sqrt(x) * 1.0
    np.place(y, ~(x > 0), [0.0])
    return y


def copied(x):
    y = np.zeros_like(x)
    np.copyto(y, np.log(x), where=x > 0)
    return y


def divided_where(x):
    return np.divide(np.sin(x), x, out=np.ones_like(x), where=x != 0)


def log_where(x):
    return np.log(x, out=np.zeros_like(x), where=x > 0)


def power_where(x):
    return np.power(x, 0.5, out=np.zeros_like(x), where=x > 0)


def filled(d):
    np.fill_diagonal(d, 1.0)
    return d


def written_slice(x):
    y = np.zeros(6)
    y[1:5] = np.log(x)
    y[1:5][x <= 0] = 0.0
    return y


# control flow ---------------------------------------------------------------------------------------


def looped(step):
    def f(x):
        return ds.fori_loop(0, 3, lambda k, c: c + step(x, k), np.zeros_like(x))

    return f


def carried(step):
    """The state itself meets the edge: it starts there."""

    def f(x):
        return ds.fori_loop(0, 3, lambda k, c: step(c) + 0.5 * c, x)

    return f


def scanned(step):
    def f(x):
        return ds.scan(lambda c, row: (c + step(row), step(row)), 0.0, x)[1]

    return f


def while_looped(step):
    def f(x):
        return ds.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] + step(x)), (0, np.zeros_like(x)))[
            1
        ]

    return f


def mapped(step):
    return lambda x: ds.vmap(step)(x)


def called(step):
    compiled = ds.jit(step)
    return lambda x: compiled(x)


def checkpointed(step):
    return lambda x: ds.checkpoint(step)(x)


def integrated(rate):
    """y' = rate(p) with masked rates: the edge is in the parameters."""

    def f(p):
        sol = solve_ivp(
            lambda t, y, p: rate(p) - 0.1 * y, (0.0, 1.0), np.zeros(4), args=(p,), method="Tsit5", rtol=1e-6
        )
        return sol.y[:, -1]

    return f


def integrated_state(rate):
    """The state starts at the edge."""

    def f(y0):
        return solve_ivp(
            lambda t, y: rate(y) - 0.1 * y, (0.0, 1.0), y0, t_eval=[1.0], rtol=1e-6, method="Tsit5"
        ).y[:, -1]

    return f


def masked_log(x):
    return np.where(x > 0, np.log(x), 0.0)


def safe_log(x):
    return np.where(x > 0, np.log(positive(x)), 0.0)


def masked_sqrt(x):
    return np.where(x > 0, np.sqrt(x), 0.0)


def safe_sqrt(x):
    return np.where(x > 0, np.sqrt(positive(x)), 0.0)


def selected_away(x):
    return np.sqrt(np.where(x > 0, x, 0.0))


def masked_sinc(x):
    return np.where(x != 0, np.sin(x) / x, 1.0)


def safe_sinc(x):
    return np.where(x != 0, np.sin(nonzero(x)) / nonzero(x), 1.0)


def through_cond(x):
    return np.array([ds.cond(v > 0, np.log, lambda v: 0.0 * v, v) for v in x])


MATRIX = np.array([[1.0, 0.0, 2.0, -1.0], [0.5, 1.0, 0.0, 0.0], [0.0, 3.0, -1.0, 2.0], [1.0, 1.0, 1.0, 1.0]])


# name, as it is written, with a safe operand, point
ROWS = [
    ("log", masked_log, safe_log, BASE),
    ("1/x", lambda x: np.where(x != 0, 1 / x, 0.0), lambda x: np.where(x != 0, 1 / nonzero(x), 0.0), BASE),
    ("sin(x)/x", masked_sinc, safe_sinc, BASE),
    ("x/x", lambda x: np.where(x == 0, 1.0, x / x), lambda x: np.where(x == 0, 1.0, nonzero(x) / nonzero(x)), BASE),
    ("sqrt", masked_sqrt, safe_sqrt, BASE),
    ("sqrt of what was selected", selected_away, safe_sqrt, BASE),
    ("log of what was selected", lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 0.0)), 0.0), safe_log, BASE),
    ("cbrt", lambda x: np.where(x != 0, np.cbrt(x), 0.0), lambda x: np.where(x != 0, np.cbrt(nonzero(x)), 0.0), BASE),
    ("x**0.5", lambda x: np.where(x > 0, x**0.5, 0.0), safe_sqrt, BASE),
    ("x**1.5", lambda x: np.where(x > 0, x**1.5, 0.0), lambda x: np.where(x > 0, positive(x) ** 1.5, 0.0), BASE),
    ("x**-2", lambda x: np.where(x != 0, x**-2, 0.0), lambda x: np.where(x != 0, nonzero(x) ** -2, 0.0), BASE),
    ("x**-0.5", lambda x: np.where(x > 0, x**-0.5, 0.0), lambda x: np.where(x > 0, positive(x) ** -0.5, 0.0), BASE),
    ("x**p", lambda x: np.where(x > 0, x ** np.array([0.3, 1.2, -1.0, 2.5]), 0.0), lambda x: np.where(x > 0, positive(x) ** np.array([0.3, 1.2, -1.0, 2.5]), 0.0), BASE),
    ("x**x", lambda x: np.where(x > 0, x**x, 1.0), lambda x: np.where(x > 0, positive(x) ** positive(x), 1.0), BASE),
    ("2.0**(1/x)", lambda x: np.where(x != 0, 2.0 ** (1 / x), 0.0), lambda x: np.where(x != 0, 2.0 ** (1 / nonzero(x)), 0.0), BASE),
    ("log(sqrt)", lambda x: np.where(x > 0, np.log(np.sqrt(x)), 0.0), lambda x: np.where(x > 0, np.log(np.sqrt(positive(x))), 0.0), BASE),
    ("exp(-1/x)", lambda x: np.where(x > 0, np.exp(-1 / x), 0.0), lambda x: np.where(x > 0, np.exp(-1 / positive(x)), 0.0), BASE),
    ("x log x", lambda x: np.where(x > 0, x * np.log(x), 0.0), lambda x: np.where(x > 0, x * np.log(positive(x)), 0.0), BASE),
    ("maximum under a mask", lambda x: np.where(x > 0, np.log(np.maximum(x, 0.0)), 0.0), safe_log, BASE),
    ("sqrt of a maximum", lambda x: np.sqrt(np.maximum(x, 0.0)), safe_sqrt, np.array([-1.0, -1.5, 2.0, 0.7])),
    ("sqrt of a clip", lambda x: np.sqrt(np.clip(x, 0.0, 1.0)), lambda x: np.where(x > 0, np.sqrt(np.where((x > 0) & (x < 1), x, 1.0)), 0.0), np.array([-1.0, -1.5, 2.0, 0.7])),
    ("log of a clip", lambda x: np.where(x > 0, np.log(np.clip(x, 0.0, 1.0)), 0.0), lambda x: np.where((x > 0) & (x < 1), np.log(np.where((x > 0) & (x < 1), x, 1.0)), 0.0), BASE),
    ("log(abs)", lambda x: np.where(x != 0, np.log(np.abs(x)), 0.0), lambda x: np.where(x != 0, np.log(np.abs(nonzero(x))), 0.0), BASE),
    ("assignment", assigned_log, safe_log, BASE),
    ("assignment by places", assigned_places, safe_log, BASE),
    ("*= under a mask", scaled_under_mask, lambda x: np.where(x > 0, (x + 1) * np.sqrt(positive(x)), x + 1), BASE),
    ("/= under a mask", divided_under_mask, lambda x: np.where(x != 0, 1 / nonzero(x), 1.0), BASE),
    ("erased", erased_log, safe_log, BASE),
    ("erased quotient", erased_quotient, safe_sinc, BASE),
    ("putmask", put_masked, safe_log, BASE),
    ("place", placed, safe_sqrt, BASE),
    ("copyto", copied, safe_log, BASE),
    ("divide(where=)", divided_where, safe_sinc, BASE),
    ("log(where=)", log_where, safe_log, BASE),
    ("power(where=)", power_where, safe_sqrt, BASE),
    ("a slice, then a mask", written_slice, lambda x: np.concatenate([[0.0], safe_log(x), [0.0]]), BASE),
    ("select", lambda x: np.select([x > 1, x > 0], [np.sqrt(x), x * np.log(x)], 0.0), lambda x: np.where(x > 1, np.sqrt(positive(x)), np.where(x > 0, x * np.log(positive(x)), 0.0)), BASE),
    ("piecewise", lambda x: np.piecewise(x, [x > 0], [np.log, 0.0]), safe_log, BASE),
    ("piecewise of three", lambda x: np.piecewise(x, [x < 0, x > 0], [lambda v: np.sqrt(-v), np.sqrt, 0.0]), lambda x: np.where(x != 0, np.sqrt(np.abs(nonzero(x))), 0.0), BASE),
    ("choose", lambda x: np.choose((x > 0).astype(int), [np.zeros(4), np.log(x)]), safe_log, BASE),
    ("nan_to_num of a quotient", lambda x: np.nan_to_num(np.sin(x) / x, nan=1.0), safe_sinc, BASE),
    ("nan_to_num of a root", lambda x: np.nan_to_num(np.sqrt(x)), lambda x: np.where(x > 0, np.sqrt(positive(x)), 0.0), np.array([-0.5, -1.5, 2.0, 0.7])),
    ("isfinite", lambda x: np.where(np.isfinite(np.log(x)), np.log(x), 0.0), safe_log, BASE),
    ("isnan erased", lambda x: (lambda y: np.where(np.isnan(y), 0.0, y))(np.sin(x) / x), lambda x: np.where(x != 0, np.sin(nonzero(x)) / nonzero(x), 0.0), BASE),
    ("sum(where=)", lambda x: np.sum(np.log(x), where=x > 0), lambda x: np.sum(safe_log(x)), BASE),
    ("mean(where=)", lambda x: np.mean(np.sqrt(x), where=x > 0), lambda x: np.sum(safe_sqrt(x)) / 2, BASE),
    ("sum of a selection", lambda x: np.sum(np.log(x[x > 0])), lambda x: np.sum(safe_log(x)), BASE),
    ("product of a selection", lambda x: np.prod(np.sqrt(x[x > 0])), lambda x: np.prod(np.where(x > 0, np.sqrt(positive(x)), 1.0)), BASE),
    ("max(where=)", lambda x: np.max(np.log(x), where=x > 0, initial=-5.0), lambda x: np.max(np.where(x > 0, np.log(positive(x)), -5.0)), BASE),
    ("prod(where=)", lambda x: np.prod(np.sqrt(x), where=x > 0), lambda x: np.prod(np.where(x > 0, np.sqrt(positive(x)), 1.0)), BASE),
    ("nansum", lambda x: np.nansum(np.log(x)), lambda x: np.sum(safe_log(x)), np.array([-1.0, -1.5, 2.0, 0.7])),
    ("std(where=)", lambda x: np.std(np.sqrt(x), where=x > 0), lambda x: np.std(np.stack([np.sqrt(x[2]), np.sqrt(x[3])])), BASE),
    ("nested", lambda x: np.where(x > 0, np.where(x > 1, np.sqrt(x - 1), np.log(x)), 0.0), lambda x: np.where(x > 1, np.sqrt(np.where(x > 1, x - 1, 1.0)), safe_log(x)), BASE),
    ("nested, crosswise", lambda x: np.where(x < 0, np.sqrt(-x), np.where(x > 0, np.sqrt(x), 0.0)), lambda x: np.where(x != 0, np.sqrt(np.abs(nonzero(x))), 0.0), BASE),
    ("logical masks", lambda x: np.where((x > 0) & ~(x >= 1), np.log(x) / (1 - x), 0.0), lambda x: np.where((x > 0) & (x < 1), np.log(np.where((x > 0) & (x < 1), x, 0.5)) / (1 - np.where((x > 0) & (x < 1), x, 0.5)), 0.0), np.array([0.0, 1.0, 2.0, 0.7])),
    ("arccos", lambda x: np.where(np.abs(x) < 1, np.arccos(x), 0.0), lambda x: np.where(np.abs(x) < 1, np.arccos(inside(x)), 0.0), EDGES),
    ("arcsin", lambda x: np.where(np.abs(x) < 1, np.arcsin(x), 0.0), lambda x: np.where(np.abs(x) < 1, np.arcsin(inside(x)), 0.0), EDGES),
    ("arctanh", lambda x: np.where(np.abs(x) < 1, np.arctanh(x), 0.0), lambda x: np.where(np.abs(x) < 1, np.arctanh(inside(x)), 0.0), EDGES),
    ("arccosh", lambda x: np.where(x > 1, np.arccosh(x), 0.0), lambda x: np.where(x > 1, np.arccosh(np.where(x > 1, x, 2.0)), 0.0), EDGES),
    ("log1p", lambda x: np.where(x > -1, np.log1p(x), 0.0), lambda x: np.where(x > -1, np.log1p(np.where(x > -1, x, 0.0)), 0.0), EDGES),
    ("sqrt(1 - x**2)", lambda x: np.where(np.abs(x) < 1, np.sqrt(1 - x**2), 0.0), lambda x: np.where(np.abs(x) < 1, np.sqrt(1 - inside(x) ** 2), 0.0), EDGES),
    ("tan, cut off", lambda x: np.where(np.abs(x) < 1, np.tan(x * (np.pi / 2)), 0.0), lambda x: np.where(np.abs(x) < 1, np.tan(inside(x) * (np.pi / 2)), 0.0), EDGES),
    ("hypot with its log", lambda x: np.where(x != 0, np.log(np.hypot(x, x)), 0.0), lambda x: np.where(x != 0, np.log(np.hypot(nonzero(x), nonzero(x))), 0.0), BASE),
    ("norm of masked roots", lambda x: np.linalg.norm(np.where(x > 0, np.sqrt(x), 0.0)), lambda x: np.linalg.norm(safe_sqrt(x)), BASE),
    ("norm of nothing", lambda x: np.linalg.norm(np.where(x > 9, x, 0.0)), lambda x: np.sum(0.0 * x), BASE),
    ("sqrt of a masked square sum", lambda x: np.sqrt(np.sum(np.where(x > 9, x, 0.0) ** 2)), lambda x: np.sum(0.0 * x), BASE),
    ("root of a sum of nothing", lambda x: np.sqrt(np.sum(np.where(x > 9, x, 0.0))), lambda x: np.sum(0.0 * x), BASE),
    ("unit vectors", lambda x: (lambda r: np.where(r > 0, x[:2] / r, 0.0))(np.linalg.norm(x[:2])), lambda x: 0.0 * x[:2], np.array([0.0, 0.0, 1.0, 2.0])),
    ("xlogy masked", lambda x: np.where(x > 0, special.xlogy(x, x), 0.0), lambda x: np.where(x > 0, x * np.log(positive(x)), 0.0), BASE),
    ("gammaln masked", lambda x: np.where(x > 0, special.gammaln(x), 0.0), lambda x: np.where(x > 0, special.gammaln(positive(x)), 0.0), BASE),
    ("matrix product", lambda x: MATRIX @ masked_log(x), lambda x: MATRIX @ safe_log(x), BASE),
    ("dot", lambda x: np.dot(masked_log(x), masked_sqrt(x)), lambda x: np.dot(safe_log(x), safe_sqrt(x)), BASE),
    ("outer", lambda x: np.outer(masked_log(x), masked_sqrt(x)), lambda x: np.outer(safe_log(x), safe_sqrt(x)), BASE),
    ("einsum", lambda x: np.einsum("i,ij,j->", masked_log(x), MATRIX, masked_sqrt(x)), lambda x: np.einsum("i,ij,j->", safe_log(x), MATRIX, safe_sqrt(x)), BASE),
    ("convolution", lambda x: np.convolve(masked_log(x), masked_sqrt(x)), lambda x: np.convolve(safe_log(x), safe_sqrt(x)), BASE),
    ("fft", lambda x: np.abs(np.fft.rfft(masked_log(x))) ** 2, lambda x: np.abs(np.fft.rfft(safe_log(x))) ** 2, BASE),
    ("cumsum", lambda x: np.cumsum(masked_log(x)), lambda x: np.cumsum(safe_log(x)), BASE),
    ("cumprod", lambda x: np.cumprod(1 + masked_log(x)), lambda x: np.cumprod(1 + safe_log(x)), BASE),
    ("diff", lambda x: np.diff(masked_sqrt(x)), lambda x: np.diff(safe_sqrt(x)), BASE),
    ("gather", lambda x: masked_sqrt(x)[np.array([0, 0, 2, 3])], lambda x: safe_sqrt(x)[np.array([0, 0, 2, 3])], BASE),
    ("masked, then linear, then masked", lambda x: np.where(x > 0, MATRIX @ np.where(x > 0, np.sqrt(x), 0.0), 0.0), lambda x: np.where(x > 0, MATRIX @ safe_sqrt(x), 0.0), BASE),
    ("a matrix product of nothing", lambda x: np.sqrt(np.abs(MATRIX) @ np.where(x > 9, x, 0.0)), lambda x: 0.0 * x, BASE),
    ("a mean of nothing", lambda x: np.sqrt(np.mean(np.where(x > 9, x, 0.0))), lambda x: np.sum(0.0 * x), BASE),
    ("a running sum of nothing", lambda x: np.sqrt(np.cumsum(np.where(x > 1, x, 0.0))), lambda x: np.array([0.0, 0.0, 1.0, 1.0]) * np.sqrt(x[2]), BASE),
    ("a gather of nothing", lambda x: np.sqrt(np.where(x > 9, x, 0.0)[np.array([1, 1, 0])]), lambda x: 0.0 * x[:3], BASE),
    ("a product with nothing", lambda x: np.sqrt(3.0 * np.where(x > 1, x, 0.0)), lambda x: np.where(x > 1, np.sqrt(3.0 * positive(x)), 0.0), BASE),
    ("stacked", lambda x: np.sqrt(np.stack([np.where(x > 1, x, 0.0), positive(x)])), lambda x: np.stack([np.where(x > 1, np.sqrt(positive(x)), 0.0), np.sqrt(positive(x))]), BASE),
    ("padded", lambda x: np.sqrt(np.pad(np.where(x > 1, x, 0.0), 1)), lambda x: np.pad(np.where(x > 1, np.sqrt(positive(x)), 0.0), 1), BASE),
    ("masked matrix inside a determinant", lambda x: np.linalg.det(np.eye(4) + np.diag(masked_log(x))), lambda x: np.linalg.det(np.eye(4) + np.diag(safe_log(x))), BASE),
    ("solve", lambda x: np.linalg.solve(np.eye(4) * 3 + MATRIX, masked_log(x)), lambda x: np.linalg.solve(np.eye(4) * 3 + MATRIX, safe_log(x)), BASE),
    ("sort of masked", lambda x: np.sort(masked_sqrt(x + np.array([0, 0, 0, 1]))), lambda x: np.sort(safe_sqrt(x + np.array([0, 0, 0, 1]))), BASE),
    ("interp of masked", lambda x: np.interp(masked_sqrt(x), [-1.0, 0.5, 3.0], [0.0, 1.0, 5.0]), lambda x: np.interp(safe_sqrt(x), [-1.0, 0.5, 3.0], [0.0, 1.0, 5.0]), BASE),
    ("in a fori_loop", looped(lambda x, k: masked_log(x) * (k + 1.0)), looped(lambda x, k: safe_log(x) * (k + 1.0)), BASE),
    ("the state of a fori_loop", carried(masked_log), carried(safe_log), np.array([0.0, -1.5, 3.0, -0.7])),
    ("roots of the state of a fori_loop", carried(masked_sqrt), carried(safe_sqrt), BASE),
    ("selected roots of the state", carried(selected_away), carried(safe_sqrt), BASE),
    ("in a scan", scanned(masked_sqrt), scanned(safe_sqrt), BASE),
    ("in a while_loop", while_looped(masked_log), while_looped(safe_log), BASE),
    ("under a loop, masked outside", lambda x: np.where(x > 0, looped(lambda x, k: np.log(x))(x), 0.0), lambda x: np.where(x > 0, looped(lambda x, k: np.log(positive(x)))(x), 0.0), BASE),
    ("a scan, masked outside", lambda x: np.where(x > 0, scanned(np.sqrt)(x), 0.0), safe_sqrt, BASE),
    ("under a loop, operand masked outside", lambda x: looped(lambda x, k: np.sqrt(x))(np.where(x > 0, x, 0.0)), lambda x: 3 * safe_sqrt(x), BASE),
    ("in vmap", mapped(masked_log), safe_log, BASE),
    ("under vmap, masked outside", lambda x: np.where(x > 0, ds.vmap(np.log)(x), 0.0), safe_log, BASE),
    ("in a compiled function", called(masked_log), safe_log, BASE),
    ("of a compiled function, masked outside", lambda x: np.where(x > 0, called(np.log)(x), 0.0), safe_log, BASE),
    ("of a compiled function, operand masked outside", lambda x: called(np.sqrt)(np.where(x > 0, x, 0.0)), safe_sqrt, BASE),
    ("in a checkpointed function", checkpointed(masked_log), safe_log, BASE),
    ("of a checkpointed function, masked outside", lambda x: np.where(x > 0, ds.checkpoint(np.log)(x), 0.0), safe_log, BASE),
    ("of a checkpointed function, operand masked", lambda x: ds.checkpoint(np.sqrt)(np.where(x > 0, x, 0.0)), safe_sqrt, BASE),
    ("in the branches of cond", through_cond, safe_log, BASE),
    ("cond over members", lambda x: ds.vmap(lambda v: ds.cond(v > 0, np.log, lambda v: 0.0 * v, v))(x), safe_log, BASE),
    ("pairs with themselves", lambda x: (lambda d: np.where(np.eye(4, dtype=bool), 0.0, 1 / d**3))((x[:, None] - x) ** 2), lambda x: (lambda d: np.where(np.eye(4, dtype=bool), 0.0, 1 / d**3))((x[:, None] - x) ** 2 + np.eye(4)), BASE),
    ("roots of squared distances", lambda x: np.where(np.eye(4, dtype=bool), 0.0, np.sqrt((x[:, None] - x) ** 2)), lambda x: np.abs(x[:, None] - x) * (1 - np.eye(4)), BASE),
    ("a filled diagonal", lambda x: np.log(filled((x[:, None] - x) ** 2)), lambda x: np.log((x[:, None] - x) ** 2 + np.eye(4)), BASE),
    ("softmax of masked scores", lambda x: special.softmax(np.where(x > 0, x * x, -np.inf)), lambda x: (lambda e: e / np.sum(e))(np.where(x > 0, np.exp(x * x), 0.0)), BASE),
    ("exp of -inf", lambda x: np.exp(np.where(x > 0, np.log(x), -np.inf)), lambda x: np.where(x > 0, x, 0.0), BASE),
    ("nanmean of a masked root", lambda x: np.nanmean(np.where(x > 0, np.sqrt(x), np.nan)), lambda x: np.sum(safe_sqrt(x)) / 2, BASE),
    ("a logarithm under two masks", lambda x: (lambda y: np.where(x > 0, y, 0.0) + np.where(x > 1, y * y, 0.0) * x)(np.log(x)), lambda x: (lambda y: np.where(x > 0, y, 0.0) + np.where(x > 1, y * y, 0.0) * x)(np.log(positive(x))), BASE),
    ("a complex logarithm", lambda x: np.real(np.where(x > 0, np.log(x + 0j * x), 0.0) * (1 + 1j)), safe_log, BASE),
    ("a complex phase", lambda x: np.imag(np.where(x != 0, (x + 2j * x * x) / np.abs(x + 2j * x * x), 0.0)), lambda x: (lambda y: np.where(x != 0, 2 * y * y / np.sqrt(y * y + 4 * y**4), 0.0))(nonzero(x)), BASE),
    ("counted weights", lambda x: np.bincount(np.array([0, 1, 1, 0]), weights=masked_sqrt(x)), lambda x: np.bincount(np.array([0, 1, 1, 0]), weights=safe_sqrt(x)), BASE),
    ("powers of a masked state", lambda x: ds.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, np.where(s[1] > 0, np.sqrt(s[1]), s[1])), (0, x))[1], lambda x: np.where(x > 0, positive(x) ** 0.25, x), BASE),
    ("rates of solve_ivp", integrated(masked_log), integrated(safe_log), BASE),
    ("states of solve_ivp", integrated_state(masked_sqrt), integrated_state(safe_sqrt), np.array([0.0, -1.5, 2.0, 0.7])),
]  # fmt: skip
