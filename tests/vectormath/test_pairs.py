"""Two functions of one argument, computed together, are the functions."""

import numpy as np
import pytest

from diffsci.backends.cpu import compile_graph
from diffsci.backends.cpu.module import Module
from diffsci.backends.plan import build_plan
from diffsci.backends.vectormath.table import PAIRS
from diffsci.graph import Builder, Graph
from tests.backends.common import type_of
from tests.vectormath.units import DTYPES, compiled, edges, everywhere


def both(names, x):
    b = Builder()
    node = b.input(type_of(x.shape, x.dtype))
    return Graph([node], [b.emit(name, node) for name in names])


@pytest.mark.parametrize("code", ["f8", "f4"])
@pytest.mark.parametrize("names", PAIRS)
def test_same_bits_as_alone(names, code):
    x = np.concatenate([everywhere(code, 500), np.linspace(-9, 9, 500)]).astype(DTYPES[code])
    x = np.concatenate([x, edges(code)])
    status, got = compile_graph(both(names, x)).run([x])
    assert status == 0
    for name, values in zip(names, got, strict=True):
        np.testing.assert_array_equal(values, compiled(name, code, x))


@pytest.mark.parametrize("names", PAIRS)
def test_one_call_for_two(names):
    text = Module(build_plan(both(names, np.zeros(2000))), fused=True).text()
    assert f"{names[0]}_and_{names[1]}" in text
    assert f"_{names[0]}(" not in text
