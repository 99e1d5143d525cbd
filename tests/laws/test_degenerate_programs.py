"""Derivatives at equal eigenvalues in larger programs: loops, branches, roots, integrations."""

import numpy as np
import pytest
import scipy.linalg as sl

import diffsci as ds
from solvers import solve_ivp
from tests.laws.test_degenerate import STEP, WEIGHTS, cube, symmetric

la = np.linalg


def power_slope(a, exponent, step):
    """The derivative of a matrix power, by divided differences (Daleckii and Krein)."""
    w, v = la.eigh(a)
    mean, gap = (w[:, None] + w) / 2, w[:, None] - w
    far = np.abs(gap) > 1e-6
    table = np.where(
        far, (w[:, None] ** exponent - w**exponent) / np.where(far, gap, 1), exponent * mean ** (exponent - 1)
    )
    return v @ (table * (v.T @ step @ v)) @ v.T


@pytest.mark.parametrize("compiled", [False, True])
def test_inside_rolled_loops(compiled):
    def body(x, _):
        w, v = la.eigh(x)
        return (v * np.sqrt(w)) @ v.T, w[0]

    def total(x):
        return np.sum(WEIGHTS * ds.scan(body, x, np.zeros(3))[0])

    gradient = ds.jit(ds.grad(total)) if compiled else ds.grad(total)
    for values in ([1, 1, 2, 3], [1, 2, 3, 4]):
        a = symmetric(values)
        expected = np.sum(WEIGHTS * power_slope(a, 1 / 8, STEP))
        assert np.sum(gradient(a) * np.tril(STEP)) == pytest.approx(expected, rel=1e-11)


def test_branches_calls_and_checkpoints():
    a = symmetric([1, 1, 2, 3])
    expected = ds.grad(cube)(a)
    for f in (
        ds.jit(cube),
        ds.checkpoint(cube),
        lambda x: ds.cond(x[0, 0] < 100, cube, np.sum, x),
        lambda x: cube(x) if x[0, 0] < 100 else np.sum(x),
    ):
        np.testing.assert_allclose(ds.grad(f)(a), expected, atol=1e-12)
        np.testing.assert_allclose(ds.jit(ds.grad(f))(a), expected, atol=1e-12)


def test_functions_of_derivatives():
    """Where a derivative goes into other functions, it is its own limit first."""
    a = symmetric([1, 1, 1, 3])
    lower = np.tril(STEP)
    gradient = ds.grad(cube)
    bend = ds.hvp(cube, (a,), (lower,))
    out, pullback = ds.vjp(gradient, a)
    np.testing.assert_allclose(out, gradient(a), atol=1e-12)
    np.testing.assert_allclose(pullback(lower)[0], bend, atol=1e-11)
    np.testing.assert_allclose(ds.linearize(gradient, a)[1](lower), bend, atol=1e-11)
    found = ds.grad(lambda x: np.sum(np.exp(0.1 * gradient(x))))(a)
    expected = ds.hvp(cube, (a,), (0.1 * np.exp(0.1 * gradient(a)),))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_roots():
    """At x = y I the equation x - x @ x / 10 = a has the derivative step / (1 - y / 5)."""

    def residual(x, a):
        w, v = la.eigh(x)
        return x - 0.1 * ((v * w**2) @ v.T) - a

    def root(a):
        return np.sum(WEIGHTS * ds.root(residual, a, a))

    a = 0.9 * np.eye(4)
    value = ds.root(residual, a, a)[0, 0]
    gradient = ds.grad(root)(a)
    assert np.sum(gradient * STEP) == pytest.approx(np.sum(WEIGHTS * STEP) / (1 - value / 5), rel=1e-11)


def test_third_derivatives():
    a, lower = symmetric([1, 1, 2, 3]), np.tril(STEP)

    def along(f):
        return lambda x: ds.jvp(f, (x,), (lower,))[1]

    expected = 6 * np.sum(WEIGHTS * (STEP @ STEP @ STEP))
    assert along(along(along(cube)))(a) == pytest.approx(expected, rel=1e-11)
    assert np.sum(lower * ds.grad(along(along(cube)))(a)) == pytest.approx(expected, rel=1e-11)
    assert 6 * ds.taylor(cube, (a,), (lower,), 3)[3] == pytest.approx(expected, rel=1e-11)


def test_problems_of_two_matrices():
    """With v^T b v = 1, v diag(w) v^T = b^-1 a b^-1, also where all values are equal."""
    b = np.diag([1.0, 2.0, 3.0, 4.0])

    def f(a):
        w, v = sl.eigh(a, b)
        return (v * w) @ v.T

    found = ds.jvp(f, (b,), (np.tril(STEP),))[1]
    np.testing.assert_allclose(found, STEP / np.outer(np.diag(b), np.diag(b)), atol=1e-14)
    gradient = ds.grad(lambda a: np.sum(WEIGHTS * f(a)))(b)
    assert np.sum(gradient * np.tril(STEP)) == pytest.approx(np.sum(WEIGHTS * found), abs=1e-13)


def exponential_by_eigh(a):
    w, v = np.linalg.eigh((a + a.T) / 2)
    return (v * np.exp(w)) @ v.T


def decayed(rate):
    """The end of y' = -rate(t) y."""
    sol = solve_ivp(lambda t, y: -rate(t) @ y, (0, 0.1), np.ones(2), method="Tsit5")
    return np.sum(sol.y[:, -1])


def test_a_factorization_in_front_of_an_integration():
    def by_eigh(a):
        return decayed(lambda t: exponential_by_eigh(a))

    def closed(a):
        return decayed(lambda t: sl.expm((a + a.T) / 2))

    a, da = np.eye(2), np.array([[0.3, -0.2], [0.7, 0.1]])
    for derive in (ds.grad, lambda f: ds.jit(ds.grad(f)), lambda f: lambda a: ds.hvp(f, (a,), (da,))):
        np.testing.assert_allclose(derive(by_eigh)(a), derive(closed)(a), rtol=1e-9)


def test_a_factorization_inside_of_an_integration_is_explained():
    with pytest.raises(ds.DegenerateError, match=r"not inside an integration.*scipy.linalg.expm") as raised:
        ds.grad(lambda a: decayed(lambda t: exponential_by_eigh(a * (1 + t))))(np.eye(2))
    assert raised.type is ds.DegenerateError
