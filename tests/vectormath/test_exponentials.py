"""Exponentials, logarithms, powers and hyperbolic functions: units in the last place, and C's Annex F."""

import mpmath as mp
import numpy as np
import pytest

from diffsci.backends.cpu import compile_graph
from diffsci.backends.vectormath.table import FORMULAS
from diffsci.graph import Builder, Graph
from tests.backends.common import type_of
from tests.vectormath.units import DTYPES, check_edges, compiled, edges, everywhere, random, worst

CODES = ["f8", "f4"]
COUNT = 300
LIMITS = {"f8": 745.0, "f4": 104.0}  # exp is a number below, and beyond minus this 0


def uniform(low, high, count=COUNT):
    return random().uniform(low, high, count)


def exponents(code):
    limit = LIMITS[code]
    ends = [uniform(-limit, -0.93 * limit), uniform(0.93 * limit, limit)]
    return np.concatenate([uniform(-limit, limit), uniform(-1, 1), everywhere(code, COUNT), *ends])


def binary_exponents(code):
    return exponents(code) / np.log(2)


def positive(code):
    """Numbers of all sizes, and the neighbourhoods of 1 and of the powers of two."""
    near = 1 + np.ldexp(uniform(-1, 1), -random().integers(1, 50, COUNT))
    switches = np.sqrt(0.5) * (1 + np.ldexp(uniform(-1, 1), -20)) * 2.0 ** random().integers(-9, 9, COUNT)
    return nonzero(code, np.abs(np.concatenate([everywhere(code, COUNT), uniform(0, 4), near, switches])))


def nonzero(code, x):
    """Without what is zero in this precision."""
    x = x.astype(DTYPES[code])
    return x[x != 0]


def above_minus_one(code):
    near = -1 + np.ldexp(1.0, -random().integers(1, 20, COUNT))
    return np.concatenate([np.abs(everywhere(code, COUNT)), -positive(code) % 1, near, uniform(-0.5, 4)])


def from_one(code):
    return np.concatenate([1 + positive(code), uniform(1, 2)])


def below_one(code):
    near = 1 - np.ldexp(1.0, -random().integers(1, 24, COUNT))
    return np.concatenate([uniform(-1, 1), near, -near, everywhere(code, COUNT, high=0), uniform(0.1, 0.3)])


def bounded(code):
    return np.concatenate([uniform(-25, 25), uniform(-1, 1), everywhere(code, COUNT)])


def any_number(code):
    return nonzero(code, np.concatenate([everywhere(code, COUNT), uniform(-9, 9)]))


def bases_and_exponents(code):
    """Bases of all sizes and near 1, with exponents whose powers are numbers, and small whole ones."""
    x = positive(code)
    logarithms = np.log2(x.astype(float))
    limit = 1074 if code == "f8" else 149
    with np.errstate(all="ignore"):
        y = np.nan_to_num(random().uniform(-limit, limit, x.size) / logarithms, posinf=1.0, neginf=1.0)
    y = np.clip(y, -1e30, 1e30)
    whole = random().integers(-5, 6, x.size)
    return np.concatenate([x, np.where(whole % 2, -x, x)]), np.concatenate([y, whole])


def cube_root(x):
    return mp.sign(x) * mp.cbrt(abs(x))


CASES = {
    "exp": (mp.exp, exponents),
    "exp2": (lambda x: mp.mpf(2) ** x, binary_exponents),
    "expm1": (mp.expm1, exponents),
    "log": (mp.log, positive),
    "log1p": (mp.log1p, above_minus_one),
    "log2": (lambda x: mp.log(x) / mp.ln2, positive),
    "log10": (mp.log10, positive),
    "sinh": (mp.sinh, exponents),
    "cosh": (mp.cosh, exponents),
    "tanh": (mp.tanh, bounded),
    "arcsinh": (mp.asinh, bounded),
    "arccosh": (mp.acosh, from_one),
    "arctanh": (mp.atanh, below_one),
    "cbrt": (cube_root, any_number),
    "pow": (mp.power, bases_and_exponents),
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", CASES)
def test_within_stated_units_in_the_last_place(name, code):
    function, sample = CASES[name]
    arrays = sample(code)
    error, point = worst(name, code, function, *(arrays if isinstance(arrays, tuple) else (arrays,)))
    assert error <= FORMULAS[name].error <= 2, point


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", [name for name in CASES if name != "pow"])
def test_edges(name, code):
    check_edges(name, code, np.concatenate([edges(code), np.array([-2.0, -1.0, 2.0]) * LIMITS[code]]))


@pytest.mark.parametrize("code", CODES)
def test_edges_of_powers(code):
    """Every pair of special numbers, whole exponents odd and even, small and too large to have halves."""
    whole = np.array([3, -3, 4, -4, 2.5, 2.0**52 + 1, 2.0**53, 1e300], DTYPES["f8"])
    with np.errstate(over="ignore"):
        special = np.concatenate([edges(code), whole.astype(DTYPES[code])])
    check_edges("pow", code, *(x.ravel() for x in np.meshgrid(special, special)))


@pytest.mark.parametrize("code", CODES)
def test_a_rare_argument_does_not_change_its_neighbours(code):
    """Special cases are computed in a block that runs for whole vectors."""
    for name in [name for name in CASES if name != "pow"]:
        x = (1 + uniform(0.1, 0.8, 64)).astype(DTYPES[code]) - (name == "arctanh")
        mixed = np.where(np.arange(64) % 3, x, DTYPES[code].type(np.nan))
        np.testing.assert_array_equal(compiled(name, code, mixed)[1::3], compiled(name, code, x)[1::3])


@pytest.mark.parametrize("name", ["sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "cbrt", "log10"])
def test_numbers_by_themselves_are_as_accurate(name):
    """Straight-line code takes the formula where C libraries err by more."""
    sample = CASES[name][1]
    points = random().permutation(sample("f8"))[:200]
    b = Builder()
    inputs = [b.input(type_of(())) for _ in points]
    program = compile_graph(Graph(inputs, [b.emit(name, x) for x in inputs]))
    _, got = program.run([np.float64(x) for x in points])
    np.testing.assert_array_equal(got, compiled(name, "f8", points))
