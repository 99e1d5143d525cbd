"""Several arrays one behind the other in one block of memory: a state is one address."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffsci.control.memory import empty
from diffsci.graph import Type

__all__ = ["Packing"]

_ALIGN = 8


class Packing:
    """Where arrays of these types lie in a block.

    Attributes
    ----------
    offsets : list of int
        In bytes.
    size : int
        Of a block, in bytes.
    """

    def __init__(self, types: Sequence[Type]):
        self.types = list(types)
        self.offsets: list[int] = []
        self.size = 0
        for type_ in self.types:
            self.offsets.append(self.size)
            self.size += -(-type_.size * type_.dtype.itemsize // _ALIGN) * _ALIGN

    def blocks(self, count: int) -> np.ndarray:
        """Return memory for so many blocks, one row each."""
        return empty((count, max(self.size, _ALIGN)), np.uint8)

    def views(self, block: np.ndarray) -> list[np.ndarray]:
        """Return the arrays in a block."""
        return [
            np.ndarray(type_.shape, type_.dtype, block, offset)
            for type_, offset in zip(self.types, self.offsets, strict=True)
        ]

    def fill(self, block: np.ndarray, arrays: Sequence[np.ndarray]) -> None:
        """Write arrays into a block."""
        for view, array in zip(self.views(block), arrays, strict=True):
            view[...] = array
