"""Small differences, quotients of exponentials, cardinal sines: accuracy, laws, edges and spellings."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import diffsci as ds
from diffsci import stable
from tests.stable import rows

FAMILY = "rows_small_differences"
INF = math.inf
few = settings(max_examples=60, deadline=None, derandomize=True)
any_size = st.floats(-600.0, 600.0) | st.floats(-1e-3, 1e-3) | st.floats(-1e-300, 1e-300)


@pytest.mark.parametrize("name", rows.names(FAMILY))
def test_against_mpmath(name):
    rows.check(FAMILY, name)


@few
@given(any_size)
def test_exponential_laws(x):
    assert stable.exprel(x) * stable.bernoulli(x) == pytest.approx(1.0, rel=1e-15)
    assert stable.bernoulli(-x) == pytest.approx(stable.bernoulli(x) + x, rel=1e-14)
    assert 1 + x * stable.phi2(x) == pytest.approx(stable.exprel(x), rel=1e-13, abs=1e-15)
    assert stable.exprel(-x) * math.exp(x) == pytest.approx(stable.exprel(x), rel=1e-14)


@few
@given(any_size)
def test_circular_laws(x):
    half = stable.sinc_unnormalized(x / 2)
    assert stable.cosm1(x) == pytest.approx(-0.5 * (x * half) ** 2, rel=2e-15, abs=1e-300)
    assert stable.sinc(-x) == stable.sinc(x)
    assert stable.cosm1(-x) == stable.cosm1(x)


@few
@given(st.floats(-1.0, 1e300))
def test_root_and_logarithm_laws(x):
    root = stable.sqrt1pm1(x)
    assert root * (root + 2) == pytest.approx(x, rel=2e-15)
    assert stable.log1pmx(x) + x == pytest.approx(stable.log1p(x), rel=1e-15, abs=1e-14 * abs(x))
    assert stable.expm1(stable.log1p(x)) == pytest.approx(x, rel=1e-12)


@pytest.mark.parametrize("x", [1e-9, 1e-5, 1e-300, 0.0])
def test_slope_of_sinc_near_zero(x):
    assert ds.grad(np.sinc)(x) == pytest.approx(-(math.pi**2) / 3 * x, rel=1e-9)
    assert ds.grad(ds.grad(np.sinc))(x) == pytest.approx(-(math.pi**2) / 3, rel=1e-9)


@pytest.mark.parametrize("x", [1.0, -3.0, 1e6, 2.0**53, 1e300])
def test_sinc_at_whole_numbers(x):
    assert stable.sinc(x) == 0
    sign = -1.0 if x % 2 else 1.0
    assert ds.grad(np.sinc)(x) == sign / x
    assert ds.grad(ds.grad(np.sinc))(x) == pytest.approx(-2 * sign / x / x, rel=1e-15)


def test_higher_derivatives_of_sinc():
    """Also where Taylor's series and the recurrence meet."""
    for function, w in ((stable.sinc, mp.pi), (stable.sinc_unnormalized, 1)):
        for x in (0.0, 0.31, 0.9999, 1.0001, 7.7, 1e5):
            found = ds.taylor(function, (x,), (1.0,), 6)
            with mp.workdps(60):
                expected = mp.taylor(lambda t, w=w: mp.sinc(w * t), mp.mpf(x), 6)
            np.testing.assert_allclose(found, np.array(expected, float), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize(
    ("function", "limits", "slopes"),
    [
        (stable.sinc, (0.0, 0.0), (0.0, 0.0)),
        (stable.sinc_unnormalized, (0.0, 0.0), (0.0, 0.0)),
        (stable.exprel, (0.0, INF), (0.0, INF)),
        (stable.phi2, (0.0, INF), (0.0, INF)),
        (stable.bernoulli, (INF, 0.0), (-1.0, 0.0)),
    ],
    ids=lambda f: getattr(f, "__name__", None),
)
def test_limits_at_infinity(function, limits, slopes):
    x = np.array([-INF, INF])
    np.testing.assert_array_equal(function(x), limits)
    np.testing.assert_array_equal(ds.jit(lambda x: function(x))(x), limits)
    np.testing.assert_array_equal(ds.jvp(function, (x,), (np.ones(2),))[1], slopes)


SPELLINGS = [
    (np.expm1, stable.expm1, 1),
    (np.log1p, stable.log1p, 1),
    (np.sinc, stable.sinc, 1),
    (special.exprel, stable.exprel, 1),
    (special.cosm1, stable.cosm1, 1),
    (special.xlogy, stable.xlogy, 2),
    (special.xlog1py, stable.xlog1py, 2),
]


@pytest.mark.parametrize(("known", "ours", "count"), SPELLINGS, ids=lambda f: getattr(f, "__name__", None))
def test_spellings_of_numpy_and_scipy(known, ours, count):
    operands = [np.array([1e-9, 0.3, 2.0, 6.283185307179586, 40.0])] * count
    tangents = [np.ones(5)] * count
    found = ds.jvp(known, tuple(operands), tuple(tangents))
    expected = ds.jvp(ours, tuple(operands), tuple(tangents))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(expected[0], ours(*operands))
    np.testing.assert_allclose(found[0], known(*operands), rtol=1e-13, atol=1e-16)


NAMES = "expm1 log1p log1pmx cosm1 sqrt1pm1 exprel phi2 bernoulli sinc sinc_unnormalized".split()


@pytest.mark.parametrize("name", NAMES)
def test_array_likes_and_numbers(name):
    function = getattr(stable, name)
    assert isinstance(function(1), np.float64)
    np.testing.assert_array_equal(function([[1, 2]]), function(np.array([[1.0, 2.0]])))
    single = function(np.array([0.3, 2.0], np.float32))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, function(single * 0 + np.float32([0.3, 2.0])))
    assert np.isnan(function(math.nan))
    assert np.isnan(ds.grad(function)(math.nan))
    assert ds.grad(function)(np.float32(0.3)).dtype == np.float32
    with np.errstate(all="raise"):
        function(np.array([0.0, 1e300, 1e-300]))


def test_products_with_logarithms_at_the_origin():
    for function, y in ((stable.xlogy, 0.0), (stable.xlog1py, -1.0)):
        assert function(0.0, y) == 0
        assert ds.grad(function, argnums=1)(0.0, y) == 0
        assert ds.grad(function, argnums=0)(0.0, y) == -INF


def test_third_derivative_of_a_square_at_zero():
    power = ds.grad(ds.grad(ds.grad(lambda x: x**2.0)))
    assert power(0.0) == 0
    assert ds.jit(power)(0.0) == 0


def test_complex_arguments():
    z = np.array([0.3 + 0.2j, -1.0 + 1e-9j])
    np.testing.assert_allclose(stable.exprel(z), (np.exp(z) - 1) / z, rtol=1e-14)
    np.testing.assert_allclose(stable.sinc(z), np.sin(np.pi * z) / (np.pi * z), rtol=1e-14)
    np.testing.assert_allclose(stable.cosm1(z), np.cos(z) - 1, rtol=1e-14)
