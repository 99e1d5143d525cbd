"""x[mask] with a mask that depends on inputs: the full box, until its length is needed.

Elementwise operations among such selections, reductions of them, and writing one back under the same
mask never need the length: they stay operations on the box, right for every mask. Anything else
settles the selection: it becomes an ordinary array, and the program holds to the mask seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing.array import TracedArray

__all__ = ["Selected", "boxed", "reduced"]


class Selected(TracedArray):
    """The entries of an array where a mask of its shape is true, not yet counted.

    Attributes
    ----------
    full : TracedArray
        The box they are chosen from.
    mask : TracedArray
    """

    def __init__(self, full: TracedArray, mask: TracedArray):
        self.owner = full.owner
        self.scalar = False
        self.full = full
        self.mask = mask
        self._settled: TracedArray | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing has asked for the length yet."""
        return self._settled is None

    def settle(self) -> TracedArray:
        """Return the ordinary array, and hold the program to the mask."""
        from diffsci.tracing import operations as ops
        from diffsci.tracing.trace import bind

        if self._settled is None:
            places = np.flatnonzero(self.mask.pinned())
            self._settled = bind("take", ops.reshape(self.full, -1), places, axis=0)
        return self._settled

    def replace(self, other: TracedArray) -> bool:
        """Take over another selection under the same mask, as an in-place operation does."""
        if not (self.is_open and isinstance(other, Selected) and other.is_open):
            return False
        if other.mask.read() is not self.mask.read() or other.dtype != self.dtype:
            return False
        self.full = other.full
        return True

    def count(self) -> TracedArray:
        """Return how many entries there are, as a traced number."""
        from diffsci.tracing import operations as ops

        return ops.reduce("sum", self.mask)

    @property
    def _node(self):
        return self.settle().read()

    def read(self):
        return self.settle().read()

    def write(self, node) -> None:
        self.settle().write(node)

    def _root(self) -> TracedArray:
        return self.settle()._root()

    def fresh(self) -> TracedArray:
        return Selected(self.full, self.mask) if self.is_open else self.settle().fresh()

    def laid_out_like(self, operands) -> TracedArray:
        """Return the array: one axis has one order."""
        return self

    @property
    def dtype(self) -> np.dtype:
        return self.full.dtype if self.is_open else self.settle().dtype

    @property
    def ndim(self) -> int:
        return 1

    @property
    def is_const(self) -> bool:
        return not self.is_open and self.settle().is_const


def boxed(apply: Callable, operands: tuple) -> TracedArray | None:
    """Apply an elementwise operation to boxes; None if no operand is a selection, or they do not fit.

    They fit if all are under one mask, and what else there is are numbers.
    """
    boxes = [_box(x) for x in operands]
    mask = next((box[1] for box in boxes if box is not None), None)
    if mask is None:
        return None
    for x, box in zip(operands, boxes, strict=True):
        if box is not None:
            if box[1].read() is not mask.read():
                return None
        elif np.ndim(x) if not isinstance(x, TracedArray) else x.ndim:
            return None
    full = [x if box is None else box[0] for x, box in zip(operands, boxes, strict=True)]
    return _selected(apply(*full), mask)


def _box(x: Any) -> tuple[TracedArray, TracedArray] | None:
    """Return the box and the mask of an open selection; a complex one is a selection of both parts."""
    if type(x) is Selected:
        return (x.full, x.mask) if x.is_open else None
    if not isinstance(x, TracedArray) or not x.in_parts:
        return None
    re, im = _box(x.re), _box(x.im)
    if re is None or im is None or re[1].read() is not im[1].read():
        return None
    return type(x)(re[0], im[0]), re[1]


def _selected(full: TracedArray, mask: TracedArray) -> TracedArray:
    if full.in_parts:
        return type(full)(Selected(full.re, mask), Selected(full.im, mask))
    return Selected(full, mask)


def reduced(name: str, x: Selected, axis: Any, keepdims: bool) -> TracedArray | None:
    """Reduce a selection to a number by filling the box with the neutral element."""
    from diffsci.tracing import operations as ops

    if not x.is_open or keepdims or axis not in (None, 0, -1, (0,), (-1,)):
        return None
    fill = _neutral(name, x.dtype)
    if fill is None or (name in ("max", "min") and not bool(x.mask.any())):
        return None
    return ops.reduce(name, ops.where(x.mask, x.full, np.asarray(fill, x.dtype)))


def _neutral(name: str, dtype: np.dtype) -> Any:
    if name in ("max", "min"):
        if dtype.kind == "f":
            return -np.inf if name == "max" else np.inf
        return None
    return {"sum": 0, "length": 0, "prod": 1, "any": False, "all": True}.get(name)
