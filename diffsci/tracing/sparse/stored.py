"""What a traced sparse matrix is made of: its entries, and where they stand."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.sparse.entries import picked, summed
from diffsci.tracing.sparse.places import COMPRESSED, Places
from diffsci.tracing.trace import current_trace

__all__ = ["KEPT", "WRITABLE", "Stored", "refuse"]

WRITABLE = ("lil", "dok")  # formats that are filled entry by entry
KEPT = ("csr", "csc", "coo")  # formats whose .data are the entries


def refuse(what: str, instead: str) -> Any:
    """Raise the error for something that matrices with traced entries cannot do."""
    raise ops.unsupported(f"{what} of a sparse matrix", instead)


class Stored:
    """A sparse matrix by entries; entries at the same place add up.

    Parameters
    ----------
    entries : TracedArray
    places : Places
        Where they stand.
    settled : bool
        They are kept as SciPy would keep them. Sums and products are not: they are put in order when
        somebody asks for their entries.
    """

    ndim = 2

    def __init__(self, entries: TracedArray, places: Places, settled: bool = True):
        self.entries, self.places, self.settled = entries, places, settled
        self.home = current_trace()

    def about_to_write(self) -> None:
        """Refuse to change a matrix of an outer function: bodies of loops run once, while they are traced."""
        if self.home is not current_trace():
            raise ops.unsupported(
                "writing into a sparse matrix of an outer function", "write into a copy (A = A.copy())"
            )

    def settle(self) -> Self:
        """Put the entries of a sum or product in order, those at one place added up."""
        if not self.settled:
            self.sum_duplicates()
        return self

    def sum_duplicates(self) -> None:
        """See `scipy.sparse`."""
        self.settled = True
        if self.places.canonical:
            return
        keys, inverse = np.unique(self.places.keys, return_inverse=True)
        if keys.size < self.places.size:
            self.entries = summed(self.entries, inverse, keys.size)
        else:
            self.entries = picked(self.entries, np.argsort(self.places.keys))
        by_columns = self.format == "csc"
        minor_size = self.shape[0] if by_columns else self.shape[1]
        major, minor = np.divmod(keys, max(minor_size, 1))
        both = (minor, major) if by_columns else (major, minor)
        self.places = Places(*both, self.shape, self.format, self.matrix)

    @property
    def data(self) -> TracedArray:
        """The entries in SciPy's order."""
        if self.format not in KEPT:
            refuse(f"the data of the format {self.format!r}", "use A.tocsr().data")
        return self.settle().entries

    @data.setter
    def data(self, values: Any) -> None:
        self.about_to_write()
        values = ops.traced(values)
        if values.shape != (self.nnz,):
            raise ValueError(
                f"a matrix with {self.nnz} entries cannot have the data of shape {values.shape}"
                f"{at(user_location())}"
            )
        self.entries = values

    @property
    def shape(self) -> tuple[int, int]:
        return self.places.shape

    @property
    def format(self) -> str:
        return self.places.format

    @property
    def matrix(self) -> bool:
        """Whether it stands for a `spmatrix`, not for a sparse array."""
        return self.places.matrix

    @property
    def dtype(self) -> np.dtype:
        return self.entries.dtype

    @property
    def nnz(self) -> int:
        return self.settle().places.size

    size = nnz

    def getnnz(self, axis: int | None = None) -> Any:
        """See `scipy.sparse`."""
        if axis is None:
            return self.nnz
        places = self.settle().places
        kept = places.columns if axis % 2 == 0 else places.rows
        return np.bincount(kept, minlength=self.shape[1 - axis % 2])

    @property
    def coords(self) -> tuple[np.ndarray, np.ndarray]:
        return self.row, self.col

    @property
    def row(self) -> np.ndarray:
        return self._index("rows", ("coo",), "row")

    @property
    def col(self) -> np.ndarray:
        return self._index("columns", ("coo",), "col")

    @property
    def indices(self) -> np.ndarray:
        return self._index("indices", COMPRESSED, "indices")

    @property
    def indptr(self) -> np.ndarray:
        return self._index("indptr", COMPRESSED, "indptr")

    def _index(self, which: str, formats: tuple[str, ...], name: str) -> np.ndarray:
        if self.format not in formats:
            raise AttributeError(
                f"a sparse matrix of format {self.format!r} has no attribute {name!r}{at(user_location())}"
            )
        found = getattr(self.settle().places, which).view()
        found.setflags(write=False)  # matrices share their places
        return found
