"""Views: how a view reads its parent, and how a write to it changes the parent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffsci.graph import Node, lookup
from diffsci.source import at, user_location

__all__ = ["DiagonalLens", "FlatLens", "FlipLens", "ReshapeLens", "SliceLens", "TransposeLens"]


def _emit(trace, name: str, *nodes: Node, **params) -> Node:
    return trace.bind(lookup(name), nodes, params)


@dataclass(frozen=True, slots=True)
class SliceLens:
    """A basic slice with positive steps."""

    start: tuple[int, ...]
    stop: tuple[int, ...]
    step: tuple[int, ...]

    def read(self, trace, parent: Node) -> Node:
        return _emit(trace, "slice", parent, start=self.start, stop=self.stop, step=self.step)

    def write(self, trace, parent: Node, view: Node) -> Node:
        if 0 in view.shape:
            return parent
        return _emit(trace, "set_slice", parent, view, start=self.start, step=self.step)

    def of(self, array: np.ndarray) -> np.ndarray:
        return array[tuple(slice(*s) for s in zip(self.start, self.stop, self.step, strict=True))]


@dataclass(frozen=True, slots=True)
class FlipLens:
    """Axes read backwards."""

    axes: tuple[int, ...]

    def read(self, trace, parent: Node) -> Node:
        return _emit(trace, "flip", parent, axes=self.axes)

    def write(self, trace, parent: Node, view: Node) -> Node:
        return _emit(trace, "flip", view, axes=self.axes)

    def of(self, array: np.ndarray) -> np.ndarray:
        return np.flip(array, self.axes)


@dataclass(frozen=True, slots=True)
class ReshapeLens:
    """Another shape over the same elements."""

    shape: tuple[int, ...]

    def read(self, trace, parent: Node) -> Node:
        return _emit(trace, "reshape", parent, shape=self.shape)

    def write(self, trace, parent: Node, view: Node) -> Node:
        return _emit(trace, "reshape", view, shape=parent.shape)

    def of(self, array: np.ndarray) -> np.ndarray:
        return np.reshape(array, self.shape, copy=False)


@dataclass(frozen=True, slots=True)
class FlatLens(ReshapeLens):
    """x.flat: the elements in order, whatever the memory; what is written goes to the array."""

    def of(self, array: np.ndarray) -> np.ndarray:
        return np.lib.stride_tricks.as_strided(np.empty(1, np.int8), self.shape, (1,), writeable=False)


@dataclass(frozen=True, slots=True)
class TransposeLens:
    """Permuted axes."""

    perm: tuple[int, ...]

    def read(self, trace, parent: Node) -> Node:
        return _emit(trace, "transpose", parent, perm=self.perm)

    def write(self, trace, parent: Node, view: Node) -> Node:
        return _emit(trace, "transpose", view, perm=tuple(int(k) for k in np.argsort(self.perm)))

    def of(self, array: np.ndarray) -> np.ndarray:
        return np.transpose(array, self.perm)


@dataclass(frozen=True, slots=True)
class DiagonalLens:
    """The diagonal of the last two axes; NumPy does not let it be written to."""

    offset: int

    def read(self, trace, parent: Node) -> Node:
        *lanes, rows, columns = parent.shape
        row = np.arange(max(0, -self.offset), min(rows, columns - self.offset))
        flat = _emit(trace, "reshape", parent, shape=(*lanes, rows * columns))
        places = trace.const(row * columns + row + self.offset, np.int64)
        return _emit(trace, "take", flat, places, axis=len(lanes))

    def write(self, trace, parent: Node, view: Node) -> Node:
        raise ValueError(f"assignment destination is read-only{at(user_location())}: use numpy.fill_diagonal")

    def of(self, array: np.ndarray) -> np.ndarray:
        return np.diagonal(array, self.offset, -2, -1)
