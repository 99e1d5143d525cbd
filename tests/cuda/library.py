"""Library steps in NumPy and SciPy, on memory by address."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from diffsci.backends.plan.program import (
    CholeskyStep,
    DetStep,
    GemmStep,
    LuSolveStep,
    LuStep,
    TriangularStep,
)


def run(step, address) -> None:
    """Do a library step; `address` gives the address of a place."""
    from tests.cuda.shim import view

    plan = step.step

    def at(name, *shape, dtype=step.dtype):
        return view(address(step.places[name]), shape, dtype)

    with np.errstate(all="ignore"):
        _RULES[type(plan)](plan, at)


def _gemm(s: GemmStep, at) -> None:
    a = at("a", s.batch, s.k, s.m).swapaxes(1, 2) if s.a_transposed else at("a", s.batch, s.m, s.k)
    b = at("b", s.batch, s.n, s.k).swapaxes(1, 2) if s.b_transposed else at("b", s.batch, s.k, s.n)
    at("out", s.batch, s.m, s.n)[...] = a @ b


def _lu(s: LuStep, at) -> None:
    a, lu, pivots = (at("a", s.batch, s.n, s.n), at("lu", s.batch, s.n, s.n),
                     at("pivots", s.batch, s.n, dtype=np.int64))  # fmt: skip
    for i in range(s.batch):
        getrf = scipy.linalg.get_lapack_funcs("getrf", (a,))
        lu[i], pivots[i], _ = getrf(a[i])


def _lu_solve(s: LuSolveStep, at) -> None:
    lu, pivots = at("lu", s.batch, s.n, s.n), at("pivots", s.batch, s.n, dtype=np.int64)
    b, x = at("b", s.batch, s.n, s.columns), at("x", s.batch, s.n, s.columns)
    for i in range(s.batch):
        getrs = scipy.linalg.get_lapack_funcs("getrs", (lu,))
        x[i], _ = getrs(lu[i], pivots[i], b[i], trans=int(s.transposed))


def _det(s: DetStep, at) -> None:
    lu, pivots = at("lu", s.batch, s.n, s.n), at("pivots", s.batch, s.n, dtype=np.int64)
    signs = np.where(pivots == np.arange(s.n), 1.0, -1.0).prod(axis=1)
    diagonal = np.diagonal(lu, axis1=1, axis2=2)
    product = signs * diagonal.prod(axis=1)
    at("out", s.batch)[...] = np.where((diagonal == 0).any(axis=1), 0.0, product)


def _triangular(s: TriangularStep, at) -> None:
    matrix = at("matrix", s.batch, s.n, s.n)
    b, x = at("b", s.batch, s.n, s.columns), at("x", s.batch, s.n, s.columns)
    for i in range(s.batch):
        trtrs = scipy.linalg.get_lapack_funcs("trtrs", (matrix,))
        flags = {"lower": s.lower, "trans": s.transposed, "unitdiag": s.unit}
        x[i] = trtrs(matrix[i], b[i], **flags)[0] if b[i].size else b[i]


def _cholesky(s: CholeskyStep, at) -> None:
    a, out = at("a", s.batch, s.n, s.n), at("out", s.batch, s.n, s.n)
    for i in range(s.batch):
        potrf = scipy.linalg.get_lapack_funcs("potrf", (a,))
        factor, info = potrf(a[i], lower=True, clean=True)
        out[i] = factor if info == 0 else np.nan


_RULES = {
    GemmStep: _gemm,
    LuStep: _lu,
    LuSolveStep: _lu_solve,
    DetStep: _det,
    TriangularStep: _triangular,
    CholeskyStep: _cholesky,
}
