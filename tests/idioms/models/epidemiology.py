"""Compartments and contact matrices."""

import numpy as np

from tests.idioms.models.registry import model

N = 1000.0


@model(np.array([990.0, 8.0, 2.0]), 1.0, 0.3, 0.1)
def sir(y, t, beta, gamma):
    """The classical scipy cookbook model: tuple in, tuple out."""
    S, I, R = y
    dSdt = -beta * S * I / N
    dIdt = beta * S * I / N - gamma * I
    dRdt = gamma * I
    return dSdt, dIdt, dRdt


RATES = {"beta": 0.4, "sigma": 0.2, "gamma": 0.12, "lockdown": 0.3}


@model(12.0, np.array([950.0, 20.0, 25.0, 5.0]), RATES)
def seir_with_lockdown(t, y, p):
    """A parameter dictionary, and a rate that changes on a given day."""
    s, e, i, r = y
    beta = p["beta"]
    if 10 <= t < 40:
        beta = beta * p["lockdown"]
    new = beta * s * i / sum(y)
    return [-new, new - p["sigma"] * e, p["sigma"] * e - p["gamma"] * i, p["gamma"] * i]


CONTACTS = np.array([[8.0, 3.0, 1.0], [3.0, 6.0, 2.0], [1.0, 2.0, 4.0]])
POPULATION = np.array([300.0, 500.0, 200.0])


@model(
    np.array([[295.0, 490.0, 198.0], [4.0, 8.0, 1.5], [1.0, 2.0, 0.5]]), np.array([0.02, 0.03, 0.05]), 0.15
)
def age_structured_sir(state, susceptibility, gamma):
    """Matrix products with a global contact matrix; a state of rows."""
    S, I, R = state
    force = susceptibility * (CONTACTS @ (I / POPULATION))
    d = np.zeros_like(state)
    d[0] = -force * S
    d[1] = force * S - gamma * I
    d[2] += gamma * I
    return d


@model(0.35, 0.1, 5.0)
def epidemic_by_euler_steps(beta, gamma, initial):
    """The whole simulation in a loop; the objective is the peak."""
    s, i = N - initial, initial
    peak = i
    history = []
    for _day in range(30):
        new = beta * s * i / N
        s, i = s - new, i + new - gamma * i
        if i > peak:
            peak = i
        history.append(i)
    return peak + np.mean(history) * 1e-2


@model(np.array([0.2, 0.5, 0.3]), 2.5)
def final_size(weights, r0):
    """Newton's iteration on the final size relation, to convergence."""
    z = 0.8
    while True:
        f = 1.0 - z - np.exp(-r0 * z * np.sum(weights))
        slope = -1.0 + r0 * np.sum(weights) * np.exp(-r0 * z * np.sum(weights))
        step = f / slope
        z = z - step
        if abs(step) < 1e-14:
            break
    return z


OBSERVED = np.array([3.0, 5.0, 9.0, 14.0, 20.0, 31.0])


@model(np.array([np.log(2.1), np.log(0.35)]))
def poisson_likelihood(theta):
    """Negative log-likelihood of counts that grow exponentially."""
    start, rate = np.exp(theta)
    expected = start * np.exp(rate * np.arange(len(OBSERVED)))
    return np.sum(expected - OBSERVED * np.log(expected))
