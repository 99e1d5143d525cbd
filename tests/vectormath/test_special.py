"""sigmoid, softplus, erf and erfc: at most 2 units in the last place, tails and edges."""

import math

import mpmath as mp
import numpy as np
import pytest

from diffsci.tracing import trace_function
from diffsci.transforms import simplify
from tests.vectormath.units import DTYPES, compiled, everywhere, random, worst

CODES = ["f8", "f4"]
COUNT = 300
ENDS = {"f8": (745.0, 27.3), "f4": (104.0, 10.1)}  # where exp(-x) and erfc(x) vanish


def uniform(low, high):
    return random().uniform(low, high, COUNT)


def logistic(code):
    last = ENDS[code][0]
    sizes = [uniform(-1, 1), uniform(-40, 40), uniform(-last, last), uniform(-last, -0.9 * last)]
    return np.concatenate([*sizes, everywhere(code, COUNT)])


def errors(code):
    last = ENDS[code][1]
    sizes = [uniform(-1, 1), uniform(-last, last), uniform(0.99, 1.01), uniform(0.9 * last, last)]
    return np.concatenate([*sizes, everywhere(code, COUNT)])


def _sigmoid(x):
    z = mp.exp(-abs(x))
    return z / (1 + z) if x < 0 else 1 / (1 + z)


def _softplus(x):
    return max(x, 0) + mp.log1p(mp.exp(-abs(x)))


def _erfc(x):
    return mp.erfc(min(max(x, -(10**4)), 10**4))  # mpmath takes no larger ones; nothing changes beyond


CASES = {
    "sigmoid": (_sigmoid, logistic),
    "softplus": (_softplus, logistic),
    "erf": (mp.erf, errors),
    "erfc": (_erfc, errors),
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", CASES)
def test_within_two_units_in_the_last_place(name, code):
    function, sample = CASES[name]
    error, point = worst(name, code, function, sample(code))
    assert error <= 2, point


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", CASES)
def test_numbers_and_vectors_give_the_same(name, code):
    points = np.concatenate([CASES[name][1](code)[::50], [0.0, -0.0, np.inf, -np.inf, np.nan]])
    points = points.astype(DTYPES[code])
    ones = [compiled(name, code, x) for x in points]
    np.testing.assert_array_equal(ones, compiled(name, code, points))


EDGES = {
    "sigmoid": [(0.0, 0.5), (math.inf, 1.0), (-math.inf, 0.0), (1e30, 1.0), (-1e30, 0.0)],
    "softplus": [(math.inf, math.inf), (-math.inf, 0.0), (1e30, 1e30), (-1e30, 0.0)],
    "erf": [(0.0, 0.0), (-0.0, -0.0), (math.inf, 1.0), (-math.inf, -1.0)],
    "erfc": [(0.0, 1.0), (-0.0, 1.0), (math.inf, 0.0), (-math.inf, 2.0), (1e30, 0.0), (-1e30, 2.0)],
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", EDGES)
def test_edges(name, code):
    points, wanted = zip(*EDGES[name], (math.nan, math.nan), strict=True)
    got = compiled(name, code, np.array(points))
    np.testing.assert_array_equal(got, np.array(wanted, DTYPES[code]))
    np.testing.assert_array_equal(np.signbit(got[:-1]), np.signbit(wanted[:-1]))


def test_logarithm_of_a_sum_with_one_is_softplus():
    traced = trace_function(lambda x: np.logaddexp(0.0, x) + np.logaddexp(x, 0.0), (np.ones(100),))
    names = [node.name for node in simplify(traced.graph).nodes]
    assert names.count("softplus") == 1
    assert "logaddexp" not in names
