"""z.view(float) and x.view(complex): the same memory, read as numbers of the other kind."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Node
from diffsci.source import at, user_location
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.array import ComplexArray
from diffsci.tracing.lenses import ReshapeLens

__all__ = ["interleaved", "paired"]


class _Interleaved(TracedArray):
    """The parts of a complex array side by side along a last axis; what is written goes to the parts."""

    def __init__(self, z: ComplexArray):
        self.owner, self.scalar, self._z = z.owner, False, z

    @property
    def _version(self) -> int:
        return sum(part._root()._version for part in (self._z.re, self._z.im))

    @property
    def _node(self) -> Node:
        return self.read()

    def read(self) -> Node:
        from diffsci.tracing import operations as ops

        return ops.stack([self._z.re, self._z.im], self._z.ndim).read()

    def write(self, node: Node) -> None:
        whole = TracedArray(self.owner, node)
        for k, part in enumerate((self._z.re, self._z.im)):
            part.write(whole[..., k].read())

    def _dummy(self) -> np.ndarray:
        whole = self._z._dummy()
        strides = (*(2 * stride for stride in whole.strides), 1)
        shape = (*whole.shape, 2)
        return np.lib.stride_tricks.as_strided(np.empty(1, np.int8), shape, strides, writeable=False)


def interleaved(z: ComplexArray) -> TracedArray:
    """Return z.view(float): real and imaginary parts take turns along the last axis."""
    whole = _Interleaved(z)
    return whole.view(ReshapeLens((*z.shape[:-1], 2 * z.shape[-1])))


def paired(x: TracedArray) -> ComplexArray:
    """Return x.view(complex): each two neighbours along the last axis are a complex number."""
    if x.ndim == 0 or x.shape[-1] % 2:
        raise ValueError(
            f"view as complex of an array of shape {x.shape}{at(user_location())}: the last axis must have "
            "an even length"
        )
    return ComplexArray(x[..., 0::2], x[..., 1::2])
