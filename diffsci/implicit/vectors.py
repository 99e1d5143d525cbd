"""Unknowns in any container as one vector, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffsci.errors import TraceError
from diffsci.source import at, user_location
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.function import is_dynamic, typed
from diffsci.trees import flatten, leaf_paths, unflatten

__all__ = ["Unknowns", "packed"]


class Unknowns:
    """How a container of unknowns is laid out in a vector."""

    def __init__(self, value: Any, what: str, name: str):
        leaves, self.tree = flatten(value)
        for leaf, path in zip(leaves, leaf_paths(self.tree, name), strict=True):
            if not is_dynamic(leaf) and not _is_integer(leaf):
                raise TypeError(
                    f"{what}: {path} is {type(leaf).__name__}{at(user_location())}: expected numbers"
                )
            if is_dynamic(leaf) and typed(leaf).dtype.kind == "c":
                raise TypeError(
                    f"{what}: {path} is complex{at(user_location())}: give real and imaginary parts"
                )
        self.shapes = [np.shape(leaf) for leaf in leaves]
        self.scalar = [not isinstance(leaf, np.ndarray) and np.shape(leaf) == () for leaf in leaves]
        kinds = [(typed(leaf) if is_dynamic(leaf) else np.asarray(leaf)).dtype for leaf in leaves]
        floats = [kind for kind in kinds if kind.kind == "f"]
        self.dtype = np.result_type(*floats) if floats else np.dtype(float)
        self.size = sum(map(math.prod, self.shapes))
        self.vector = packed(leaves, self.dtype)

    def unpacked(self, vector: Any) -> Any:
        """Return the container with the entries of a vector."""
        leaves, start = [], 0
        for shape, scalar in zip(self.shapes, self.scalar, strict=True):
            size = math.prod(shape)
            part = vector[start] if scalar else np.reshape(vector[start : start + size], shape)
            leaves.append(part)
            start += size
        return unflatten(self.tree, leaves)

    def check(self, leaves: list[Any], what: str, instead: str) -> None:
        """Raise unless as many numbers come out as go in."""
        if any(is_complex(leaf) for leaf in leaves):
            raise TraceError(f"{what}{at(user_location())}: {instead} gives complex numbers, return parts")
        found = sum(math.prod(np.shape(leaf)) for leaf in leaves)
        if found != self.size:
            raise TraceError(
                f"{what}{at(user_location())}: {instead} gives {found} numbers for {self.size} unknowns"
            )


def _is_integer(leaf: Any) -> bool:
    return isinstance(leaf, (int, np.integer)) and not isinstance(leaf, bool)


def packed(leaves: list[Any], dtype: np.dtype) -> Any:
    """Return all entries of all leaves as one vector."""
    if any(isinstance(leaf, TracedArray) for leaf in leaves) or (is_tracing() and leaves):
        from diffsci.tracing import operations as ops

        flat = [ops.convert(ops.reshape(ops.traced(leaf), (-1,)), dtype) for leaf in leaves]
        return flat[0] if len(flat) == 1 else ops.concatenate(flat)
    flat = [np.ravel(leaf).astype(dtype) for leaf in leaves]
    return np.concatenate(flat) if flat else np.zeros(0, dtype)
