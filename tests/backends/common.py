"""Compare a compiled graph with the interpreter."""

from __future__ import annotations

import numpy as np

import diffsci.primitives  # noqa: F401  (fills the registry)
from diffsci.backends.cpu import compile_graph
from diffsci.backends.plan import build
from diffsci.graph import Builder, Graph, Type
from diffsci.graph.interpreter import run

F8, F4, I8, B1 = (np.dtype(name) for name in ("float64", "float32", "int64", "bool"))


def random_array(rng, shape, dtype, low=-2.0, high=2.0):
    dtype = np.dtype(dtype)
    if dtype == B1:
        return rng.random(shape) < 0.5
    if dtype == I8:
        return rng.integers(-7, 8, shape)
    return np.asarray(rng.uniform(low, high, shape)).astype(dtype)


def compare(graph: Graph, inputs, tolerance: float = 1e-13, program=None):
    """Run compiled code and interpreter; the results must agree, NaN and infinities included."""
    program = program or compile_graph(graph)
    status, outputs = program.run(inputs)
    assert status == 0
    for got, want, type_ in zip(outputs, run(graph, inputs), graph.output_types, strict=True):
        assert got.dtype == type_.dtype
        assert got.shape == type_.shape
        close(got, want, tolerance)
    return outputs


def close(got, want, tolerance: float = 1e-13) -> None:
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    if got.dtype == F4:
        tolerance = max(tolerance, 3e-6)
    scale = np.max(np.abs(want[np.isfinite(want)]), initial=1.0)
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * scale)


def loops_only(monkeypatch) -> None:
    """Plan everything as loops, small programs too."""

    def refuse(graph, build_callee):
        raise build.TooLarge

    monkeypatch.setattr(build, "plan_elements", refuse)
    from diffsci.backends.cpu import program

    monkeypatch.setattr(program, "_memory", {})
    monkeypatch.setattr(program.cache, "read", lambda key: None)
    monkeypatch.setattr(program.cache, "write", lambda key, description, code: None)


def one_op(name, types, **params):
    b = Builder()
    inputs = [b.input(t) for t in types]
    return Graph(inputs, [b.emit(name, *inputs, **params)])


def type_of(shape, dtype=F8) -> Type:
    return Type(tuple(shape), np.dtype(dtype))
