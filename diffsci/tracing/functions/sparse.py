"""scipy.sparse and scipy.sparse.linalg on traced values: solves, factors, and what asks for the kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements_scipy
from diffsci.tracing.sparse import as_traced_sparse, is_sparse
from diffsci.tracing.trace import bind

__all__ = ["Factors", "SparseFactors", "is_factors"]


def _columns(a: Any) -> tuple[TracedArray, dict[str, np.ndarray]]:
    """Return the entries by columns, those at one place added, and the pattern."""
    a = as_traced_sparse(a)
    if a.shape[0] != a.shape[1]:
        raise ValueError(f"matrix must be square, got shape {a.shape}{at(user_location())}")
    n = a.shape[0]
    places, inverse = np.unique(a.places.columns * n + a.places.rows, return_inverse=True)
    data = a.entries if a.dtype.kind in "fc" else ops.convert(a.entries, float)
    data = bind("put_add", np.zeros(places.size, data.dtype), inverse.astype(np.int64), data, axis=0)
    starts = np.searchsorted(places, n * np.arange(n + 1)).astype(np.int64)
    return data, {"rows": places % max(n, 1), "starts": starts}


def _solved(data: TracedArray, pattern: dict, b: Any, transposed: bool) -> TracedArray:
    b = ops.traced(b)
    data, b = ops.common([data, b if b.dtype.kind in "fc" else ops.convert(b, float)])
    right = ops.reshape(b, (b.size, 1)) if b.ndim == 1 else b
    if right.ndim != 2 or right.shape[0] != pattern["starts"].size - 1:
        raise ValueError(f"the right-hand side has shape {b.shape}{at(user_location())}")
    solution = bind("sparse_solve", data, right, **pattern, transposed=transposed)
    return ops.copy(ops.reshape(solution, b.shape))


@implements_scipy("scipy.sparse.spsolve")
def spsolve(A, b, permc_spec=None, use_umfpack=True):
    if is_sparse(b):
        raise ops.unsupported("spsolve with a sparse right-hand side", "use b.toarray()")
    solution = _solved(*_columns(A), b, False)
    if solution.ndim == 2 and solution.shape[1] == 1:  # as SciPy does
        return ops.copy(ops.reshape(solution, (-1,)))
    return solution


class SparseFactors:
    """scipy.sparse.linalg.splu of a matrix with traced entries."""

    def __init__(self, a: Any):
        self.shape = a.shape
        self._data, self._pattern = _columns(a)

    def solve(self, rhs: Any, trans: str = "N") -> TracedArray:
        """Solve with the matrix, or its transpose."""
        return _solved(self._data, self._pattern, rhs, trans != "N")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"factors of a sparse matrix under trace have no attribute {name!r}{at(user_location())}: they "
            "are chosen when the program runs; only solve() is there"
        )


def is_factors(x: Any) -> bool:
    """Tell whether an object is what scipy.sparse.linalg.splu returns."""
    return type(x).__name__ == "SuperLU"


class Factors:
    """A `SuperLU` object that was made already."""

    def __init__(self, native: Any):
        self._native = native
        self.shape = native.shape

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        """Solve with the matrix, or its transpose."""
        if not isinstance(rhs, TracedArray):
            return self._native.solve(rhs, trans)
        b = rhs if rhs.dtype.kind == "c" else ops.convert(rhs, self._native.L.dtype)
        right = ops.reshape(b, (b.size, 1)) if b.ndim == 1 else b
        if right.ndim != 2 or right.shape[0] != self.shape[0]:
            raise ValueError(f"rhs is of incompatible size {b.shape}{at(user_location())}")
        solution = bind("factored_solve", right, factors=self._native, transposed=trans != "N")
        return ops.copy(ops.reshape(solution, b.shape))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)


@implements_scipy("scipy.sparse.splu")
def splu(A, permc_spec=None, diag_pivot_thresh=None, relax=None, panel_size=None, options=None):
    return SparseFactors(A)


@implements_scipy("scipy.sparse.factorized")
def factorized(A):
    return SparseFactors(A).solve


@implements_scipy("scipy.sparse.issparse")
def issparse(x):
    return is_sparse(x)


@implements_scipy("scipy.sparse.isspmatrix")
def isspmatrix(x):
    return is_sparse(x) and as_traced_sparse(x).matrix
