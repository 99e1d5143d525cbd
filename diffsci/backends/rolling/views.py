"""Parts of arrays, seen through: an operation reads its operands as views of what other operations made.

Equal parts are one node, wherever in a program they were read first; so they are no steps of an iteration,
but a way in which its operands are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.graph import Builder, Node
from diffsci.graph.builder import marked, params_key

__all__ = [
    "VIEWS",
    "Views",
    "is_view",
    "is_whole",
    "marked_apart",
    "moving_parts",
    "narrowest",
    "root",
    "rows_of_views",
]

VIEWS = frozenset({"slice", "reshape", "broadcast", "transpose"})
PLACES = {"slice": ("start", "stop"), "set_slice": ("start",)}  # parameters that may change in a loop


def is_view(node: Node) -> bool:
    """Tell whether an operation shows a part of an array, or all of it in another shape or repeated."""
    return node.name in VIEWS


def is_whole(node: Node, bottom: Node | None = None) -> bool:
    """Tell whether a view shows every element of its root, or of the `bottom`, once and in order."""
    while node is not bottom and node.name == "reshape":
        node = node.inputs[0]
    return node is bottom or not is_view(node)


def narrowest(node: Node) -> Node:
    """Return the smallest array that a view is a view of, the outermost one of several."""
    best = node
    while is_view(node):
        node = node.inputs[0]
        if node.type.size < best.type.size:
            best = node
    return best


def root(node: Node) -> Node:
    """Return what a view is a view of; the node itself if it is none."""
    while node.name in VIEWS:
        node = node.inputs[0]
    return node


class Views:
    """Numbers for views: equal ones, and those that differ in their places only."""

    def __init__(self) -> None:
        self._numbers: dict[tuple, int] = {}
        self._known: dict[Node, tuple[int, int]] = {}

    def of(self, node: Node) -> tuple[int, int]:
        """Return the number of the view as such, and that of its kind."""
        if not is_view(node):
            return 0, 0
        known = self._known.get(node)
        if known is None:
            same, kind = self.of(node.inputs[0])
            exact = (same, node.type, marked(node))
            loose = (kind, node.type, marked_apart(node), "kind")
            known = self._known[node] = self._number(exact), self._number(loose)
        return known

    def _number(self, key: tuple) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)


def without_places(node: Node) -> dict:
    """Return the parameters of an operation that all iterations of a loop share."""
    places = PLACES.get(node.name)
    return node.params if places is None else {k: v for k, v in node.params.items() if k not in places}


def marked_apart(node: Node) -> Any:
    """Return what identifies the parameters of an operation that all iterations of a loop share."""
    return params_key(without_places(node)) if node.name in PLACES else marked(node)


def moving_parts(views: Sequence[Node]) -> tuple[Node, ...]:
    """Return the views below all steps that they have in common."""
    while is_view(views[0]) and all(view.params == views[0].params for view in views):
        views = [view.inputs[0] for view in views]
    return tuple(views)


def rows_of_views(b: Builder, views: Sequence[Node], whole: Node) -> tuple[Node, int, int]:
    """Return views of one array as rows of another: that one, the first row, and the stride.

    The array itself serves where the views are its rows, in any order at a constant pace.
    """
    first = views[0]
    everywhere = np.arange(whole.type.size).reshape(whole.shape)
    flat = np.array([_positions(view, everywhere) for view in views])
    size, offsets = first.type.size, flat[:, 0] if first.type.size else np.zeros(len(views), int)
    paces = np.diff(offsets)
    together = size and (flat == offsets[:, None] + np.arange(size)).all()
    aligned = together and not (whole.type.size % size or (offsets % size).any())
    if aligned and (paces == paces[0]).all():
        rows = b.reshape(whole, shape=(whole.type.size // size, *first.shape))
        return rows, int(offsets[0]) // size, int(paces[0]) // size
    index = b.const(flat.reshape(len(views), *first.shape), np.int64)
    return b.take(b.reshape(whole, shape=(whole.type.size,)), index, axis=0), 0, 1


def _positions(view: Node, positions: np.ndarray) -> np.ndarray:
    """Return the flat positions that a view shows, of those in the whole array."""
    chain = []
    while is_view(view):
        chain.append(view)
        view = view.inputs[0]
    for node in reversed(chain):
        positions = node.primitive.value(positions, **node.params)
    return positions.ravel()
