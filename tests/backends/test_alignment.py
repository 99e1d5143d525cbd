"""Rows that compete for the cache: vectors that begin at lines change no bit. Where large arrays begin."""

import numpy as np
import pytest

import diffsci as ds
from benchmarks.stencil_models import MODELS, burgers
from diffsci.backends.cpu.alignment import aligned_load
from diffsci.backends.cpu.prefetching import foremost_loads
from diffsci.backends.cpu.vectorized import vector_loop
from diffsci.backends.cpu.windows import lines_of, windows_of
from diffsci.backends.plan import build_plan
from diffsci.backends.plan.program import Nest
from diffsci.backends.recycling import Recycler
from diffsci.backends.staggering import LARGE, LINE, PAGE
from diffsci.graph import Type
from diffsci.tracing import trace_function
from diffsci.transforms import simplify


def pullback(function):
    return lambda y, ct, *data: ds.vjp(lambda state: function(state, *data), y)[1](ct)[0]


def aligned_nests(function, *arrays):
    """The loops that begin at lines, with the windows of each."""
    found = []
    graph = simplify(trace_function(function, arrays).graph)
    for step in build_plan(graph).steps:
        if isinstance(step, Nest) and (loop := vector_loop(step)) is not None:
            load = aligned_load(step, loop, windows_of(step, loop))
            if load is not None:
                found.append((step, lines_of(step, loop, load[1])))
    return found


def at(array, offset):
    """The same values, that many elements behind the beginning of a page."""
    memory = np.empty(array.nbytes + 2 * PAGE, np.uint8)
    start = -memory.ctypes.data % PAGE + offset * array.itemsize
    found = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    found[...] = array
    return found


def neighbours(y, b, c):
    """Nine rows and more of three arrays, with neighbours along the rows on both sides."""
    total = sum(a[i : i - 4 or None, 3:-2] for a in (y, b, c) for i in range(5))
    return total + y[2:-2, 1:-4] * y[2:-2, 5:] - b[1:-3, 2:-3] * c[3:-1, 4:-1]


@pytest.mark.parametrize(("dtype", "columns"), [(np.float64, 512), (np.float32, 1024)])
def test_places_of_the_arguments_do_not_change_a_bit(dtype, columns):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((9, columns)).astype(dtype) for _ in range(3)]
    assert aligned_nests(neighbours, *arrays)
    jitted = ds.jit(neighbours)
    found = [jitted(*(at(a, k) for a in arrays)) for k in range(9)]
    found += [jitted(*(at(a, k) for k, a in enumerate(arrays)))]
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(found[0], neighbours(*arrays), rtol=tolerance, atol=tolerance)
    assert all(np.array_equal(found[0], x) for x in found[1:])


@pytest.mark.parametrize("columns", [512, 515, 1024])
def test_burgers_as_operation_by_operation(columns):
    rng = np.random.default_rng(1)
    y, ct = rng.standard_normal((2, 2, 7, columns))
    assert columns % 512 or aligned_nests(pullback(burgers), y, ct)
    found = ds.jit(pullback(burgers))(y, ct)
    np.testing.assert_allclose(found, pullback(burgers)(y, ct), rtol=1e-12, atol=1e-12)


def test_arrays_of_three_axes():
    """Planes of 8 rows of 64 are a page: neighbouring planes compete, neighbouring rows do not."""
    rng = np.random.default_rng(2)
    arrays = [rng.standard_normal((6, 8, 64 * k)) for k in (1, 2)]

    def planes(x):
        return sum(np.roll(x, i, 0) * np.roll(x, (i, 1), (0, 2)) for i in range(6)) + np.roll(
            x, (1, 1), (1, 2)
        )

    for x in arrays:
        np.testing.assert_allclose(ds.jit(planes)(x), planes(x), rtol=1e-13, atol=1e-13)


def test_threads_do_not_change_a_bit(monkeypatch):
    monkeypatch.setattr("diffsci.backends.cpu.module._FORK_NANOSECONDS", 0)
    rng = np.random.default_rng(3)
    y, ct = rng.standard_normal((2, 2, 22, 512))
    jitted, before, results = ds.jit(lambda y, ct: pullback(burgers)(y, ct)), ds.get_num_threads(), []
    for threads in (1, 2, 3, 7):
        ds.set_num_threads(threads)
        results.append(jitted(y, ct).tobytes())
    ds.set_num_threads(before)
    assert results.count(results[0]) == 4


@pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])
def test_no_line_lies_outside_of_its_array(model):
    shapes = [(*(n or 8 for n in shape[:-1]), 1024) for shape in (model.state, model.state, *model.data)]
    for nest, windows in aligned_nests(pullback(model.function), *(np.ones(s, np.float32) for s in shapes)):
        for window in windows.values():
            last = window.last + sum(c * (n - 1) for c, n in zip(window.coefs, nest.extents, strict=True))
            assert window.last >= window.width
            assert last < window.buffer.size


@pytest.mark.parametrize(("side", "expected"), [(256, 0), (512, 4)])
def test_the_foremost_rows_of_large_arrays_are_fetched_ahead(side, expected):
    """Of the twelve rows that the pullback of Burgers' equations reads four come from memory."""
    y, ct = np.random.default_rng(4).standard_normal((2, 2, side, side))
    graph, counts = simplify(trace_function(pullback(burgers), (y, ct)).graph), set()
    for nest in build_plan(graph).steps:
        if (loop := vector_loop(nest)) is not None:
            counts.add(len(foremost_loads(nest, loop, windows_of(nest, loop))))
    assert max(counts) == expected
    found = ds.jit(pullback(burgers))(y, ct)
    np.testing.assert_allclose(found, pullback(burgers)(y, ct), rtol=1e-12, atol=1e-12)


def test_results_begin_at_lines_of_different_places():
    make = Recycler(Type((LARGE // 8,), np.dtype(np.float64)))
    held = [make() for _ in range(4)]
    places = [array.ctypes.data % PAGE for array in held]
    assert len(set(places)) == 4
    assert all(place and place % LINE == 0 for place in places)
    held.pop()
    again = make()
    assert again.ctypes.data % PAGE == places[3]
    assert not any(np.shares_memory(again, array) for array in held)
