"""Cholesky, QR and LU factorizations, and solves with their factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.linalg.common import (
    RESULTS,
    as_columns,
    as_float,
    as_matrix,
    as_square,
    as_vector,
    failed,
    ignored,
    matmul,
    mismatch,
    only,
    single,
    swapped,
    triangle,
    triangular,
)
from diffsci.tracing.protocols import implements, implements_scipy
from diffsci.tracing.trace import bind

# Cholesky ---------------------------------------------------------------------------------------------


def _factor(a: TracedArray, lower: bool) -> TracedArray:
    """The factor, of the triangle of `a` on its side."""
    factor = bind("cholesky", a if lower else swapped(a))
    failed(factor, "Matrix is not positive definite", a)
    return factor if lower else swapped(factor)


@implements(np.linalg.cholesky)
def cholesky(a, /, *, upper=False):
    return _factor(as_square(a), not upper)


@implements_scipy("scipy.linalg.cholesky")
def scipy_cholesky(a, lower=False, **options):
    only("scipy.linalg.cholesky", ignored(options))
    return _factor(as_square(a), bool(lower))


@implements_scipy("scipy.linalg.cho_factor")
def cho_factor(a, lower=False, **options):
    """The factor, with what LAPACK leaves in the other triangle: the matrix."""
    only("scipy.linalg.cho_factor", ignored(options))
    a = as_square(a)
    return _factor(a, bool(lower)) + triangle(a, not lower, 1), bool(lower)


@implements_scipy("scipy.linalg.cho_solve")
def cho_solve(c_and_lower, b, **options):
    only("scipy.linalg.cho_solve", ignored(options))
    c, lower = c_and_lower
    c, b, vector = _system("cho_solve", as_square(c), b)
    half = triangular(c, b, bool(lower), transposed=not lower)
    solution = triangular(c, half, bool(lower), transposed=bool(lower))
    return as_vector(solution) if vector else solution


def _system(name: str, a: TracedArray, b: Any) -> tuple[TracedArray, TracedArray, bool]:
    b = as_float(b)
    vector = b.ndim == 1
    a, right = ops.common([a, as_columns(b) if vector else b])
    if right.shape[:-1] != a.shape[:-1]:
        raise mismatch(name, a, b)
    return a, right, vector


# QR ---------------------------------------------------------------------------------------------------


def _qr(a: TracedArray) -> tuple[TracedArray, TracedArray]:
    """Reduced: of wide matrices the columns of the square part make Q, the others follow."""
    m, n = a.shape[-2:]
    if m >= n:
        return bind("qr", a)
    q, r = bind("qr", ops.copy(a[..., :m]))
    return q, ops.concatenate([r, matmul(swapped(q), a[..., m:])], -1)


@implements(np.linalg.qr)
def qr(a, mode="reduced"):
    a = as_matrix(a)
    if mode == "r":
        return _qr(a)[1]
    if mode == "complete" and a.shape[-2] > a.shape[-1]:
        raise _arbitrary("numpy.linalg.qr with mode='complete'", "use mode='reduced'")
    if mode not in ("reduced", "complete"):
        raise ops.unsupported(f"numpy.linalg.qr with mode={mode!r}", "use mode='reduced' or 'r'")
    return RESULTS["qr"](*_qr(a))


def _arbitrary(what: str, instead: str) -> Exception:
    return ops.unsupported(
        f"{what} of matrices with more rows than columns",
        f"{instead}: the other columns are an arbitrary basis and have no derivative",
    )


@implements_scipy("scipy.linalg.qr")
def scipy_qr(a, overwrite_a=False, lwork=None, mode="full", pivoting=False, check_finite=True):
    a = single(as_matrix(a), "qr")
    m, n = a.shape
    order = None
    if pivoting:
        order = bind("qr_pivots", a)
        a = ops.copy(a[:, order])
    q, r = _qr(a)
    if mode != "economic" and m > n:
        r = ops.concatenate([r, np.zeros((m - n, n), a.dtype)], 0)
    if mode == "r":
        return (r, order) if pivoting else (r,)
    if mode == "full" and m > n:
        raise _arbitrary("scipy.linalg.qr with mode='full'", "use mode='economic'")
    if mode not in ("full", "economic"):
        raise ops.unsupported(f"scipy.linalg.qr with mode={mode!r}", "use mode='economic' or 'r'")
    return (q, r, order) if pivoting else (q, r)


# LU ---------------------------------------------------------------------------------------------------


@implements_scipy("scipy.linalg.lu_factor")
def lu_factor(a, **options):
    only("scipy.linalg.lu_factor", ignored(options))
    return bind("lu", as_matrix(a))[:2]


@implements_scipy("scipy.linalg.lu_solve")
def lu_solve(lu_and_piv, b, trans=0, **options):
    only("scipy.linalg.lu_solve", ignored(options))
    lu, swaps = lu_and_piv
    lu, b, vector = _system("lu_solve", single(as_square(lu), "lu_solve"), b)
    order = bind("row_order", ops.traced(swaps), rows=lu.shape[0])
    if trans in (0, "N"):
        half = triangular(lu, ops.copy(b[order]), lower=True, unit=True)
        solution = triangular(lu, half, lower=False)
    elif trans in (1, 2, "T", "C"):
        half = triangular(lu, b, lower=False, transposed=True)
        solution = triangular(lu, half, lower=True, transposed=True, unit=True)
        solution = bind("put", solution, order, solution, axis=0)
    else:
        raise ValueError(f"trans={trans!r}, expected 0 or 1{at(user_location())}")
    return as_vector(solution) if vector else solution


@implements_scipy("scipy.linalg.lu")
def lu(a, permute_l=False, overwrite_a=False, check_finite=True, p_indices=False):
    a = as_matrix(a)
    packed, _, order = bind("lu", a)
    m, n = a.shape[-2:]
    k = min(m, n)
    lower = triangle(packed[..., :k], True, 1) + np.eye(m, k, dtype=a.dtype)
    upper = triangle(packed[..., :k, :], False)
    if p_indices:
        single(a, "lu with p_indices=True")
        inverse = bind("put", order, order, ops.traced(np.arange(m)), axis=0)
        return inverse, lower, upper
    permutation = ops.convert(ops.compare("eq", np.arange(m)[:, None], order[..., None, :]), a.dtype)
    return (matmul(permutation, lower), upper) if permute_l else (permutation, lower, upper)
