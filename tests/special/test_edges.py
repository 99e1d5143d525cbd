"""Poles, ends of domains, infinities, conventions, and what is refused."""

import math

import mpmath as mp
import numpy as np
import pytest
from scipy import special

import diffsci as ds
from diffsci import UnsupportedError
from diffsci.tracing.protocols import UFUNCS

X = np.array([0.3, 0.5, 0.7])
INF = np.inf


def summed(function):
    return ds.grad(lambda x: np.sum(function(x)))


@pytest.mark.parametrize(
    ("point", "value", "gradient"),
    [
        ([INF, 1.0], INF, [1.0, 0.0]),
        ([INF, INF], INF, [0.5, 0.5]),
        ([-INF, 1.0], 1.0, [0.0, 1.0]),
        ([-INF, -INF], -INF, [0.5, 0.5]),
        ([1e4, 0.0], 1e4, [1.0, 0.0]),
        ([0.0, -50.0], math.log1p(math.exp(-50.0)), [1.0, math.exp(-50.0)]),
    ],
)
def test_logsumexp_at_infinity(point, value, gradient):
    found, slope = ds.value_and_grad(special.logsumexp)(np.array(point))
    assert found == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(slope, gradient, rtol=1e-15)
    curvature = ds.hessian(special.logsumexp)(np.array(point))
    p = np.array(gradient)
    np.testing.assert_allclose(curvature, np.diag(p) - np.outer(p, p), atol=1e-16)


def test_logsumexp_with_weights_and_signs():
    a, b = np.array([1.0, 0.3, INF]), np.array([1.0, -5.0, 0.0])
    value, sign = special.logsumexp(a, b=b, return_sign=True)

    def size(a, b):
        return special.logsumexp(a, b=b, return_sign=True)[0]

    def signs(a):
        return special.logsumexp(a, b=b, return_sign=True)[1]

    found, gradient = ds.value_and_grad(size, argnums=(0, 1))(a, b)
    assert found == pytest.approx(value, rel=1e-15)
    assert ds.jvp(signs, (a,), (np.ones(3),)) == (sign, 0.0)
    total = math.exp(1.0) - 5 * math.exp(0.3)
    np.testing.assert_allclose(gradient[0], [math.exp(1.0) / total, -5 * math.exp(0.3) / total, 0.0])
    np.testing.assert_allclose(gradient[1][:2], [math.exp(1.0) / total, math.exp(0.3) / total])
    assert np.isnan(special.logsumexp(a, b=b))
    assert np.isnan(ds.value_and_grad(lambda a: special.logsumexp(a, b=b))(a)[0])


@pytest.mark.parametrize(("x", "y"), [(0.0, 2.0), (0.0, 0.5)])
def test_xlogy_at_zero(x, y):
    value, gradient = ds.value_and_grad(special.xlogy, argnums=(0, 1))(x, y)
    assert (value, *gradient) == (0.0, math.log(y), 0.0)
    mixed = ds.hessian(lambda v: special.xlogy(v[0], v[1]))(np.array([x, y]))
    np.testing.assert_allclose(mixed, [[0.0, 1 / y], [1 / y, 0.0]], rtol=1e-15)


def test_xlogy_at_the_origin():
    assert ds.grad(special.xlogy, argnums=1)(0.0, 0.0) == 0.0
    assert ds.grad(special.xlogy, argnums=0)(0.0, 0.0) == -INF


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("gamma", -2.0), ("psi", -2.0), ("y0", -1.0), ("k0", -1.0), ("ellipk", 2.0),
        ("logit", 1.5), ("ndtri", -0.5), ("erfinv", 1.5), ("spence", -1.0),
    ],
)  # fmt: skip
def test_no_numbers_outside_the_domain(name, point):
    function = getattr(special, name)
    value, slope = ds.value_and_grad(lambda x: function(x))(point)
    assert np.array_equal(value, function(point), equal_nan=True)
    assert not np.isfinite(slope)


def test_scaled_bessel_functions_at_their_kink():
    assert ds.grad(special.i0e)(0.0) == 0.0
    assert ds.grad(special.i1e)(0.0) == 0.5


def test_orders_are_data():
    orders = np.arange(3)[:, None]
    value, moved = ds.jvp(lambda x: special.jv(orders, x), (X,), (np.ones(3),))
    np.testing.assert_array_equal(value, special.jv(orders, X))
    np.testing.assert_allclose(moved, special.jvp(orders, X), rtol=1e-13)
    with pytest.raises(UnsupportedError, match=r"derivative of jv in the order .*test_edges.py:\d+"):
        ds.grad(lambda v: np.sum(special.jv(v, X)))(1.5)
    held = ds.grad(lambda v: special.jv(ds.stop_gradient(v), v))(1.5)
    assert held == pytest.approx(special.jvp(1.5, 1.5), rel=1e-13)


ONE_ARGUMENT = sorted(
    {
        name
        for name in dir(special)
        if isinstance(function := getattr(special, name), np.ufunc)
        and function.nin == 1
        and function.__name__ in UFUNCS
    }
)


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_single_precision_is_kept(name):
    function, x = getattr(special, name), X.astype(np.float32)
    found, moved = ds.jvp(lambda x: function(x), (x,), (np.ones_like(x),))
    plain = function(x)
    for part, slope, expected in zip(*map(as_tuple, (found, moved, plain)), strict=True):
        assert part.dtype == slope.dtype == expected.dtype
        np.testing.assert_allclose(part, expected, rtol=1e-6)


def as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


FORMS = {
    "comb": lambda x: special.comb(x * 10, 2),
    "comb with repetition": lambda x: special.comb(x * 10, 2, repetition=True),
    "perm": lambda x: special.perm(x * 10, 2),
    "factorial": lambda x: special.factorial(x),
    "multigammaln": lambda x: special.multigammaln(x + 3, 2),
    "spherical_jn'": lambda x: special.spherical_jn(np.arange(3), x, derivative=True),
    "jvp": lambda x: special.jvp(1, x, 2),
    "yvp": lambda x: special.yvp(1.5, x, 3),
    "ivp": lambda x: special.ivp(1.5, x, 3),
    "kvp": lambda x: special.kvp(1.5, x, 3),
    "huber": lambda x: special.huber(0.4, x),
    "polygamma of several orders": lambda x: special.polygamma(np.arange(3), x),
    "gdtr": lambda x: special.gdtr(1.0, 2.0, x),
    "chdtr": lambda x: special.chdtr(3.0, x),
    "kn": lambda x: special.kn(2, x),
    "yn": lambda x: special.yn(2, x),
    "hankel1": lambda x: np.abs(special.hankel1(1, x)),
    "gammaincinv": lambda x: special.gammaincinv(2.0, x),
    "betaincinv": lambda x: special.betaincinv(2.0, 3.0, x),
    "stdtrit": lambda x: special.stdtrit(3.0, x),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_python_functions_of_scipy(form):
    value, moved = ds.jvp(form, (X,), (np.ones(3),))
    np.testing.assert_allclose(value, form(X), rtol=1e-14)
    np.testing.assert_allclose(moved, differences(form), rtol=1e-9)
    compiled = ds.jit(lambda x: ds.jvp(form, (x,), (np.ones(3),))[1])
    np.testing.assert_allclose(compiled(X), moved, rtol=1e-13)


def differences(form, h=2e-3):
    """Central differences extrapolated twice."""
    slopes = [(form(X + h / 2**k) - form(X - h / 2**k)) * 2**k / (2 * h) for k in range(3)]
    first = [(4 * slopes[k + 1] - slopes[k]) / 3 for k in range(2)]
    return (16 * first[1] - first[0]) / 15


def test_what_is_not_supported_says_so():
    with pytest.raises(UnsupportedError, match=r"comb with exact=True.*test_edges.py:\d+"):
        ds.grad(lambda x: special.comb(x, 2, exact=True))(4.0)
    with pytest.raises(UnsupportedError, match=r"pbdv.*test_edges.py:\d+"):
        ds.grad(lambda x: special.pbdv(1.0, x)[0])(0.5)


def test_small_values_of_the_gamma_function():
    """They agree in interpreted and compiled code, where SciPy's are already zero."""
    x = np.array([-170.3, -170.7, -171.5, -177.5])
    judged = [float(mp.gamma(point)) for point in x.tolist()]
    for function in (ds.jit(special.gamma), ds.jit(special.gamma, backend="numpy")):
        np.testing.assert_allclose(function(x), judged, rtol=1e-14, atol=1e-323)
