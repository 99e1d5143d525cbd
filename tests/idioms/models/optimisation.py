"""Objectives and constraints of small optimisation problems."""

import numpy as np

from tests.idioms.models.registry import model


@model(np.array([1.3, 0.7, 0.8, 1.9, 1.2]))
def rosenbrock(x):
    return sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


@model(np.array([0.4, -0.3]))
def himmelblau(p):
    x, y = p
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@model(np.array([0.4, -0.3, 0.7]))
def rastrigin(x):
    return 10 * len(x) + np.sum([xi**2 - 10 * np.cos(2 * np.pi * xi) for xi in x])


@model(np.array([0.5, -0.8]))
def ackley(x):
    return -20 * np.exp(-0.2 * np.sqrt(np.mean(x**2))) - np.exp(np.mean(np.cos(2 * np.pi * x))) + 20 + np.e


CITIES = np.array([[0.0, 0.0], [1.0, 0.3], [0.4, 1.2], [-0.6, 0.8]])


@model(np.array([0.3, 0.4]))
def geometric_median(point):
    return np.sum(np.sqrt(np.sum((CITIES - point) ** 2, axis=1)))


@model(np.array([0.25, 0.25, 0.3, 0.2]))
def portfolio(w):
    """Return, risk and a turnover penalty with absolute values."""
    mean = np.array([0.1, 0.12, 0.07, 0.05])
    root = np.array([[0.2, 0, 0, 0], [0.05, 0.25, 0, 0], [0.02, 0.03, 0.1, 0], [0.01, 0.0, 0.02, 0.05]])
    risk = np.sqrt(w @ (root @ root.T) @ w)
    return -(w @ mean) / risk + 0.1 * np.abs(w - np.array([0.3, 0.2, 0.25, 0.25])).sum()


@model(np.array([1.1, 4.6, 3.7, 1.4]))
def hock_schittkowski_71(x):
    """Objective and constraints together, as for a nonlinear programming solver."""
    objective = x[0] * x[3] * np.sum(x[:3]) + x[2]
    return np.array([objective, np.prod(x) - 25.0, np.dot(x, x) - 40.0])


T = np.array([0.0, 1.0, 2.0, 3.0, 5.0])
Y = np.array([5.1, 3.9, 3.0, 2.3, 1.5])


@model(np.array([5.0, 0.3, 0.2]))
def exponential_fit_residuals(p):
    """curve_fit's model with a soft L1 loss."""

    def decay(t, a, k, c):
        return a * np.exp(-k * t) + c

    r = decay(T, *p) - Y
    return 2 * (np.sqrt(1 + r**2) - 1)


@model(np.array([0.2, 0.5, 0.1]), 10.0)
def augmented_lagrangian(x, rho):
    """Inequalities by max(0, .) in Python, a multiplier list."""
    constraints = [x[0] + x[1] - 0.5, x[1] - x[2] ** 2, 0.05 - x[0]]
    multipliers = [0.3, 0.1, 0.0]
    value = x @ x
    for g, lam in zip(constraints, multipliers, strict=True):
        value += (max(0.0, lam + rho * g) ** 2 - lam**2) / (2 * rho)
    return value


@model(np.array([0.9, 0.5]), 0.1)
def gradient_descent_in_the_model(start, rate):
    """Unrolled optimisation with momentum and an early stop."""
    x, velocity = start.copy(), np.zeros(2)
    for step in range(20):
        g = np.array([2 * x[0] + x[1] ** 3, 4 * x[1] + 3 * x[0] * x[1] ** 2])
        velocity = 0.5 * velocity - rate * g
        x += velocity
        if np.max(np.abs(g)) < 1e-2:
            break
    return x, step
