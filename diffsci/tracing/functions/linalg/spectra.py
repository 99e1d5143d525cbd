"""Eigenvalues, eigenvectors and singular values."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex import make_complex
from diffsci.tracing.functions.linalg.common import (
    RESULTS,
    as_float,
    as_matrix,
    as_square,
    failed,
    ignored,
    matmul,
    only,
    single,
    swapped,
    triangular,
)
from diffsci.tracing.protocols import implements, implements_scipy
from diffsci.tracing.trace import bind

NOT_CONVERGED = "Eigenvalues did not converge"


def _lower(a: Any, uplo: str) -> TracedArray:
    a = as_square(a)
    if str(uplo).upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return a if str(uplo).upper() == "L" else swapped(a)


def _eigh(a: TracedArray, driver: str = "evd") -> tuple[TracedArray, TracedArray]:
    return bind("eigh", a, driver=driver)


@implements(np.linalg.eigh)
def eigh(a, UPLO="L"):
    return RESULTS["eigh"](*_eigh(_lower(a, UPLO)))


@implements(np.linalg.eigvalsh)
def eigvalsh(a, UPLO="L"):
    return alone(_eigh(_lower(a, UPLO))[0], "eigh")


def alone(w: TracedArray, of: str) -> TracedArray:
    """Values of a factorization without their vectors: equal ones share their slope."""
    return bind("values_alone", w, of=of)


@implements_scipy("scipy.linalg.eigh")
def scipy_eigh(a, b=None, *, lower=True, eigvals_only=False, type=1, subset_by_index=None, **options):
    only("scipy.linalg.eigh", ignored(options), driver=None, overwrite_a=False, subset_by_value=None)
    a = _lower(a, "L" if lower else "U")
    if b is None:
        w, v = _eigh(a, "evr")
    else:
        if type != 1:
            raise ops.unsupported(f"scipy.linalg.eigh of type {type}", "use type 1: a v = w b v")
        w, v = _general_symmetric(a, _lower(b, "L" if lower else "U"))
    if subset_by_index is not None:
        first, last = (int(k) for k in subset_by_index)
        w, v = ops.copy(w[..., first : last + 1]), ops.copy(v[..., first : last + 1])
    return alone(w, "eigh") if eigvals_only else (w, v)


@implements_scipy("scipy.linalg.eigvalsh")
def scipy_eigvalsh(a, b=None, *, lower=True, type=1, subset_by_index=None, **options):
    return scipy_eigh(
        a, b, lower=lower, eigvals_only=True, type=type, subset_by_index=subset_by_index, **options
    )


def _general_symmetric(a: TracedArray, b: TracedArray) -> tuple[TracedArray, TracedArray]:
    """Solve a v = w b v by b = L L^T: an ordinary problem for L^-1 a L^-T and L^T v."""
    a, b = ops.common([a, b])
    factor = bind("cholesky", b)
    failed(factor, "the matrix b is not positive definite", b)
    below = np.tri(a.shape[-1], dtype=bool)
    whole = ops.where(below, a, a.mT)
    half = triangular(factor, swapped(triangular(factor, whole, lower=True)), lower=True)
    w, v = _eigh(half)
    return w, triangular(factor, v, lower=True, transposed=True)


def _eig(a: Any) -> tuple[TracedArray, TracedArray, TracedArray, TracedArray, bool]:
    """Values and vectors by parts, and whether all are real: the program holds only where that stays so."""
    wr, wi, vr, vi = bind("eig", as_square(a))
    return wr, wi, vr, vi, bool(ops.compare("eq", wi, 0).all())


@implements(np.linalg.eig)
def eig(a):
    wr, wi, vr, vi, real = _eig(a)
    return RESULTS["eig"](wr, vr) if real else RESULTS["eig"](make_complex(wr, wi), make_complex(vr, vi))


@implements(np.linalg.eigvals)
def eigvals(a):
    wr, wi, _, _, real = _eig(a)
    return wr if real else make_complex(wr, wi)


@implements_scipy("scipy.linalg.eig")
def scipy_eig(a, b=None, left=False, right=True, homogeneous_eigvals=False, **options):
    """SciPy's eigenvalues are complex always, its vectors where the values are."""
    only("scipy.linalg.eig", ignored(options))
    if left or homogeneous_eigvals:
        raise ops.unsupported(
            "scipy.linalg.eig with left vectors or homogeneous values", "use scipy.linalg.eig(a.T)"
        )
    if b is not None:
        raise ops.unsupported("scipy.linalg.eig with a second matrix", "use scipy.linalg.eig(solve(b, a))")
    wr, wi, vr, vi, real = _eig(a)
    w = make_complex(wr, wi)
    return (w, vr if real else make_complex(vr, vi)) if right else w


@implements_scipy("scipy.linalg.eigvals")
def scipy_eigvals(a, b=None, homogeneous_eigvals=False, **options):
    return scipy_eig(a, b, right=False, homogeneous_eigvals=homogeneous_eigvals, **options)


@implements(np.linalg.svd)
def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    a = as_matrix(a)
    u, s, vt = bind("svd", a)
    if not compute_uv:
        return alone(s, "svd")
    if full_matrices and a.shape[-1] != a.shape[-2]:
        raise ops.unsupported(
            "svd with full_matrices=True of matrices that are not square",
            "use full_matrices=False: the other vectors are an arbitrary basis and have no derivative",
        )
    return RESULTS["svd"](u, s, vt)


@implements_scipy("scipy.linalg.svd")
def scipy_svd(a, full_matrices=True, compute_uv=True, **options):
    only("scipy.linalg.svd", ignored(options), lapack_driver="gesdd")
    found = svd(a, full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


@implements(np.linalg.svdvals)
def svdvals(x):
    return alone(bind("svd", as_matrix(x))[1], "svd")


@implements_scipy("scipy.linalg.svdvals")
def scipy_svdvals(a, **options):
    only("scipy.linalg.svdvals", ignored(options))
    return svdvals(a)


@implements_scipy("scipy.linalg.polar")
def polar(a, side="right"):
    """The factors of A = U P (right) or A = P U (left)."""
    a = single(as_float(a), "polar")
    wide = a.shape[-2] < a.shape[-1]
    turned = bind("polar_factor", swapped(a) if wide else a)
    turned = swapped(turned) if wide else turned
    return turned, matmul(swapped(turned), a) if side == "right" else matmul(a, swapped(turned))
