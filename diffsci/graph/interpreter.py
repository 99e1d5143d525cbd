"""The NumPy interpreter: each node by its primitive's value. The oracle for every other backend."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence

import numpy as np

from diffsci.graph import Graph, Node
from diffsci.graph.callees import all_guards, callees, callers
from diffsci.graph.ir import remembered

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
        with np.errstate(all="ignore"):
            return remembered(
                self, node, lambda x: x.inputs, lambda x: evaluate(x, [self[y] for y in x.inputs])
            )


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
    """Return the place in `all_guards` of the first guard that the inputs do not meet, or None.

    The program's own guards come first, then those of the calls that are made here; of branches those of the
    one that is taken.
    """
    called = _with_guards(graph)
    if not graph.guards and not called:
        return None
    values = Values(zip(graph.inputs, map(np.asarray, inputs), strict=True))
    for position, guard in enumerate(graph.guards):
        if bool(values[guard.predicate]) != guard.outcome:
            return position
    position = len(graph.guards)
    for node in called:
        operands = [values[x] for x in node.inputs]
        for callee in callees(node):
            given = _operands_of(callee, node, operands)
            broken = None if given is None else first_broken_guard(callee, given)
            if broken is not None:
                return position + broken
            position += len(all_guards(callee))
    return None


_called: weakref.WeakKeyDictionary[Graph, list[Node]] = weakref.WeakKeyDictionary()


def _with_guards(graph: Graph) -> list[Node]:
    """Return the nodes that run programs with guards."""
    found = _called.get(graph)
    if found is None:
        found = _called[graph] = [node for node in callers(graph) if any(map(all_guards, callees(node)))]
    return found


def _operands_of(callee: Graph, node: Node, operands: list) -> list | None:
    """Return what a program is called with by a node; None if it is not."""
    if node.name == "call":
        return operands
    if node.name == "cond" and callee is node.params["true" if operands[0] else "false"]:
        return operands[1:]
    return None
