"""Where a sparse matrix has entries, in one canonical form."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.coloring.loops import LOOPS

__all__ = ["Pattern", "as_pattern"]

_LARGEST = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Pattern:
    """The entries of a sparse matrix, row by row, sorted and without duplicates.

    Attributes
    ----------
    indptr : int32 array, shape (rows + 1,)
        Row i has the entries ``indices[indptr[i]:indptr[i + 1]]``.
    indices : int32 array, shape (nnz,)
        Columns.
    shape : (int, int)
        Rows and columns.
    """

    indptr: np.ndarray
    indices: np.ndarray
    shape: tuple[int, int]

    def __repr__(self) -> str:
        return f"Pattern({self.shape}, {self.nnz} entries)"

    @property
    def nnz(self) -> int:
        """The number of entries."""
        return self.indices.size

    @functools.cached_property
    def transposed(self) -> Pattern:
        """The pattern of the transpose."""
        return self._transposition[0]

    @property
    def places(self) -> np.ndarray:
        """For every entry where it is in the transpose, int32."""
        return self._transposition[1]

    @functools.cached_property
    def _transposition(self) -> tuple[Pattern, np.ndarray]:
        starts = np.zeros(self.shape[1] + 1, np.int32)
        rows, places = np.empty(self.nnz, np.int32), np.empty(self.nnz, np.int32)
        LOOPS.run("transpose", self.indptr, self.indices, starts, rows, places)
        return Pattern(starts, rows, self.shape[::-1]), places

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """For every entry its row, int32."""
        return np.repeat(np.arange(self.shape[0], dtype=np.int32), np.diff(self.indptr))

    @functools.cached_property
    def longest_row(self) -> int:
        """The largest number of entries in a row."""
        return LOOPS.run("longest", self.indptr)

    @functools.cached_property
    def symmetric(self) -> bool:
        """Whether every entry has its mirror image."""
        if self.shape[0] != self.shape[1]:
            return False
        other = self.transposed
        return bool(LOOPS.run("is_symmetric", self.indptr, self.indices, other.indptr, other.indices))


def as_pattern(matrix: Any) -> Pattern:
    """Return the pattern of a matrix.

    Parameters
    ----------
    matrix : scipy.sparse array or matrix, array_like of two dimensions, or an object with CSR arrays
        Every stored entry of a sparse matrix counts, explicit zeros too; indices may be unsorted and
        duplicated. Of a dense one the entries that are not zero count. An object with `indptr`, `indices` and
        `shape` is taken for CSR.

    Returns
    -------
    Pattern

    Raises
    ------
    ValueError
        If there are not two dimensions, if the arrays do not make a matrix of this shape, or if there are
        2**31 rows, columns or entries or more.

    Examples
    --------
    >>> import numpy as np
    >>> as_pattern(np.eye(3)).indices
    array([0, 1, 2], dtype=int32)
    """
    if isinstance(matrix, Pattern):
        return matrix
    if hasattr(matrix, "tocsr") and matrix.format != "csr":
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)  # conversions trust index arrays
        elif matrix.format == "coo":
            matrix = type(matrix)((matrix.data, matrix.coords), shape=matrix.shape)  # which looks at them
        matrix = matrix.tocsr()
    if not all(hasattr(matrix, name) for name in ("indptr", "indices", "shape")):
        return _dense(np.asarray(matrix))
    shape = tuple(int(n) for n in matrix.shape)
    if len(shape) != 2:
        raise ValueError(f"a pattern has rows and columns, got an array of shape {shape}")
    return _canonical(np.asarray(matrix.indptr), np.asarray(matrix.indices), shape)


def _dense(matrix: np.ndarray) -> Pattern:
    if matrix.ndim != 2 or matrix.dtype.kind not in "biufc":
        raise ValueError(
            "a pattern is a scipy.sparse matrix or an array of numbers with two dimensions, got "
            f"{matrix.dtype} of shape {matrix.shape}"
        )
    rows, columns = np.nonzero(matrix)
    counts = np.bincount(rows, minlength=matrix.shape[0])
    return Pattern(_starts(counts), columns.astype(np.int32), matrix.shape)


def _canonical(indptr: np.ndarray, indices: np.ndarray, shape: tuple[int, int]) -> Pattern:
    if max(*shape, indices.size) > _LARGEST:
        raise ValueError(f"patterns have less than 2**31 rows, columns and entries, got {shape}")
    if indptr.shape != (shape[0] + 1,) or indices.ndim != 1 or min(shape) < 0:
        raise ValueError(
            f"a pattern of shape {shape} has an indptr of {shape[0] + 1} and indices of one dimension, got "
            f"arrays of shape {indptr.shape} and {indices.shape}"
        )
    if indptr.dtype.kind not in "iu" or indices.dtype.kind not in "iu":
        raise ValueError(f"indptr and indices are integers, got {indptr.dtype} and {indices.dtype}")
    indptr, indices = (_narrow(x) for x in (indptr, indices))
    indices = indices[: max(indptr[-1], 0)]  # SciPy allows arrays with room to spare
    state = LOOPS.run("inspect", indptr, indices, shape[1])
    if state == 3:
        raise ValueError(
            "the indptr of a pattern begins at 0, never falls, and ends at the number of entries"
        )
    if state == 2:
        raise ValueError(f"the indices of a pattern of shape {shape} must be from 0 to {shape[1] - 1}")
    return _sorted(indptr, indices, shape) if state == 1 else Pattern(indptr, indices, shape)


def _narrow(numbers: np.ndarray) -> np.ndarray:
    """Return numbers as int32, of which nobody changes the memory.

    Those that do not fit become -1, which is nowhere right.
    """
    if numbers.dtype.itemsize >= 4 and numbers.dtype != np.int32:
        numbers = np.where((numbers >= 0) & (numbers <= _LARGEST), numbers, -1)
    return np.array(numbers, np.int32, copy=True if numbers.flags.writeable else None, order="C")


def _sorted(indptr: np.ndarray, indices: np.ndarray, shape: tuple[int, int]) -> Pattern:
    rows = np.repeat(np.arange(shape[0], dtype=np.int64), np.diff(indptr))
    rows, columns = np.divmod(np.unique(rows * shape[1] + indices), shape[1])
    return Pattern(_starts(np.bincount(rows, minlength=shape[0])), columns.astype(np.int32), shape)


def _starts(counts: np.ndarray) -> np.ndarray:
    starts = np.zeros(counts.size + 1, np.int32)
    np.cumsum(counts, out=starts[1:])
    return starts
