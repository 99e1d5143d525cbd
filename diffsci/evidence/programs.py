"""A user's function as something that runs on complex numbers, by way of its traced program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.evidence.analytic import NotAnalytic, run_analytic
from diffsci.graph import Graph, Node, Type
from diffsci.source import at
from diffsci.tracing import trace_function
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import entering
from diffsci.tracing.function import is_dynamic
from diffsci.trees import flatten, unflatten

__all__ = ["analytic_function", "held_fixed", "single_precision_inside"]


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

    def run(*moved: Any) -> Any:
        inputs = [
            entering(leaf) if np.ndim(leaf) == ndim else leaf
            for leaf, ndim in zip(_data(moved), ndims, strict=True)
        ]
        outputs = run_analytic(traced.graph, [*inputs, *captured], run.approximate)
        return unflatten(traced.out_tree, outputs)

    run.whole = traced.whole
    run.approximate = set()
    rtol = 1e-9 if single_precision_inside(traced.graph) is None else 1e-4
    for node, found in zip(traced.graph.outputs, flatten(run(*args))[0], strict=True):
        if not np.allclose(found, traced.values[node], rtol=rtol, atol=0.0, equal_nan=True):
            raise NotAnalytic("the program is on a branch cut at this point")
    return run


def single_precision_inside(graph: Graph) -> Node | None:
    """The first operation of a program with a float32 result, or None."""
    return next((node for node in graph.nodes if any(t.dtype == np.float32 for t in _types(node))), None)


def held_fixed(graph: Graph) -> str | None:
    """What derivatives of a program hold fixed but every run chooses anew, and where; None for nothing."""
    for node in graph.nodes:
        if node.primitive.family == "host" and "loop" in node.params:
            held = node.params["loop"].held_fixed()
            if held is not None:
                return f"{held}{at(node.location)}"
    return None


def _types(node: Node) -> tuple[Type, ...]:
    return node.type if isinstance(node.type, tuple) else (node.type,)
