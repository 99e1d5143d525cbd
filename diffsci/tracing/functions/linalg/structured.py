"""Matrices built from fewer numbers: Toeplitz, circulant, Hankel, block diagonal, companion."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions import products
from diffsci.tracing.functions.linalg.solving import solve
from diffsci.tracing.protocols import implements_scipy


def _vector(x: Any) -> TracedArray:
    x = ops.traced(x)
    return x if x.ndim == 1 else ops.reshape(x, (x.size,))


def _gathered(values: TracedArray, index: np.ndarray) -> TracedArray:
    return ops.copy(values[index])


@implements_scipy("scipy.linalg.toeplitz")
def toeplitz(c, r=None):
    c = _vector(c)
    r = c if r is None else _vector(r)
    rows, columns = np.ogrid[: c.size, : r.size]
    return _gathered(ops.concatenate([ops.flip(c), r[1:]]), columns - rows + c.size - 1)


@implements_scipy("scipy.linalg.circulant")
def circulant(c):
    c = _vector(c)
    rows, columns = np.ogrid[: c.size, : c.size]
    return _gathered(c, (rows - columns) % max(c.size, 1))


@implements_scipy("scipy.linalg.hankel")
def hankel(c, r=None):
    c = _vector(c)
    r = np.zeros(c.size, c.dtype) if r is None else _vector(r)
    rows, columns = np.ogrid[: c.size, : r.size]
    return _gathered(ops.concatenate([c, r[1:]]), rows + columns)


@implements_scipy("scipy.linalg.companion")
def companion(a):
    a = _vector(a)
    n = a.size - 1
    first = ops.reshape(-a[1:] / a[0], (1, n))
    return ops.concatenate([first, np.eye(n - 1, n, dtype=a.dtype)], 0)


@implements_scipy("scipy.linalg.block_diag")
def block_diag(*blocks):
    blocks = [_at_least_2d(x) for x in ops.common([ops.traced(x) for x in blocks])]
    width = sum(x.shape[1] for x in blocks)
    rows, start = [], 0
    for x in blocks:
        zeros = [np.zeros((x.shape[0], n), x.dtype) for n in (start, width - start - x.shape[1])]
        rows.append(ops.concatenate([zeros[0], x, zeros[1]], 1))
        start += x.shape[1]
    return ops.concatenate(rows, 0)


def _at_least_2d(x: TracedArray) -> TracedArray:
    return x if x.ndim == 2 else ops.reshape(x, (1, x.size))


@implements_scipy("scipy.linalg.solve_toeplitz")
def solve_toeplitz(c_or_cr, b, check_finite=True):
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return solve(toeplitz(c, r), b)


@implements_scipy("scipy.linalg.solve_circulant")
def solve_circulant(c, b, singular="raise", tol=None, caxis=-1, baxis=0, outaxis=0):
    if (caxis, baxis, outaxis, singular) != (-1, 0, 0, "raise"):
        raise ops.unsupported("scipy.linalg.solve_circulant with options", "leave them out")
    return solve(circulant(c), b)


@implements_scipy("scipy.linalg.matmul_toeplitz")
def matmul_toeplitz(c_or_cr, x, check_finite=False, workers=None):
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return products.matmul(toeplitz(c, r), x)


@implements_scipy("scipy.linalg.kron")
def kron(a, b):
    return products.kron(a, b)


@implements_scipy("scipy.linalg.khatri_rao")
def khatri_rao(a, b):
    """Kronecker products of columns."""
    product = products.einsum("ik,jk->ijk", a, b)
    return ops.copy(ops.reshape(product, (-1, product.shape[2])))
