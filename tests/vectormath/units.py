"""Errors in units of the last place, and points where functions are looked at."""

import mpmath as mp
import numpy as np

from diffsci.backends.cpu import compile_graph
from tests.backends.common import one_op, type_of

DTYPES = {"f8": np.dtype(np.float64), "f4": np.dtype(np.float32)}


def compiled(name, code, *arrays):
    """The values of an operation in compiled code, on vectors."""
    arrays = [np.asarray(x, DTYPES[code]) for x in arrays]
    status, (got,) = compile_graph(one_op(name, [type_of(x.shape, x.dtype) for x in arrays])).run(arrays)
    assert status == 0
    return got


def worst(name, code, function, *arrays, digits=None):
    """The largest error in units of the last place of the true value, and where it is."""
    arrays = [np.asarray(x, DTYPES[code]) for x in arrays]
    with mp.workdps(digits or (400 if code == "f8" else 100)):
        points = list(zip(*(x.tolist() for x in arrays), strict=True))
        exact = [function(*map(mp.mpf, point)) for point in points]
        got = compiled(name, code, *arrays)
        errors = [_error(x, e, np.finfo(code)) for x, e in zip(got, exact, strict=True)]
    place = int(np.argmax(errors))
    return errors[place], points[place]


def _error(got, exact, info):
    """Subnormal numbers count in units of the smallest; infinity stands for what rounds to it."""
    largest = float(info.max)
    if abs(exact) > largest * (1 + float(info.eps) / 4):
        return 0.0 if np.isinf(got) and (got > 0) == (exact > 0) else np.inf
    if not np.isfinite(got):
        return np.inf
    exponent = mp.frexp(exact)[1] - 1 if exact else info.minexp
    unit = mp.mpf(2) ** (max(exponent, info.minexp) - info.nmant)
    return float(abs(mp.mpf(float(got)) - exact) / unit)


def random():
    return np.random.default_rng(11)


def everywhere(code, count, low=None, high=None):
    """Numbers of all exponents and both signs."""
    info = np.finfo(code)
    low, high = info.minexp - info.nmant if low is None else low, info.maxexp if high is None else high
    r = random()
    sizes = np.ldexp(1 + r.random(count), r.integers(low, high, count))
    return r.choice([-1.0, 1.0], count) * sizes


def edges(code):
    """Zeros, infinities, NaN, the smallest and the largest numbers, one."""
    info = np.finfo(code)
    sizes = [0.0, np.inf, info.smallest_subnormal, 3 * info.smallest_subnormal, info.max, 1.0, 0.5, 2.0]
    return np.array([np.nan, *sizes, *(-x for x in sizes)], DTYPES[code])


def check_edges(name, code, *arrays, rtol=None):
    """Compare with NumPy: signs of zeros, infinities, NaN."""
    arrays = [np.asarray(x, DTYPES[code]) for x in arrays]
    got = compiled(name, code, *arrays)
    with np.errstate(all="ignore"):
        want = getattr(np, name)(*(x.astype(float) for x in arrays)).astype(DTYPES[code])
    np.testing.assert_allclose(got, want, rtol=rtol or 4 * float(np.finfo(code).eps), atol=0)
    numbers = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got[numbers]), np.signbit(want[numbers]))
