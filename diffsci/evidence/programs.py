"""A user's function as something that runs on complex numbers, by way of its traced program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.evidence.analytic import NotAnalytic, run_analytic
from diffsci.graph import Builder, Graph, Node, Type
from diffsci.graph.interpreter import run
from diffsci.primitives.custom_loop import CustomLoop
from diffsci.tracing import Traced, trace_function
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import entering
from diffsci.tracing.function import is_dynamic
from diffsci.trees import flatten, unflatten

__all__ = ["analytic_function", "repeating", "single_precision_inside"]

SAMPLES = 3  # of small changes: one may cancel, like the terms themselves


def _data(args: Sequence[Any]) -> list[Any]:
    return [leaf for leaf in flatten((tuple(args), {}))[0] if is_dynamic(leaf)]


def analytic_function(f: Callable, args: Sequence[Any]) -> Callable[..., Any]:
    """Trace ``f`` at real arguments; the result takes complex ones of the same structure.

    A complex argument, and a complex result, is a pair of such numbers along a last axis; the attribute
    `whole` tells which results are. The attribute `approximate` names the operations that exist for real
    numbers only, and are continued by differences.

    Raises
    ------
    NotAnalytic
        When the program has no analytic continuation at ``args``: it has to return the real value
        there, which it does not on a branch cut.
    """
    traced = trace_function(f, args)
    captured = traced.captured
    ndims = [np.ndim(leaf) if is_complex(leaf) else -1 for leaf in _data(args)]

    def continued(*moved: Any) -> Any:
        inputs = [
            entering(leaf) if np.ndim(leaf) == ndim else leaf
            for leaf, ndim in zip(_data(moved), ndims, strict=True)
        ]
        outputs = run_analytic(traced.graph, [*inputs, *captured], continued.approximate)
        return unflatten(traced.out_tree, outputs)

    continued.whole = traced.whole
    continued.approximate = set()
    rtol = 1e-9 if single_precision_inside(traced.graph) is None else 1e-4
    found, wanted = flatten(continued(*args))[0], [traced.values[y] for y in traced.graph.outputs]
    if not _near(found, wanted, rtol) and not _near(found, wanted, rtol, _sensitivity(traced, rtol)):
        raise NotAnalytic("the program is on a branch cut at this point")
    return continued


def _near(found: Sequence, wanted: Sequence, rtol: float, atol: Sequence | None = None) -> bool:
    """Tell whether arrays agree, to a part of the wanted ones and more where `atol` says so."""
    margins = [0.0] * len(wanted) if atol is None else atol
    return all(
        np.all(np.isclose(y, z, rtol=rtol, atol=margin, equal_nan=True))
        for y, z, margin in zip(found, wanted, margins, strict=True)
    )


def _sensitivity(traced: Traced, part: float) -> list[np.ndarray]:
    """Return how far the outputs of a program move if its inputs do, by up to that part of them.

    Terms that cancel leave roundings as large as that allows, and complex arithmetic leaves others.
    """
    random = np.random.default_rng(0)
    graph, values = traced.graph, [np.asarray(traced.values[x]) for x in traced.graph.inputs]
    wanted = [traced.values[y] for y in graph.outputs]
    most = [np.zeros(y.shape) for y in graph.outputs]
    for _ in range(SAMPLES):
        moved = [
            (x * (1.0 + part * random.uniform(-1.0, 1.0, x.shape))).astype(x.dtype)
            if x.dtype.kind == "f"
            else x
            for x in values
        ]
        with np.errstate(all="ignore"):
            changes = [
                np.abs(np.subtract(y, z, dtype=float)) for y, z in zip(run(graph, moved), wanted, strict=True)
            ]
        most = [np.fmax(m, np.where(np.isfinite(d), d, 0.0)) for m, d in zip(most, changes, strict=True)]
    return most


def single_precision_inside(graph: Graph) -> Node | None:
    """The first operation of a program with a float32 result, or None."""
    return next((node for node in graph.nodes if any(t.dtype == np.float32 for t in _types(node))), None)


def repeating(f: Callable, args: Sequence[Any]) -> Callable[..., Any] | None:
    """Return ``f`` with what its loops choose at these arguments, None where they choose nothing.

    So differences see what derivatives see: an adaptive integration, say, with the steps that it took here.
    """
    traced = trace_function(f, args)
    loops = {}
    for node in traced.graph.nodes:
        if node.name == "host_run":
            loop = node.params["loop"].repeated(traced.values[node][-1][()])
            if loop is not None:
                loops[node] = loop
    if not loops:
        return None
    graph, captured = _with_loops(traced.graph, loops), traced.captured
    return lambda *moved: traced.results(run(graph, [*map(entering, _data(moved)), *captured]))


def _with_loops(graph: Graph, loops: dict[Node, CustomLoop]) -> Graph:
    b = Builder()
    moved: dict[Node, Node] = {x: x for x in graph.inputs}
    for node in graph.nodes:
        if node not in moved:
            params = node.params | ({"loop": loops[node]} if node in loops else {})
            moved[node] = b.emit(node.primitive, *(moved[x] for x in node.inputs), **params)
    return Graph(graph.inputs, [moved[y] for y in graph.outputs])


def _types(node: Node) -> tuple[Type, ...]:
    return node.type if isinstance(node.type, tuple) else (node.type,)
