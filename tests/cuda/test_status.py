"""Conditions, indices out of range, calls, branches and operations in Python: what a run ends with."""

import numpy as np
import pytest

from diffsci.backends.cpu import compile_graph
from diffsci.backends.cuda.module import cuda_program
from diffsci.backends.cuda.steps import Branch, Launch, Library, Stop, all_steps, status_of
from diffsci.backends.cuda.vocabulary import hosted, is_on_device
from diffsci.backends.executables import Interpreted
from diffsci.graph import Builder, Graph, Guard, Primitive
from tests.backends.common import one_op, random_array, type_of
from tests.backends.test_branches import branch, chosen, sine
from tests.backends.test_cpu_programs import guarded, stepper
from tests.cuda.recorded import loops_only
from tests.cuda.running import compare, run


def rng():
    return np.random.default_rng(6)


@pytest.mark.parametrize("mode", ["small", "loops"])
def test_conditions_and_indices(mode, monkeypatch):
    if mode == "loops":
        loops_only(monkeypatch)
    program = cuda_program(guarded())
    for given, status in [
        (np.full(5, 0.5), 0),
        (np.full(5, -0.5), 1),
        (np.array([1.0, -0.5, 11.0, 0.0, 0.0]), 2),
        (np.array([-30.0, -0.5, 11.0, 0.0, 0.0]), 1),
        (np.full(5, 3.0), -1),
        (np.full(5, np.nan), 1),
    ]:
        assert run(program, [given])[0] == status


def test_conditions_of_callees_come_behind_the_callers():
    b = Builder()
    x = b.input(type_of(()))
    callee = Graph([x], [b.sqrt(x)], [Guard(b.lt(x, b.const(4.0)), True, None)])
    b = Builder()
    y = b.input(type_of(()))
    first = b.project(b.call(y, graph=callee), index=0)
    second = b.project(b.call(b.mul(first, b.const(3.0)), graph=callee), index=0)
    graph = Graph([y], [second], [Guard(b.gt(y, b.const(0.0)), True, None)])
    points = [[np.array(v)] for v in (1.0, -1.0, 5.0, 2.0)]
    assert [run(cuda_program(graph), x)[0] for x in points] == [0, 1, 2, 3]
    for made in (Interpreted(graph), compile_graph(graph)):
        assert [made.run(x)[0] for x in points] == [0, 1, 2, 3]


def test_the_first_word_counts_before_the_second():
    assert [status_of(words) for words in ((0, 0), (3, 0), (3, -1), (0, -1))] == [0, 3, 3, -1]


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("take", [type_of((5, 3)), type_of((2,), np.int64)]),
        ("put_add", [type_of((5, 3)), type_of((2,), np.int64), type_of((2, 3))]),
    ],
)
def test_indices_out_of_range_touch_nothing_else(name, types):
    program = cuda_program(one_op(name, types, axis=0))
    arrays = [random_array(rng(), t.shape, t.dtype) for t in types]
    for bad in (5, -1, 2**62, -(2**63)):
        arrays[1] = np.array([0, bad])
        assert run(program, arrays)[0] == -1
    arrays[1] = np.array([4, 0])
    assert run(program, arrays)[0] == 0


def test_kernels_of_a_callee_are_written_once(monkeypatch):
    loops_only(monkeypatch)
    graph = stepper(5)
    program = cuda_program(graph)
    launched = [step.kernel for step in program.steps if isinstance(step, Launch)]
    assert len(launched) > len(set(launched))
    compare(graph, [rng().normal(size=4), np.array(0.7)], program=program)


@pytest.mark.parametrize("shape", [(3,), (30, 31)])
def test_branches(shape):
    graph = chosen(shape, 2, branch(shape, sine), branch(shape, lambda b, x, y: b.mul(x, y)))
    program = cuda_program(graph)
    assert sum(isinstance(step, Branch) for step in program.steps) == 2
    for level in (-1.0, 0.5, 7.0, np.nan):
        compare(graph, [rng().normal(size=shape), rng().normal(size=shape), np.array(level)], 1e-12, program)


def test_no_operation_in_python_runs_behind_a_broken_condition():
    ran = []
    noted = Primitive("test_noted_on_device", lambda t: t, lambda x: ran.append(x) or x, "linalg")
    b = Builder()
    x = b.input(type_of((300,)))
    first = b.emit(noted, b.sin(x))
    good = b.gt(b.sum(first, axes=(0,)), b.const(0.0))
    program = cuda_program(Graph([x], [b.emit(noted, b.add(first, x))], [Guard(good, True, None)]))
    kinds = [type(step) for step in program.steps if isinstance(step, (Stop, Library))]
    assert kinds == [Library, Stop, Library]
    assert run(program, [np.full(300, 1.0)])[0] == 0
    assert len(ran) == 2
    assert run(program, [np.full(300, -1.0)])[0] == 1
    assert len(ran) == 3


def test_functions_without_kernels_are_callbacks_of_the_same_meaning():
    graph = one_op("jv", [type_of((40,)), type_of((40,))])
    assert not is_on_device("jv")
    assert [node.name for node in hosted(graph).nodes if node.name.endswith("jv")] == ["hosted_jv"]
    program = cuda_program(graph)
    (step,) = (step for step in all_steps(program.steps) if isinstance(step, Library))
    assert program.const_values[step.callback][0].name == "hosted_jv"
    compare(graph, [rng().uniform(0, 3, 40), rng().uniform(0, 9, 40)], program=program)
    plain = one_op("sin", [type_of((40,))])
    assert hosted(plain) is plain
