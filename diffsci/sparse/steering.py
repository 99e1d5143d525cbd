"""Integer inputs that say which elements a program reads: its pattern holds as long as they stay.

``x[index]`` depends on the elements of x that the index names. So the program of a sparse derivative is made
for the values of such inputs, and guards ask whether they are still the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diffsci.graph import Builder, Graph, Guard, Node

__all__ = ["guarded", "key_of", "steering_inputs"]

_INDEX = 1  # the operand of operations of the family "indexing" that is the index


def steering_inputs(graph: Graph) -> list[int]:
    """Return the positions of the integer inputs that indices are made of, or that go into calls."""
    wanted: set[Node] = set()
    for node in reversed(graph.nodes):
        family = node.primitive.family
        if node in wanted or family in ("call", "host", "implicit"):
            wanted.update(node.inputs)
        elif family == "indexing":
            wanted.add(node.inputs[_INDEX])
    return [k for k, x in enumerate(graph.inputs) if x in wanted and x.dtype.kind == "i"]


def guarded(graph: Graph, values: Mapping[int, np.ndarray]) -> Graph:
    """Return the graph with guards: the inputs at these positions have these values."""
    b = Builder()
    b.adopt(graph.nodes)
    guards = []
    for position, value in values.items():
        same = b.eq(graph.inputs[position], b.const(value))
        if same.shape:
            same = b.all(same, axes=tuple(range(len(same.shape))))
        guards.append(Guard(same, True, None))
    return Graph(graph.inputs, graph.outputs, [*guards, *graph.guards])


def key_of(values: Mapping[int, np.ndarray]) -> tuple:
    """Return what tells values of steering inputs from others, hashable."""
    return tuple((position, value.tobytes()) for position, value in values.items())
