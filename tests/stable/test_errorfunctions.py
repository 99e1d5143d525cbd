"""Error functions and the normal distribution: accuracy, coefficients, laws, edges and spellings."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import diffsci as ds
from diffsci import stable
from diffsci.primitives.special.error_values import TAILS
from tests.stable import rows

FAMILY = "rows_errorfunctions"
INF = math.inf
few = settings(max_examples=60, deadline=None, derandomize=True)
any_size = st.floats(-40.0, 40.0) | st.floats(-1.0, 1.0) | st.floats(-1e300, 1e300)


@pytest.mark.parametrize("name", rows.names(FAMILY))
def test_against_mpmath(name):
    rows.check(FAMILY, name)


def _chebyshev(function, count):
    """Coefficients of a function on [-1, 1], by interpolation."""
    n = count + 20
    angles = [mp.pi * (k + mp.mpf(1) / 2) / n for k in range(n)]
    values = [function(mp.cos(angle)) for angle in angles]
    found = [
        2 * mp.fsum(v * mp.cos(j * a) for v, a in zip(values, angles, strict=True)) / n for j in range(n)
    ]
    return [found[0] / 2, *found[1:]]


def _monomials(chebyshev):
    """The polynomial of a Chebyshev series, lowest coefficient first."""
    total, before, current = [mp.mpf(0)] * len(chebyshev), [], [mp.mpf(1)]
    for n, weight in enumerate(chebyshev):
        for power, c in enumerate(current):
            total[power] += weight * c
        doubled = [mp.mpf(0), *((1 if n == 0 else 2) * c for c in current)]
        before, current = current, [c - (before[k] if k < len(before) else 0) for k, c in enumerate(doubled)]
    return total


def _scaled_tail(x, rate, order):
    """The derivative of order up to 2 of exp(rate x**2) erfc(sqrt(rate) x)."""
    u = mp.sqrt(rate) * x
    value = mp.exp(u * u) * mp.erfc(u)
    first = 2 * rate * x * value - 2 * mp.sqrt(rate / mp.pi)
    return (value, first, 2 * rate * (x * first + value))[order]


@pytest.mark.parametrize(("rate", "order"), TAILS)
def test_coefficients_of_tails(rate, order):
    tail = TAILS[rate, order]

    def scaled(t):
        x = tail.centre * (1 + t) / (1 - t)
        return (-1) ** order * _scaled_tail(x, mp.mpf(rate), order) * (x + tail.shift) ** (order + 1)

    count = len(tail.coefficients)
    with mp.workdps(400), mp.extradps(1):
        series = _chebyshev(scaled, count)
        wanted = _monomials(series[:count])
    assert max(map(abs, series[count:])) < 2e-17
    for found, exact in zip(tail.coefficients, wanted, strict=True):
        assert found == pytest.approx(float(exact), rel=1e-15)


@few
@given(any_size)
def test_laws(x):
    assert stable.erfc(x) + stable.erfc(-x) == pytest.approx(2.0, rel=5e-16)
    assert stable.ndtr(x) + stable.ndtr(-x) == pytest.approx(1.0, rel=5e-16)
    if -37 < x < 0:
        assert stable.log_ndtr(x) == pytest.approx(math.log(stable.ndtr(x)), rel=2e-15)
    if abs(x) < 26:
        assert stable.erfcx(x) * math.exp(-x * x) == pytest.approx(stable.erfc(x), rel=3e-13)


@few
@given(st.floats(-30.0, 30.0))
def test_slopes_of_logarithm(x):
    """The slope of log F is the density divided by F, and the next one -s (x + s)."""
    slope = ds.grad(stable.log_ndtr)(x)
    assert slope == pytest.approx(ds.grad(stable.ndtr)(x) / stable.ndtr(x), rel=1e-14)
    exact = mp.mpf(float(slope))
    if x > -1:
        assert ds.grad(ds.grad(stable.log_ndtr))(x) == pytest.approx(float(-exact * (x + exact)), rel=2e-14)


EDGES = [
    (stable.erfc, INF, 0.0, 0.0, 0.0),
    (stable.erfc, -INF, 2.0, 0.0, 0.0),
    (stable.erfcx, INF, 0.0, 0.0, 0.0),
    (stable.erfcx, -INF, INF, -INF, INF),
    (stable.ndtr, INF, 1.0, 0.0, 0.0),
    (stable.ndtr, -INF, 0.0, 0.0, 0.0),
    (stable.log_ndtr, INF, 0.0, 0.0, 0.0),
    (stable.log_ndtr, -INF, -INF, INF, -1.0),
    (stable.log_ndtr, -1e300, -INF, 1e300, -1.0),
]


@pytest.mark.parametrize(("function", "x", "value", "first", "second"), EDGES)
@pytest.mark.parametrize("compiled", [False, True])
def test_edges(function, x, value, first, second, compiled):
    wrap = ds.jit if compiled else lambda f: f
    slope = ds.grad(function)
    assert wrap(function)(x) == value
    assert wrap(slope)(x) == first
    assert wrap(ds.grad(slope))(x) == second


SPELLINGS = [
    (special.erfc, stable.erfc),
    (math.erfc, stable.erfc),
    (special.erfcx, stable.erfcx),
    (special.ndtr, stable.ndtr),
    (special.log_ndtr, stable.log_ndtr),
]


@pytest.mark.parametrize(("theirs", "ours"), SPELLINGS)
@pytest.mark.parametrize("x", [-20.3, -0.3, 0.1, 25.7])
def test_spellings(theirs, ours, x):
    assert ds.jvp(theirs, (x,), (1.0,)) == ds.jvp(ours, (x,), (1.0,))
    assert ds.jvp(theirs, (x,), (1.0,))[0] == ours(x)


def test_array_like():
    assert isinstance(stable.erfc(1), float)
    assert stable.ndtr([0, 1]).dtype == np.float64
    assert stable.erfcx(np.float32([0.5, 2.0])).dtype == np.float32


def test_third_derivatives():
    """Of a family that is closed under differentiation, every order keeps its digits."""
    x = np.array([-3.0, 0.3, 5.0, 1e8])
    third = ds.grad(lambda x: ds.grad(lambda x: ds.grad(lambda x: stable.erfcx(x).sum())(x).sum())(x).sum())(
        x
    )
    with mp.workdps(60):
        for found, point in zip(third[:3], x, strict=False):
            exact = mp.diff(lambda t: mp.exp(t * t) * mp.erfc(t), mp.mpf(point), 3)
            assert found == pytest.approx(float(exact), rel=1e-13)
    assert third[3] == pytest.approx(-6 / math.sqrt(math.pi) * 1e-32, rel=1e-13)
