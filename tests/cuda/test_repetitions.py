"""Long programs that repeat themselves: kernels of one iteration, or one for all that a thread does alone."""

import functools

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends.cpu import compile_graph
from diffsci.backends.cuda.module import cuda_program
from diffsci.backends.cuda.steps import all_steps
from diffsci.graph.interpreter import run as interpret
from tests.backends.test_rolling import PROGRAMS, WAYS, X, Y, of
from tests.cuda.running import load, run


@functools.cache
def repeated():
    """Return graphs and their programs."""
    graphs = [of(WAYS[way](f), Y, X) for f in PROGRAMS for way in ("value", "gradient")]
    return [(graph, cuda_program(graph)) for graph in graphs]


def test_repetitions_agree_with_the_interpreter():
    load([program for _, program in repeated()])
    for graph, program in repeated():
        for point in ((Y, X), (0.7 * Y, X**2)):
            status, found = run(program, point)
            assert status == 0
            for got, want in zip(found, interpret(graph, point), strict=True):
                np.testing.assert_allclose(got.reshape(want.shape), want, rtol=1e-11, atol=1e-13)


def euler(steps):
    def f(y):
        for _ in range(steps):
            y = y + 0.01 * np.sin(np.roll(y, 1))
        return np.sum(y**2)

    return f


def test_what_one_thread_does_is_one_kernel():
    few, many = (cuda_program(of(ds.grad(euler(n)), np.ones(2))) for n in (400, 900))
    assert few.launches == many.launches == 1
    assert len(few.texts) == len(many.texts)


def test_kernels_do_not_grow_with_the_iterations():
    program = cuda_program(of(ds.grad(euler(100)), np.ones(3000)))
    assert len(all_steps(program.steps)) > 200
    assert len(program.texts) < 12


@pytest.mark.parametrize("size", [1, 3000])
def test_the_first_condition_that_breaks_is_told(size):
    def f(y, x):
        for row in x:
            y = np.sin(y) if np.mean(y) + row < 2.0 else y * row
            if np.max(y) > 3.0:
                y = y / 2
        return y

    x, y = np.linspace(0.1, 0.2, 20), np.full(size, 0.3)
    graph = of(f, y, x)
    native, program = compile_graph(graph), cuda_program(graph)
    load([program])
    for k, value in ((0, 0.15), (3, 50.0), (19, 9000.0), (11, np.nan)):
        changed = x.copy()
        changed[k] = value
        found = native.run([y, changed])[0]
        assert run(program, [y, changed])[0] == found
        assert (found == 0) == (k == 0)
