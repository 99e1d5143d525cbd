"""Arrays that are written piece by piece: who wrote an element last, and reads that go to what was written.

A function that fills its result element by element makes a chain of as many arrays, each equal to the one
before but for an element. Followed one by one they take quadratic time. What is read from such a chain
mostly comes from one write, and rows of the result each come from one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from diffsci.graph import Builder, Graph, Guard, Node
from diffsci.transforms.simplify import rewritten

__all__ = ["Chains", "read_through"]

_MOST_KEPT = 1 << 24  # elements whose writers are remembered


class _Chain(NamedTuple):
    """An array as it was before all writes, the writes, and for every element the last of them or -1."""

    root: Node
    writes: tuple[Node, ...]
    last: np.ndarray


class Chains:
    """Finds the writer of elements.

    Parameters
    ----------
    b : Builder
        Emits what is read.
    """

    def __init__(self, b: Builder):
        self.b = b
        self._chains: dict[Node, _Chain] = {}
        self._kept = 0

    def of(self, node: Node) -> _Chain | None:
        """Return what an array was written by, None where it is no written array or they are too many."""
        stack, writes = node, []
        while stack.name == "set_slice" and stack not in self._chains:
            writes.append(stack)
            stack = stack.inputs[0]
        for write in reversed(writes):
            self._kept += write.type.size
            if self._kept > _MOST_KEPT:
                return None
            below = self._chains.get(write.inputs[0])
            if below is None:
                below = _Chain(write.inputs[0], (), np.full(write.shape, -1))
            last = below.last.copy()
            last[_region(write)] = len(below.writes)
            self._chains[write] = _Chain(below.root, (*below.writes, write), last)
        return self._chains.get(node)

    def read(self, node: Node, start: tuple, stop: tuple, step: tuple) -> Node | None:
        """Return elements of an array from where they were written, None where several writes made them."""
        chain = self.of(node)
        if chain is None:
            return None
        part = chain.last[tuple(map(slice, start, stop, step))]
        if not part.size or not (part == part.flat[0]).all():
            return None
        writer = int(part.flat[0])
        if writer < 0:
            return self._slice(chain.root, start, stop, step)
        write = chain.writes[writer]
        inside = []
        where = zip(start, step, part.shape, write.params["start"], write.params["step"], strict=True)
        for first, jump, count, low, own in where:
            if count > 1 and jump % own:
                return None
            begin, jump = (first - low) // own, max(jump // own, 1)
            inside.append((begin, begin + (count - 1) * jump + 1, jump))
        return self._slice(write.inputs[1], *zip(*inside, strict=True))

    def _slice(self, x: Node, start: tuple, stop: tuple, step: tuple) -> Node:
        return rewritten(self.b, self.b.slice(x, start=tuple(start), stop=tuple(stop), step=tuple(step)))

    def pieces(self, node: Node) -> list[Node] | None:
        """Return what a one-dimensional array consists of, in order; None where that is no simpler."""
        chain = self.of(node) if len(node.shape) == 1 else None
        if chain is None or not node.type.size:
            return None
        edges = [0, *(np.flatnonzero(np.diff(chain.last)) + 1).tolist(), node.type.size]
        if len(edges) > 2 * len(chain.writes) + 2:
            return None
        found = []
        for first, last in pairwise(edges):
            piece = self.read(node, (first,), (last,), (1,))
            if piece is None:
                return None
            found.append(piece)
        return found


def _region(write: Node) -> tuple[slice, ...]:
    where = zip(write.params["start"], write.params["step"], write.inputs[1].shape, strict=True)
    return tuple(slice(low, low + (n - 1) * step + 1 if n else low, step) for low, step, n in where)


def read_through(graph: Graph) -> Graph:
    """Return an equal program whose reads of written arrays read what was written there."""
    if not any(node.name == "slice" and node.inputs[0].name == "set_slice" for node in graph.nodes):
        return graph
    b = Builder()
    chains = Chains(b)
    moved: dict[Node, Node] = {x: x for x in graph.inputs}
    for node in graph.nodes:
        if node in moved:
            continue
        b.location = node.location
        operands = tuple([moved[x] for x in node.inputs])
        found = None
        if node.name == "slice" and operands[0].name == "set_slice":
            found = chains.read(operands[0], **node.params)
        moved[node] = rewritten(b, b.again(node, operands)) if found is None else found
    guards = [Guard(moved[guard.predicate], guard.outcome, guard.location) for guard in graph.guards]
    return Graph(graph.inputs, [moved[y] for y in graph.outputs], guards)
