"""What SciPy only rearranges, SciPy does: on the numbers of the entries, which are then picked."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.sparse.entries import joined, picked
from diffsci.tracing.sparse.matrix import TracedSparse, as_traced_sparse, is_sparse
from diffsci.tracing.sparse.places import Places, is_matrix
from diffsci.tracing.sparse.vector import TracedSparseVector

__all__ = ["Numbers", "known_key", "rearranged"]


class Numbers:
    """Numbers for the entries of operands, counted from 1, and the entries themselves.

    Parameters
    ----------
    dense : bool
        Plain arrays and numbers are data, too.
    repeated : bool
        Entries at one place have a number each: for what does not add numbers up.
    """

    def __init__(self, dense: bool = False, repeated: bool = False):
        self.dense, self.repeated = dense, repeated
        self.parts: list[TracedArray] = []
        self.starts = [1]  # the first number of every part, and of the next

    def of(self, x: Any) -> Any:
        """Return an operand with numbers in place of its entries; what has none is returned as it is."""
        if is_sparse(x):
            x = as_traced_sparse(x)
            x = x.settle() if self.repeated else x.distinct()
            return x.places.numbered(self.add(x.entries))
        if isinstance(x, (list, tuple)):
            return type(x)(map(self.of, x))
        if isinstance(x, TracedArray) or (self.dense and isinstance(x, (np.ndarray, numbers.Number))):
            x = ops.traced(x)
            first = self.add(ops.reshape(x, (-1,)))
            return np.arange(first, first + x.size).reshape(x.shape)
        return x

    def add(self, entries: TracedArray) -> int:
        """Keep more entries, as they are now, and return the number of the first."""
        first = self.starts[-1]
        self.parts.append(ops.copy(entries))
        self.starts.append(first + entries.size)
        return first

    def picked(self, wanted: np.ndarray) -> TracedArray:
        """Return the entries with these numbers; 0 is the number of a zero."""
        flat = np.asarray(wanted, dtype=np.int64).ravel()
        part = np.searchsorted(self.starts, flat, side="right") - 1
        needed = np.unique(part[flat > 0])
        sizes = np.diff(self.starts)[needed]
        data = [self.parts[k] for k in needed]
        place = flat - np.asarray(self.starts)[part]
        place += np.concatenate([[0], np.cumsum(sizes)])[np.searchsorted(needed, part)]
        if needed.size == 0 or not flat.all():
            zero = ops.convert(np.zeros(1), ops.promoted(*self.parts))
            data, place = [zero, *data], np.where(flat > 0, place + 1, 0)
        return ops.copy(ops.reshape(picked(joined(data), place), np.shape(wanted)))

    def resolved(self, found: Any, zeros: bool = False) -> Any:
        """Return what SciPy made of numbers with the entries in their places.

        Formats with blocks and diagonals are padded with zeros, which are left out unless they are wanted.
        """
        if not hasattr(found, "tocoo"):
            result = self.picked(found)
            result.scalar = result.shape == ()
            return result
        kept = found.tocoo()
        there = np.flatnonzero(kept.data >= (0 if zeros else 1))
        data = self.picked(kept.data[there])
        coords = [k[there] for k in kept.coords]
        if found.ndim == 1:
            return TracedSparseVector(data, coords[0], found.shape[0])
        return TracedSparse(data, Places(*coords, found.shape, found.format, is_matrix(found)))


def rearranged(function: Callable, *operands: Any, dense: bool = False, repeated: bool = False) -> Any:
    """Apply a function of SciPy that does nothing to entries but move them, repeat them or leave them out.

    Parameters
    ----------
    function : callable
    *operands : object
        Sparse matrices, traced arrays, and lists of them; other values are handed on.
    dense, repeated : bool
        See `Numbers`.

    Returns
    -------
    TracedSparse, TracedSparseVector or TracedArray
    """
    seen = Numbers(dense, repeated)
    return seen.resolved(function(*map(seen.of, operands)))


def known_key(key: Any) -> Any:
    """Return an index of a sparse matrix as plain numbers."""
    return tuple(map(_known, key)) if isinstance(key, tuple) else _known(key)


def _known(part: Any) -> Any:
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
