"""The pattern of a sparse matrix as a value: index arrays of CSR, sorted, without duplicates."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci.device_arrays import machine_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Pattern"]


@dataclass(frozen=True, eq=False)
class Pattern:
    """Where a matrix may be nonzero.

    Attributes
    ----------
    indptr, indices : ndarray
        As in `scipy.sparse.csr_array`: row i has the columns ``indices[indptr[i]:indptr[i + 1]]``, ascending.
        32-bit integers where those are enough. Read-only.
    shape : tuple of int

    Examples
    --------
    >>> p = Pattern.of([[1, 0, 2], [0, 0, 3]])
    >>> p
    Pattern((2, 3), 3 nonzeros)
    >>> p.indptr.tolist(), p.indices.tolist()
    ([0, 2, 3], [0, 2, 2])
    """

    indptr: np.ndarray
    indices: np.ndarray
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        self.indptr.flags.writeable = False
        self.indices.flags.writeable = False

    @property
    def nnz(self) -> int:
        """Number of entries."""
        return self.indices.size

    @property
    def is_dense(self) -> bool:
        """Whether more than half of all places have an entry."""
        return 2 * self.nnz > self.shape[0] * self.shape[1]

    @property
    def rows(self) -> np.ndarray:
        """The row of every entry."""
        return np.repeat(np.arange(self.shape[0], dtype=self.indices.dtype), np.diff(self.indptr))

    @property
    def flat(self) -> np.ndarray:
        """The place of every entry in the matrix read row by row, ascending; int64."""
        return self.rows.astype(np.int64) * self.shape[1] + self.indices

    def csr(self, data: np.ndarray | None = None) -> csr_array:
        """Return the matrix with these entries in the order of `indices`; all True if there are none.

        The matrix shares the index arrays, and nothing is looked at again: `csr_array` takes 15 µs for that.

        On a device it is a matrix of `cupyx.scipy.sparse`.

        Raises
        ------
        ValueError
            If there are not as many entries as nonzeros.
        """
        if data is None:
            data = np.ones(self.nnz, dtype=bool)
        shape = getattr(data, "shape", ())
        if shape != self.indices.shape:
            raise ValueError(
                f"a matrix with {self.nnz} nonzeros cannot be made of an array of shape {shape}: "
                "give one value for each entry; of a traced matrix, return its .data"
            )
        return self.filled(data)

    def filled(self, data: Any) -> csr_array:
        """Return the same for entries that are known to be as many as there are nonzeros."""
        there = None if type(data) is np.ndarray else machine_of(data)
        template = self._templates.get(there)
        if template is None:
            template = self._templates[there] = self._template(data, there)
        made = object.__new__(template[0])
        attributes = made.__dict__ = template[1].copy()
        attributes["data"] = data
        return made

    @functools.cached_property
    def _templates(self) -> dict[Any, tuple[type, dict[str, Any]]]:
        """Class and attributes of matrices of this pattern: on the host (None), and on each device."""
        return {}

    def _template(self, data: Any, there: Any) -> tuple[type, dict[str, Any]]:
        if there is not None:
            indices, indptr = there.constant(self.indices), there.constant(self.indptr)
            made = there.device.csr(data, indices, indptr, self.shape)
        else:
            from scipy.sparse import csr_array

            made = csr_array((data, self.indices, self.indptr), shape=self.shape)
            made.indices, made.indptr = self.indices, self.indptr
            made.has_sorted_indices = made.has_canonical_format = True
        return type(made), {**vars(made), "data": None}  # each matrix has its own entries

    @staticmethod
    def of(matrix: Any) -> Pattern:
        """Return the pattern of a matrix: explicit zeros of a sparse one count, duplicates are joined.

        Parameters
        ----------
        matrix : Pattern, scipy.sparse matrix or array, or array_like
        """
        if isinstance(matrix, Pattern):
            return matrix
        from scipy.sparse import csr_array, issparse

        if not issparse(matrix):
            matrix = np.asarray(matrix) != 0
        if matrix.ndim != 2:
            raise ValueError(f"a pattern has two dimensions, not {matrix.ndim}")
        entries = matrix.tocoo() if issparse(matrix) else csr_array(matrix).tocoo()
        return Pattern.at(entries.coords[0], entries.coords[1], entries.shape)

    @staticmethod
    def at(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Pattern:
        """Return the pattern with entries at these places, in any order, duplicates joined."""
        order = np.lexsort((columns, rows))
        rows, columns = np.asarray(rows)[order], np.asarray(columns)[order]
        new = np.ones(rows.size, dtype=bool)
        new[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        counts = np.bincount(rows[new], minlength=shape[0])
        return Pattern.counted(counts, columns[new], shape)

    @staticmethod
    def counted(counts: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Pattern:
        """Return the pattern with so many entries in every row, at these columns."""
        largest = max(columns.size, shape[1])
        dtype = np.int32 if largest <= np.iinfo(np.int32).max else np.int64
        indptr = np.zeros(shape[0] + 1, dtype=dtype)
        np.cumsum(counts, out=indptr[1:])
        return Pattern(indptr, columns.astype(dtype, copy=False), (int(shape[0]), int(shape[1])))

    @staticmethod
    def below(parts: Sequence[Pattern], width: int) -> Pattern:
        """Return patterns of this width, one below the other."""
        if len(parts) == 1:
            return parts[0]
        counts = [np.diff(p.indptr) for p in parts] or [np.zeros(0, np.int32)]
        columns = [p.indices for p in parts] or [np.zeros(0, np.int32)]
        shape = (sum(p.shape[0] for p in parts), width)
        return Pattern.counted(np.concatenate(counts), np.concatenate(columns), shape)

    def symmetric(self) -> Pattern:
        """Return the pattern with the mirror image of every entry; itself if it has them."""
        rows, columns = self.rows, self.indices
        if Pattern.at(columns, rows, self.shape[::-1]) == self:
            return self
        return Pattern.at(np.concatenate([rows, columns]), np.concatenate([columns, rows]), self.shape)

    def missing(self, other: Pattern) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and columns of the entries of `other` that this pattern lacks."""
        absent = np.flatnonzero(other.places_in(self) < 0)
        return other.rows[absent], other.indices[absent]

    def places_in(self, other: Pattern) -> np.ndarray:
        """Return for each entry where it stands among the entries of `other`, -1 where it has none there."""
        own, others = self.flat, other.flat
        if others.size == 0:
            return np.full(own.size, -1)
        places = np.minimum(np.searchsorted(others, own), others.size - 1)
        return np.where(others[places] == own, places, -1)

    def is_of(self, matrix: Any) -> bool:
        """Tell whether the entries of a `csr_array` stand at these places, in this order."""
        if matrix.shape != self.shape:
            return False
        pairs = ((matrix.indptr, self.indptr), (matrix.indices, self.indices))
        return all(given is own or np.array_equal(given, own) for given, own in pairs)

    def __eq__(self, other: object) -> bool:
        return self.is_of(other) if isinstance(other, Pattern) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.shape, self.nnz))

    def __repr__(self) -> str:
        return f"Pattern({self.shape}, {self.nnz} nonzeros)"
