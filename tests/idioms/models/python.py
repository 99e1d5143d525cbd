"""Python as it comes: classes, closures, containers, recursion, options, exceptions."""

import math
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy import cos, sin
from scipy.special import expit, logsumexp

from tests.idioms.helpers import Material, arrhenius, scaled
from tests.idioms.models.registry import model


@model(np.array([1.0, 2.0, 15.0]), np.array([10.0, 28.0, 8 / 3]))
def lorenz(y, p):
    sigma, rho, beta = p
    a, b, c = y
    return np.array([sigma * (b - a), a * (rho - c) - b, a * b - beta * c])


@model(np.array([0.9, 2e-5, 0.1]), np.array([0.04, 1e4, 3e7]))
def robertson_list(y, k):
    dy = [0.0, 0.0, 0.0]
    dy[0] = -k[0] * y[0] + k[1] * y[1] * y[2]
    dy[2] = k[2] * y[1] ** 2
    dy[1] = -dy[0] - dy[2]
    return dy


@model(np.array([0.9, 2e-5, 0.1]), np.array([0.04, 1e4, 3e7]))
def robertson_zeros(y, k):
    dy = np.zeros(3)
    dy[0] = -k[0] * y[0] + k[1] * y[1] * y[2]
    dy[2] = k[2] * y[1] ** 2
    dy[1] = -dy[0] - dy[2]
    return dy


@model(np.array([0.5, 0.1, -0.2, 0.3]))
def double_pendulum(state):
    t1, w1, t2, w2 = state
    out = np.empty_like(state)
    d = t2 - t1
    den = 2.0 - cos(d) ** 2
    out[0] = w1
    out[1] = (w1**2 * sin(d) * cos(d) + 9.81 * sin(t2) * cos(d) + w2**2 * sin(d) - 2 * 9.81 * sin(t1)) / den
    out[2] = w2
    out[3] = (
        -(w2**2) * sin(d) * cos(d) + 2 * (9.81 * sin(t1) * cos(d) - w1**2 * sin(d) - 9.81 * sin(t2))
    ) / den
    return out


@model(np.linspace(0.0, 1.0, 12) ** 2)
def heat_in_place(u):
    dudt = np.zeros_like(u)
    dudt[1:-1] = (u[2:] - 2 * u[1:-1] + u[:-2]) / 0.01
    dudt[0] = dudt[1]
    dudt[-1] -= u[-1]
    return dudt


@model(np.cos(np.arange(24.0)).reshape(4, 6))
def wave_with_views(u):
    new = u.copy()
    core = new[1:-1, 1:-1]
    core += 0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1])
    new[0, :], new[-1, :] = new[1, :], 0.0
    new[:, 0] *= 0.5
    return new


@model(np.abs(np.sin(np.arange(32.0))).reshape(2, 4, 4))
def gray_scott(y):
    u, v = y
    lap = [
        np.roll(z, 1, 0) + np.roll(z, -1, 0) + np.roll(z, 1, 1) + np.roll(z, -1, 1) - 4 * z for z in (u, v)
    ]
    uvv = u * v**2
    return np.stack([0.16 * lap[0] - uvv + 0.04 * (1 - u), 0.08 * lap[1] + uvv - 0.1 * v])


@model(0.7, 1.3)
def scalar_formula(x, y):
    return math.exp(-x) * math.sin(y) + exp(x * y) / math.sqrt(x)


@model(np.array([0.2, -0.4, 0.9]))
def piecewise_law(x):
    if x[0] > 0 and x[1] < 0:
        total = x[0] ** 2
    elif x[0] > 0:
        total = x[0]
    else:
        total = 0.0
    for value in x:
        if value < 0:
            continue
        total += math.log1p(value)
    return total


@model(2.0)
def kepler_by_newton(e):
    anomaly, eccentricity = e, 0.3
    x = anomaly
    change = 1.0
    while abs(change) > 1e-12:
        change = (x - eccentricity * math.sin(x) - anomaly) / (1 - eccentricity * math.cos(x))
        x = x - change
    return x


@model(np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0]))
def neural_layer(x, b):
    weights = np.arange(6.0).reshape(2, 3) / 10
    hidden = np.tanh(weights @ x + b)
    return expit(hidden).sum() + logsumexp(x)


@model(np.array([300.0, 350.0]), 1e3, 2e4)
def other_module(temperature, prefactor, energy):
    return scaled(arrhenius(temperature, prefactor, energy))


@dataclass
class Reactor:
    volume: float
    rates: np.ndarray


@model(Reactor(2.0, np.array([0.5, 1.5])))
def dataclass_argument(reactor):
    return reactor.rates / reactor.volume**2


@model({"mass": 2.0, "springs": [1.0, np.array([2.0, 3.0])]})
def nested_argument(system):
    first, rest = system["springs"]
    return {"frequency": np.sqrt(rest / system["mass"]), "sum": (first + np.sum(rest),)}


@model(np.array([0.1, 0.2]))
def object_with_method(strain):
    return Material(3.0, 1.5).stress(strain)


@model(np.array([0.1, 0.2]), 2.5)
def object_made_of_parameters(strain, stiffness):
    material = Material(stiffness, 2)
    return material.stress(strain) + material.stiffness


@model(np.array([1.0, 2.0, 4.0]))
def default_and_keyword_arguments(x):
    def weighted(values, weight=0.5, *, offset=1.0):
        return weight * values + offset

    return weighted(x) * weighted(x, offset=2.0)


@model(np.array([0.3, 0.6, 0.9]))
def comprehension_and_generator(x):
    squares = [v * v for v in x]
    return sum(a * b for a, b in zip(squares, x, strict=True)) + np.array(squares)[-1]


@model(np.array([1.0, 2.0, 3.0]))
def accumulates_in_a_list(x):
    path = [x]
    for k in range(3):
        path.append(path[-1] + 0.1 * np.sin(path[-1]) * (k + 1))
    return np.array(path)


@model(np.array([0.5, 1.5]))
def nonlocal_counter(x):
    total = 0.0

    def add(value):
        nonlocal total
        total += value * value

    for value in x:
        add(value)
    return total


@model(np.array([1.0, 4.0, 9.0]))
def recursion(x):
    def descend(n):
        return x[0] if n == 0 else np.sqrt(x[n]) * descend(n - 1)

    return descend(2)


@model(np.array([2.0, 1.0]))
def import_inside(x):
    from math import hypot

    import numpy

    return numpy.log(x[0]) * hypot(x[0], x[1])


@model(np.array([0.4, 0.6]))
def string_and_none_options(x, kind="soft", extra=None):
    value = np.logaddexp(x, 0) if kind == "soft" else np.maximum(x, 0)
    return value if extra is None else value + extra


@model(np.linspace(-1, 1, 6))
def masks_and_counts(x):
    mask = x > 0
    y = x.copy()
    y[~mask] = 0.1 * x[~mask]
    return y * mask.sum() / len(x) + np.where(mask, x, -x).mean()


@model(np.array([[4.0, 1.0], [0.5, 3.0]]), np.array([1.0, 2.0]))
def linear_system(a, b):
    x = np.linalg.solve(a, b)
    return x @ np.linalg.inv(a) @ x + np.linalg.det(a) * np.linalg.norm(b)


@model(np.array([1.0, 2.0, 3.0, 4.0]))
def out_arguments(x):
    work = np.empty(4)
    np.exp(-x, out=work)
    np.multiply(work, x, out=work)
    work /= work.sum()
    return work


@model(3.0)
def python_power_and_divmod(x):
    return x**3 / 7 + 2**x - x // 2 * x


@model(np.array([1.0, 2.0, 3.0]))
def try_except(x):
    try:
        return np.linalg.solve(np.zeros((3, 3)), x)
    except np.linalg.LinAlgError:
        return x**2
