"""Calls, guards, shared factors, threads, outputs, and the cache on disk."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends.cpu import Program, compile_graph, get_num_threads, program, set_num_threads
from diffsci.backends.plan import build_plan
from diffsci.backends.plan.body import Body
from diffsci.backends.plan.elements import TooLarge, plan_elements
from diffsci.backends.plan.program import CallStep, LuStep, Nest
from diffsci.graph import Builder, Graph, Guard
from diffsci.graph.interpreter import run
from diffsci.native import cache
from diffsci.source import Location
from tests.backends.common import I8, compare, loops_only, type_of


def rng():
    return np.random.default_rng(11)


def laplacian(b, u, n, m):
    shifts = [(1, 0), (n - 1, 0), (0, 1), (0, m - 1)]
    up, down, left, right = (b.roll(u, shift=s) for s in shifts)
    total = b.add(b.add(up, down), b.add(left, right))
    return b.sub(total, b.mul(b.full(u.type, 4.0), u))


def reaction(n, m):
    """Two fields coupled, stacked, with a sum of squares beside them."""
    b = Builder()
    u, v = b.input(type_of((n, m))), b.input(type_of((n, m)))
    uvv = b.mul(b.mul(u, v), v)
    du, dv = b.sub(laplacian(b, u, n, m), uvv), b.add(laplacian(b, v, n, m), uvv)
    planes = [b.reshape(x, shape=(1, n, m)) for x in (du, dv)]
    stacked = b.concatenate(*planes, axis=0)
    return Graph([u, v], [stacked, b.sum(b.mul(du, du), axes=(0, 1)), b.sum(dv, axes=(1,))])


@pytest.mark.parametrize(("n", "m"), [(3, 3), (4, 9), (8, 8), (17, 16), (40, 33), (70, 129)])
def test_stencils(n, m):
    compare(reaction(n, m), [rng().normal(size=(n, m)), rng().normal(size=(n, m))], 1e-12)


def test_flat_state_of_fields_is_one_fused_pass():
    n = 40
    b = Builder()
    y = b.input(type_of((2 * n * n,)))
    halves = [b.slice(y, start=(k * n * n,), stop=((k + 1) * n * n,), step=(1,)) for k in range(2)]
    u, v = (b.reshape(h, shape=(n, n)) for h in halves)
    du, dv = b.add(laplacian(b, u, n, n), v), b.sub(laplacian(b, v, n, n), b.mul(u, v))
    out = b.concatenate(*(b.reshape(x, shape=(n * n,)) for x in (du, dv)), axis=0)
    graph = Graph([y], [out])
    plan = build_plan(graph)
    assert plan.workspace_bytes == 0
    assert all(isinstance(step, Nest) and len(step.stores) % 2 == 0 for step in plan.steps)
    compare(graph, [rng().normal(size=2 * n * n)])


def test_results_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr("diffsci.backends.cpu.module._FORK_NANOSECONDS", 0)
    monkeypatch.setattr(program, "_memory", {})
    monkeypatch.setattr(cache, "read", lambda key: None)
    monkeypatch.setattr(cache, "write", lambda key, description, code: None)
    before = get_num_threads()
    b = Builder()
    x = b.input(type_of((100_003,)))
    w = b.mul(b.exp(x), x)
    flat = Graph([x], [w, b.sum(w, axes=(0,)), b.max(w, axes=(0,))])
    try:
        for graph in (reaction(70, 129), flat):
            compiled = compile_graph(graph)
            arrays = [rng().normal(size=t.shape) for t in compiled.input_types]
            assert "call void @diffsci_parallel" in compiled.text
            results = []
            for threads in (1, 2, 3, 7):
                set_num_threads(threads)
                status, outputs = compiled.run(arrays)
                assert status == 0
                results.append([o.tobytes() for o in outputs])
            assert results.count(results[0]) == 4
            compare(graph, arrays, 1e-12, compiled)
    finally:
        set_num_threads(before)


def test_concurrent_callers():
    compiled = compile_graph(reaction(40, 33))
    wrong = []

    def work(seed):
        generator = np.random.default_rng(seed)
        for _ in range(50):
            arrays = [generator.normal(size=(40, 33)) for _ in range(2)]
            outputs = compiled.run(arrays)[1]
            expected = run(compiled.graph, arrays)
            if not all(np.allclose(got, want) for got, want in zip(outputs, expected, strict=True)):
                wrong.append(seed)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_outputs_held_by_the_caller_stay():
    b = Builder()
    x = b.input(type_of((300, 300)))
    compiled = compile_graph(Graph([x], [b.add(x, x)]))
    first = compiled.run([np.full((300, 300), 1.0)])[1][0]
    part = compiled.run([np.full((300, 300), 2.0)])[1][0][3]
    for k in range(8):
        compiled.run([np.full((300, 300), 10.0 + k)])
    assert (first == 2.0).all()
    assert (part == 4.0).all()
    address = compiled.run([np.zeros((300, 300))])[1][0].ctypes.data
    assert compiled.run([np.ones((300, 300))])[1][0].ctypes.data == address


def test_inputs_are_checked_and_made_contiguous():
    b = Builder()
    x = b.input(type_of((3, 4)))
    compiled = compile_graph(Graph([x], [b.neg(x)]))
    a = rng().normal(size=(4, 3))
    np.testing.assert_array_equal(compiled.run([a.T])[1][0], -a.T)
    for bad in (a, np.zeros((3, 4), np.float32)):
        with pytest.raises(TypeError, match="expected float64"):
            compiled.run([bad])


def test_outputs_that_are_inputs_constants_or_equal():
    b = Builder()
    x = b.input(type_of((3, 4)))
    data = b.const(rng().normal(size=(5,)))
    y = b.exp(x)
    flat = b.reshape(y, shape=(12,))
    outputs = [x, y, flat, y, data, b.reshape(x, shape=(2, 6)), b.const(2.5), b.zeros(type_of((0, 3)))]
    graph = Graph([x], outputs)
    compare(graph, [rng().normal(size=(3, 4))])


# ---- guards ------------------------------------------------------------------------------------


def guarded():
    b = Builder()
    x = b.input(type_of((5,)))
    index = b.convert(b.sum(x, axes=(0,)), dtype=I8)
    positive = b.gt(b.sum(x, axes=(0,)), b.const(0.0))
    small = b.lt(b.max(x, axes=(0,)), b.const(10.0))
    guards = [
        Guard(positive, True, Location("model.py", 7, "rhs")),
        Guard(small, True, None),
        Guard(b.isnan(b.take(x, b.const(0), axis=0)), False, Location("model.py", 9, "rhs")),
    ]
    return Graph([x], [b.take(x, index, axis=0)], guards)


@pytest.mark.parametrize("mode", ["small", "loops"])
def test_guards(mode, monkeypatch):
    if mode == "loops":
        loops_only(monkeypatch)
    compiled = compile_graph(guarded())
    assert compiled.run([np.full(5, 0.5)])[0] == 0
    assert compiled.run([np.full(5, -0.5)])[0] == 1
    assert compiled.run([np.array([1.0, -0.5, 11.0, 0.0, 0.0])])[0] == 2
    assert compiled.run([np.array([-30.0, -0.5, 11.0, 0.0, 0.0])])[0] == 1
    assert compiled.run([np.full(5, 3.0)])[0] == -1
    assert compiled.run([np.full(5, np.nan)])[0] == 1
    assert "model.py:7" in compiled.message(1)
    assert compiled.message(0) == "good"
    assert "index" in compiled.message(-1)


# ---- calls ---------------------------------------------------------------------------------------


def decay():
    b = Builder()
    y, k = b.input(type_of((4,))), b.input(type_of(()))
    rates = b.const(np.array([0.5, 1.5, 2.5, 3.5]))
    speed = b.mul(b.mul(rates, y), b.broadcast(k, shape=(4,), axes=()))
    return Graph([y, k], [b.neg(speed), b.sum(speed, axes=(0,))])


def stepper(steps, size=4, callee=None):
    callee = callee or decay()
    b = Builder()
    y, k = b.input(type_of((size,))), b.input(type_of(()))
    inputs, total = [y, k], b.const(0.0)
    for _ in range(steps):
        call = b.call(y, k, graph=callee)
        slope, more = b.project(call, index=0), b.project(call, index=1)
        y = b.add(y, b.mul(b.full(y.type, 0.1), slope))
        total = b.add(total, more)
    return Graph(inputs, [y, total, slope])


@pytest.mark.parametrize("mode", ["small", "loops"])
def test_calls(mode, monkeypatch):
    if mode == "loops":
        loops_only(monkeypatch)
    graph = stepper(5)
    plan = build_plan(graph)
    calls = [step for step in plan.steps if isinstance(step, CallStep)]
    assert len({id(step.plan) for step in calls}) == 1
    assert calls[-1].outputs[0].buffer.kind == "output"
    compare(graph, [rng().normal(size=4), np.array(0.7)])


def test_equal_callees_with_other_constants():
    def scaled(values):
        b = Builder()
        x = b.input(type_of((3,)))
        return Graph([x], [b.mul(x, b.const(np.array(values)))])

    b = Builder()
    x = b.input(type_of((3,)))
    first = b.project(b.call(x, graph=scaled([1.5, 2.5, 3.5])), index=0)
    second = b.project(b.call(first, graph=scaled([4.5, 5.5, 6.5])), index=0)
    compare(Graph([x], [second]), [rng().normal(size=3)])


def test_guards_of_callees_come_behind_the_callers():
    b = Builder()
    x = b.input(type_of(()))
    callee = Graph([x], [b.sqrt(x)], [Guard(b.lt(x, b.const(4.0)), True, Location("inner.py", 3, "f"))])
    b = Builder()
    y = b.input(type_of(()))
    first = b.project(b.call(y, graph=callee), index=0)
    second = b.project(b.call(b.mul(first, b.const(3.0)), graph=callee), index=0)
    graph = Graph([y], [second], [Guard(b.gt(y, b.const(0.0)), True, None)])
    compiled = compile_graph(graph)
    assert [compiled.run([np.array(v)])[0] for v in (1.0, -1.0, 5.0, 2.0)] == [0, 1, 2, 3]
    assert "inner.py:3" in compiled.message(3)


def test_workspace_is_reused():
    n = 10_000
    b = Builder()
    y, k = b.input(type_of((n,))), b.input(type_of(()))
    callee = Graph([y, k], [b.mul(y, b.broadcast(k, shape=(n,), axes=())), b.sum(y, axes=(0,))])
    graph = stepper(20, n, callee)
    assert build_plan(graph).workspace_bytes < 4 * 8 * n
    compare(graph, [rng().normal(size=n), np.array(0.7)], 1e-12)


# ---- linear systems ------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [6, 40])
def test_solves_with_one_matrix_share_its_factors(n):
    b = Builder()
    a, x = b.input(type_of((n, n))), b.input(type_of((n,)))
    y = b.solve(a, x, transposed=False)
    z = b.solve(a, y, transposed=True)
    graph = Graph([a, x], [z, b.det(a), b.solve(a, z, transposed=False)])
    assert sum(isinstance(step, LuStep) for step in build_plan(graph).steps) == 1
    matrix = rng().normal(size=(n, n)) + 4 * np.eye(n)
    compare(graph, [matrix, rng().normal(size=n)], 1e-9)


# ---- the native interface ------------------------------------------------------------------------


def test_bindings_run_by_address():
    import ctypes

    compiled = compile_graph(stepper(2))
    arrays = [rng().normal(size=4), np.array(0.3)]
    binding = compiled.bind(arrays)
    native = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(compiled.address)
    assert native(binding.slots.ctypes.data) == 0
    for got, want in zip(binding.outputs, run(compiled.graph, arrays), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-14)
    other = np.zeros(4)
    binding.slots[2] = other.ctypes.data
    native(binding.slots.ctypes.data)
    np.testing.assert_array_equal(other, binding.outputs[0])


def test_calls_without_knowledge_of_object_layout(monkeypatch):
    monkeypatch.setattr(program, "layout", lambda: None)
    graph = stepper(3)
    compiled = compile_graph(graph)
    compare(graph, [rng().normal(size=4), np.array(0.3)], program=compiled)


# ---- the cache -------------------------------------------------------------------------------------


def fresh(graph) -> Program:
    program._memory.clear()
    return compile_graph(graph)


def test_cache_survives_damage(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path))
    graph = stepper(3)
    arrays = [rng().normal(size=4), np.array(0.3)]
    compare(graph, arrays, program=fresh(graph))
    (entry,) = tmp_path.iterdir()
    good = entry.read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    for data in (b"", b"nonsense", good[:100], good[:-1], bytes(flipped)):
        entry.write_bytes(data)
        compare(graph, arrays, program=fresh(graph))
        assert cache.read(entry.name) is not None
    monkeypatch.setattr("diffsci.native.engine.compile_object", None)
    compare(graph, arrays, program=fresh(graph))


def test_entry_of_another_program_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path))
    fresh(stepper(3))
    (first,) = tmp_path.iterdir()
    fresh(stepper(4))
    (second,) = (entry for entry in tmp_path.iterdir() if entry != first)
    second.write_bytes(first.read_bytes())
    compare(stepper(4), [rng().normal(size=4), np.array(0.3)], program=fresh(stepper(4)))


def test_works_without_a_cache(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path / "file" / "below"))
    compare(stepper(3), [rng().normal(size=4), np.array(0.3)], program=fresh(stepper(3)))


SCRIPT = """
import numpy as np
import diffsci as ds
import diffsci.primitives
from diffsci.backends.cpu import compile_graph
from diffsci.graph import Builder, Graph, Type
b = Builder()
for n in range(1, 30):
    x = b.input(Type((n,), np.dtype(float)))
    status, (y,) = compile_graph(Graph([x], [b.sin(b.exp(x))])).run([np.ones(n)])
    assert status == 0 and np.allclose(y, np.sin(np.e)), n
"""


def test_two_processes_share_a_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path))
    both = [subprocess.Popen([sys.executable, "-c", SCRIPT], stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors.decode()
    assert len(list(tmp_path.iterdir())) == 29


def test_import_loads_no_compiler():
    code = "import sys, diffsci.backends.cpu; assert not {'llvmlite', 'numba'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- long programs -----------------------------------------------------------------------------------


def test_long_straight_code_is_split():
    b = Builder()
    x = b.input(type_of((40,)))
    y = x
    for k in range(30):
        y = b.sin(b.add(b.roll(y, shift=(k % 7,)), b.mul(y, b.full(y.type, 0.1 * k))))
        if k == 15:
            call = b.project(b.call(y, graph=Graph([x], [b.neg(x)])), index=0)
            y = b.add(call, y)
    compare(Graph([x], [y, b.sum(y, axes=(0,))]), [rng().normal(size=40)], 1e-9)


def test_seeds_of_ones_and_zeros_fold_away():
    b = Builder()
    x = b.input(type_of((6,)))
    seeds = b.fixed(np.eye(6), structural=True)
    wide = b.broadcast(b.mul(b.cos(x), x), shape=(6, 6), axes=(1,))
    plan = build_plan(Graph([x], [b.mul(wide, seeds)]))
    assert sum(len(step.live) for step in plan.steps) < 6 * 4 + 4
    compare(Graph([x], [b.mul(wide, seeds)]), [rng().normal(size=6)])


def test_seeds_fold_in_called_programs_too():
    b = Builder()
    x, seeds = b.input(type_of((6,))), b.input(type_of((6, 6)))
    wide = b.broadcast(b.mul(b.cos(x), x), shape=(6, 6), axes=(1,))
    inner = Graph(
        [x, seeds], [b.mul(wide, seeds)], [Guard(b.gt(b.sum(x, axes=(0,)), b.const(0.0)), True, None)]
    )
    b = Builder()
    y = b.input(type_of((6,)))
    unit = b.project(b.call(y, b.fixed(np.eye(6), structural=True), graph=inner), index=0)
    nothing = b.project(b.call(y, b.zeros(type_of((6, 6))), graph=inner), index=0)
    graph = Graph([y], [unit, nothing])
    compiled = compile_graph(graph)
    statements = [
        len(step.live)
        for c in build_plan(compiled.graph).callees
        for step in c.steps
        if hasattr(step, "live")
    ]
    assert sum(statements) < 100
    compare(graph, [np.abs(rng().normal(size=6))], program=compiled)
    assert [compiled.run([np.full(6, v)])[0] for v in (1.0, -1.0)] == [0, 1]


def test_deep_graphs_do_not_recurse():
    b = Builder()
    x = b.input(type_of((100,)))
    y = x
    for _ in range(3000):
        y = b.add(y, b.mul(y, b.full(y.type, 1e-3)))
    compiled = compile_graph(Graph([x], [y]))
    status, (out,) = compiled.run([np.ones(100)])
    assert status == 0
    np.testing.assert_allclose(out, 1.001**3000, rtol=1e-11)


def test_columns_summed_over_regions_and_threads(monkeypatch):
    monkeypatch.setattr("diffsci.backends.cpu.module._FORK_NANOSECONDS", 0)
    b = Builder()
    x = b.input(type_of((30, 200)))
    moved = b.roll(b.exp(x), shift=(3, 5))
    padded = b.pad(b.sin(x), low=(2, 1), high=(0, 3), interior=(1, 0))
    graph = Graph([x], [b.sum(moved, axes=(0,)), b.max(padded, axes=(0,)), b.sum(padded, axes=(1,))])
    before = get_num_threads()
    try:
        for threads in (1, 3):
            set_num_threads(threads)
            compare(graph, [rng().normal(size=(30, 200))], 1e-12, fresh(graph))
    finally:
        set_num_threads(before)


@pytest.mark.parametrize(
    ("n", "low", "count", "gap", "part"), [(17, 14, 1, 1, (0, 17)), (40, 5, 2, 2, (0, 6))]
)
def test_one_element_of_a_grid_beside_others(monkeypatch, n, low, count, gap, part):
    loops_only(monkeypatch)
    b = Builder()
    few, many = b.input(type_of((count,))), b.input(type_of((n,)))
    width = count + (count - 1) * gap
    spread = b.pad(few, low=(low,), high=(n - low - width,), interior=(gap,))
    y = b.slice(b.add(spread, b.emit("cos", many)), start=part[:1], stop=part[1:], step=(1,))
    rng = np.random.default_rng(0)
    compare(Graph([few, many], [y]), [rng.normal(size=count), rng.normal(size=n)])


@pytest.mark.parametrize("first", ["turned", "rolled"])
def test_loops_over_equal_boxes_that_cannot_be_one(monkeypatch, first):
    loops_only(monkeypatch)
    b = Builder()
    x, y = b.input(type_of((17, 16))), b.input(type_of((16, 17)))
    rolled = b.roll(b.emit("sin", b.reshape(x, shape=(272,))), shift=(1,))
    turned = b.reshape(b.transpose(b.emit("cos", y), perm=(1, 0)), shape=(272,))
    both = [rolled, turned] if first == "rolled" else [turned, rolled]
    rng = np.random.default_rng(0)
    compare(Graph([x, y], both), [rng.normal(size=(17, 16)), rng.normal(size=(16, 17))])


def test_large_arrays_are_not_looked_at_element_by_element(monkeypatch):
    monkeypatch.setattr(Body, "load", None)
    b = Builder()
    x = b.input(type_of((1_000_000,)))
    with pytest.raises(TooLarge):
        plan_elements(Graph([x], [b.sum(b.emit("cos", x), axes=(0,))]), None)


@pytest.mark.parametrize("rows", [8, 16, 60, 100])
@pytest.mark.parametrize("reduce", [np.max, np.min, np.sum, np.prod])
def test_reductions_of_outer_products(reduce, rows):
    x, y = np.linspace(-1.0, 1.0, rows), np.linspace(-0.9, 1.1, 100)

    def f(x, y):
        return reduce(x[:, None] * y + 0.5, axis=0)

    np.testing.assert_allclose(ds.jit(f)(x, y), f(x, y), rtol=1e-12, atol=1e-14)
