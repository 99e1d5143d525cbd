"""Taylor coefficients against mpmath, their algebra, and their nesting with the other transformations."""

import math

import mpmath
import numpy as np
import pytest
import scipy.linalg

import diffsci as ds
from diffsci.tracing import trace_function
from diffsci.transforms import taylor_graph

ORDER = 10
AT = 0.4

# name, function of a float, the same for mpmath
FUNCTIONS = [
    ("exp", np.exp, mpmath.exp),
    ("expm1", np.expm1, mpmath.expm1),
    ("log", np.log, mpmath.log),
    ("log1p", np.log1p, mpmath.log1p),
    ("sqrt", np.sqrt, mpmath.sqrt),
    ("cbrt", np.cbrt, mpmath.cbrt),
    ("sin", np.sin, mpmath.sin),
    ("tan", np.tan, mpmath.tan),
    ("tanh", np.tanh, mpmath.tanh),
    ("arcsin", np.arcsin, mpmath.asin),
    ("arctan", np.arctan, mpmath.atan),
    ("arcsinh", np.arcsinh, mpmath.asinh),
    ("power", lambda x: x**2.5, lambda x: x ** mpmath.mpf(2.5)),
    ("x**x", lambda x: x**x, lambda x: x**x),
    ("x**5", lambda x: x**5, lambda x: x**5),
    ("x**-3", lambda x: x**-3, lambda x: x**-3),
    ("logaddexp", lambda x: np.logaddexp(x, 0.25), lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(0.25))),
    (
        "composition",
        lambda x: np.exp(np.sin(x)) / (1.0 + x * x) * np.sqrt(x),
        lambda x: mpmath.exp(mpmath.sin(x)) / (1 + x * x) * mpmath.sqrt(x),
    ),
]


@pytest.mark.parametrize(("name", "f", "exact"), FUNCTIONS, ids=[row[0] for row in FUNCTIONS])
def test_coefficients_are_those_of_mpmath(name, f, exact):
    with mpmath.workdps(40):
        expected = [float(c) for c in mpmath.taylor(exact, mpmath.mpf(AT), ORDER)]
    found = ds.taylor(f, (AT,), (1.0,), ORDER)
    assert len(found) == ORDER + 1
    np.testing.assert_allclose([float(c) for c in found], expected, rtol=5e-14, atol=1e-15)


def test_linear_systems_by_their_closed_form():
    """(I - t N)^-1 b = sum of t^k N^k b."""
    n = np.array([[0.1, 0.7], [0.3, -0.2]])
    b = np.array([1.0, 2.0])
    found = ds.taylor(lambda t: np.linalg.solve(np.eye(2) - t * n, b), (0.0,), (1.0,), 6)
    for k, c in enumerate(found):
        np.testing.assert_allclose(c, np.linalg.matrix_power(n, k) @ b, rtol=1e-14)


def test_matrix_exponential_by_its_series():
    n = np.array([[0.1, 0.7], [0.3, -0.2]])
    found = ds.taylor(lambda t: scipy.linalg.expm(t * n), (0.0,), (1.0,), 8)
    for k, c in enumerate(found):
        np.testing.assert_allclose(c, np.linalg.matrix_power(n, k) / math.factorial(k), rtol=1e-12)


def test_eigenvalues_by_their_closed_form():
    """The eigenvalues of [[1, t], [t, -1]] are +- sqrt(1 + t^2)."""

    def spectrum(t):
        return np.linalg.eigvalsh(np.array([[1.0, t], [t, -1.0]]))

    expected = [1.0, 0.0, 1 / 2, 0.0, -1 / 8, 0.0, 1 / 16]
    for c, e in zip(ds.taylor(spectrum, (0.0,), (1.0,), 6), expected, strict=True):
        np.testing.assert_allclose(c, [-e, e], atol=1e-14)


def model(x, p):
    return {"y": np.exp(-p["k"] * x) * np.cumsum(x), "n": len(x)}


X, P = np.array([0.3, 0.8, -0.2]), {"k": 0.7}


def test_containers_and_integer_results():
    c = ds.taylor(model, (X, P), (np.ones(3), {"k": 0.1}), 3)
    assert [set(part) for part in c] == [{"y", "n"}] * 4
    assert [part["n"] for part in c] == [3, 0.0, 0.0, 0.0]
    moved = [model(X + t, {"k": 0.7 + 0.1 * t})["y"] for t in (-1e-2, 1e-2)]
    series = [sum(part["y"] * t**k for k, part in enumerate(c)) for t in (-1e-2, 1e-2)]
    np.testing.assert_allclose(series, moved, rtol=1e-7)


def test_along_a_curve():
    """With higher coefficients of the input: f(x + t + t^2 / 2)."""
    found = ds.taylor(np.exp, (0.0,), (1.0,), 4, higher=((0.5,),))
    with mpmath.workdps(30):
        expected = mpmath.taylor(lambda t: mpmath.exp(t + t * t / 2), 0, 4)
    np.testing.assert_allclose([float(c) for c in found], [float(c) for c in expected], rtol=1e-14)


def f(x):
    return np.sum(np.exp(np.sin(x)) * x)


V = np.array([1.0, -0.5, 2.0])


def third(x):
    return ds.taylor(f, (x,), (V,), 3)[3]


def nested(x):
    inner = f
    for _ in range(3):
        inner = lambda x, g=inner: ds.jvp(g, (x,), (V,))[1]  # noqa: E731
    return inner(x) / 6.0


def test_gradient_of_taylor_is_taylor_of_gradient():
    expected = ds.grad(nested)(X)
    np.testing.assert_allclose(ds.grad(third)(X), expected, rtol=1e-12)
    np.testing.assert_allclose(ds.taylor(ds.grad(f), (X,), (V,), 3)[3], expected, rtol=1e-12)


def test_taylor_of_taylor():
    """The coefficients of t^j s^k of f(x + (t + s) v) are binomial multiples of each other."""
    twice = ds.taylor(lambda x: ds.taylor(f, (x,), (V,), 2)[2], (X,), (V,), 2)[2]
    np.testing.assert_allclose(twice, math.comb(4, 2) * ds.taylor(f, (X,), (V,), 4)[4], rtol=1e-12)


def test_compiled_and_vectorised():
    compiled = ds.jit(third)
    for x in (X, X + 0.1, X):
        np.testing.assert_allclose(compiled(x), third(x), rtol=1e-12)
    many = np.stack([X, 2.0 * X])
    np.testing.assert_allclose(ds.vmap(third)(many), [third(x) for x in many], rtol=1e-13)


def test_through_loops_and_branches():
    """Rolled loops and cond, of known and unknown length, beside the same in plain Python."""

    def rolled(x):
        y = ds.fori_loop(0, 3, lambda i, y: y + 0.1 * np.sin(y) * x, x)
        y = ds.while_loop(lambda y: np.sum(y) < 20.0, lambda y: y * (1.0 + 0.3 * np.cos(x)), y)
        return ds.cond(np.sum(x) > 0.0, lambda y: y * y, lambda y: -y, y)

    def plain(x):
        y = x
        for _ in range(3):
            y = y + 0.1 * np.sin(y) * x
        while np.sum(y) < 20.0:
            y = y * (1.0 + 0.3 * np.cos(x))
        return y * y

    for a, b in zip(ds.taylor(rolled, (X,), (V,), 5), ds.taylor(plain, (X,), (V,), 5), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_masked_branches_have_no_coefficients():
    def masked(x):
        return np.where(x > 0, np.log(x), 0.0)

    expected = [[0.0, np.log(2.0)], [0.0, 0.5], [0.0, -0.125], [0.0, 1 / 24]]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(ds.taylor(masked, (np.array([0.0, 2.0]),), (np.ones(2),), 3), expected)


def test_order_zero_and_bad_orders():
    assert [float(c) for c in ds.taylor(np.exp, (0.0,), (1.0,), 0)] == [1.0]
    for order in (-1, 1.5, True):
        with pytest.raises(ValueError, match="order must be a whole number"):
            ds.taylor(np.exp, (0.0,), (1.0,), order)


def test_single_precision_is_kept():
    x = np.array([0.3, 0.8], np.float32)
    assert all(np.asarray(c).dtype == np.float32 for c in ds.taylor(np.tanh, (x,), (x,), 4))


def test_the_program_grows_with_the_square_of_the_order():
    """Nodes per operation, not time: doubling the order may quadruple them, not more."""
    graph = trace_function(lambda x: np.tanh(x) / (1.0 + np.exp(-x)), (0.3,)).graph
    few, many = (len(taylor_graph(graph, order, degree=1).nodes) for order in (8, 16))
    assert many < 4.0 * few
