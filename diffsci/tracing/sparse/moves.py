"""What SciPy only rearranges, SciPy does: on the numbers of the entries, which are then picked."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.sparse.entries import joined, picked, picked_or_zero
from diffsci.tracing.sparse.matrix import TracedSparse, as_traced_sparse, is_sparse
from diffsci.tracing.sparse.places import Places
from diffsci.tracing.sparse.vector import TracedSparseVector

__all__ = ["at_key", "rearranged"]


class _Numbers:
    """Numbers for the entries of operands, counted from 1, and the entries themselves."""

    def __init__(self, dense: bool):
        self.dense, self.count = dense, 0
        self.parts: list[TracedArray] = []

    def of(self, x: Any) -> Any:
        """Return an operand with numbers in place of its entries; what has none is returned as it is."""
        if is_sparse(x):
            x = as_traced_sparse(x).settle()
            return self._counted(x.entries, x.places.numbered)
        if isinstance(x, (list, tuple)):
            return type(x)(map(self.of, x))
        if isinstance(x, TracedArray) or (self.dense and isinstance(x, (np.ndarray, numbers.Number))):
            x = ops.traced(x)
            flat = ops.reshape(x, (-1,))
            return self._counted(flat, lambda first: np.arange(first, first + x.size).reshape(x.shape))
        return x

    def _counted(self, entries: TracedArray, numbered: Callable) -> Any:
        first = self.count + 1
        self.parts.append(entries)
        self.count += entries.size
        return numbered(first)

    def entries(self) -> TracedArray:
        return joined(self.parts)


def rearranged(function: Callable, *operands: Any, dense: bool = False, **options: Any) -> Any:
    """Apply a function of SciPy that does nothing to entries but move them, repeat them or leave them out.

    Parameters
    ----------
    function : callable
    *operands : object
        Sparse matrices, traced arrays, and lists of them; other values are handed on.
    dense : bool
        Plain arrays and numbers are data, too.

    Returns
    -------
    TracedSparse, TracedSparseVector or TracedArray
    """
    seen = _Numbers(dense)
    found = function(*map(seen.of, operands), **options)
    entries = seen.entries()
    if not hasattr(found, "tocoo"):
        result = picked_or_zero(entries, np.asarray(found, dtype=np.int64))
        result.scalar = result.shape == ()
        return result
    kept = found.tocoo()
    there = np.flatnonzero(kept.data > 0)  # formats with blocks and diagonals are padded with zeros
    data = picked(entries, kept.data[there].astype(np.int64) - 1)
    coords = [k[there] for k in kept.coords]
    data = ops.copy(data) if data is entries else data
    if found.ndim == 1:
        return TracedSparseVector(data, coords[0], found.shape[0])
    source = Places.of(found)
    return TracedSparse(data, Places(*coords, source.shape, source.format, source.matrix))


def at_key(a: TracedSparse, key: Any) -> Any:
    """Return ``a[key]`` for a key that is known while tracing; entries have places of their own."""
    parts = key if isinstance(key, tuple) else (key,)
    known = tuple(map(_known, parts))
    return rearranged(lambda x: x[known if isinstance(key, tuple) else known[0]], a)


def _known(part: Any) -> Any:
    """Return an index as plain numbers."""
    if is_sparse(part):
        raise ops.unsupported("an index that is a sparse matrix", "index by integers, slices or arrays")
    if isinstance(part, slice):
        ends = (part.start, part.stop, part.step)
        return slice(*(None if k is None else operator.index(k) for k in ends))
    if not isinstance(part, TracedArray):
        return part
    if part.dtype.kind == "b":
        return part.pinned()  # as masks of arrays do, it holds the program to the one seen
    if part.is_const and part.dtype.kind == "i":
        return part.constant()
    if part.scalar and part.weak and part.dtype.kind == "i":
        return operator.index(part)  # made by int(): the program holds to the one seen
    raise ops.unsupported(
        "a sparse matrix indexed by values that may change",
        "the pattern would change with it: index by numbers that do not depend on arguments, or A.toarray()",
    )
