"""Circular functions and lengths: at most 2 units in the last place, and the edges of C's Annex F."""

import mpmath as mp
import numpy as np
import pytest

from tests.vectormath.units import DTYPES, check_edges, edges, everywhere, random, worst

CODES = ["f8", "f4"]
COUNT = 300


def uniform(low, high, count=COUNT):
    return random().uniform(low, high, count)


def angles(code):
    """Small, large and huge angles, the neighbours of multiples of pi / 2, and the worst of all doubles."""
    multiples = np.float64(np.pi / 2) * np.arange(1, COUNT)
    hard = [6381956970095103 * 2.0**797, 5.319372648326541e255] if code == "f8" else []
    sizes = [everywhere(code, COUNT), everywhere(code, COUNT, 14)]
    return np.concatenate([uniform(-10, 10), uniform(-1e6, 1e6), multiples, *sizes, hard])


def signed_ratios(code):
    """Numbers up to 1, many of them near 1."""
    near = 1 - np.ldexp(1.0, -random().integers(1, 50, COUNT)) * uniform(0.5, 1.0)
    return np.concatenate([uniform(-1, 1), near, -near, everywhere(code, COUNT, high=0), uniform(0.49, 0.51)])


def slopes(code):
    return np.concatenate([uniform(-1, 1), uniform(-10, 10), everywhere(code, COUNT)])


def points(code):
    """Of all sizes, alike or not; zeros, whose sign mpmath does not know, are left out."""
    small, other, sizes = uniform(-1, 1), uniform(-1, 1)[::-1], everywhere(code, COUNT)
    x = np.concatenate([sizes, sizes * small, small]).astype(DTYPES[code])
    y = np.concatenate([sizes[::-1], sizes * other, other]).astype(DTYPES[code])
    used = (x != 0) & (y != 0)
    return x[used], y[used]


CASES = {
    "sin": (mp.sin, angles),
    "cos": (mp.cos, angles),
    "tan": (mp.tan, angles),
    "arcsin": (mp.asin, signed_ratios),
    "arccos": (mp.acos, signed_ratios),
    "arctan": (mp.atan, slopes),
    "arctan2": (mp.atan2, points),
    "hypot": (mp.hypot, points),
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", CASES)
def test_within_two_units_in_the_last_place(name, code):
    function, sample = CASES[name]
    arrays = sample(code)
    error, point = worst(name, code, function, *(arrays if isinstance(arrays, tuple) else (arrays,)))
    assert error <= 2, point


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", ["sin", "cos", "tan", "arcsin", "arccos", "arctan"])
def test_edges(name, code):
    check_edges(name, code, edges(code))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", ["arctan2", "hypot"])
def test_edges_of_two_arguments(name, code):
    check_edges(name, code, *(x.ravel() for x in np.meshgrid(edges(code), edges(code))))
