"""The NumPy interpreter: each node by its primitive's value. The oracle for every other backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from diffsci.graph import Graph, Node

__all__ = ["Values", "evaluate", "first_broken_guard", "run"]


def evaluate(node: Node, operands: Sequence) -> np.ndarray | tuple:
    """Return the value of one node on given operands."""
    if node.name == "call":
        return tuple(run(node.params["graph"], operands))
    if node.name == "cond":
        return tuple(run(node.params["true" if operands[0] else "false"], operands[1:]))
    value = node.primitive.value(*operands, **node.params)
    return value if isinstance(node.type, tuple) else np.asarray(value)


class Values(dict):
    """Values of nodes at one point, each computed when it is first asked for and then kept."""

    def __missing__(self, node: Node):
        stack = [node]
        with np.errstate(all="ignore"):
            while stack:
                last = stack[-1]
                missing = [x for x in last.inputs if x not in self]
                if missing:
                    stack += missing
                    continue
                stack.pop()
                if last not in self:
                    self[last] = evaluate(last, [self[x] for x in last.inputs])
        return self[node]


def run(graph: Graph, inputs: Sequence, known: Mapping[Node, np.ndarray] | None = None) -> list[np.ndarray]:
    """Return the outputs of the graph.

    Parameters
    ----------
    graph : Graph
    inputs : sequence of array_like
        One per input. Complex values in place of floats run through analytic operations: that is
        the complex step.
    known : mapping, optional
        Values of nodes that are known already, and not computed again.

    Notes
    -----
    Guards are not checked: see `first_broken_guard`.
    """
    values = _values(graph, graph.nodes, inputs, known)
    return [np.asarray(values[y]) for y in graph.outputs]


def _values(graph: Graph, nodes, inputs, known) -> dict:
    if len(inputs) != len(graph.inputs):
        raise TypeError(f"{graph!r} takes {len(graph.inputs)} inputs, got {len(inputs)}")
    values: dict = dict(zip(graph.inputs, map(np.asarray, inputs), strict=True))
    if known:
        values = {**known, **values}
    with np.errstate(all="ignore"):
        for node in nodes:
            if node not in values:
                values[node] = evaluate(node, [values[x] for x in node.inputs])
    return values


def first_broken_guard(graph: Graph, inputs: Sequence) -> int | None:
    """Return the index of the first guard that the inputs do not meet, or None."""
    if not graph.guards:
        return None
    predicates = Graph(graph.inputs, [guard.predicate for guard in graph.guards])
    outcomes = run(predicates, inputs)
    for position, (guard, outcome) in enumerate(zip(graph.guards, outcomes, strict=True)):
        if bool(outcome) != guard.outcome:
            return position
    return None
