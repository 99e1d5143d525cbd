"""Rolled loops in the right-hand side of a compiled integration."""

import numpy as np
import pytest

import diffsci as ds
from solvers import solve_ivp

RATES = np.array([0.1, 0.2, 0.4])


def implicit(t, y, k):
    """y' = -k z where z^3 + z = y: found by Newton's method; and a sum over rates."""

    def step(z):
        return z - (z**3 + z - y[0]) / (3 * z * z + 1)

    z = ds.while_loop(lambda z: abs(z**3 + z - y[0]) > 1e-13, step, y[0])
    total, _ = ds.scan(lambda s, r: (s + r * y[1], None), 0.0, RATES)
    return [-k * z, ds.cond(t < 0.5, lambda: total, lambda: -total)]


def explicit(t, y, k):
    """The same without loops, by Cardano's formula."""
    root = np.sqrt(y[0] ** 2 / 4 + 1 / 27)
    z = np.cbrt(y[0] / 2 + root) + np.cbrt(y[0] / 2 - root)
    total = np.sum(RATES) * y[1]
    return [-k * z, np.where(t < 0.5, total, -total)]


def end(rhs):
    def function(k):
        sol = solve_ivp(rhs, (0.0, 1.0), np.array([1.0, 0.5]), method="RK4", n_steps=40, args=(k,))
        return np.sum(sol.y[:, -1] * np.array([1.0, 2.0]))

    return function


def test_value_and_gradient():
    for transform in (lambda f: f, ds.grad, lambda f: lambda k: ds.jvp(f, (k,), (1.0,))[1]):
        found, expected = transform(end(implicit))(1.3), transform(end(explicit))(1.3)
        assert found == pytest.approx(expected, rel=1e-10)
