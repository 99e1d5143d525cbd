"""Solutions of equations, and functions with derivative rules of their own."""

import numpy as np

import diffsci as ds
from diffsci.tracing import trace_function
from tests.kernel.samples.make import uniform


def applied(name, function, *operands):
    """The application of a primitive that a function records, with other operands of the same types."""
    graph = trace_function(function, operands).graph
    node = next(node for node in graph.nodes if node.name == name)
    return (name, list(operands), node.params)


@ds.custom_jvp
def steep(x, k):
    return {"y": np.sin(x) * k}


@steep.defjvp
def _(primals, tangents):
    (x, k), (dx, dk) = primals, tangents
    return steep(x, k), {"y": np.cos(x) * k * dx + np.sin(x) * dk}


@ds.custom_vjp
def scaled(x, k):
    return np.exp(k * x)


def scaled_back(kept, ct):
    x, k = kept
    return ct * k * np.exp(k * x), np.sum(ct * x * np.exp(k * x))


scaled.defvjp(lambda x, k: (np.exp(k * x), (x, k)), scaled_back)


def cubic(x0, a):
    return ds.root(lambda x, a: x**3 + a * x - np.roll(a, 1), x0, a)


def circulant(c, b):
    return ds.linear_solve(lambda x, c: c * x + 0.1 * np.roll(x, 1), b, c)


X, K = uniform(3), uniform()

SAMPLES = [
    applied("custom", steep, X, K),
    applied("custom", scaled, X, K),
    ("custom_tangent", [X, K, uniform(3), uniform()], applied("custom", steep, X, K)[2]),
    ("custom_tangent", [X, K, uniform(3), uniform()], applied("custom", scaled, X, K)[2]),
    applied("root", cubic, np.ones(3), uniform(3)),
    applied("operator_solve", circulant, uniform(3, low=1.0, high=2.0), uniform(3)),
]
