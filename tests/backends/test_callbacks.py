"""Operations without native code, called back from compiled programs in every context."""

import subprocess
import sys
import threading

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends import callbacks
from diffsci.backends.cpu import compile_graph, program, set_num_threads
from diffsci.backends.plan import build_plan
from diffsci.backends.plan.program import CallbackStep
from diffsci.errors import VerificationError
from diffsci.graph import Builder, Graph, Guard, Primitive, registry
from diffsci.graph.interpreter import run
from diffsci.source import Location
from tests.backends.common import B1, F4, F8, I8, compare, loops_only, random_array, type_of
from tests.kernel.test_custom_loop import looped, plain


def _cube_jvp(b, node, tangents):
    x = node.inputs[0]
    return b.mul(b.mul(b.full(x.type, 3.0), b.mul(x, x)), tangents[0])


CUBE = Primitive("test_cube", lambda t: t, lambda x: x * x * x, "linalg", jvp=_cube_jvp)
PARTS = Primitive(
    "test_parts",
    lambda t, *, scale: (t, type_of((), t.dtype), type_of(t.shape, B1)),
    lambda x, *, scale: (x * np.sum(scale), np.sum(x), x > 0),
    "linalg",
)


STATE = {"error": None}


def _fails(x):
    if STATE["error"] is not None:
        raise STATE["error"]
    return x


FAILS = Primitive("test_fails", lambda t: t, _fails, "linalg", jvp="zero")


@pytest.fixture(autouse=True)
def entered(monkeypatch):
    for primitive in (CUBE, FAILS):
        monkeypatch.setitem(registry._TABLE, primitive.name, primitive)


def rng():
    return np.random.default_rng(7)


def chain(shape, dtype=F8):
    """Callbacks between loops, of one and of several results, some of which nobody asks for."""
    b = Builder()
    x = b.input(type_of(shape, dtype))
    y = b.emit(CUBE, b.tanh(x))
    parts = b.emit(PARTS, b.sub(y, x), scale=np.array([2.0, 0.5]).astype(dtype))
    scaled, positive = b.project(parts, index=0), b.project(parts, index=2)
    axes = tuple(range(len(shape)))
    return Graph([x], [b.select(positive, b.sin(scaled), x), y, b.sum(b.emit(CUBE, scaled), axes=axes)])


@pytest.mark.parametrize("dtype", [F8, F4])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (40, 41), (0, 4)])
def test_between_loops(shape, dtype):
    compare(chain(shape, dtype), [random_array(rng(), shape, dtype)], 1e-12)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_small_programs_as_loops(shape, monkeypatch):
    loops_only(monkeypatch)
    compare(chain(shape), [random_array(rng(), shape, F8)], 1e-12)


def test_directly_from_input_to_output():
    b = Builder()
    x = b.input(type_of((4,)))
    y = b.emit(CUBE, x)
    graph = Graph([x], [y, b.reshape(y, shape=(2, 2)), x])
    assert sum(isinstance(step, CallbackStep) for step in build_plan(graph).steps) == 1
    compare(graph, [rng().normal(size=4)])


def test_integers_and_constants():
    b = Builder()
    indices = b.input(type_of((5,), I8))
    x = b.const(rng().normal(size=5))
    both = Primitive("test_both", lambda i, t: t, lambda i, x: x[i], "indexing")
    compare(Graph([indices], [b.emit(both, indices, x)]), [np.array([4, 0, 1, 1, 2])])


def test_inputs_are_read_only():
    def value(x):
        x[0] = 1.0
        return x

    b = Builder()
    x = b.input(type_of((3,)))
    program = compile_graph(Graph([x], [b.emit(Primitive("test_writes", lambda t: t, value, "linalg"), x)]))
    with pytest.raises(ValueError, match="read-only"):
        program.run([np.zeros(3)])


def test_a_wrong_shape_is_an_error():
    wrong = Primitive("test_wrong", lambda t: t, lambda x: x[0], "linalg")
    b = Builder()
    x = b.input(type_of((3,)))
    with pytest.raises(TypeError, match=r"test_wrong gave an array of shape \(\), expected \(3,\)"):
        compile_graph(Graph([x], [b.emit(wrong, x)])).run([np.zeros(3)])


def test_equal_text_different_parameters():
    """Programs share their machine code, not what they call back."""
    graphs = []
    for factor in (2.0, 3.0):
        b = Builder()
        x = b.input(type_of((3,)))
        graphs.append(Graph([x], [b.project(b.emit(PARTS, x, scale=np.full(3, factor)), index=0)]))
    assert graphs[0].text() == graphs[1].text()
    assert graphs[0].key() != graphs[1].key()
    for graph in graphs:
        compare(graph, [rng().normal(size=3)])


def calling(inner, shape, times=3):
    b = Builder()
    x = b.input(type_of(shape))
    y = x
    for _ in range(times):
        y = b.add(b.project(b.call(y, graph=inner), index=0), x)
    return Graph([x], [y])


@pytest.mark.parametrize("n", [3, 700])
def test_in_called_programs(n):
    compare(calling(calling(chain((n,)), (n,), 2), (n,)), [rng().normal(size=n)], 1e-12)


def test_beside_guards():
    b = Builder()
    x = b.input(type_of((3,)))
    y = b.emit(CUBE, x)
    positive = b.gt(b.sum(y, axes=(0,)), b.const(0.0))
    graph = Graph([x], [b.emit(CUBE, b.exp(y))], [Guard(positive, True, Location("model.py", 3, "f"))])
    program = compile_graph(graph)
    assert program.run([-np.ones(3)])[0] == 1
    compare(graph, [np.ones(3)], program=program)


def test_beside_loops_on_several_threads(monkeypatch):
    monkeypatch.setattr("diffsci.backends.cpu.module._FORK_NANOSECONDS", 0)
    loops_only(monkeypatch)
    set_num_threads(3)
    try:
        compare(chain((50, 41)), [rng().normal(size=(50, 41))], 1e-12)
    finally:
        set_num_threads(2)


def test_two_threads_at_once():
    graph = calling(chain((5,)), (5,))
    program = compile_graph(graph)
    arrays = [rng().normal(size=5) + k for k in range(40)]
    expected = [run(graph, [x])[0] for x in arrays]
    failed = []

    def work():
        for _ in range(20):
            for x, want in zip(arrays, expected, strict=True):
                if not np.allclose(program.run([x])[1][0], want, rtol=1e-12):
                    failed.append(x)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_callback_may_run_compiled_code():
    inner = compile_graph(chain((3,)))
    outer = Primitive("test_outer", lambda t: t, lambda x: inner.run([np.array(x)])[1][0], "linalg")
    b = Builder()
    x = b.input(type_of((3,)))
    program = compile_graph(Graph([x], [b.emit(outer, b.emit(outer, x))]))
    x = rng().normal(size=3)
    want = inner.run([inner.run([x])[1][0]])[1][0]
    np.testing.assert_array_equal(program.run([x])[1][0], want)


def test_results_do_not_alias_operands():
    same = Primitive("test_same", lambda t: t, lambda x: x, "linalg")
    b = Builder()
    x = b.input(type_of((3,)))
    program = compile_graph(Graph([x], [b.emit(same, x)]))
    x = np.ones(3)
    _, (first,) = program.run([x])
    x[:] = 2.0
    np.testing.assert_array_equal(first, 1.0)


# ---- exceptions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("no such thing"), KeyboardInterrupt()])
@pytest.mark.parametrize("depth", [0, 2])
def test_exceptions_pass_through(error, depth, monkeypatch):
    monkeypatch.setitem(STATE, "error", error)
    ran = []
    after = Primitive("test_after", lambda t: t, lambda x: ran.append(1) or x, "linalg")
    b = Builder()
    b.location = Location("model.py", 12, "rhs")
    x = b.input(type_of((3,)))
    graph = Graph([x], [b.emit(after, b.emit(FAILS, x))])
    for _ in range(depth):
        graph = calling(graph, (3,))
    program = compile_graph(graph)
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            program.run([np.ones(3)])
        assert caught.value is error
        assert "in test_fails (model.py:12 in rhs)" in caught.value.__notes__[-1]
    assert not ran


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_exceptions_that_nobody_can_keep_are_no_results(monkeypatch):
    """A signal may arrive when a callback has begun but catches nothing yet: ctypes returns zero then."""

    def interrupted(callback, table):
        raise KeyboardInterrupt

    kind = type(callbacks._trampoline)
    monkeypatch.setattr(callbacks, "_trampoline", kind(interrupted))
    monkeypatch.setattr(program, "_memory", {})  # programs are linked anew
    b = Builder()
    x = b.input(type_of((3,)))
    made = compile_graph(Graph([x], [b.emit(CUBE, x)]))
    with pytest.raises(KeyboardInterrupt, match="while a compiled program ran"):
        made.run([np.ones(3)])
    assert "Python has printed it" in made.message(callbacks.FAILED)


def test_exceptions_of_one_thread_stay_there(monkeypatch):
    monkeypatch.setitem(STATE, "error", ValueError("no such thing"))
    b = Builder()
    x = b.input(type_of((3,)))
    bad, good = compile_graph(Graph([x], [b.emit(FAILS, x)])), compile_graph(Graph([x], [b.emit(CUBE, x)]))
    seen = []

    def work():
        with pytest.raises(ValueError, match="no such thing"):
            bad.run([np.ones(3)])
        seen.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen
    assert good.run([np.ones(3)])[0] == 0


# ---- host loops --------------------------------------------------------------------------------------

Y, P = np.array([0.3, 1.1]), 0.7


def test_host_loops_in_called_programs():
    def through(f):
        inner = ds.jit(lambda y, p: 2.0 * f(np.sin(y), p))
        return lambda y, p: np.sum(inner(y * y, p) ** 2)

    for transform in (lambda f: f, ds.grad, curvature):
        compiled = ds.jit(transform(through(looped)))
        for y in (Y, Y - 0.5):
            np.testing.assert_allclose(compiled(y, P), transform(through(plain))(y, P), rtol=1e-12)


def curvature(f):
    return lambda y, p: ds.hvp(lambda v: f(v, p), (y,), (Y,))


def test_host_loops_in_functions_with_rules_of_their_own():
    def through(f):
        inner = ds.custom_vjp(lambda y, p: f(y, p))
        inner.defvjp(lambda y, p: (f(y, p), y), lambda y, ct: (3.0 * f(y, P) * ct, 0.0 * np.sum(ct)))
        return lambda y: np.sum(inner(y, P) ** 2)

    for transform in (lambda f: f, ds.grad):
        compiled = ds.jit(transform(through(looped)))
        np.testing.assert_allclose(compiled(Y), transform(through(plain))(Y), rtol=1e-12)


def test_objects_do_not_enter_programs():
    b = Builder()
    with pytest.raises(VerificationError, match="a Python object has no place"):
        compile_graph(Graph([b.input(type_of((), object))], []))


# ---- the cache on disk -----------------------------------------------------------------------------

SCRIPT = """
import sys
import numpy as np
from tests.backends.test_callbacks import chain, rng
from diffsci.backends.cpu import compile_graph, program
from diffsci.native import cache
from diffsci.graph.interpreter import run
if sys.argv[1] == "again":
    def refuse(graph):
        raise AssertionError("compiled a second time")
    program._module = refuse
graph, x = chain((6,)), rng().normal(size=6)
for got, want in zip(compile_graph(graph).run([x])[1], run(graph, [x])):
    np.testing.assert_allclose(got, want, rtol=1e-13)
"""


def test_machine_code_serves_another_process(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path))
    kept = []
    for turn in ("first", "again"):
        subprocess.run([sys.executable, "-c", SCRIPT, turn], check=True, timeout=100)
        kept.append({(path.name, path.stat().st_ino) for path in tmp_path.iterdir()})
    # A program that is written again is another file, one that is read keeps its place.
    assert kept[0] == kept[1] != set()
