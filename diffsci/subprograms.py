"""A function of the user as a program of its own, which the running trace calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci import watching
from diffsci.degenerate import resolved
from diffsci.derived import derived
from diffsci.graph import Graph, Guard
from diffsci.graph.interpreter import run
from diffsci.primitives.linalg.gaps import Unresolved
from diffsci.tracing import Traced, TracedArray, is_tracing, trace_function
from diffsci.tracing import operations as ops
from diffsci.tracing.complex.boundary import entering
from diffsci.tracing.function import is_dynamic
from diffsci.tracing.trace import apply_graph, bind
from diffsci.transforms import simplify
from diffsci.transforms.calls import once
from diffsci.trees import flatten

__all__ = ["Subprogram", "bind_call", "enter", "evaluate", "guard_at"]


@dataclass(frozen=True, slots=True)
class Subprogram:
    """A traced function and what it is applied to.

    Attributes
    ----------
    traced : Traced
    graph : Graph
        Its program, simplified; one object for equal programs.
    inputs : list
        Values of the program's inputs: the dynamic leaves of the arguments, then what the function read
        from outside.
    """

    traced: Traced
    graph: Graph
    inputs: list[Any]

    def results(self, outputs: Sequence[Any]) -> Any:
        """Arrange outputs as the function does; what depends on no input stays a constant."""
        leaves = []
        for node, output in zip(self.traced.graph.outputs, outputs, strict=True):
            fixed = node.is_known and isinstance(output, TracedArray)
            leaf = ops.traced(self.traced.values[node]) if fixed else output
            if isinstance(leaf, TracedArray):
                leaf.scalar = leaf.shape == ()
            leaves.append(leaf)
        return self.traced.results(leaves)


def enter(
    function: Callable, args: Sequence[Any], kwargs: dict[str, Any] | None = None, keep: bool = True
) -> Subprogram:
    """Trace a function at these arguments; `keep`: it may be met again, as the same program."""
    traced = trace_function(function, args, kwargs)
    leaves = flatten((tuple(args), dict(kwargs or {})))[0]
    inputs = [entering(leaf) for leaf in leaves if is_dynamic(leaf)] + traced.captured
    if keep:
        graph = derived(traced.identity, "simplified", lambda: simplify(traced.graph)).graph
    else:
        graph = simplify(traced.graph)
    return Subprogram(traced, graph, inputs)


def bind_call(graph: Graph, inputs: Sequence[Any]) -> list[TracedArray]:
    """Call a graph from the running trace. Its guards hold the caller, too.

    The callee stays one node: it is compiled once, and its derivatives compute it again inside
    themselves instead of keeping its intermediate values.
    """
    outputs = bind("call", *inputs, graph=_with_predicates(graph))
    own = len(graph.outputs)
    for guard, predicate in zip(graph.guards, outputs[own:], strict=True):
        predicate.owner.hold(Guard(predicate.read(), guard.outcome, guard.location))
    return list(outputs[:own])


def _with_predicates(graph: Graph) -> Graph:
    """Return the graph with the predicates of its guards among the outputs."""
    if not graph.guards:
        return graph
    outputs = [*graph.outputs, *(guard.predicate for guard in graph.guards)]
    return once(graph, "with predicates", lambda: Graph(graph.inputs, outputs, graph.guards))


def guard_at(graph: Graph, inputs: Sequence[Any]) -> None:
    """Hold the running trace to the guards of a graph at these inputs."""
    if graph.guards:
        apply_graph(Graph(graph.inputs, (), graph.guards), inputs)


def evaluate(graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    """Return the outputs of a graph: recorded in the running trace, or computed at once."""
    if is_tracing():
        return apply_graph(graph, inputs)
    try:
        values = run(graph, inputs)
    except Unresolved as problem:
        values = resolved(graph, inputs, problem, lambda: run(graph, inputs))
    outputs = [np.array(value)[()] for value in values]
    if watching.contexts:
        watching.examine("program", graph, inputs, outputs, None, len(outputs), "forward")
    return outputs
