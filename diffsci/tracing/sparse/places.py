"""Where the entries of a traced sparse matrix stand: the part of it that is known while tracing."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.source import at, user_location

__all__ = ["COMPRESSED", "PatternPlaces", "Places", "is_matrix"]

COMPRESSED = ("csr", "csc")


class Places:
    """Row and column of every entry, in the order in which the entries are kept.

    Also the kind of a `Tree`: what is known of a matrix when its entries are taken out.

    Parameters
    ----------
    rows, columns : array_like of int
        Entries at one place add up. In the formats "csr" and "csc" the rows or the columns ascend.
    shape : tuple of int
    format : str
        SciPy's name of the format that the matrix stands for.
    matrix : bool
        It stands for a `spmatrix`, not for a sparse array.
    """

    __name__ = "sparse"

    def __init__(self, rows: Any, columns: Any, shape: tuple[int, int], format: str, matrix: bool = False):
        self.rows, self.columns = (np.array(k, dtype=np.int64) for k in (rows, columns))
        self.shape = tuple(int(n) for n in shape)
        self.format, self.matrix = format, matrix

    @staticmethod
    def of(x: Any) -> Places:
        """Return the places of a matrix of SciPy, in the order of its `tocoo()`."""
        return Places(*x.tocoo().coords, x.shape, x.format, is_matrix(x))

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.rows.size

    @functools.cached_property
    def keys(self) -> np.ndarray:
        """One number for every place, ascending in the order of the format."""
        if self.format == "csc":
            return self.columns * self.shape[0] + self.rows
        return self.rows * self.shape[1] + self.columns

    @functools.cached_property
    def distinct(self) -> bool:
        """Whether every entry has a place of its own."""
        return self.canonical or np.unique(self.keys).size == self.size

    @functools.cached_property
    def canonical(self) -> bool:
        """Whether the entries are in the order of the format, each at a place of its own."""
        return bool(np.all(np.diff(self.keys) > 0))

    @functools.cached_property
    def even(self) -> int:
        """The number of entries in every row where that is one number and rows ascend, else 0."""
        count = self.size // max(self.shape[0], 1)
        expected = np.repeat(np.arange(self.shape[0]), count)
        return count if np.array_equal(self.rows, expected) else 0

    @property
    def indptr(self) -> np.ndarray:
        """Where the rows of a "csr", the columns of a "csc", begin."""
        axis = int(self.format == "csc")
        major = self.columns if axis else self.rows
        return np.searchsorted(major, np.arange(self.shape[axis] + 1))

    @property
    def indices(self) -> np.ndarray:
        """The columns of the entries of a "csr", the rows of those of a "csc"."""
        return self.rows if self.format == "csc" else self.columns

    def as_coo(self) -> Places:
        """Return the same places, of the format of SciPy's products with dense arrays."""
        if self.format in ("coo", "dia"):
            return self
        return Places(self.rows, self.columns, self.shape, "coo", self.matrix)

    def turned(self) -> Places:
        """Return the places of the transpose, whose entries are kept in the same order."""
        format = {"csr": "csc", "csc": "csr"}.get(self.format, self.format)
        return Places(self.columns, self.rows, self.shape[::-1], format, self.matrix)

    def numbered(self, first: int = 1) -> Any:
        """Return SciPy's matrix whose entries are `first` and the integers behind it, one for each place."""
        return self.filled(np.arange(first, first + self.size))

    def filled(self, data: np.ndarray) -> Any:
        """Return SciPy's matrix with these entries."""
        import scipy.sparse

        kind = "matrix" if self.matrix else "array"
        if self.format in COMPRESSED:
            made = getattr(scipy.sparse, f"{self.format}_{kind}")
            indices = self.indices.copy()  # the matrix is its owner's to change
            return made((data, indices, self.indptr), shape=self.shape)
        made = getattr(scipy.sparse, f"coo_{kind}")
        return made((data, (self.rows.copy(), self.columns.copy())), shape=self.shape).asformat(self.format)

    def build(self, children: Sequence[Any]) -> Any:
        """Return the matrix with these entries: a traced one of traced entries."""
        from diffsci.tracing.array import TracedArray
        from diffsci.tracing.sparse.matrix import TracedSparse

        (data,) = children
        if np.shape(data) != (self.size,):
            raise ValueError(
                f"a matrix with {self.size} entries cannot be made of an array of shape "
                f"{np.shape(data)}{at(user_location())}: return its .data instead"
            )
        return TracedSparse(data, self) if isinstance(data, TracedArray) else self.filled(data)

    def _what(self) -> tuple:
        return self.shape, self.size, self.format, self.matrix

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Places):
            return NotImplemented
        if self is other:
            return True
        return (
            self._what() == other._what()
            and np.array_equal(self.rows, other.rows)
            and np.array_equal(self.columns, other.columns)
        )

    def __hash__(self) -> int:
        return hash(self._what())


class PatternPlaces(Places):
    """The places of a pattern whose matrices share their index arrays.

    Parameters
    ----------
    pattern : object
        With ``indptr``, ``indices`` and ``shape`` of a CSR matrix without duplicates, and ``csr(data)``,
        which makes the matrix of SciPy.
    """

    __name__ = "csr"
    format, matrix, distinct, canonical = "csr", False, True, True

    def __init__(self, pattern: Any):
        self.pattern, self.shape = pattern, pattern.shape

    @property
    def size(self) -> int:
        """See `Places`."""
        return self.pattern.indices.size

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """See `Places`."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))

    @functools.cached_property
    def columns(self) -> np.ndarray:
        """See `Places`."""
        return self.pattern.indices.astype(np.int64)

    @property
    def indptr(self) -> np.ndarray:
        """See `Places`."""
        return self.pattern.indptr

    @property
    def indices(self) -> np.ndarray:
        """See `Places`."""
        return self.pattern.indices

    def build(self, children: Sequence[Any]) -> Any:
        """See `Places`."""
        from diffsci.tracing.array import TracedArray

        if isinstance(children[0], TracedArray):
            return super().build(children)
        return self.pattern.csr(*children)

    def filled(self, data: np.ndarray) -> Any:
        """See `Places`."""
        return self.pattern.filled(data)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PatternPlaces):
            return self.pattern == other.pattern
        return super().__eq__(other)

    __hash__ = Places.__hash__


def is_matrix(x: Any) -> bool:
    """Tell whether * is the product of matrices: so it is for csr_matrix, not for csr_array."""
    from scipy.sparse import spmatrix

    return isinstance(x, spmatrix)
