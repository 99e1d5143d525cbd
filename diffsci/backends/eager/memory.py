"""Which array operations of an eager program share which memory."""

from __future__ import annotations

import threading
import weakref

import numpy as np

from diffsci.backends.eager.ufuncs import as_ufunc
from diffsci.graph import Graph, Node, Type

__all__ = ["SMALLEST", "Memory", "nbytes"]

SMALLEST = 4096  # bytes: below, NumPy's own small-array cache is as fast
NEW = frozenset({"elementwise", "reduction", "contraction"})  # families that return new memory
BUDGET = 1 << 28  # bytes kept between calls by all programs together

_kept = 0
_lock = threading.Lock()


def _reserve(size: int) -> bool:
    """Claim part of the budget, or give some back (negative); tell whether it was there."""
    global _kept
    with _lock:
        if _kept + size > BUDGET:
            return False
        _kept += size
        return True


class Memory:
    """Buffers of a graph's array operations, by linear scan over their lives.

    A buffer is free again when no later operation can read it, through views too. Only ufuncs write into
    buffers; what operations of other than some families return may be a view of their operands.
    Nothing that may leave the program lies in a buffer.
    """

    def __init__(self, graph: Graph):
        self.types: list[Type] = []
        self._slots: dict[Node, int] = {}
        self._spare: list[list[np.ndarray]] = []
        self._reserved: bool | None = None
        self._assign(graph)
        self._size = sum(map(nbytes, self.types))

    def slot(self, node: Node) -> int | None:
        """Return the number of the buffer that a node is written to, None for memory of its own."""
        return self._slots.get(node)

    def take(self) -> list[np.ndarray]:
        """Return buffers for one run."""
        try:
            return self._spare.pop()
        except IndexError:
            return [np.empty(type_.shape, type_.dtype) for type_ in self.types]

    def give(self, buffers: list[np.ndarray]) -> None:
        """Take the buffers back for the next run, if the budget has room for them."""
        if self._reserved is None:
            self._reserved = _reserve(self._size)
            if self._reserved:
                weakref.finalize(self, _reserve, -self._size)
        if self._reserved and not self._spare:
            self._spare.append(buffers)

    def _assign(self, graph: Graph) -> None:
        leaving = _leaving(graph)
        ends = _ends(graph)
        owners: dict[int, list[Node]] = {}  # position -> the nodes whose memory is read there last
        for owner, position in ends.items():
            owners.setdefault(position, []).append(owner)
        free: dict[Type, list[int]] = {}
        for position, node in enumerate(graph.nodes):
            for owner in owners.get(position, ()):  # an operand that ends here may be overwritten here
                if owner is not node and owner in self._slots:
                    free.setdefault(owner.type, []).append(self._slots[owner])
            if node in ends and node not in leaving and nbytes(node.type) >= SMALLEST:
                self._slots[node] = self._pick(free, node.type)

    def _pick(self, free: dict[Type, list[int]], type_: Type) -> int:
        if free.get(type_):
            return free[type_].pop()
        self.types.append(type_)
        return len(self.types) - 1


def nbytes(type_: Type) -> int:
    """Return the size of an array in memory."""
    return type_.size * type_.dtype.itemsize


def _ends(graph: Graph) -> dict[Node, int]:
    """Return, for every node that writes memory, the position of the last node that may read it."""
    last = {x: position for position, node in enumerate(graph.nodes) for x in node.inputs}
    seen: dict[Node, frozenset[Node]] = {}  # node -> the nodes whose memory it may view
    ends: dict[Node, int] = {}
    for position, node in enumerate(graph.nodes):
        if _writes(node):
            seen[node] = frozenset({node})
        elif not _may_view(node):
            seen[node] = frozenset()
        else:
            seen[node] = frozenset().union(*(seen[x] for x in node.inputs))
        for owner in seen[node]:
            ends[owner] = max(ends.get(owner, 0), last.get(node, position))
    return ends


def _writes(node: Node) -> bool:
    return as_ufunc(node) is not None


def _may_view(node: Node) -> bool:
    """Tell whether an operation may return a view of an operand, instead of new memory."""
    return node.primitive.family not in NEW


def _leaving(graph: Graph) -> set[Node]:
    """Return the nodes whose memory an output may view."""
    leaving = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node in leaving and _may_view(node):
            leaving.update(node.inputs)
    return leaving
