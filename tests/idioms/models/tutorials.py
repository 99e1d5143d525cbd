"""Models of the SciPy and NumPy tutorials and cookbooks."""

import math

import numpy as np

from tests.idioms.models.registry import model


@model(np.array([0.3, 1.0]), 0.25, 5.0)
def damped_pendulum(y, b, c):
    """scipy.integrate.odeint's example."""
    theta, omega = y
    dydt = [omega, -b * omega - c * np.sin(theta)]
    return dydt


@model(0.5, np.array([10.0, 5.0]), 1.5, 1, 3, 1)
def lotka_volterra(t, z, a, b, c, d):
    """solve_ivp's example, integer rates included."""
    x, y = z
    return [a * x - b * x * y, -c * y + d * x * y]


@model(np.array([0.5, 0.0, -0.3, 0.1]), np.array([8.0, 40.0]), 0.5)
def coupled_springs(w, k, damping):
    """The cookbook's coupled spring-mass system."""
    x1, y1, x2, y2 = w
    f = [
        y1,
        (-damping * y1 - k[0] * (x1 - 0.5) + k[1] * (x2 - x1 - 1.0)) / 1.0,
        y2,
        (-0.3 * y2 - k[1] * (x2 - x1 - 1.0)) / 1.5,
    ]
    return f


@model(np.array([0.4, 0.3, -0.2]), np.array([1.2, 0.8]))
def neural_ode_field(y, p):
    return np.tanh(np.outer(p, y)).sum(axis=0) - y**3


@model(np.array([0.1, -0.2, 0.15, 0.3, -0.4, 0.2]), 0.9)
def lorenz96(x, forcing):
    """The loop of the data assimilation tutorials."""
    n = len(x)
    d = np.zeros(n)
    for i in range(n):
        d[i] = (x[(i + 1) % n] - x[i - 2]) * x[i - 1] - x[i] + forcing
    return d


@model(np.array([0.3, 0.1, 0.2]), 5.7)
def roessler(state, c):
    x, y, z = state
    return np.array([-(y + z), x + 0.2 * y, 0.2 + z * (x - c)])


@model(np.array([0.5, 1.1]), 3)
def taylor_sine(x, terms):
    """A series with factorials from math."""
    total = np.zeros_like(x)
    for k in range(terms):
        total = total + (-1) ** k * x ** (2 * k + 1) / math.factorial(2 * k + 1)
    return total


@model(np.array([[0.6, -0.2], [0.1, 0.4]]))
def power_iteration(A):
    """The largest eigenvalue by thirty products."""
    v = np.ones(2)
    for _ in range(30):
        v = A @ v
        v = v / np.linalg.norm(v)
    return v @ A @ v


@model(0.3, 1.7)
def simpson(a, b):
    """A composite rule over a user's integrand."""

    def f(x):
        return np.exp(-x * a) * np.sin(b * x)

    x, h = np.linspace(0.0, 1.0, 11, retstep=True)
    y = f(x)
    return h / 3 * (y[0] + 4 * np.sum(y[1:-1:2]) + 2 * np.sum(y[2:-2:2]) + y[-1])


@model(2.0)
def bisection(c):
    """cos(x) = x / c by halving, polished by one Newton step."""
    low, high = 0.0, 2.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        if math.cos(middle) - middle / c > 0:
            low = middle
        else:
            high = middle
    return middle - (math.cos(middle) - middle / c) / (-math.sin(middle) - 1 / c)


@model(np.array([1.0, 0.5]), 0.05)
def runge_kutta_by_hand(y, h):
    """Ten classical steps of a user's own integrator."""

    def rhs(t, y):
        return np.array([y[1], (1 - y[0] ** 2) * y[1] - y[0]])

    t = 0.0
    trajectory = [y]
    for _ in range(10):
        k1 = rhs(t, y)
        k2 = rhs(t + h / 2, y + h / 2 * k1)
        k3 = rhs(t + h / 2, y + h / 2 * k2)
        k4 = rhs(t + h, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t += h
        trajectory.append(y)
    return np.vstack(trajectory)[::5]
