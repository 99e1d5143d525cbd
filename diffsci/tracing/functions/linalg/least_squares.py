"""Least squares, pseudo-inverses, ranks and condition numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.linalg.common import (
    as_columns,
    as_float,
    as_matrix,
    as_scalar,
    ignored,
    matmul,
    mismatch,
    only,
    single,
)
from diffsci.tracing.functions.linalg.norms import norm
from diffsci.tracing.functions.linalg.solving import inv
from diffsci.tracing.functions.linalg.spectra import svdvals
from diffsci.tracing.protocols import implements, implements_scipy
from diffsci.tracing.trace import bind


def _cutoff(a: TracedArray, rcond: Any) -> float:
    """The part of the largest singular value below which others count as zero."""
    return float(np.finfo(a.dtype).eps) * max(a.shape[-2:]) if rcond is None else float(rcond)


def _rank(s: TracedArray, cutoff: Any) -> TracedArray:
    """How many singular values are above a cutoff, per matrix."""
    return ops.reduce("sum", ops.convert(ops.compare("gt", s, cutoff), int), s.ndim - 1)


@implements(np.linalg.lstsq)
def lstsq(a, b, rcond=None):
    a, b = single(as_matrix(a), "lstsq"), as_float(b)
    cutoff = _cutoff(a, rcond)
    if rcond is not None and cutoff < 0:
        cutoff = float(np.finfo(a.dtype).eps)
    x, s, rank = _least_squares(a, b, cutoff)
    m, n = a.shape
    if rank == n and m > n:
        residual = b - matmul(a, x)
        squares = ops.reduce("sum", residual * residual, 0)
        return x, ops.reshape(squares, (1,)) if b.ndim == 1 else squares, rank, s
    return x, ops.traced(np.zeros(0, a.dtype)), rank, s


@implements_scipy("scipy.linalg.lstsq")
def scipy_lstsq(a, b, cond=None, overwrite_a=False, overwrite_b=False, check_finite=True, lapack_driver=None):
    a, b = single(as_matrix(a), "lstsq"), as_float(b)
    x, s, rank = _least_squares(a, b, float(np.finfo(a.dtype).eps) if cond is None else float(cond))
    m, n = a.shape
    if rank == n and m > n:
        residual = b - matmul(a, x)
        return x, as_scalar(ops.reduce("sum", residual * residual, 0)), rank, s
    return x, ops.traced(np.zeros(0, a.dtype)), rank, s


def _least_squares(a: TracedArray, b: TracedArray, cutoff: float) -> tuple[TracedArray, TracedArray, int]:
    """The solution of least norm; the rank is an integer of Python's, and the program holds only for it."""
    a, b = ops.common([a, b])
    if b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise mismatch("lstsq", a, b)
    x = bind("lstsq", a, as_columns(b) if b.ndim == 1 else b, rcond=cutoff)
    s = svdvals(a)
    rank = int(_rank(s, cutoff * s[0])) if s.size else 0
    return (ops.copy(ops.reshape(x, (a.shape[1],))) if b.ndim == 1 else x), s, rank


@implements(np.linalg.pinv)
def pinv(a, rcond=None, hermitian=False, *, rtol=None):
    a = as_matrix(a)
    if rcond is None:
        rcond = 1e-15 if rtol is None else rtol
    return bind("pinv", a, rcond=float(rcond))


@implements_scipy("scipy.linalg.pinv")
def scipy_pinv(a, *, atol=None, rtol=None, return_rank=False, **options):
    only("scipy.linalg.pinv", ignored(options))
    a = as_matrix(a)
    if atol is not None:
        raise ops.unsupported("the option 'atol' of scipy.linalg.pinv", "use rtol")
    rtol = _cutoff(a, rtol)
    inverse = bind("pinv", a, rcond=rtol)
    s = svdvals(a)
    return (inverse, _rank(s, rtol * s[..., :1])) if return_rank else inverse


@implements(np.linalg.matrix_rank)
def matrix_rank(A, tol=None, hermitian=False, *, rtol=None):
    a = as_float(A)
    if a.ndim < 2:
        return ops.convert(ops.reduce("any", ops.compare("ne", a, 0)), int)
    s = svdvals(a)
    if s.size == 0:
        return _rank(s, 0.0)
    largest = ops.reduce("max", s, s.ndim - 1, True)
    return _rank(s, largest * _cutoff(a, rtol) if tol is None else np.asarray(tol)[..., None])


@implements(np.linalg.cond)
def cond(x, p=None):
    a = as_matrix(x)
    if p in (None, 2, -2):
        s = svdvals(a)
        first, last = s[..., 0], s[..., -1]
        return last / first if p == -2 else first / last
    return norm(a, p, (-2, -1)) * norm(inv(a), p, (-2, -1))
