"""Models in which nothing is wrong, though some of their parts are not finite or hard to compute well."""

import numpy as np
import scipy.special

import diffsci as ds
from solvers import solve_ivp

__all__ = ["HEALTHY"]


def _rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def _masked_log(x):
    return np.sum(np.where(x > 0, np.log(x), 0.0))


def _masked_write(x):
    y = np.zeros(3)
    y[x > 0] = np.sqrt(x[x > 0])
    return np.sum(y)


def _bounded(x):
    return np.sum(np.minimum(x, np.inf) + np.maximum(-np.inf, x))


def _infinite_prior(x):
    return np.where(x[0] > 0.0, -0.5 * x @ x, -np.inf)


def _best_of(x):
    best = np.inf
    for value in x:
        best = np.minimum(best, value * value)
    return best


def _select(x):
    return np.sum(np.select([x > 1.0, x > 0.0], [1.0 / x, x], 0.0))


def _decay(rate):
    sol = solve_ivp(lambda t, y: -rate * y, (0.0, 2.0), [1.0, 2.0])
    return np.sum(sol.y[:, -1])


def _running_minimum(x):
    def body(best, value):
        best = np.minimum(best, value)
        return best, best

    best, _ = ds.scan(body, np.inf, x)
    return best


def _newton(a):
    return ds.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)


def _branch(x):
    return ds.cond(x > 0.0, np.sqrt, lambda x: 0.0 * x, x)


def _clipped(x):
    return np.sum(np.sqrt(np.clip(x, 0.0, None) + 1.0))


def _network(w, x):
    hidden = np.tanh(w @ x)
    return np.sum(hidden**2)


# (name, function, arguments)
HEALTHY = [
    ("rosenbrock", _rosenbrock, (np.array([-1.2, 1.0, 0.7]),)),
    ("masked log", _masked_log, (np.array([1.0, 0.0, -2.0]),)),
    ("masked write", _masked_write, (np.array([4.0, 0.0, -2.0]),)),
    ("bounds at infinity", _bounded, (np.array([1.0, -2.0]),)),
    ("a prior of -inf", _infinite_prior, (np.array([-1.0, 2.0]),)),
    ("best so far", _best_of, (np.array([3.0, -2.0]),)),
    ("select", _select, (np.array([2.0, 0.5, 0.0]),)),
    ("integration", _decay, (0.7,)),
    ("running minimum", _running_minimum, (np.array([3.0, 2.0, 4.0]),)),
    ("newton", _newton, (2.0,)),
    ("branch not taken", _branch, (-1.0,)),
    ("clip", _clipped, (np.array([-1.0, 2.0]),)),
    ("network", _network, (np.array([[0.2, -1.0], [0.4, 0.3]]), np.array([1.0, 2.0]))),
    ("compiled", ds.jit(_rosenbrock), (np.array([-1.2, 1.0, 0.7]),)),
    ("gradient", ds.grad(_rosenbrock), (np.array([-1.2, 1.0, 0.7]),)),
    ("least squares", lambda a, b: np.sum(np.linalg.lstsq(a, b)[0]), (np.eye(3)[:, :2] + 0.1, np.ones(3))),
    ("special functions", lambda x: np.sum(scipy.special.erf(x) + scipy.special.gammaln(x)), (np.ones(2),)),
    ("stable functions", lambda x: np.sum(ds.stable.softplus(x)), (np.array([-800.0, 800.0]),)),
    ("stable lengths", lambda x: ds.stable.norm(x), (np.array([1e200, 1e200]),)),
    ("a dictionary", lambda p: p["a"] * np.sin(p["b"][0]), ({"a": 2.0, "b": [1.0]},)),
    ("complex", lambda z: abs(z * z + 1.0), (1.0 + 2.0j,)),
    ("single precision", lambda x: np.sum(np.exp(x)), (np.array([1.0, 2.0], np.float32),)),
]
