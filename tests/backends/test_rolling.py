"""Repeated parts of long programs become loops: the same numbers, and code of the length of one iteration."""

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends.cpu import compile_graph
from diffsci.backends.rolling import rolled
from diffsci.graph import interpreter
from diffsci.tracing import trace_function
from diffsci.transforms import simplify

N, W = 120, 12
rng = np.random.default_rng(3)
X = rng.uniform(0.5, 1.0, (N, W))
Y = rng.uniform(0.5, 1.0, W)
PICKED = rng.integers(0, W, N)


def recurrence(y, x):
    for k in range(N):
        y = 0.5 * np.sin(y) + x[k] * np.cos(y)
    return y


def from_the_end(y, x):
    for k in reversed(range(N)):
        y = 0.5 * np.sin(y) + x[k] * np.cos(y) + 0.1 * y
    return y


def every_second_row(y, x):
    for k in range(1, N, 2):
        y = 0.5 * np.sin(y) + x[k] * np.cos(y) + 0.1 * y * np.exp(-y) + x[k - 1]
    return y


def columns(y, x):
    total = y[:1]
    for k in range(W * 20):
        total = np.sin(total) + np.sum(np.cos(x[:, k % W] * total)) / N
    return total


def trajectory(y, x):
    out = np.zeros((N + 1, W), y.dtype)
    out[0] = y
    for k in range(N):
        out[k + 1] = 0.9 * out[k] + 0.1 * np.sin(out[k]) * x[k]
    return out


def backwards_into_columns(y, x):
    out = np.ones((W, N))
    for k in range(N):
        y = 0.9 * y + 0.1 * np.sin(y) * x[k]
        out[:, N - 1 - k] = y
    return out


def copies_on_the_way(y, x):
    out, seen = np.zeros((N, W)), np.zeros((N, W))
    for k in range(N):
        y = 0.9 * y + 0.1 * np.sin(y) * x[k]
        out[k] = y[::-1]
        seen[N - 1 - k] = x[k]
    return out * seen


def three_terms(y, x):
    before, now = y, np.cos(y)
    for k in range(N):
        before, now = now, 0.3 * now + 0.2 * before + np.sin(x[k] * before)
    return now - before


def clock(y, x):
    t, h = 0.25, 0.125
    for _ in range(N):
        y = y + h * (np.sin(t) * np.cos(y) - y * np.exp(-t * y))
        t += h
    return y


def picked(y, x):
    total = 0.0
    for k in range(N):
        total = total + np.sum(np.sin(x[k] * y[PICKED[k]]) * x[(7 * k) % N] + np.cos(x[k]))
    return total


def apart(y, x):
    return np.concatenate([np.sin(x[k] * y) * np.exp(-y) + np.cos(y[::-1] * x[k]) for k in range(N)])


def branching(y, x):
    for k in range(N):
        total = np.sum(y)
        y = 0.5 * np.sin(y) + x[k] * np.cos(y) if total > 0.0 else y / total
    return y


def nested(y, x):
    for _ in range(10):
        for k in range(20):
            y = 0.5 * np.sin(y) + x[k] * np.cos(y)
        y = y / np.sum(y)
    return y


def middle_and_end(y, x):
    kept = []
    for k in range(N):
        y = 0.5 * np.sin(y) + x[k] * np.cos(y)
        kept.append(y)
    return kept[N // 2] * kept[3] + y


def with_a_tail(y, x):
    states = []
    for k in range(N):
        y = 0.5 * np.sin(y) + x[k] * np.cos(y)
        states.append(y)
    for state in reversed(states):
        y = 0.5 * np.cos(y) * state
    return y


PROGRAMS = [
    recurrence, from_the_end, every_second_row, columns, trajectory, backwards_into_columns,
    copies_on_the_way, three_terms,
    clock, picked, apart, branching, nested, middle_and_end, with_a_tail,
]  # fmt: skip


def of(f, *args):
    return simplify(trace_function(f, args).graph)


def by_initial_value(f):
    return lambda y, x: ds.grad(lambda y: np.sum(np.sin(f(y, x))))(y)


def by_both(f):
    return lambda y, x: ds.grad(lambda y, x: np.sum(np.sin(f(y, x))), argnums=(0, 1))(y, x)


def tangent(f):
    return lambda y, x: ds.jvp(f, (y, x), (np.cos(y), np.sin(x)))


WAYS = {"value": lambda f: f, "gradient": by_initial_value, "both": by_both, "tangent": tangent}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_rolled_programs_mean_the_same(f, way):
    graph = of(WAYS[way](f), Y, X)
    short = rolled(graph)
    for point in ((Y, X), (0.7 * Y, X**2)):
        for expected, found in zip(interpreter.run(graph, point), interpreter.run(short, point), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_loops_are_found(f):
    graph = of(f, Y, X)
    short = rolled(graph)
    assert any(node.name == "repeat" for node in short.nodes)
    assert len(short.nodes) < len(graph.nodes) / 3


@pytest.mark.parametrize("way", ["value", "gradient"])
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_native_loops(f, way):
    graph = of(WAYS[way](f), Y, X)
    program = compile_graph(graph)
    for point in ((Y, X), (0.7 * Y, X**2)):
        status, found = program.run(point)
        assert status == 0
        for a, b in zip(found, interpreter.run(graph, point), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_guards_of_all_iterations_hold_or_name_their_line():
    graph = of(branching, Y, X)
    program = compile_graph(graph)
    assert sum(node.name == "repeat" for node in program.graph.nodes) == 1
    x = X.copy()
    x[N // 2] = -10.0
    status, _ = program.run((Y, x))
    assert interpreter.first_broken_guard(graph, (Y, x)) is not None
    assert status > 0
    assert f"{__file__}:{branching.__code__.co_firstlineno + 3}" in program.message(status)
    assert program.run((Y, X))[0] == 0


def test_another_path_through_a_loop():
    f = ds.jit(branching)
    x = X.copy()
    x[N // 2] = -10.0
    for point in (X, x, X):
        np.testing.assert_allclose(f(Y, point), branching(Y, point), rtol=1e-11)


def test_single_precision():
    y, x = Y.astype(np.float32), X.astype(np.float32)
    graph = of(trajectory, y, x)
    assert any(node.name == "repeat" for node in rolled(graph).nodes)
    status, (found,) = compile_graph(graph).run((y, x))
    assert status == 0
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, trajectory(y, x), rtol=2e-5)


def test_short_programs_stay_as_they_are():
    def short(y, x):
        for k in range(8):
            y = y + x[k]
        return y

    graph = of(short, Y, X)
    assert rolled(graph) is graph


def test_structural_zeros_stay_structural():
    def column(y, x):
        return ds.jacobian(lambda y: recurrence(np.sqrt(y), x))(y)

    y = np.append(Y[:2], 0.0)
    with np.errstate(all="ignore"):
        expected = column(y, X[:, :3])
    np.testing.assert_allclose(ds.jit(column)(y, X[:, :3]), expected, rtol=1e-10)


def test_the_result_is_the_same_every_time():
    graph = of(by_both(recurrence), Y, X)
    assert rolled(graph).text() == rolled(of(by_both(recurrence), Y, X)).text()
    assert "repeat" in rolled(graph).text()


def test_calls_inside_of_a_loop():
    step = ds.jit(lambda y, row: (0.5 * np.sin(y) + row * np.cos(y), np.sum(y * row)))

    def calling(y, x):
        total = 0.0
        for k in range(N):
            y, more = step(y, x[k])
            total = total + more * np.sin(total) + np.cos(total * more) - np.exp(-total)
            y = y + np.exp(-total * y) / N + np.cos(y) / N - np.sin(y * total) / N
        return y * total

    for f in (calling, by_both(calling)):
        graph = of(f, Y, X)
        short = rolled(graph)
        assert any(node.name == "repeat" for node in short.nodes)
        for a, b in zip(interpreter.run(short, (Y, X)), interpreter.run(graph, (Y, X)), strict=True):
            np.testing.assert_array_equal(a, b)
        status, found = compile_graph(graph).run((Y, X))
        assert status == 0
        for a, b in zip(found, interpreter.run(graph, (Y, X)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_the_report_counts_every_iteration():
    report = ds.jit(recurrence).plan(Y, X)
    loops = [step for step in report.steps if "times: call program" in step.text]
    assert len(loops) == 1
    assert loops[0].flops >= 4 * W * (N - 5)
