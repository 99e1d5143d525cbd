"""Compiled = interpreter, for one and more applications of every primitive and for its derivatives."""

import numpy as np
import pytest

from diffsci.backends.cpu import compile_graph
from diffsci.graph import Graph
from diffsci.graph.interpreter import run
from diffsci.transforms import jvp_graph, simplify, vjp_graph
from tests.backends.common import loops_only
from tests.kernel.samples import FLAT, SAMPLES, graph_of, label

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def rng():
    return np.random.default_rng(4)


def agree(graph: Graph, operands) -> None:
    """Spectra and the like may differ in rounding; equal operands give equal operations called back."""
    program = compile_graph(graph)
    status, outputs = program.run([np.array(x, order="C") for x in operands])
    assert status == 0
    for got, want, type_ in zip(outputs, run(graph, operands), graph.output_types, strict=True):
        assert got.dtype == type_.dtype
        assert got.shape == type_.shape
        scale = np.max(np.abs(want), initial=1.0, where=np.isfinite(want))
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13 * scale)


def given(sample):
    return [np.asarray(x) for x in sample[1]]


@pytest.mark.parametrize("sample", SAMPLES + FLAT, ids=label)
def test_values(sample, monkeypatch):
    graph, operands = graph_of(*sample), given(sample)
    agree(graph, operands)
    loops_only(monkeypatch)
    agree(graph, operands)


@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_derivatives(sample):
    graph, operands = graph_of(*sample), given(sample)
    active = [t.is_float for t in graph.input_types]
    tangents = [rng().normal(size=x.shape) for x, moved in zip(operands, active, strict=True) if moved]
    agree(simplify(jvp_graph(graph, active)), [*operands, *tangents])
    cotangents = [rng().normal(size=y.shape) for y in graph.output_types if y.is_float]
    agree(simplify(vjp_graph(graph, active)), [*operands, *cotangents])
