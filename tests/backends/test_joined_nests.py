"""Loops that pass values on element by element are one loop, and only these."""

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends.cpu import compile_graph
from diffsci.backends.plan import build_plan
from diffsci.backends.plan.program import Nest
from diffsci.graph import interpreter
from diffsci.tracing import trace_function
from diffsci.transforms import simplify

N = 6000
X = np.random.default_rng(0).uniform(0.1, 2.0, N)
Z = np.random.default_rng(1).uniform(0.1, 2.0, (N, 3))


def results_of_each_step(x):
    a = np.sin(x)
    b = np.exp(a) + x
    c = np.sqrt(b) * a
    return a, b, c


def a_sum_on_the_way(x):
    a = np.sin(x)
    return a, np.sum(np.exp(a)), a * a


def neighbours(x):
    a = np.exp(np.sin(x) * np.cos(x))
    return a, a[1:] - a[:-1]


def reversed_result(x):
    a = np.exp(np.sin(x) * np.cos(x))
    return a, a[::-1] * a


def a_sum_that_is_used(x):
    a = np.sin(x)
    return a, a / np.sum(a)


def parts(x):
    y = np.concatenate([np.sin(x), np.cos(x)])
    return y, y * np.sqrt(y * y + 1.0)


PROGRAMS = {
    results_of_each_step: 1,
    a_sum_on_the_way: 1,
    a_sum_that_is_used: 2,
    neighbours: None,
    reversed_result: None,
    parts: None,
}


def of(f, *args):
    return simplify(trace_function(f, args).graph)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_joined_loops_compute_the_same(f):
    graph = of(f, X)
    status, found = compile_graph(graph).run((X,))
    assert status == 0
    for a, b in zip(found, interpreter.run(graph, (X,)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("f", [f for f, count in PROGRAMS.items() if count], ids=lambda f: f.__name__)
def test_the_number_of_loops(f):
    plan = build_plan(of(f, X))
    assert sum(isinstance(step, Nest) and step.extents == (N,) for step in plan.steps) == PROGRAMS[f]


def test_components_of_rows():
    def f(z):
        axis = z / np.sqrt(np.sum(z * z, axis=1))[:, None]
        return axis, np.cross(axis, z + 1.0) * np.exp(axis)

    graph = of(f, Z)
    status, found = compile_graph(graph).run((Z,))
    assert status == 0
    for a, b in zip(found, interpreter.run(graph, (Z,)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_a_value_and_its_gradient_share_a_loop():
    def f(x):
        return ds.value_and_grad(lambda x: np.sum(np.exp(np.sin(x)) * x))(x)

    plan = build_plan(of(f, X))
    assert sum(isinstance(step, Nest) and step.extents == (N,) for step in plan.steps) == 1
