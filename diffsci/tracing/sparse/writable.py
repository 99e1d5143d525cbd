"""`TracedLil`: a matrix that is filled entry by entry, in SciPy's formats "lil" and "dok"."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.sparse.matrix import TracedSparse, as_parts, is_number, is_sparse
from diffsci.tracing.sparse.moves import Numbers, known_key
from diffsci.tracing.sparse.places import Places
from diffsci.tracing.sparse.stored import WRITABLE
from diffsci.tracing.trace import current_trace
from diffsci.trees import register_parts

__all__ = ["TracedLil", "write"]


def write(matrix: Any, seen: Numbers, key: Any, value: Any, dtype: np.dtype) -> None:
    """Carry out ``matrix[key] = value`` on SciPy's matrix of numbers; the value is of a dtype then.

    Formats that are filled entry by entry leave zeros out: a plain zero stays one there.
    """
    if isinstance(value, (list, tuple)):
        value = ops.as_array(value)
    if not is_sparse(value) and not isinstance(value, TracedArray):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray) or value.any() or matrix.format not in WRITABLE:
        if not np.can_cast(value.dtype, dtype, casting="same_kind"):
            raise TypeError(
                f"cannot write {value.dtype} into a sparse matrix of {dtype}{at(user_location())}: create it "
                f"with dtype={value.dtype}"
            )
        value = seen.of(value.astype(dtype))
    matrix[known_key(key)] = value


class TracedLil(TracedSparse):
    """A matrix that is filled entry by entry: SciPy's own until a traced value is written.

    From then on SciPy's matrix holds numbers, and writing gives new numbers to the values that are written.

    Parameters
    ----------
    numbered : object
        SciPy's matrix.
    seen : Numbers, optional
        What the numbers in it stand for; without it they are the entries themselves.
    dtype : dtype, optional
    """

    settled = True

    def __init__(self, numbered: Any, seen: Numbers | None = None, dtype: Any = None):
        self.numbered, self.seen, self.home = numbered, seen, current_trace()
        self._dtype = np.dtype(numbered.dtype if dtype is None else dtype)

    @staticmethod
    def of(x: TracedSparse, format: str) -> TracedLil:
        """Return a matrix in a format that can be written to."""
        seen, x = Numbers(dense=True), x.distinct()
        return TracedLil(seen.of(x).asformat(format), seen, x.dtype)

    @property
    def native(self) -> Any:
        """SciPy's matrix as long as no entry is traced, else None."""
        return self.numbered if self.seen is None else None

    @property
    def shape(self) -> tuple[int, int]:
        return self.numbered.shape

    @property
    def format(self) -> str:
        return self.numbered.format

    @property
    def places(self) -> Places:
        x = self.numbered
        places = Places.of(x.tocsr())
        return Places(places.rows, places.columns, x.shape, x.format, places.matrix)

    @property
    def entries(self) -> TracedArray:
        held = self.numbered.tocsr().data
        return ops.traced(held) if self.seen is None else self.seen.picked(held)

    @property
    def dtype(self) -> np.dtype:
        return self._dtype

    def settle(self) -> TracedSparse:
        """Return the matrix as it is now."""
        return TracedSparse(self.entries, self.places)

    distinct = settle

    def sum_duplicates(self) -> None:
        """There are none."""

    def _like(self, entries: Any) -> TracedSparse:
        return self.settle()._like(entries)

    def copy(self) -> TracedLil:
        """See `scipy.sparse`."""
        copied = TracedLil(self.numbered.copy(), self.seen, self.dtype)
        if self.seen is not None:
            copied.seen = Numbers(dense=True)
            copied.seen.parts, copied.seen.starts = list(self.seen.parts), list(self.seen.starts)
        return copied

    def asformat(self, format: str | None, copy: bool = False) -> Any:
        """See `scipy.sparse`; SciPy's own matrix as long as no entry is traced."""
        if format in (None, self.format):
            return self.copy() if copy else self
        return self.numbered.asformat(format) if self.seen is None else super().asformat(format)

    def __getitem__(self, key: Any) -> Any:
        found = self.numbered[known_key(key)]
        if self.seen is not None:
            return self.seen.resolved(found)
        return TracedLil(found) if getattr(found, "format", None) in WRITABLE else found

    def __setitem__(self, key: Any, value: Any) -> None:
        self.about_to_write()
        if self.seen is None and not (is_sparse(value) or ops.contains_traced(value)):
            self.numbered[known_key(key)] = value
            return
        self._begin()
        write(self.numbered, self.seen, key, value, self.dtype)

    def __iadd__(self, other: Any) -> TracedSparse:
        return self._replaced(self + other) if self.format == "lil" else self + other

    def __isub__(self, other: Any) -> TracedSparse:
        return self._replaced(self - other) if self.format == "lil" else self - other

    def __imul__(self, other: Any) -> TracedSparse:
        return self._replaced(self * other) if is_number(other) else self * other

    def __itruediv__(self, other: Any) -> TracedSparse:
        return self._replaced(self / other) if is_number(other) else self / other

    def _replaced(self, value: Any) -> TracedLil:
        """Write a result over the whole matrix, as SciPy's operators in place do."""
        self[:, :] = value
        return self

    def setdiag(self, values: Any, k: int = 0) -> None:
        """See `scipy.sparse`."""
        self.about_to_write()
        self._begin()
        values = ops.convert(ops.as_array(values), self.dtype)
        self.numbered.setdiag(self.seen.of(values), k)

    def _begin(self) -> None:
        if self.seen is None:
            self.seen = Numbers(dense=True)
            self.numbered = self.seen.of(self.numbered).asformat(self.numbered.format)

    def __getattr__(self, name: str) -> Any:
        native = None if name.startswith("__") else self.native
        return super().__getattr__(name) if native is None else getattr(native, name)


register_parts(TracedLil, as_parts)
