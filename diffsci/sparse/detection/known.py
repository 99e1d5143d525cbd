"""What the values of nodes are, where they are known before the program runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffsci.graph import Graph, Node, interpreter

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
    """

    def __init__(self, graph: Graph, values: Mapping[Node, Any] | None = None, everything: bool = False):
        self.everything = everything
        self._values = interpreter.Values()
        self._values.update({x: np.asarray(value) for x, value in (values or {}).items()})
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
