"""Polynomials and roots of quadratics: accuracy, laws, edges and spellings."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffsci as ds
from diffsci import UnsupportedError, stable
from tests.stable import rows

FAMILY = "rows_polynomials"
INF, NAN = math.inf, math.nan
P = np.array([0.5, -2.0, 0.25, 3.0])
few = settings(max_examples=60, deadline=None, derandomize=True)
size = st.floats(1e-50, 1e50) | st.floats(0.1, 10.0)
coefficient = st.just(0.0) | size | size.map(lambda x: -x)


@pytest.mark.parametrize("name", rows.names(FAMILY))
def test_against_mpmath(name):
    rows.check(FAMILY, name)


@few
@given(size, coefficient, coefficient)
def test_roots_are_sorted_and_scale(a, b, c):
    roots = stable.quadratic_roots(a, b, c)
    assert not roots[1] < roots[0]
    np.testing.assert_array_equal(stable.quadratic_roots(-a, -b, -c), roots)
    np.testing.assert_array_equal(stable.quadratic_roots(a, -b, c), -roots[::-1])
    np.testing.assert_array_equal(stable.quadratic_roots(4 * a, 2 * b, c), roots / 2)
    np.testing.assert_array_equal(stable.quadratic_roots(8 * a, 8 * b, 8 * c), roots)
    if not np.isnan(roots).any():
        assert roots[0] * roots[1] == pytest.approx(c / a, rel=1e-14)
        assert roots[0] + roots[1] == pytest.approx(-b / a, rel=1e-14, abs=1e-14 * abs(roots[0]))


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        ((1.0, -3.0, 2.0), (1.0, 2.0)),
        ((1.0, -2.0, 1.0), (1.0, 1.0)),
        ((1.0, 0.0, 1.0), (NAN, NAN)),
        ((1.0, 0.0, 0.0), (0.0, 0.0)),
        ((1.0, 3.0, 0.0), (-3.0, 0.0)),
        ((0.0, 2.0, -3.0), (-INF, 1.5)),
        ((-0.0, 2.0, -3.0), (1.5, INF)),
        ((0.0, -2.0, 3.0), (1.5, INF)),
        ((0.0, 0.0, 1.0), (NAN, NAN)),
        ((0.0, 0.0, 0.0), (NAN, NAN)),
        ((1e200, -3e200, 2e200), (1.0, 2.0)),
        ((1e-200, -3e-200, 2e-200), (1.0, 2.0)),
        ((1.0, 1e200, 1.0), (-1e200, -1e-200)),
        ((1e-320, 1e-320, -2e-320), (-2.0, 1.0)),
        ((INF, 1.0, 1.0), (NAN, NAN)),
        ((1.0, NAN, 1.0), (NAN, NAN)),
    ],
)
def test_roots_at_the_edges(coefficients, expected):
    np.testing.assert_allclose(stable.quadratic_roots(*coefficients), expected, rtol=1e-3 * 2.0**-40 + 4e-16)
    compiled = ds.jit(stable.quadratic_roots)(*coefficients)
    np.testing.assert_array_equal(compiled, stable.quadratic_roots(*coefficients))


def test_slopes_of_roots():
    """Finite where only a is zero, infinite at a double root, NaN without roots."""
    finite = ds.grad(lambda a, b, c: stable.quadratic_roots(a, b, c)[1], argnums=(0, 1, 2))(0.0, 2.0, -3.0)
    np.testing.assert_allclose(finite, (-1.125, -0.75, -0.5))
    double = ds.jacobian(stable.quadratic_roots, argnums=2)(1.0, -2.0, 1.0)
    np.testing.assert_array_equal(double, [INF, -INF])
    assert np.isnan(ds.jacobian(stable.quadratic_roots, argnums=2)(1.0, 0.0, 1.0)).all()


def test_third_derivatives_of_roots():
    """Of x**2 + b x - 1 in b: the roots are -b/2 -+ sqrt(b**2/4 + 1)."""
    for b in (0.0, 0.3, -40.0):
        found = ds.taylor(lambda b: stable.quadratic_roots(1.0, b, -1.0)[1], (b,), (1.0,), 3)
        root = math.sqrt(b * b / 4 + 1)
        near = -b / 2 + root if b < 0 else 1 / (b / 2 + root)
        third = -3 * b / 16 / root**5
        np.testing.assert_allclose(found, [near, -near / (2 * root), 1 / 8 / root**3, third / 6], rtol=1e-13)


def test_roots_of_arrays():
    a = np.array([[1.0], [2.0]], np.float32)
    b = np.array([-3.0, -5.0], np.float32)
    roots = stable.quadratic_roots(a, b, np.float32(1.0))
    assert roots.shape == (2, 2, 2)
    assert roots.dtype == np.float32
    traced = ds.jvp(lambda a: stable.quadratic_roots(a, b, np.float32(1.0)), (a,), (a,))[0]
    np.testing.assert_array_equal(traced, roots)
    assert stable.quadratic_roots(1, -3, 2).dtype == float
    with pytest.raises(TypeError, match=r"numpy\.roots"):
        stable.quadratic_roots(1j, 1.0, 1.0)
    with pytest.raises(UnsupportedError, match=r"numpy\.roots"):
        ds.grad(lambda a: np.sum(stable.quadratic_roots(a, 1j, 1.0)))(1.0)


def test_polyval_is_that_of_numpy():
    x = np.array([[0.5, -2.0], [1e-3, 40.0]])
    expected = np.polyval(P, x)
    for function in (np.polyval, stable.polyval):
        np.testing.assert_allclose(ds.jit(lambda x, f=function: f(P, x))(x), expected, rtol=1e-15)
        np.testing.assert_allclose(ds.vjp(lambda x, f=function: f(P, x), x)[0], expected, rtol=1e-15)
    assert stable.polyval([1, 2, 3], 2) == 11.0
    assert stable.polyval([], 2.0) == 0.0
    assert stable.polyval(np.float32([1, 2]), np.float32(3)).dtype == np.float32
    assert stable.polyval([1, 2j], 3.0) == 3 + 2j


def test_derivatives_of_polyval():
    x = np.array([0.5, -2.0, 40.0])
    powers = np.vander(x, 4)
    value, (in_p, in_x) = ds.value_and_grad(lambda p, x: np.sum(np.polyval(p, x)), argnums=(0, 1))(P, x)
    np.testing.assert_allclose(value, np.sum(powers @ P), rtol=1e-15)
    np.testing.assert_allclose(in_p, powers.sum(0), rtol=1e-15)
    np.testing.assert_allclose(in_x, np.polyval(np.polyder(P), x), rtol=1e-15)
    mixed = ds.jacobian(ds.grad(lambda p, x: np.sum(np.polyval(p, x)), argnums=1))(P, x)
    slopes = np.stack([3 * x**2, 2 * x, x**0, 0 * x], 1)
    np.testing.assert_allclose(mixed, slopes, rtol=1e-15)
    other = ds.jit(ds.jacobian(ds.grad(lambda p, x: np.sum(np.polyval(p, x))), argnums=1))(P, x)
    np.testing.assert_allclose(other, slopes.T, rtol=1e-15)


def test_polyval_over_batches():
    points, many = np.array([0.5, -2.0]), np.stack([P, 2 * P])
    expected = np.stack([np.polyval(p, x) for p, x in zip(many, points, strict=True)])
    np.testing.assert_allclose(ds.vmap(np.polyval)(many, points), expected, rtol=1e-15)
    np.testing.assert_allclose(
        ds.vmap(np.polyval, in_axes=(0, None))(many, points)[1, 1], 2 * expected[1] / 2
    )


@pytest.mark.parametrize(
    ("p", "x", "expected"),
    [
        (P, INF, INF),
        (P, -INF, -INF),
        ([0.0, 0.0, 2.0], -INF, 2.0),
        ([-1.0, 1.0], INF, -INF),
        (P, NAN, NAN),
        ([NAN, 1.0], 2.0, NAN),
        ([INF, 1.0], 2.0, INF),
        ([1e300, -1e300], 1e300, INF),
        ([1e200, 0.0, -1e200], 1e60, INF),
        ([2.0**700, -(2.0**1000), 0.0], 2.0**300, 0.0),
        ([1.0, 0.0], 5e-324, 5e-324),
        ([1.0, 0.0, 0.0], 1e-170, 0.0),
    ],
)
def test_polyval_at_the_edges(p, x, expected):
    p = np.array(p)
    np.testing.assert_array_equal(stable.polyval(p, x), expected)
    np.testing.assert_array_equal(ds.jit(lambda x: np.polyval(p, x))(x), expected)


def test_polyval_next_to_a_multiple_root():
    """(x - 1)**9 in expanded form, where Horner's rule has no digit right."""
    p = np.rint(np.poly(np.ones(9)))
    x = 1 + 2.0 ** -np.arange(5.0, 50.0)
    np.testing.assert_array_equal(stable.polyval(p, x), (x - 1) ** 9)
    np.testing.assert_array_equal(ds.jit(lambda x: np.polyval(p, x))(x), (x - 1) ** 9)
    slope = ds.jvp(lambda x: np.polyval(p, x), (x,), (np.ones_like(x),))[1]
    np.testing.assert_array_equal(slope, 9 * (x - 1) ** 8)
