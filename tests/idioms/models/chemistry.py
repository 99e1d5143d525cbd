"""Reaction networks, kinetics and thermodynamics."""

import numpy as np
from scipy.special import xlogy

from tests.idioms.models.registry import model

STOICHIOMETRY = np.array([[-1, 1, 0, 0], [0, -1, 1, 0], [-1, 0, 0, 1], [0, -2, 0, 1]])
ORDERS = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 2, 0, 0]])


@model(np.array([1.0, 0.6, 0.3, 0.2]), np.array([2.0, 0.7, 0.4, 1.3]))
def mass_action(c, k):
    """Rates from integer exponent and stoichiometry tables."""
    rates = k * np.prod(c**ORDERS, axis=1)
    return STOICHIOMETRY.T @ rates


REACTIONS = [
    ({"A": 1}, {"B": 1}, "k1"),
    ({"B": 1, "C": 1}, {"A": 1, "C": 1}, "k2"),
    ({"B": 2}, {"B": 1, "C": 1}, "k3"),
]
SPECIES = ["A", "B", "C"]


@model(np.array([0.9, 0.02, 0.1]), {"k1": 0.04, "k2": 10.0, "k3": 30.0})
def network_of_dictionaries(y, rates):
    """Loops over reactions written as dictionaries."""
    amount = dict(zip(SPECIES, y, strict=True))
    change = {name: 0.0 for name in SPECIES}
    for reactants, products, constant in REACTIONS:
        speed = rates[constant]
        for name, order in reactants.items():
            speed = speed * amount[name] ** order
        for name, order in reactants.items():
            change[name] -= order * speed
        for name, order in products.items():
            change[name] += order * speed
    return [change[name] for name in SPECIES]


def _arrhenius(A, Ea, T):
    return A * np.exp(-Ea / (8.314462618 * T))


@model(np.array([0.8, 350.0]), 0.5, 320.0)
def stirred_tank(y, flow, coolant):
    """An exothermic reaction in a stirred tank (the scipy tutorials' CSTR)."""
    c, T = y
    rate = _arrhenius(7.2e10, 72750.0, T) * c
    dc = flow * (1.0 - c) - rate
    dT = flow * (350.0 - T) + 209.2 * rate - 2.09 * (T - coolant)
    return np.array([dc, dT])


@model(np.array([3.0, 0.4, 0.05]), 1.2, 0.5, 4.0)
def hill_and_inhibition(y, vmax, km, n):
    """Gene regulation with a Hill exponent that is differentiated."""
    x, p, i = y
    production = vmax * x**n / (km**n + x**n)
    return np.array([production / (1 + i / 0.1) - x, x - 0.3 * p, max(p - 0.2, 0.0) - i])


@model(np.array([0.2, 0.5, 0.3]))
def mixing_free_energy(x):
    """Ideal mixing and a regular solution, with an entropy that is right at zero."""
    interaction = np.array([[0.0, 1.2, 0.4], [1.2, 0.0, -0.3], [0.4, -0.3, 0.0]])
    return np.sum(xlogy(x, x)) + 0.5 * x @ interaction @ x


@model(np.array([0.3, 0.4, 0.3]), 1.4)
def rachford_rice(z, scale):
    """Flash calculation: a safeguarded Newton iteration inside the model."""
    K = scale * np.array([2.0, 0.9, 0.3])
    v = 0.5
    for _ in range(60):
        f = np.sum(z * (K - 1) / (1 + v * (K - 1)))
        df = -np.sum(z * (K - 1) ** 2 / (1 + v * (K - 1)) ** 2)
        new = v - f / df
        if new < 0.0:
            new = v / 2
        elif new > 1.0:
            new = (v + 1) / 2
        done = abs(new - v) < 1e-15
        v = new
        if done:
            break
    return v


@model(np.linspace(0.2, 0.9, 5), 0.01)
def brusselator_1d(u, d):
    """Interleaved species in one vector, views with strides."""
    y = np.concatenate([u, 3.0 - u])
    x, v = y[:5], y[5:]
    out = np.zeros(10)
    dx, dv = out[:5], out[5:]
    dx[:] = 1.0 + x**2 * v - 4.0 * x
    dv[:] = 3.0 * x - x**2 * v
    dx[1:-1] += d * (x[2:] - 2 * x[1:-1] + x[:-2])
    dv[1:-1] += d * (v[2:] - 2 * v[1:-1] + v[:-2])
    return out
