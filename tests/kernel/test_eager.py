"""Outside `jit`: derived programs are shared by equal traces, and give the interpreter's bits."""

import gc
import threading
import tracemalloc

import numpy as np
import pytest

import diffsci as ds
from diffsci import derived
from diffsci.backends.eager import EagerProgram
from diffsci.backends.eager.memory import NEW
from diffsci.backends.eager.threads import SHORTEST, SLOW, spread
from diffsci.control import interning
from diffsci.graph import Builder, Graph, Type, interpreter, lookup
from tests.kernel.samples import SAMPLES

FLOAT = np.dtype(float)


def graph_of(name, operands, params):
    b = Builder()
    inputs = [b.input(Type.of(x)) for x in operands]
    node = b.emit(name, *inputs, **params)
    if isinstance(node.type, tuple):
        return Graph(inputs, [b.project(node, index=k) for k in range(len(node.type))])
    return Graph(inputs, [node])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample[0])
def test_every_primitive_has_the_interpreters_bits(sample):
    name, operands, params = sample[:3]
    graph = graph_of(name, operands, params)
    expected = interpreter.run(graph, operands)
    for found, value in zip(EagerProgram(graph).run(operands), expected, strict=True):
        np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample[0])
def test_families_that_return_new_memory(sample):
    name, operands, params = sample[:3]
    graph = graph_of(name, operands, params)
    if lookup(name).family in NEW:
        for value in interpreter.run(graph, operands):
            assert not any(np.shares_memory(value, x) for x in operands)


def long_program(x, scale):
    y = x
    for k in range(12):
        y = np.sin(y) * scale + x[::-1] * y - np.roll(y, k) / 3.0
        z = y.reshape(2, -1).T
        y = y + 0.1 * np.ravel(z)
    return np.sum(y * y) + np.max(y[3:])


def test_recycled_memory_never_changes_a_number():
    """Calls up to the third run in the interpreter, later ones in the program with recycled buffers."""
    gradient = ds.value_and_grad(long_program, argnums=(0, 1))
    rng = np.random.default_rng(5)
    points = [(rng.normal(size=4000), rng.uniform(0.5, 1.0)) for _ in range(3)]
    first = [gradient(*point) for point in points]
    kept = [(float(v), g[0].copy(), float(g[1])) for v, g in first]
    for _ in range(3):
        for point, (value, dx, dscale) in zip(points, kept, strict=True):
            v, g = gradient(*point)
            assert (float(v), float(g[1])) == (value, dscale)
            np.testing.assert_array_equal(g[0], dx)
    for (_, g), (_, dx, _) in zip(first, kept, strict=True):  # results are nobody's buffers
        np.testing.assert_array_equal(g[0], dx)


def test_results_belong_to_the_caller():
    gradient = ds.grad(lambda x: np.sum(x * 2.0))
    x = np.ones(3)
    for _ in range(6):
        g = gradient(x)
        g[:] = 99.0
        np.testing.assert_array_equal(gradient(x), [2.0, 2.0, 2.0])
    _, pullback = ds.vjp(lambda x: x, x)
    for _ in range(6):
        ct = np.arange(3.0)
        pullback(ct)[0][:] = -1.0
        np.testing.assert_array_equal(ct, np.arange(3.0))


def test_constants_branches_and_lines_are_part_of_the_program():
    def power(n, a):
        return ds.grad(lambda x: a * x**n if x > 0 else -x)

    for _ in range(5):
        assert power(2, 3.0)(2.0) == 12.0
        assert power(3, 3.0)(2.0) == 36.0
        assert power(3, -0.5)(2.0) == -6.0
        assert power(3, -0.5)(-2.0) == -1.0


def test_constants_of_the_trace_are_not_stale():
    tables = [np.linspace(0.0, 1.0, 500), np.linspace(0.0, 2.0, 500)]

    def f(x, k):
        return np.sum(np.array(tables[k].tolist()) * x)

    for _ in range(5):
        assert ds.grad(f)(1.0, 0) == pytest.approx(250.0)
        assert ds.grad(f)(1.0, 1) == pytest.approx(500.0)


def test_zero_keeps_its_sign_and_nan_stays():
    for _ in range(5):
        assert np.signbit(ds.jvp(lambda x: x * 0.0, (1.0,), (1.0,))[1]) == np.False_
        assert np.signbit(ds.jvp(lambda x: x * -0.0, (1.0,), (1.0,))[1]) == np.True_
        assert np.isnan(ds.grad(lambda x: x * np.nan)(1.0))


def test_two_threads_share_programs():
    gradient = ds.grad(long_program)
    rng = np.random.default_rng(6)
    points = [rng.normal(size=4000) for _ in range(4)]
    expected = [gradient(x, 0.7) for x in points]
    wrong = []

    def work(k):
        for _ in range(10):
            if not np.array_equal(gradient(points[k], 0.7), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("name", sorted(SLOW))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_no_bit(name, dtype):
    ufunc = getattr(np, name)
    x = np.random.default_rng(7).uniform(-3.0, 3.0, SHORTEST + 77).astype(dtype)
    with np.errstate(all="ignore"):
        expected = ufunc(x)
    for threads in (1, 2, 3):
        before = ds.get_num_threads()
        ds.set_num_threads(threads)
        try:
            with np.errstate(all="ignore"):
                found = spread(ufunc)(x, np.empty_like(x))
        finally:
            ds.set_num_threads(before)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(dtype):
    for _ in range(6):
        value, gradient = ds.value_and_grad(long_program)(np.linspace(0.1, 1.0, 1000, dtype=dtype), 0.5)
        assert np.asarray(value).dtype == gradient.dtype == dtype


@pytest.mark.parametrize("loop", [False, True])
def test_memory_of_programs_with_fresh_constants_is_bounded(monkeypatch, loop):
    """Noise that is drawn in the function makes another program at every call."""
    monkeypatch.setattr(derived, "MOST_BYTES", 1 << 22)
    monkeypatch.setattr(interning, "MOST", 4)
    rng = np.random.default_rng(0)

    def noisy(x):
        if loop:
            return ds.fori_loop(0, 2, lambda i, c: c * rng.standard_normal(x.size), x)[0]
        return np.sum(x * rng.standard_normal(x.size))

    x = np.ones(20_000)
    gradient = ds.grad(noisy)
    gradient(x)
    tracemalloc.start()
    try:
        for _ in range(200):  # 32 MB of constants
            gradient(x)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 3 << 22
