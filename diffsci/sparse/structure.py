"""Where the entries of a sparse matrix stand, shared by all matrices that differ in the values alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Structure"]

_INT32 = np.iinfo(np.int32).max


class Structure:
    """Places of the entries of a matrix, by rows; columns ascend in each row, and none comes twice.

    Parameters
    ----------
    indptr, indices : array_like of int
        As in `scipy.sparse.csr_array`. They are kept in int32 where it is wide enough, and made read-only:
        all matrices share them.
    shape : tuple of int

    Attributes
    ----------
    indptr, indices : ndarray
    shape : tuple of int
    """

    __slots__ = ("_template", "indices", "indptr", "shape")

    def __init__(self, indptr: Any, indices: Any, shape: tuple[int, int]):
        self.shape = (int(shape[0]), int(shape[1]))
        small = max(*self.shape, len(indices)) <= _INT32
        self.indptr, self.indices = (
            _frozen(np.asarray(x, dtype=np.int32 if small else np.int64)) for x in (indptr, indices)
        )
        self._template: dict[str, Any] | None = None

    @staticmethod
    def of(matrix: Any) -> Structure:
        """Return the structure of a sparse matrix, or of a dense array by what is nonzero in it.

        The entries of a sparse matrix may come in any order, and several times; one with the value 0 is an
        entry.
        """
        from scipy.sparse import csr_array

        rows, columns = matrix.nonzero() if isinstance(matrix, np.ndarray) else _entries(matrix)
        ones = np.ones(len(rows), dtype=np.int8)
        found = csr_array((ones, (rows, columns)), shape=matrix.shape)
        found.sum_duplicates()
        return Structure(found.indptr, found.indices, matrix.shape)

    def __repr__(self) -> str:
        return f"Structure({self.shape[0]} x {self.shape[1]}, {self.nnz} entries)"

    @property
    def nnz(self) -> int:
        """Number of entries."""
        return self.indices.size

    @property
    def rows(self) -> np.ndarray:
        """Row of each entry."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))

    @property
    def is_dense(self) -> bool:
        """Whether more than half of all places have an entry."""
        return 2 * self.nnz > self.shape[0] * self.shape[1]

    def csr(self, data: Any) -> csr_array:
        """Return the matrix with these values; nothing is copied or looked at again.

        Raises
        ------
        ValueError
            If there is not one value for each entry.
        """
        if np.shape(data) != (self.indices.size,):
            raise ValueError(
                f"a matrix with {self.nnz} entries cannot be made of an array of shape {np.shape(data)}: return its "
                ".data instead"
            )
        if self._template is None:
            self._template = _template(self)
        from scipy.sparse import csr_array

        made = object.__new__(csr_array)
        made.__dict__.update(self._template)
        made.data = data
        return made

    def pattern(self) -> csr_array:
        """Return the matrix with True at every entry."""
        return self.csr(np.ones(self.nnz, dtype=bool))

    def holds(self, matrix: Any) -> bool:
        """Tell whether the entries of a `csr_array` stand at these places, in this order."""
        if matrix.indices is self.indices and matrix.indptr is self.indptr:
            return True
        return (
            matrix.shape == self.shape
            and np.array_equal(matrix.indptr, self.indptr)
            and np.array_equal(matrix.indices, self.indices)
        )

    def places_in(self, other: Structure) -> np.ndarray:
        """Return for each entry where it stands among the entries of `other`, -1 where it has none there."""
        width = max(self.shape[1], 1)
        own, theirs = (s.rows * width + s.indices for s in (self, other))
        if theirs.size == 0:
            return np.full(own.size, -1)
        places = np.minimum(np.searchsorted(theirs, own), theirs.size - 1)
        return np.where(theirs[places] == own, places, -1)

    def symmetric(self) -> Structure:
        """Return the structure with the mirror image of every entry."""
        pattern = self.pattern()
        return Structure.of(pattern + pattern.T)


def _entries(matrix: Any) -> tuple[np.ndarray, np.ndarray]:
    found = matrix.tocoo()
    return found.coords[0], found.coords[1]


def _frozen(array: np.ndarray) -> np.ndarray:
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def _template(structure: Structure) -> dict[str, Any]:
    from scipy.sparse import csr_array

    whole = (np.zeros(structure.nnz), structure.indices, structure.indptr)
    made = csr_array(whole, shape=structure.shape, copy=False)
    made.indices, made.indptr = structure.indices, structure.indptr
    made.has_sorted_indices = made.has_canonical_format = True
    return {name: value for name, value in vars(made).items() if name != "data"}
