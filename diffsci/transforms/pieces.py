"""Cotangents that arrive in pieces: an array that is read part by part gets its cotangent from many pads.

Pieces that lie side by side are written one after another instead of being added as padded arrays, which
would take as many operations on the whole array.
"""

from __future__ import annotations

from diffsci.graph import Builder, Node, Type
from diffsci.source import Location

__all__ = ["Pieces"]

_MANY = 8  # fewer are sums: loops take them apart, and nothing is written in between


class Pieces:
    """Sums of cotangents, in the order in which they arrive.

    Parameters
    ----------
    b : Builder
    totals : dict
        Node -> the sum of its cotangents so far; kept up to date by `total`.
    """

    def __init__(self, b: Builder, totals: dict):
        self.b, self.totals = b, totals
        self._waiting: dict[Node, list[tuple[Node, Location | None]]] = {}

    def add(self, x: Node, ct: Node) -> None:
        """Add to the cotangent of a node."""
        if ct.name == "pad":
            self._waiting.setdefault(x, []).append((ct, self.b.location))
            return
        old = self.total(x)
        self.totals[x] = ct if old is None else self.b.add(old, ct)

    def total(self, x: Node) -> Node | list | None:
        """Return the cotangent of a node, None where it has none."""
        waiting = self._waiting.pop(x, None) if self._waiting else None
        if waiting is not None:
            self._settle(x, waiting)
        return self.totals.get(x)

    def _settle(self, x: Node, waiting: list[tuple[Node, Location | None]]) -> None:
        b, here = self.b, self.b.location
        joined = _side_by_side(b, [pad for pad, _ in waiting]) if len(waiting) >= _MANY else None
        for ct, location in waiting if joined is None else [(joined, waiting[-1][1])]:
            b.location = location
            old = self.totals.get(x)
            self.totals[x] = ct if old is None else b.add(old, ct)
        b.location = here


def _side_by_side(b: Builder, pads: list[Node]) -> Node | None:
    """Return the sum of pads whose operands are apart along one axis, None for others."""
    shape, dtype = pads[0].type.shape, pads[0].type.dtype
    axes = {
        axis
        for pad in pads
        for axis, (low, high) in enumerate(zip(pad.params["low"], pad.params["high"], strict=True))
        if low or high
    }
    if len(axes) != 1 or any(any(pad.params["interior"]) for pad in pads):
        return None
    (axis,) = axes
    parts, end = [], 0

    def fill(stop: int) -> None:
        if stop > end:
            parts.append(b.zeros(Type((*shape[:axis], stop - end, *shape[axis + 1 :]), dtype)))

    for pad in sorted(pads, key=lambda pad: pad.params["low"][axis]):
        low = pad.params["low"][axis]
        if low < end:
            return None
        fill(low)
        parts.append(pad.inputs[0])
        end = shape[axis] - pad.params["high"][axis]
    fill(shape[axis])
    return b.concatenate(*parts, axis=axis)
