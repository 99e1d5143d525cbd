"""Matrices of scipy.sparse inside a traced function: a pattern that is known, entries that may be traced.

SciPy's matrices stay what they are until they meet a traced value: then their entries become constants of the
trace, and a product is a gather, a multiplication and a scatter. What is read from outside is watched: a
matrix that has changed makes another program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import containers
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.trace import bind, current_trace
from diffsci.trees import register_parts

__all__ = ["TracedCsr", "TracedSparse", "as_traced_sparse", "is_sparse", "operate"]


def is_sparse(x: Any) -> bool:
    """Tell whether a value is a matrix of scipy.sparse, or stands for one."""
    return isinstance(x, TracedSparse) or containers.is_sparse(x)


def as_traced_sparse(x: Any) -> TracedSparse:
    """Return a sparse matrix by entries; the same one again as long as the original is unchanged."""
    if isinstance(x, TracedSparse):
        return x
    trace = current_trace()
    key = ("sparse", id(x))
    seen = containers.snapshot(x)
    known = trace.copies.get(key)
    if known is not None and known[0] == seen:
        return known[1]
    if x.ndim != 2:
        raise ops.unsupported("a sparse array that is not a matrix", "give it two dimensions")
    entries = x.tocoo()
    places = [np.array(k, dtype=np.int64) for k in (entries.row, entries.col)]
    made = TracedSparse(ops.traced(entries.data), *places, x.shape, matrix=_is_matrix(x))
    trace.copies[key] = (seen, made)
    trace.keep.append(x)
    return made


def _is_matrix(x: Any) -> bool:
    """Tell whether * is the product of matrices: so it is for csr_matrix, not for csr_array."""
    from scipy.sparse import spmatrix

    return isinstance(x, spmatrix)


def _dense(x: Any) -> TracedArray:
    return ops.traced(x if isinstance(x, TracedArray) else np.asarray(x))


class TracedSparse:
    """A sparse matrix by entries; entries at the same place add up.

    Attributes
    ----------
    data : TracedArray
    rows, columns : ndarray
    shape : tuple of int
    matrix : bool
        It stands for a `spmatrix`, not for a sparse array.
    """

    __array_ufunc__ = None  # NumPy's operators leave it to ours
    ndim = 2

    def __init__(self, data: TracedArray, rows: np.ndarray, columns: np.ndarray, shape, matrix: bool):
        self.data = data
        self.rows, self.columns = rows, columns
        self.shape = tuple(int(n) for n in shape)
        self.matrix = matrix

    def _like(self, data: Any, rows=None, columns=None, shape=None) -> TracedSparse:
        rows = self.rows if rows is None else rows
        columns = self.columns if columns is None else columns
        return TracedSparse(data, rows, columns, shape or self.shape, self.matrix)

    # attributes and conversions -----------------------------------------------------------------------

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def nnz(self) -> int:
        return self.rows.size

    @property
    def T(self) -> TracedSparse:
        return self._like(self.data, self.columns, self.rows, self.shape[::-1])

    def transpose(self, axes: Any = None, copy: bool = False) -> TracedSparse:
        """See `scipy.sparse`."""
        return self.T

    def copy(self) -> TracedSparse:
        """See `scipy.sparse`."""
        return self._like(ops.copy(self.data))

    def asformat(self, format: Any = None, copy: bool = False) -> TracedSparse:
        """Formats differ in how they keep the entries; here they are all the same."""
        return self

    tocsr = tocsc = tocoo = asfptype = sorted_indices = asformat

    def astype(self, dtype: Any, **_: Any) -> TracedSparse:
        """See `scipy.sparse`."""
        return self._like(ops.convert(self.data, dtype))

    def toarray(self, order: Any = None, out: Any = None) -> TracedArray:
        """Return the matrix with its zeros."""
        m, n = self.shape
        flat = _summed(self.data, self.rows * n + self.columns, m * n)
        return ops.copy(ops.reshape(flat, (m, n)))

    todense = toarray

    def diagonal(self, k: int = 0) -> TracedArray:
        """See `scipy.sparse`."""
        first, second = max(-k, 0), max(k, 0)
        there = self.columns - self.rows == k
        count = max(min(self.shape[0] - first, self.shape[1] - second), 0)
        return _summed(_picked(self.data, np.flatnonzero(there)), self.rows[there] - first, count)

    def sum(self, axis: int | None = None) -> TracedArray:
        """See `scipy.sparse`; a `spmatrix` keeps the axis."""
        if axis is None:
            return ops.reduce("sum", self.data)
        kept = self.columns if axis % 2 == 0 else self.rows
        found = _summed(self.data, kept, self.shape[1 - axis % 2])
        if not self.matrix:
            return found
        return ops.copy(ops.expand(found, axis % 2))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"sparse matrices under trace have no attribute {name!r}{at(user_location())}: "
            "do it outside of the function, or use toarray()"
        )

    # arithmetic ---------------------------------------------------------------------------------------

    def dot(self, other: Any) -> Any:
        """See `scipy.sparse`."""
        return self * other if np.ndim(other) == 0 and not is_sparse(other) else self @ other

    def __matmul__(self, other: Any) -> Any:
        if is_sparse(other):
            return _sparse_product(self, as_traced_sparse(other))
        x = _dense(other)
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise ValueError(f"matmul: dimension mismatch, {self.shape} @ {x.shape}{at(user_location())}")
        data, x = ops.common([self.data, x])
        return self._like(data)._product(x)

    def _product(self, x: TracedArray) -> TracedArray:
        """Return the product with dense vectors of the dtype of the entries."""
        data = self.data if x.ndim == 1 else ops.expand(self.data, 1)
        return _summed(data * _picked(x, self.columns), self.rows, self.shape[0])

    def __rmatmul__(self, other: Any) -> Any:
        if is_sparse(other):
            return _sparse_product(as_traced_sparse(other), self)
        x = _dense(other)
        product = self.T @ (x if x.ndim == 1 else x.T)
        return product if x.ndim == 1 else ops.copy(product.T)

    def __mul__(self, other: Any) -> Any:
        if self.matrix and (is_sparse(other) or np.ndim(other) != 0):
            return self @ other
        return self.multiply(other)

    def __rmul__(self, other: Any) -> Any:
        if self.matrix and (is_sparse(other) or np.ndim(other) != 0):
            return other @ self
        return self.multiply(other)

    def multiply(self, other: Any) -> TracedSparse:
        """Multiply entries by a number, or by those of a dense array."""
        if is_sparse(other):
            raise ops.unsupported("the elementwise product of sparse matrices", "multiply their .data")
        return self._like(self.data * self._at_entries(other))

    def __truediv__(self, other: Any) -> TracedSparse:
        return self._like(self.data / self._at_entries(other))

    def _at_entries(self, other: Any) -> Any:
        if np.ndim(other) == 0:
            return other
        spread = ops.broadcast_to(_dense(other), self.shape)
        return _picked(ops.reshape(spread, (-1,)), self.rows * self.shape[1] + self.columns)

    def __neg__(self) -> TracedSparse:
        return self._like(-self.data)

    def __add__(self, other: Any) -> Any:
        if not is_sparse(other):
            if np.ndim(other) == 0:
                if not isinstance(other, TracedArray) and other == 0:
                    return self  # SciPy allows this number alone
                raise ops.unsupported(
                    "a sum of a sparse matrix and a number",
                    "add it to A.toarray(), or to its entries A.data",
                )
            return self.toarray() + _dense(other)
        other = as_traced_sparse(other)
        if other.shape != self.shape:
            raise ValueError(f"inconsistent shapes {self.shape} and {other.shape}{at(user_location())}")
        places = (np.concatenate(pair) for pair in ((self.rows, other.rows), (self.columns, other.columns)))
        return self._like(ops.concatenate([self.data, other.data]), *places)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + (-as_traced_sparse(other) if is_sparse(other) else -_dense(other))

    def __rsub__(self, other: Any) -> Any:
        return -self + other


class TracedCsr(TracedSparse):
    """A sparse matrix whose entries are ordered by rows, each at a place of its own.

    Attributes
    ----------
    pattern : object
        With ``indptr``, ``indices``, ``shape`` and ``csr(data)``, which makes the matrix of SciPy.
    """

    def __init__(self, data: TracedArray, pattern: Any):
        self.data, self.pattern = data, pattern
        self.shape = pattern.shape
        self.matrix = False

    @property
    def indptr(self) -> np.ndarray:
        return self.pattern.indptr

    @property
    def indices(self) -> np.ndarray:
        return self.pattern.indices

    @property
    def nnz(self) -> int:
        return self.indices.size

    @functools.cached_property
    def rows(self) -> np.ndarray:
        return np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))

    @functools.cached_property
    def columns(self) -> np.ndarray:
        return self.indices.astype(np.int64)

    def _like(self, data: Any, rows=None, columns=None, shape=None) -> TracedSparse:
        if rows is None and columns is None:
            return TracedCsr(data, self.pattern)
        return super()._like(data, rows, columns, shape)

    def _product(self, x: TracedArray) -> TracedArray:
        """Rows of one length are the rows of a dense array of products."""
        m, count = self.shape[0], self.nnz // max(self.shape[0], 1)
        if count == 0 or (np.diff(self.indptr) != count).any():
            return super()._product(x)
        data = self.data if x.ndim == 1 else ops.expand(self.data, 1)
        products = data * _picked(x, self.columns)
        return ops.reduce("sum", ops.reshape(products, (m, count, *products.shape[1:])), 1)


@dataclass(frozen=True, eq=False, slots=True)
class _ByEntries:
    """What is known of a sparse matrix when its entries are taken out: how it is built of them."""

    rows: np.ndarray
    columns: np.ndarray
    shape: tuple[int, int]
    matrix: bool

    __name__ = "sparse"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByEntries) and self._places() == other._places()

    def __hash__(self) -> int:
        return hash(self._places())

    def _places(self) -> tuple:
        return id(self.rows), id(self.columns), self.shape, self.matrix

    def build(self, children: Sequence[Any]) -> Any:
        (data,) = children
        if isinstance(data, TracedArray):
            return TracedSparse(data, self.rows, self.columns, self.shape, self.matrix)
        from scipy.sparse import coo_array, coo_matrix

        if np.shape(data) != (self.rows.size,):
            raise ValueError(
                f"a matrix with {self.rows.size} entries cannot be made of an array of shape "
                f"{np.shape(data)}: return its .data instead"
            )
        made = coo_matrix if self.matrix else coo_array
        return made((data, (self.rows, self.columns)), self.shape).tocsr()


@dataclass(frozen=True, slots=True)
class _ByRows:
    """The same for a matrix with a pattern; equal only with the same pattern."""

    pattern: Any

    __name__ = "csr"

    def build(self, children: Sequence[Any]) -> Any:
        (data,) = children
        return TracedCsr(data, self.pattern) if isinstance(data, TracedArray) else self.pattern.csr(data)


register_parts(
    TracedSparse, lambda x: (_ByEntries(x.rows, x.columns, x.shape, x.matrix), ("data",), [x.data])
)
register_parts(TracedCsr, lambda x: (_ByRows(x.pattern), ("data",), [x.data]))


def _picked(x: TracedArray, index: np.ndarray) -> TracedArray:
    return bind("take", x, index, axis=0)


def _summed(values: TracedArray, index: np.ndarray, size: int) -> TracedArray:
    """Add values up at places of a new array."""
    zeros = np.zeros((size, *values.shape[1:]), values.dtype)
    return bind("put_add", zeros, index, values, axis=0)


def _sparse_product(x: TracedSparse, y: TracedSparse) -> TracedSparse:
    """Every entry of x meets the entries of y in the row of its column."""
    if x.shape[1] != y.shape[0]:
        raise ValueError(f"matmul: dimension mismatch, {x.shape} @ {y.shape}{at(user_location())}")
    order = np.argsort(y.rows, kind="stable")
    starts = np.searchsorted(y.rows[order], np.arange(y.shape[0] + 1))
    counts = np.diff(starts)[x.columns]
    left = np.repeat(np.arange(x.nnz), counts)
    within = np.arange(left.size) - np.repeat(np.cumsum(counts) - counts, counts)
    right = order[starts[x.columns[left]] + within]
    data = _picked(x.data, left) * _picked(y.data, right)
    return x._like(data, x.rows[left], y.columns[right], (x.shape[0], y.shape[1]))


OPERATORS: dict[str, Callable] = {
    "matmul": lambda x, y: x @ y,
    "mul": lambda x, y: x * y,
    "truediv": lambda x, y: x / y,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
}


def operate(name: str, x: Any, y: Any) -> Any:
    """Carry out an operator with a sparse matrix on one side and a traced array on the other."""
    if name not in OPERATORS:
        raise ops.unsupported(f"the operator {name!r} on sparse matrices", "use toarray()")
    if is_sparse(y):
        y = as_traced_sparse(y)
        reflected = {"matmul": y.__rmatmul__, "mul": y.__rmul__, "add": y.__radd__, "sub": y.__rsub__}
        if name not in reflected:
            raise ops.unsupported("dividing by a sparse matrix", "use scipy.sparse.linalg.spsolve")
        return reflected[name](x)
    return OPERATORS[name](as_traced_sparse(x), y)
