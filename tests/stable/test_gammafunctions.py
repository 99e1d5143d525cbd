"""The gamma family: accuracy, the decimal reference inside, laws, edges and spellings."""

import math
from decimal import Decimal, localcontext

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import diffsci as ds
from diffsci import stable
from diffsci.primitives.special import exact_gamma
from diffsci.primitives.special.gamma_values import taylor
from tests.stable import rows

FAMILY = "rows_gammafunctions"
INF = math.inf
few = settings(max_examples=40, deadline=None, derandomize=True)
positive = st.floats(1e-12, 1e12)


@pytest.mark.parametrize("name", rows.names(FAMILY))
def test_against_mpmath(name):
    rows.check(FAMILY, name)


@pytest.mark.parametrize("x", ["0.3", "1.0000001", "7.25", "1e12", "-0.5", "-3.14", "-20.999"])
def test_decimal_functions_have_their_digits(x):
    with localcontext(prec=60), mp.workdps(80):
        exact = mp.log(abs(mp.gamma(mp.mpf(x)))) if abs(mp.mpf(x)) < 1e6 else mp.loggamma(mp.mpf(x))
        found = [exact_gamma.log_gamma(Decimal(x)), *(exact_gamma.polygamma(n, Decimal(x)) for n in range(4))]
        wanted = [exact, *(mp.polygamma(n, mp.mpf(x)) for n in range(4))]
        for ours, theirs in zip(found, wanted, strict=True):
            assert abs(mp.mpf(str(ours)) / theirs - 1) < mp.mpf("1e-50")


def test_coefficients_of_series():
    with mp.workdps(40):
        one = [-mp.euler, *((-1) ** k * mp.zeta(k) / k for k in range(2, 49))]
        two = [1 - mp.euler, *((-1) ** k * (mp.zeta(k) - 1) / k for k in range(2, 49))]
    assert taylor(1) == pytest.approx(list(map(float, one)), rel=1e-16)
    assert taylor(2) == pytest.approx(list(map(float, two)), rel=1e-16)


ZEROS = [
    1.0,
    2.0,
    -2.457024738220800,
    -2.747682646727412,
    -3.143580888349980,
    -3.955294284858598,
    -15.0000000000008,
]


@pytest.mark.parametrize("zero", ZEROS)
def test_neighbours_of_zeros(zero):
    """The doubles nearest to a zero of log Gamma, where it is far below the rounding of its terms."""
    with mp.workdps(60):
        root = (
            mp.findroot(lambda x: mp.log(abs(mp.gamma(x))), mp.mpf(zero), tol=1e-40)
            if zero < 0
            else mp.mpf(zero)
        )
        nearest = float(root)
        for x in (nearest, np.nextafter(nearest, 0.0), np.nextafter(nearest, -99.0)):
            exact = float(mp.log(abs(mp.gamma(mp.mpf(float(x))))))
            assert stable.gammaln(x) == pytest.approx(exact, rel=1e-15)
            assert ds.jit(stable.gammaln)(x) == stable.gammaln(x)


@few
@given(st.floats(1e-6, 1e6))
def test_recurrences(x):
    """log Gamma(x + 1) = log(x) + log Gamma(x), up to the rounding of x + 1 and of the sum."""
    higher, lower, slope = stable.gammaln(x + 1), stable.gammaln(x), stable.digamma(x + 1)
    rounding = 1e-15 * (abs(lower) + abs(math.log(x)) + (x + 1) * abs(slope))
    assert higher == pytest.approx(lower + math.log(x), abs=rounding, rel=1e-15)
    assert slope == pytest.approx(stable.digamma(x) + 1 / x, abs=4e-15 * (1 / x + abs(slope) + 1))


@few
@given(positive, positive)
def test_beta_is_symmetric(a, b):
    assert stable.betaln(a, b) == stable.betaln(b, a)
    of_first = ds.grad(stable.betaln)(a, b)
    assert of_first == ds.grad(stable.betaln, argnums=1)(b, a)
    assert of_first <= 0


@few
@given(positive)
def test_beta_of_one(a):
    assert stable.betaln(a, 1.0) == -math.log(a)
    assert stable.betaln(1.0, 1.0) == 0


@few
@given(st.floats(-30.0, -0.001))
def test_reflection(x):
    if x != round(x):
        mirrored = stable.digamma(x) - stable.digamma(1 - x)
        with mp.workdps(40):
            exact = -mp.pi * mp.cospi(mp.mpf(x)) / mp.sinpi(mp.mpf(x))
        size = abs(stable.digamma(x)) + abs(stable.digamma(1 - x))
        assert mirrored == pytest.approx(float(exact), abs=4e-15 * size)


EDGES = [
    (stable.gammaln, INF, INF, INF),
    (stable.gammaln, 5e-324, 744.4400719213812, -INF),
    (stable.gammaln, -5e-324, 744.4400719213812, INF),
    (stable.gammaln, 0.0, INF, -INF),
    (stable.digamma, INF, INF, 0.0),
    (stable.digamma, 1e300, 690.7755278982137, 1e-300),
    (lambda x: stable.betaln(x, 2.0), 1e300, -1381.5510557964274, -2e-300),
    (lambda x: stable.betaln(x, x), 1e-300, 691.468675078774, -1e300),
]


@pytest.mark.parametrize(("function", "x", "value", "first"), EDGES)
@pytest.mark.parametrize("compiled", [False, True])
def test_edges(function, x, value, first, compiled):
    wrap = ds.jit if compiled else lambda f: f
    assert wrap(function)(x) == pytest.approx(value, rel=1e-15)
    assert wrap(ds.grad(function))(x) == pytest.approx(first, rel=1e-15)


def test_derivatives_far_left():
    """Whatever the size: no sum over all poles on the way."""
    x = -1e15 - 0.5
    assert ds.grad(stable.digamma)(x) == pytest.approx(math.pi**2, rel=1e-14)


SPELLINGS = [
    (special.gammaln, stable.gammaln),
    (special.loggamma, stable.gammaln),
    (math.lgamma, stable.gammaln),
    (special.psi, stable.digamma),
    (special.digamma, stable.digamma),
    (lambda x: special.polygamma(0, x), stable.digamma),
    (lambda x: special.betaln(x, 0.4), lambda x: stable.betaln(x, 0.4)),
]


@pytest.mark.parametrize(("theirs", "ours"), SPELLINGS)
@pytest.mark.parametrize("x", [0.3, 1.0000001, 3.7])
def test_spellings(theirs, ours, x):
    assert ds.jvp(theirs, (x,), (1.0,)) == ds.jvp(ours, (x,), (1.0,))
    assert ds.jvp(theirs, (x,), (1.0,))[0] == ours(x)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1.0076965926193142, 1.0039424470521643),
        (1.6973919521010283, 0.8031905399659294),
        (4.083257436469799, 9.481199385450882),
        (1.754425810413977, 0.46127072920576906),
    ],
)
def test_log_beta_where_the_rounding_of_the_sum_would_show(a, b):
    with mp.workdps(50):
        exact = mp.log(mp.beta(mp.mpf(a), mp.mpf(b)))
        assert abs(mp.mpf(float(stable.betaln(a, b))) - exact) <= 8 * np.spacing(abs(float(exact)))
