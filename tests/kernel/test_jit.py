"""Compiled functions: signatures, guards, values read from outside, containers, failures."""

import threading
import types

import numpy as np
import pytest

import diffsci as ds

SCALE = 2.0
TABLE = np.array([1.0, 2.0, 3.0])
COUNT = 3
PICK = np.array([0, 2])


@pytest.fixture
def module():
    """Return this module's globals, restored afterwards."""
    saved = {name: globals()[name] for name in ("SCALE", "TABLE", "COUNT", "PICK")}
    yield globals()
    globals().update(saved)


BACKENDS = ("numba", "numpy")
each_backend = pytest.mark.parametrize("backend", BACKENDS)


@each_backend
def test_floats_and_arrays_from_globals_are_read_again(module, backend):
    f = ds.jit(ds.grad(lambda x: np.sum(SCALE * TABLE * x)), backend=backend)
    x = np.ones(3)
    np.testing.assert_array_equal(f(x), 2 * TABLE)
    module["SCALE"] = 5.0
    np.testing.assert_array_equal(f(x), 5 * TABLE)
    TABLE[1] = 10.0
    np.testing.assert_array_equal(f(x), [5.0, 50.0, 15.0])
    TABLE[1] = 2.0
    module["TABLE"] = np.ones(3)
    np.testing.assert_array_equal(f(x), 5 * np.ones(3))


@each_backend
def test_integers_and_indices_from_globals_are_read_again(module, backend):
    f = ds.jit(lambda x: x**COUNT, backend=backend)
    assert f(2.0) == 8.0
    module["COUNT"] = 2
    assert f(2.0) == 4.0
    g = ds.jit(lambda x: np.sum(x[PICK]), backend=backend)
    x = np.array([1.0, 10.0, 100.0])
    assert g(x) == 101.0
    module["PICK"] = np.array([1, 1])
    assert g(x) == 20.0


@each_backend
def test_closures_are_read_again(backend):
    rate = 2.0
    f = ds.jit(lambda x: rate * x, backend=backend)
    assert f(3.0) == 6.0
    rate = 4.0
    assert f(3.0) == 12.0


@each_backend
def test_both_branches_at_two_points_each(backend):
    @ds.jit(backend=backend)
    @ds.grad
    def f(x):
        if x[0] > 0:
            return x[0] * x[1]
        return x[1] ** 3

    for _ in range(2):
        for a, b in ((1.0, 2.0), (3.0, 4.0)):
            np.testing.assert_array_equal(f(np.array([a, b])), [b, a])
            np.testing.assert_array_equal(f(np.array([-a, b])), [0.0, 3 * b * b])


@each_backend
def test_loop_with_a_trip_count_that_depends_on_values(backend):
    """Newton's iteration for a square root, compiled path by path."""

    def root(a):
        x = a
        while abs(x * x - a) > 1e-12 * a:
            x = 0.5 * (x + a / x)
        return x

    f = ds.jit(ds.value_and_grad(root), backend=backend)
    for a in (2.0, 3.0, 50.0, 2.0):
        value, slope = f(a)
        assert value == pytest.approx(np.sqrt(a), rel=1e-12)
        assert slope == pytest.approx(0.5 / np.sqrt(a), rel=1e-6)


def test_nan_takes_the_branch_python_takes():
    @ds.jit
    def f(x):
        return 1.0 * x if not (x > 0) else 2.0 * x

    assert f(1.0) == 2.0
    assert np.isnan(f(np.nan))
    assert f(-1.0) == -1.0


def test_too_many_paths_warn_once_with_the_line_and_stay_right():
    f = ds.jit(lambda x: x * range(1000)[int(x)], backend="numpy")
    with pytest.warns(UserWarning, match=r"test_jit\.py:\d+") as warned:
        results = [f(float(k)) for k in range(40)]
    assert results == [float(k) * k for k in range(40)]
    assert len(warned) == 1


@each_backend
def test_shapes_dtypes_and_static_arguments_specialise(backend):
    f = ds.jit(lambda x, n, mode: x * n if mode == "mul" else x + n, backend=backend)
    assert f(2.0, 3, "mul") == 6.0
    assert f(2.0, 4, "mul") == 8.0
    assert f(2.0, 4, "add") == 6.0
    single = f(np.ones(2, np.float32), 2, "mul")
    assert single.dtype == np.float32
    np.testing.assert_array_equal(f(np.ones((2, 3)), 2, "add"), np.full((2, 3), 3.0))
    assert f(np.ones((0, 3)), 2, "add").shape == (0, 3)


@each_backend
def test_layouts(backend):
    f = ds.jit(lambda x: x * 2 + x[0], backend=backend)
    x = np.arange(12.0).reshape(3, 4)
    for view in (x.T, x[::2], x[:, 1:3], np.asfortranarray(x), x[::-1]):
        np.testing.assert_array_equal(f(view), view * 2 + view[0])
    np.testing.assert_array_equal(f(x.astype(">f8")), x * 2 + x[0])


@each_backend
def test_containers(backend):
    f = ds.jit(lambda p: {"sum": p["a"] + p["b"][0], "list": [p["b"][1], (p["a"],)]}, backend=backend)
    out = f({"a": 1.0, "b": (2.0, 3.0)})
    assert out == {"sum": 3.0, "list": [3.0, (1.0,)]}
    assert isinstance(out["sum"], np.float64)


def test_results_are_never_overwritten():
    f = ds.jit(lambda x: x + 1)
    first = f(np.zeros(200_000))
    kept = first.copy()
    for k in range(5):
        f(np.full(200_000, float(k)))
    np.testing.assert_array_equal(first, kept)


WORK = np.zeros(2)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__setitem__(0, 5.0),
        lambda x: x.__iadd__(1.0),
        lambda x: np.add(x, 1.0, out=x),
        lambda x: x.T[1:].fill(0.0),
        lambda x: np.add.at(x, [0], 1.0),
        lambda x: WORK.__setitem__(0, x[0]),
    ],
)
def test_what_belongs_to_others_is_not_written(write):
    def f(x):
        write(x)
        return np.sum(x * x)

    x = np.array([1.0, 2.0])
    for g in (ds.grad(f), ds.jit(f), ds.jit(ds.grad(f))):
        with pytest.raises(ds.UnsupportedError, match=r"a write into an argument.*test_jit.py.*copy"):
            g(x)
        np.testing.assert_array_equal(x, [1.0, 2.0])
        np.testing.assert_array_equal(WORK, [0.0, 0.0])


def test_methods_and_decorated_methods():
    class Model:
        def __init__(self, k):
            self.k = k

        def decay(self, y):
            return -self.k * y

        @ds.jit
        def compiled(self, y):
            return self.decay(y)

    model = Model(2.0)
    assert ds.jit(model.decay)(3.0) == -6.0
    assert model.compiled(3.0) == -6.0
    assert ds.grad(model.decay)(3.0) == -2.0


def test_jitted_inside_a_traced_function_is_one_sub_program():
    from diffsci.tracing import trace_function

    step = ds.jit(lambda y: y - 0.1 * np.sin(y))

    def march(y):
        for _ in range(4):
            y = step(y)
        return y

    graph = trace_function(march, (1.0,)).graph
    calls = [node for node in graph.nodes if node.name == "call"]
    assert len(calls) == 4
    assert len({id(node.params["graph"]) for node in calls}) == 1
    compiled = ds.jit(ds.grad(march))
    for y in (1.0, 0.3):
        assert compiled(y) == pytest.approx(ds.complex_step(march, y), rel=1e-13)


def test_sub_program_follows_a_closure_over_a_traced_value():
    def total(p):
        step = ds.jit(lambda y: y * p)
        return step(step(2.0))

    assert ds.grad(total)(3.0) == 12.0
    assert ds.hessian(total)(3.0) == 4.0
    assert ds.jit(ds.grad(total))(5.0) == 20.0


def test_sub_program_takes_the_branch_of_each_call():
    step = ds.jit(lambda y: y * 2 if y < 3 else y * y)

    def march(y):
        return step(step(step(y)))

    assert ds.value_and_grad(march)(1.0) == (16.0, 32.0)
    compiled = ds.jit(ds.value_and_grad(march))
    assert compiled(1.0) == (16.0, 32.0)
    assert compiled(4.0) == (4.0**8, 8 * 4.0**7)


def test_threads():
    f = ds.jit(ds.grad(lambda x: np.sum(np.sin(x) * x)))
    expected = {n: f(np.arange(float(n))) for n in (3, 50)}
    failures = []

    def work(n):
        for _ in range(200):
            if not np.array_equal(f(np.arange(float(n))), expected[n]):
                failures.append(n)

    workers = [threading.Thread(target=work, args=(n,)) for n in (3, 50, 3, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures


def test_compile_gives_a_program_with_an_address():
    step = ds.compile(lambda y, h: y - h * SCALE * y, np.ones(2), 0.1)
    assert step.program.address > 0
    assert step.captured == [2.0]
    np.testing.assert_array_equal(step(np.array([1.0, 2.0]), 0.25), [0.5, 1.0])


def test_source_shows_the_generated_program():
    f = ds.jit(lambda x: np.sin(x) + 1)
    with pytest.raises(ValueError, match="not compiled yet"):
        f.source()
    f(1.0)
    assert "define" in f.source()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: ds.jit(3), TypeError, "expected a callable"),
        (lambda: ds.jit(np.sin, backend="cuda"), ValueError, "'numba', 'numpy' or 'cupy'"),
        (lambda: ds.jit(np.sin, backend="cupy")(1.0), ds.UnsupportedError, "cupy"),
        (lambda: ds.jit(lambda x: "text")(1.0), ds.UnsupportedError, r"result of .* is of type str"),
        (lambda: ds.jit(lambda x: x)(np.array(["a"])), ds.UnsupportedError, "cannot be traced"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_exceptions_of_the_model_pass_through():
    def f(x):
        if x > 1:
            raise RuntimeError("too hot")
        return x

    compiled = ds.jit(f)
    assert compiled(0.5) == 0.5
    with pytest.raises(RuntimeError, match="too hot"):
        compiled(2.0)


def test_globals_written_by_a_traced_function_reach_the_module():
    namespace = types.ModuleType("user_module")
    exec("count = 0\ndef f(x):\n    global count\n    count += 1\n    return x * count", namespace.__dict__)
    ds.grad(namespace.f)(2.0)
    assert namespace.count == 1


def test_what_is_kept_of_ever_new_shapes_is_bounded(monkeypatch):
    import importlib

    from diffsci.backends.cpu import program

    monkeypatch.setattr(importlib.import_module("diffsci.jit"), "MAX_SIGNATURES", 4)
    monkeypatch.setattr(program, "MOST_KEPT", 3)
    f = ds.jit(ds.value_and_grad(lambda x: np.sum(x * np.sin(x))))
    held = []
    for n in [*range(1, 24), 5, 1, 23]:
        x = np.linspace(0.1, 1.0, n)
        value, slope = f(x)
        held.append((slope, np.sin(x) + x * np.cos(x)))
        assert np.isclose(value, np.sum(x * np.sin(x)), rtol=1e-13)
    assert len(f._paths) <= 4
    assert len(program._memory) <= 3
    for slope, expected in held:
        np.testing.assert_allclose(slope, expected, rtol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x,
        lambda x: x[1:],
        lambda x: x[::-1],
        lambda x: (np.sin(x),) * 2,
        lambda x: (np.ones(3), np.ones(3)),
        lambda x: np.broadcast_to(x, (2, 3)),
    ],
)
def test_results_have_memory_of_their_own(f, backend):
    x = np.arange(3.0)
    f = ds.jit(f, backend=backend)
    found = [y for results in (f(x), f(x)) for y in (results if isinstance(results, tuple) else [results])]
    for k, y in enumerate(found):
        assert y.flags.carray
        assert not any(np.shares_memory(y, other) for other in (x, *found[:k]))
