"""Arrays of entries: what is picked from them, and what is added up at known places."""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.trace import bind

__all__ = ["joined", "picked", "summed"]


def picked(x: TracedArray, index: np.ndarray) -> TracedArray:
    """Return ``x[index]`` along the first axis; the array itself where that is all of it, in order."""
    if index.size == x.shape[0] and np.array_equal(index, np.arange(index.size)):
        return x
    return bind("take", x, index, axis=0)


def summed(values: TracedArray, index: np.ndarray, size: int) -> TracedArray:
    """Add values up at places of a new array."""
    zeros = np.zeros((size, *values.shape[1:]), values.dtype)
    return bind("put_add", zeros, index, values, axis=0)


def joined(parts: list[TracedArray]) -> TracedArray:
    """Return arrays of entries one behind the other, of their common dtype."""
    return parts[0] if len(parts) == 1 else ops.concatenate(parts)
