"""`TracedSparse`: what a user's function sees in place of a matrix of scipy.sparse.

SciPy's matrices stay what they are until they meet a traced value: then their entries become constants of the
trace, and a product is a gather, a multiplication and a scatter. What is read from outside is watched: a
matrix that has changed makes another program.

Operations give the structure that SciPy's would give if no number were zero: a sum has the places of both
terms, also where numbers cancel.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import containers
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.powers import power
from diffsci.tracing.sparse.entries import picked, summed
from diffsci.tracing.sparse.places import COMPRESSED, PatternPlaces, Places
from diffsci.tracing.sparse.stored import KEPT, WRITABLE, Stored, refuse
from diffsci.tracing.trace import current_trace
from diffsci.trees import register_parts

__all__ = [
    "TracedSparse",
    "as_parts",
    "as_traced_sparse",
    "is_number",
    "is_sparse",
    "with_pattern",
]

# setdiag() makes new arrays where more than this part of the entries is new.
SETDIAG_IN_PLACE = 0.001
# SciPy's methods that apply to every entry: functions that are zero at zero.
ELEMENTWISE = frozenset(
    "arcsin arcsinh arctan arctanh ceil deg2rad expm1 floor log1p rad2deg rint sign sin sinh sqrt tan tanh "
    "trunc".split()
)
ADVICE = "the zeros of arrays are not known while tracing: csr_array((data, (rows, columns)), shape=...)"
INSTEAD = {
    "eliminate_zeros": "which entries are zero is not known while tracing; leave the call out",
    "count_nonzero": "which entries are zero is not known while tracing; use A.nnz, or count in A.data",
    "nonzero": "which entries are zero is not known while tracing; use A.tocoo().coords",
    "max": "use numpy.max(A.data), and compare with 0 if places are empty",
    "min": "use numpy.min(A.data), and compare with 0 if places are empty",
    "inv": "use scipy.sparse.linalg.spsolve(A, b)",
}


def is_sparse(x: Any) -> bool:
    """Tell whether a value is a matrix of scipy.sparse, or stands for one."""
    return isinstance(x, TracedSparse) or containers.is_sparse(x)


def as_traced_sparse(x: Any) -> TracedSparse:
    """Return a sparse matrix by entries; the same one again as long as the original is unchanged."""
    if isinstance(x, TracedSparse):
        return x
    if not containers.is_sparse(x):
        raise ops.unsupported(
            f"an operand of type {type(x).__name__} where a sparse matrix is expected", ADVICE
        )
    trace = current_trace()
    key = ("sparse", id(x))
    seen = containers.snapshot(x)
    known = trace.copies.get(key)
    if known is not None and known[0] == seen:
        return known[1]
    if x.ndim != 2:
        raise ops.unsupported("a sparse array that is not a matrix", "use its toarray()")
    made = TracedSparse(ops.traced(x.tocoo().data), Places.of(x))
    trace.copies[key] = (seen, made)
    trace.keep.append(x)
    return made


def with_pattern(data: TracedArray, pattern: Any) -> TracedSparse:
    """Return the matrix with these entries at the places of a pattern, see `PatternPlaces`."""
    return TracedSparse(data, PatternPlaces(pattern))


def is_number(x: Any) -> bool:
    """Tell whether an operand is one number, traced or not."""
    return not isinstance(x, (list, tuple)) and np.ndim(x) == 0


def _dense(x: Any) -> TracedArray:
    if isinstance(x, (list, tuple)):
        return ops.as_array(x)
    if hasattr(x, "toarray"):
        raise ops.unsupported("an operand that is a sparse array of one dimension", "use its toarray()")
    return ops.traced(x if isinstance(x, TracedArray) else np.asarray(x))


class TracedSparse(Stored):
    """A sparse matrix by entries, with SciPy's methods and operators; see `Stored`."""

    __array_ufunc__ = None  # NumPy's operators leave it to ours

    def _like(self, entries: Any) -> TracedSparse:
        return TracedSparse(entries, self.places, self.settled)

    def distinct(self) -> TracedSparse:
        """Return the matrix with one entry at every place; itself if it is so."""
        if self.settle().places.distinct:
            return self
        made = self._like(self.entries)
        made.sum_duplicates()
        return made

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ELEMENTWISE:
            return lambda: self._each(name)
        instead = INSTEAD.get(name, "compute with its entries A.data, or use A.toarray()")
        raise AttributeError(
            f"sparse matrices under trace have no attribute {name!r}{at(user_location())}: {instead}"
        )

    # conversions --------------------------------------------------------------------------------------

    @property
    def T(self) -> TracedSparse:
        self.settle()  # as SciPy's, both share the entries, also when they are written to
        entries = self.entries if self.format in KEPT else ops.copy(self.entries)
        return TracedSparse(entries, self.places.turned())

    def transpose(self, axes: Any = None, copy: bool = False) -> TracedSparse:
        """See `scipy.sparse`."""
        return self.T.copy() if copy else self.T

    def copy(self) -> TracedSparse:
        """See `scipy.sparse`."""
        return self._like(ops.copy(self.entries))

    def asformat(self, format: str | None, copy: bool = False) -> TracedSparse:
        """See `scipy.sparse`."""
        if format is None or format == self.format:
            return self.copy() if copy else self
        if format in WRITABLE:
            from diffsci.tracing.sparse.writable import TracedLil

            return TracedLil.of(self, format)
        if self.format in COMPRESSED and format == "coo":
            made = TracedSparse(self.settle().entries, self.places.as_coo())  # it shares the entries
            return made.copy() if copy else made
        kept = self.format in COMPRESSED and format in KEPT  # SciPy leaves duplicates as they are
        return self.moved(lambda x: x.asformat(format), repeated=kept)

    def tocsr(self, copy: bool = False) -> TracedSparse:
        """See `scipy.sparse`."""
        return self.asformat("csr", copy)

    def tocsc(self, copy: bool = False) -> TracedSparse:
        """See `scipy.sparse`."""
        return self.asformat("csc", copy)

    def tocoo(self, copy: bool | None = None) -> TracedSparse:
        """See `scipy.sparse`, where columns alone are copied unless somebody says otherwise."""
        return self.asformat("coo", self.format == "csc" if copy is None else copy)

    def tolil(self, copy: bool = False) -> TracedSparse:
        """See `scipy.sparse`."""
        return self.asformat("lil", copy)

    def todok(self, copy: bool = False) -> TracedSparse:
        """See `scipy.sparse`."""
        return self.asformat("dok", copy)

    def todia(self, copy: bool = False) -> TracedSparse:
        """See `scipy.sparse`."""
        return self.asformat("dia", copy)

    def moved(self, function: Callable, repeated: bool = False) -> Any:
        """Apply a function of SciPy that only rearranges entries, see `rearranged`."""
        from diffsci.tracing.sparse.moves import rearranged

        return rearranged(function, self, repeated=repeated)

    def sorted_indices(self) -> TracedSparse:
        """See `scipy.sparse`."""
        return self.moved(lambda x: x.sorted_indices())

    def reshape(self, *shape: Any, order: str = "C", copy: bool = False) -> TracedSparse:
        """See `scipy.sparse`."""
        coordinates = self.format == "coo"
        made = self.moved(lambda x: x.reshape(*shape, order=order), repeated=coordinates)
        if coordinates and not copy:
            made.entries = self.entries  # in the same order, and shared
        return made

    def getrow(self, i: int) -> TracedSparse:
        """See `scipy.sparse`."""
        return self[[i]] if i < 0 else self[i : i + 1]

    def getcol(self, j: int) -> TracedSparse:
        """See `scipy.sparse`."""
        return self[:, [j]] if j < 0 else self[:, j : j + 1]

    def astype(self, dtype: Any, casting: str = "unsafe", copy: bool = True) -> TracedSparse:
        """See `scipy.sparse`."""
        if self.dtype == np.dtype(dtype):
            return self.copy() if copy else self
        made = self._like(ops.convert(self.entries, dtype))
        made.sum_duplicates()
        return made

    def toarray(self, order: Any = None, out: Any = None) -> TracedArray:
        """Return the matrix with its zeros."""
        if out is not None:
            refuse("the option out= of toarray()", "use the array that it returns")
        m, n = self.shape
        flat = summed(self.entries, self.places.rows * n + self.places.columns, m * n)
        return ops.copy(ops.reshape(flat, (m, n)))

    todense = toarray

    def diagonal(self, k: int = 0) -> TracedArray:
        """See `scipy.sparse`."""
        first, second = max(-k, 0), max(k, 0)
        rows, columns = self.places.rows, self.places.columns
        there = np.flatnonzero(columns - rows == k)
        count = max(min(self.shape[0] - first, self.shape[1] - second), 0)
        return summed(picked(self.entries, there), rows[there] - first, count)

    def trace(self, offset: int = 0) -> TracedArray:
        """See `scipy.sparse`."""
        return ops.reduce("sum", self.diagonal(offset))

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> TracedArray:
        """See `scipy.sparse`; a `spmatrix` keeps the axis."""
        if out is not None:
            refuse("the option out= of sum()", "use the array that it returns")
        entries = self.entries if dtype is None else ops.convert(self.entries, dtype)
        axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
        if axis is None or isinstance(axis, tuple):
            return ops.reduce("sum", entries)
        axis = ops.normal_axis(axis, 2)
        kept = self.places.rows if axis else self.places.columns
        found = summed(entries, kept, self.shape[1 - axis])
        return ops.copy(ops.expand(found, axis)) if self.matrix else found

    def mean(self, axis: int | None = None, dtype: Any = None, out: Any = None) -> TracedArray:
        """See `scipy.sparse`."""
        count = self.shape[0] * self.shape[1] if axis is None else self.shape[axis % 2]
        return self.sum(axis, dtype, out) / count

    # indexing -----------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        from diffsci.tracing.sparse.moves import known_key

        known = known_key(key)
        return self.moved(lambda x: x[known])

    def __setitem__(self, key: Any, value: Any) -> None:
        from diffsci.tracing.sparse.writable import write

        self._written(lambda numbered, seen: write(numbered, seen, key, value, self.dtype), math.inf)

    def setdiag(self, values: Any, k: int = 0) -> None:
        """See `scipy.sparse`."""
        values = ops.convert(ops.as_array(values), self.dtype)
        self._written(lambda numbered, seen: numbered.setdiag(seen.of(values), k), SETDIAG_IN_PLACE)

    def _written(self, write: Callable, in_place: float) -> None:
        """Let SciPy write numbers into the matrix of the numbers of the entries.

        Compressed formats write into the array of the entries, which others may share, unless more than a
        part `in_place` of them are new.
        """
        from diffsci.tracing.sparse.moves import Numbers

        self.about_to_write()
        seen, whole = Numbers(dense=True), self.distinct()
        numbered = seen.of(whole)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the structure changes: once for every program
            write(numbered, seen)
        made = seen.resolved(numbered, zeros=self.format in COMPRESSED)
        added = made.places.size - whole.places.size
        if whole is self and self.format in COMPRESSED and added <= in_place * self.places.size:
            order = np.argsort(made.places.keys)
            now = order[np.searchsorted(made.places.keys, self.places.keys, sorter=order)]
            self.entries[:] = picked(made.entries, now)
            if not added:
                return
        self.entries, self.places, self.settled = made.entries, made.places, True

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(self.shape[0]))

    def __len__(self) -> int:
        raise TypeError(f"sparse array length is ambiguous{at(user_location())}; use A.nnz or A.shape[0]")

    def __bool__(self) -> bool:
        raise ValueError(
            f"The truth value of a sparse matrix is ambiguous{at(user_location())}: compare its .data"
        )

    # entry by entry -----------------------------------------------------------------------------------

    def _each(self, name: str, *operands: Any) -> TracedSparse:
        """Apply a function that is zero at zero to every entry; those at one place are one entry."""
        from diffsci.tracing.protocols import UFUNCS

        if self.format in WRITABLE:
            return as_traced_sparse(self.tocsr())._each(name, *operands)
        self.sum_duplicates()  # in place, as SciPy does
        return self._like(UFUNCS[name](self.entries, *operands))

    def __abs__(self) -> TracedSparse:
        return self._each("absolute")

    def __neg__(self) -> TracedSparse:
        return -self.tocsr() if self.format == "lil" else self._like(-self.entries)

    def __pos__(self) -> TracedSparse:
        return self

    def conj(self, copy: bool = True) -> TracedSparse:
        """See `scipy.sparse`."""
        return self._like(self.entries.conj())

    conjugate = conj

    @property
    def real(self) -> TracedSparse:
        return self._like(self.entries.real)

    @property
    def imag(self) -> TracedSparse:
        return self._like(self.entries.imag)

    def power(self, n: float, dtype: Any = None) -> TracedSparse:
        """See `scipy.sparse`: every entry to a power."""
        if isinstance(n, TracedArray) or np.ndim(n) != 0 or not n > 0:
            refuse("a power that is not a positive number", "take it of A.data, or of A.toarray()")
        whole = as_traced_sparse(self.tocsr()) if self.format in WRITABLE else self
        whole = whole if dtype is None else whole.astype(dtype)
        whole.sum_duplicates()
        return whole._like(power(whole.entries, n))

    def __pow__(self, n: Any) -> TracedSparse:
        return refuse("a power of matrices", "write the product A @ A") if self.matrix else self.power(n)

    # arithmetic ---------------------------------------------------------------------------------------

    def dot(self, other: Any) -> Any:
        """See `scipy.sparse`."""
        return self * other if is_number(other) else self @ other

    def __matmul__(self, other: Any) -> Any:
        from diffsci.tracing.sparse.products import of_matrices, with_dense

        if is_sparse(other):
            return of_matrices(self, as_traced_sparse(other))
        return with_dense(self, _dense(other))

    def __rmatmul__(self, other: Any) -> Any:
        if is_sparse(other):
            return as_traced_sparse(other) @ self
        x = _dense(other)
        product = self.T @ (x if x.ndim == 1 else x.T)
        return product if x.ndim == 1 else ops.copy(product.T)

    def __mul__(self, other: Any) -> Any:
        if self.matrix and not is_number(other):
            return self @ other
        return self.multiply(other)

    def __rmul__(self, other: Any) -> Any:
        if self.matrix and not is_number(other):
            return other @ self
        return self.multiply(other)

    def multiply(self, other: Any) -> TracedSparse:
        """Multiply entries by a number, by those of a dense array, or by those of a sparse matrix."""
        from diffsci.tracing.sparse.products import at_common_places

        if is_sparse(other):
            return at_common_places(self.distinct(), as_traced_sparse(other).distinct())
        return self._with(operator.mul, other)

    def __truediv__(self, other: Any) -> TracedSparse:
        if is_sparse(other):
            refuse("dividing by entries", "divide A.data where both patterns are one")
        whole = self
        if is_number(other) and np.can_cast(self.dtype, np.float64):
            whole = self._like(ops.convert(self.entries, np.float64))  # as SciPy does, of float32, too
        return whole._with(operator.truediv, other)

    def __imul__(self, other: Any) -> TracedSparse:
        if not is_number(other):
            return self * other
        self.settle().entries *= other
        return self

    def __itruediv__(self, other: Any) -> TracedSparse:
        if not is_number(other):
            return self / other
        return self.__imul__(1.0 / other)

    def __rtruediv__(self, other: Any) -> Any:
        refuse("dividing by entries", "to solve a system use scipy.sparse.linalg.spsolve(A, b)")

    def _with(self, operation: Callable, other: Any) -> TracedSparse:
        """Combine entries with a number, or with the elements of a dense array at their places."""
        if is_number(other):
            return self._like(operation(self.entries, other))
        x = _dense(other)
        if x.size == 1:
            return self._like(operation(self.entries, ops.reshape(x, (1,))))
        whole = self.settle()
        return TracedSparse(operation(whole.entries, whole._elements(x)), whole.places.as_coo())

    def _elements(self, x: TracedArray) -> TracedArray:
        """Return the elements of a dense array at the places of the entries."""
        given = x.shape
        x = ops.reshape(x, (1, -1)) if x.ndim == 1 else x
        if x.ndim != 2 or any(n not in (1, own) for n, own in zip(x.shape, self.shape, strict=True)):
            raise ValueError(
                f"a sparse matrix of shape {self.shape} and an array of shape {given} do not fit"
                f"{at(user_location())}"
            )
        rows = self.places.rows if x.shape[0] > 1 else 0
        columns = self.places.columns if x.shape[1] > 1 else 0
        index = np.broadcast_to(rows * x.shape[1] + columns, (self.places.size,))
        return picked(ops.reshape(x, (-1,)), np.array(index))

    def __add__(self, other: Any) -> Any:
        from diffsci.tracing.sparse.products import sum_of

        if not is_sparse(other):
            if is_number(other):
                if not isinstance(other, TracedArray) and other == 0:
                    return self.copy()  # SciPy allows this number alone
                raise ops.unsupported(
                    "a sum of a sparse matrix and a number",
                    "add it to A.toarray(), or to its entries A.data",
                )
            return self.toarray() + _dense(other)
        return sum_of(self, as_traced_sparse(other))

    def __radd__(self, other: Any) -> Any:
        return as_traced_sparse(other) + self if is_sparse(other) else self + other

    def __sub__(self, other: Any) -> Any:
        if is_sparse(other):
            return self + -as_traced_sparse(other)
        return self + -(other if is_number(other) else _dense(other))

    def __rsub__(self, other: Any) -> Any:
        return as_traced_sparse(other) - self if is_sparse(other) else -self + other

    __hash__ = object.__hash__


def _compared(self: TracedSparse, other: Any) -> Any:
    """Refuse a comparison: its result would be a pattern that depends on values."""
    refuse("a comparison", "compare its entries A.data, or A.toarray()")


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(TracedSparse, f"__{_name}__", _compared)


def as_parts(x: TracedSparse) -> tuple:
    """Return what is known of a matrix, and its entries as an array of its own: see `register_parts`."""
    x = x.settle()
    return x.places, ("data",), [x.entries]


register_parts(TracedSparse, as_parts)
