"""Stores side by side: rows of a few elements, written by whole vectors."""

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends.cpu.interleaved import runs_of
from diffsci.backends.plan.build import build_plan
from diffsci.backends.plan.program import Nest
from diffsci.graph import Builder, Graph, Type, interpreter
from diffsci.tracing.trace import apply_graph


def placed(count, shape, gap, dtype):
    """Return a program that writes `count` arrays side by side, and others into the gap behind."""
    b = Builder()
    x = b.input(Type(shape, np.dtype(dtype)))
    width = count + gap
    strides = tuple(width * int(np.prod(shape[k + 1 :])) for k in range(len(shape)))
    two, half = (b.full(x.type, value) for value in (2.0, 0.5))
    formulas = [b.mul(x, two), x, half, b.neg(x), b.add(x, two), b.mul(x, x), x, b.sub(half, x)]
    boxes = [b.add(formulas[k % 8], b.full(x.type, float(k // 8))) for k in range(count)]
    starts = list(range(count))
    for k in reversed(range(gap)):  # not in order: no run
        boxes.append(b.mul(x, b.full(x.type, 3.0 + k)))
        starts.append(count + k)
    data = b.place(
        *boxes, shape=(width * x.type.size,), starts=tuple(starts), strides=(strides,) * len(boxes)
    )
    return Graph([x], [data])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("gap", [0, 1])
@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 8, 9, 15, 17])
@pytest.mark.parametrize("shape", [(643,), (24, 34)])
def test_rows_of_any_length(count, shape, gap, dtype):
    graph = placed(count, shape, gap, dtype)
    x = np.random.default_rng(count).normal(size=shape).astype(dtype)
    (wanted,) = interpreter.run(graph, [x])
    found = ds.jit(lambda x: apply_graph(graph, [x])[0])(x)
    np.testing.assert_array_equal(found, wanted)


def test_entries_of_a_row_are_one_run():
    (nest,) = (step for step in build_plan(placed(7, (50, 60), 0, float)).steps if isinstance(step, Nest))
    (run,) = runs_of(nest, len(nest.extents) - 1)
    assert [store.address[0] for store in run.stores] == list(range(7))
    assert run.stride == 7
