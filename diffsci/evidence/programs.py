"""A user's function as something that runs on complex numbers, by way of its traced program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.evidence.analytic import NotAnalytic, run_analytic
from diffsci.graph import Builder, Graph, Node, Type
from diffsci.graph.interpreter import run
from diffsci.primitives.custom_loop import CustomLoop
from diffsci.tracing import trace_function
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import entering
from diffsci.tracing.function import is_dynamic
from diffsci.trees import flatten, unflatten

__all__ = ["analytic_function", "repeating", "single_precision_inside"]


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
    for node, found in zip(traced.graph.outputs, flatten(continued(*args))[0], strict=True):
        if not np.allclose(found, traced.values[node], rtol=rtol, atol=0.0, equal_nan=True):
            raise NotAnalytic("the program is on a branch cut at this point")
    return continued


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
