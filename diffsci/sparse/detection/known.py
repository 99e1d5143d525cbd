"""What the values of nodes are, where they are known before the program runs, and which are zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffsci.graph import Graph, Node, interpreter
from diffsci.sparse.detection.zeros import rule_for

__all__ = ["Known"]

# Families whose operations are cheap and raise nothing.
PLAIN = frozenset(["elementwise", "structural", "indexing", "reduction", "contraction"])


class Known:
    """Values of nodes that depend on nothing but constants and inputs of known value, None for others.

    Parameters
    ----------
    graph : Graph
    values : mapping
        Input node -> its value.
    everything : bool
        All inputs are known, at one point: calls and loops are run as well.
    masks : mapping
        Input node -> where its value can be nonzero, None for anywhere.
    """

    def __init__(
        self,
        graph: Graph,
        values: Mapping[Node, Any] | None = None,
        everything: bool = False,
        masks: Mapping[Node, np.ndarray | None] | None = None,
    ):
        self.graph, self.everything = graph, everything
        self._values = interpreter.Values()
        self._values.update({x: np.asarray(value) for x, value in (values or {}).items()})
        self._masks: dict[Node, np.ndarray | None] = dict(masks or {})
        self._callees: dict[tuple[Node, Graph], Known] = {}
        self._fixed = set(self._values)
        for node in graph.nodes:
            if node not in self._fixed and self._follows(node):
                self._fixed.add(node)

    def _follows(self, node: Node) -> bool:
        if node.is_const:
            return True
        if not node.inputs or not (self.everything or node.primitive.family in PLAIN):
            return False
        return all(x in self._fixed for x in node.inputs)

    def __call__(self, node: Node) -> np.ndarray | None:
        """Return the value of a node, or None."""
        return self._values[node] if node in self._fixed else None

    def nonzero(self, node: Node) -> np.ndarray | None:
        """Return where the value of a node can be nonzero, as booleans; None: anywhere."""
        stack = [node]
        while stack:
            last = stack[-1]
            if last in self._masks:
                stack.pop()
                continue
            rule = None if last in self._fixed else rule_for(last)
            missing = [x for x in last.inputs if x not in self._masks] if rule is not None else []
            if missing:
                stack += missing
                continue
            stack.pop()
            self._masks[last] = self._mask(last, rule)
        return self._masks[node]

    def _mask(self, node: Node, rule: Any) -> np.ndarray | None:
        if node in self._fixed:
            mask = nonzero_places(self._values[node])
        elif node.name == "project" and node.inputs[0].name == "call":
            mask = self._of_callee(node.inputs[0], node.params["index"])
        else:
            mask = None if rule is None else rule(node, [self._masks[x] for x in node.inputs], self)
        return None if mask is None or np.all(mask) else mask

    def _of_callee(self, call: Node, index: int) -> np.ndarray | None:
        graph = call.params["graph"]
        return self.inside(graph, call, call.inputs).nonzero(graph.outputs[index])

    def inside(self, graph: Graph, node: Node, operands: Sequence[Node | None]) -> Known:
        """Return what is known inside of a graph that a node runs on these operands (None: on others)."""
        found = self._callees.get((node, graph))
        if found is None:
            pairs = [(x, y) for x, y in zip(graph.inputs, operands, strict=True) if y is not None]
            values = {x: self(y) for x, y in pairs}
            masks = {x: self.nonzero(y) for x, y in pairs}
            values = {x: value for x, value in values.items() if value is not None}
            found = self._callees[node, graph] = Known(graph, values, self.everything, masks)
        return found


def nonzero_places(value: np.ndarray) -> np.ndarray:
    """Return where an array is not zero; one that repeats a number is looked at once."""
    if value.size and not any(value.strides):
        return np.broadcast_to(value.flat[0] != 0, value.shape)
    return value != 0
