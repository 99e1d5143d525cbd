"""Gamma, log|Gamma| and digamma: at most 4 units in the last place where no terms cancel."""

import math

import mpmath as mp
import numpy as np
import pytest

from diffsci.backends.gamma_forms import DIGAMMA_LEAST, LOG_GAMMA_LEAST
from diffsci.backends.vectormath.table import FORMULAS
from tests.vectormath.units import DTYPES, compiled, everywhere, random, worst

CODES = ["f8", "f4"]
COUNT = 150
ZERO = 1.4616321449683622  # of digamma


def uniform(low, high):
    return random().uniform(low, high, COUNT)


def near(point):
    """Neighbours of a point at all distances."""
    return point + everywhere("f4", COUNT, -50, -2)


def positive(code):
    ranges = [uniform(0, 1), uniform(1, 3), uniform(2.4, 7), uniform(5.5, 30), uniform(30, 1e5)]
    return np.concatenate([*ranges, near(1.0), near(2.0), near(ZERO), abs(everywhere(code, COUNT, high=100))])


def negative(code):
    ranges = [uniform(-1, 0), uniform(-2, -1), uniform(-6, -2), uniform(-20, -6), uniform(-1000, -20)]
    x = np.concatenate([*ranges, -abs(everywhere(code, COUNT, high=0))]).astype(DTYPES[code])
    return x[x != np.rint(x)]


def _log_gamma(x):
    return mp.log(abs(mp.gamma(x))) if x < 0 else mp.loggamma(x).real


CASES = {"rough_gammaln": (_log_gamma, LOG_GAMMA_LEAST), "rough_psi": (mp.digamma, DIGAMMA_LEAST)}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", CASES)
def test_positive_arguments(name, code):
    error, point = worst(name, code, CASES[name][0], positive(code), digits=60)
    assert error <= 2, point


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", CASES)
def test_negative_arguments(name, code):
    function, least = CASES[name]
    x = negative(code)
    x = x[abs(compiled(name, code, x)) > least]
    assert len(x) > 4 * COUNT
    error, point = worst(name, code, function, x, digits=60)
    assert error <= 4, point


OVERFLOW = {"f8": 171.6243769563027, "f4": 35.04010009765625}  # the last number with a finite value


@pytest.mark.parametrize("code", CODES)
def test_gamma_function(code):
    last = OVERFLOW[code]
    x = np.concatenate([positive(code), uniform(20, last), uniform(last - 0.1, last), [last], negative(code)])
    error, point = worst("gamma", code, mp.gamma, x, digits=60)
    assert error <= FORMULAS["gamma"].error <= 4, point


@pytest.mark.parametrize("code", CODES)
def test_gamma_function_below_normal_numbers(code):
    low, high = {"f8": (-185, -170), "f4": (-43, -34)}[code]
    error, point = worst("gamma", code, mp.gamma, uniform(low, high), digits=60)
    assert error <= FORMULAS["gamma"].error, point


@pytest.mark.parametrize("code", CODES)
def test_factorials_are_exact(code):
    last = {"f8": 23, "f4": 14}[code]
    wanted = [math.factorial(n) for n in range(last)]
    np.testing.assert_array_equal(compiled("gamma", code, np.arange(1, last + 1)), np.array(wanted, code))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", [*CASES, "gamma"])
def test_numbers_and_vectors_give_the_same(name, code):
    points = np.concatenate([positive(code)[::40], negative(code)[::40]]).astype(DTYPES[code])
    np.testing.assert_array_equal([compiled(name, code, x) for x in points], compiled(name, code, points))


EDGES = {
    "gamma": [
        *((math.inf, math.inf), (-math.inf, math.nan), (0.0, math.inf), (-0.0, -math.inf)),
        *((-1.0, math.nan), (-2.0, math.nan), (-1e30, math.nan), (1e30, math.inf), (-1e5 - 0.5, 0.0)),
        *((5e-324, math.inf), (-5e-324, -math.inf)),
    ],
    "rough_gammaln": [
        *((x, math.inf) for x in (math.inf, 0.0, -0.0, -1.0, -2.0, -1e30)),
        *((-math.inf, -math.inf), (1.0, 0.0), (2.0, 0.0)),
    ],
    "rough_psi": [
        *((math.inf, math.inf), (-math.inf, math.nan), (0.0, -math.inf), (-0.0, math.inf)),
        *((-1.0, math.nan), (-1e30, math.nan)),
    ],
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", EDGES)
def test_edges(name, code):
    points, wanted = zip(*EDGES[name], (math.nan, math.nan), strict=True)
    np.testing.assert_array_equal(compiled(name, code, np.array(points)), np.array(wanted, DTYPES[code]))
