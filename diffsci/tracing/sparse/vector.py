"""`TracedSparseVector`: a sparse array of one dimension, such as a row ``A[i]`` of a sparse array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.sparse.matrix import TracedSparse
from diffsci.tracing.sparse.places import Places
from diffsci.trees import register_parts

__all__ = ["TracedSparseVector"]


class TracedSparseVector:
    """A sparse array of one dimension: the only row of a matrix.

    Parameters
    ----------
    entries : TracedArray
    index : ndarray of int
        Where they stand.
    size : int
    """

    __array_ufunc__ = None  # NumPy's operators leave it to ours
    ndim = 1

    def __init__(self, entries: TracedArray, index: np.ndarray, size: int):
        self._row = TracedSparse(entries, Places(np.zeros_like(index), index, (1, size), "csr"))
        self.data, self.coords, self.shape = entries, (index,), (size,)

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def nnz(self) -> int:
        return self.data.size

    def _like(self, row: TracedSparse) -> TracedSparseVector:
        return TracedSparseVector(row.entries, *self.coords, *self.shape)

    def toarray(self) -> TracedArray:
        """Return the vector with its zeros."""
        return ops.copy(ops.reshape(self._row.toarray(), self.shape))

    todense = toarray

    def sum(self, axis: int | None = None) -> TracedArray:
        """See `scipy.sparse`."""
        return self._row.sum()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"sparse vectors under trace have no attribute {name!r}{at(user_location())}: compute with its "
            "entries .data, or use its toarray()"
        )

    def __getitem__(self, key: Any) -> Any:
        return self._row[0, key]

    def __abs__(self) -> TracedSparseVector:
        return self._like(abs(self._row))

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, TracedSparseVector):
            return (self._row @ other._row.T).sum()
        found = self._row @ other
        return _only_row(found) if isinstance(found, TracedSparse) else found[0]

    dot = __matmul__

    def __rmatmul__(self, other: Any) -> Any:
        found = ops.traced(other) @ self._row.T
        return found[..., 0]

    def __mul__(self, other: Any) -> TracedSparseVector:
        if isinstance(other, TracedSparseVector):
            return _only_row(self._row.multiply(other._row))
        return self._like(self._row * other)

    __rmul__ = multiply = __mul__

    def __truediv__(self, other: Any) -> TracedSparseVector:
        return self._like(self._row / other)

    def __neg__(self) -> TracedSparseVector:
        return self._like(-self._row)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, TracedSparseVector):
            return _only_row(self._row + other._row)
        return self.toarray() + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other


def _only_row(matrix: TracedSparse) -> TracedSparseVector:
    places = matrix.settle().places
    return TracedSparseVector(matrix.entries, places.columns, matrix.shape[1])


@dataclass(frozen=True, slots=True)
class _Coordinates:
    """What is known of a vector when its entries are taken out."""

    index: tuple[int, ...]
    size: int

    __name__ = "sparse vector"

    def build(self, children: Sequence[Any]) -> Any:
        """Return the vector with these entries."""
        (data,) = children
        index = np.array(self.index, dtype=np.int64)
        if isinstance(data, TracedArray):
            return TracedSparseVector(data, index, self.size)
        from scipy.sparse import coo_array

        return coo_array((data, (index,)), shape=(self.size,))


register_parts(
    TracedSparseVector,
    lambda x: (_Coordinates(tuple(x.coords[0].tolist()), *x.shape), ("data",), [x.data]),
)
