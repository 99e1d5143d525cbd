"""The primitive `cond` in native code: one of two sub-programs runs."""

import numpy as np
import pytest

from diffsci.backends.cpu import compile_graph
from diffsci.backends.executables import Interpreted
from diffsci.backends.plan import build_plan
from diffsci.backends.plan.program import BranchStep
from diffsci.graph import Builder, Graph, Guard, Primitive
from diffsci.graph.interpreter import run
from diffsci.source import Location
from tests.backends.common import compare, loops_only, type_of

SHAPES = [(), (3,), (30, 31)]


def rng():
    return np.random.default_rng(5)


def branch(shape, change):
    """A sub-graph of two operands with a constant of its own and two results."""
    b = Builder()
    x, y = b.input(type_of(shape)), b.input(type_of(shape))
    z = change(b, x, b.mul(y, b.const(rng().normal(size=shape))))
    return Graph([x, y], [z, b.sum(b.exp(z), axes=tuple(range(len(shape))))])


def sine(b, x, y):
    return b.sin(b.add(x, y))


def chosen(shape, times, true, false):
    """Choose `times` in a row, each time at a higher level."""
    b = Builder()
    x, y, level = b.input(type_of(shape)), b.input(type_of(shape)), b.input(type_of(()))
    z, sums = x, []
    for k in range(times):
        found = b.cond(b.gt(level, b.const(float(k))), z, y, true=true, false=false)
        z = b.add(b.project(found, index=0), y)
        sums.append(b.project(found, index=1))
    return Graph([x, y, level], [z, *sums])


@pytest.mark.parametrize("loops", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_both_branches(shape, loops, monkeypatch):
    if loops:
        loops_only(monkeypatch)
    graph = chosen(shape, 2, branch(shape, sine), branch(shape, lambda b, x, y: b.mul(x, y)))
    assert sum(isinstance(step, BranchStep) for step in build_plan(graph).steps) == 2
    program = compile_graph(graph)
    for level in (-1.0, 0.5, 7.0, np.nan):
        x, y = (rng().normal(size=shape) for _ in range(2))
        compare(graph, [x, y, np.array(level)], 1e-12, program)


def test_only_one_branch_runs():
    ran = []

    def noting(name):
        primitive = Primitive(f"test_{name}", lambda t: t, lambda x: ran.append(name) or x, "linalg")
        return branch((3,), lambda b, x, y: b.emit(primitive, b.add(x, y)))

    program = compile_graph(chosen((3,), 1, noting("yes"), noting("no")))
    for level, name in ((1.0, "yes"), (-1.0, "no")):
        assert program.run([np.ones(3), np.ones(3), np.array(level)])[0] == 0
        assert ran.pop() == name
        assert not ran


def test_nested():
    inner = branch((3,), sine)

    def choosing(b, x, y):
        found = b.cond(b.gt(b.sum(x, axes=(0,)), b.const(0.0)), x, y, true=inner, false=branch((3,), b_sub))
        return b.project(found, index=0)

    def b_sub(b, x, y):
        return b.sub(x, y)

    graph = chosen((3,), 2, branch((3,), choosing), inner)
    program = compile_graph(graph)
    for sign in (1.0, -1.0):
        for level in (-1.0, 0.5, 2.0):
            compare(graph, [sign * np.array([1.0, 2.0, 0.3]), np.ones(3), np.array(level)], 1e-12, program)


def test_one_graph_as_both_branches():
    same = branch((4,), sine)
    compare(chosen((4,), 1, same, same), [np.ones(4), rng().normal(size=4), np.array(1.0)])


def test_guards_of_programs_called_in_a_branch():
    """A branch has no guards of its own, what it calls may: they count after those before it."""

    def guarded(line, limit):
        b = Builder()
        x = b.input(type_of((3,)))
        total = b.lt(b.sum(x, axes=(0,)), b.const(limit))
        inner = Graph([x], [b.exp(x)], [Guard(total, True, Location("model.py", line, "f"))])
        return branch((3,), lambda b, x, y: b.project(b.call(x, graph=inner), index=0))

    graph = chosen((3,), 1, guarded(1, 10.0), guarded(2, 5.0))
    program, y = compile_graph(graph), np.ones(3)
    for made in (program, Interpreted(graph)):
        assert made.run([np.ones(3), y, np.array(1.0)])[0] == 0
        assert made.run([np.full(3, 2.0), y, np.array(1.0)])[0] == 0
        assert made.run([np.full(3, 4.0), y, np.array(1.0)])[0] == 1
        status, _ = made.run([np.full(3, 2.0), y, np.array(-1.0)])
        assert status == 2
        assert "model.py:2" in made.message(status)
    want = run(graph, [np.ones(3), y, np.array(-1.0)])
    np.testing.assert_allclose(program.run([np.ones(3), y, np.array(-1.0)])[1][0], want[0], rtol=1e-13)
