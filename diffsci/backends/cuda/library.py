"""Products, factorizations and triangular solves by the library of the device.

Matrices are row-major. Factors are stored in the library's order, column-major: solving copies nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.backends.cuda.device import ArrayDevice
from diffsci.backends.cuda.stacks import is_stack, run_stack
from diffsci.backends.cuda.steps import Library, Place
from diffsci.backends.plan.program import (
    CholeskyStep,
    DetStep,
    GemmStep,
    LuSolveStep,
    LuStep,
    TriangularStep,
)

__all__ = ["run_step"]


def run_step(device: ArrayDevice, step: Library, address: Callable[[Place], int]) -> None:
    """Do a step; `address` gives the address of a place."""
    if is_stack(step.step):
        run_stack(device, step, address)
        return
    _STEPS[type(step.step)](_Arrays(device, step, address), step.step)


class _Arrays:
    """The arrays of a step, by the names of its fields."""

    def __init__(self, device: ArrayDevice, step: Library, address: Callable[[Place], int]):
        self.device, self.xp, self.linalg = device, device.xp, device.linalg
        self._step, self._address = step, address

    def view(self, name: str, *shape: int, dtype: Any = None) -> Any:
        where = self._address(self._step.places[name])
        return self.device.view(where, shape, np.dtype(dtype or self._step.dtype))


def _gemm(arrays: _Arrays, step: GemmStep) -> None:
    a = arrays.view("a", step.batch, *((step.k, step.m) if step.a_transposed else (step.m, step.k)))
    b = arrays.view("b", step.batch, *((step.n, step.k) if step.b_transposed else (step.k, step.n)))
    out = arrays.view("out", step.batch, step.m, step.n)
    a = a.swapaxes(1, 2) if step.a_transposed else a
    b = b.swapaxes(1, 2) if step.b_transposed else b
    if step.batch == 1:
        a, b, out = a[0], b[0], out[0]
    arrays.xp.matmul(a, b, out=out)


def _factors(arrays: _Arrays, step: Any) -> list[tuple[Any, Any]]:
    lu = arrays.view("lu", step.batch, step.n, step.n)
    pivots = arrays.view("pivots", step.batch, step.n, dtype=np.int64)
    return [(lu[k].T, pivots[k]) for k in range(step.batch)]


def _lu(arrays: _Arrays, step: LuStep) -> None:
    a = arrays.view("a", step.batch, step.n, step.n)
    for matrix, (lu, pivots) in zip(a, _factors(arrays, step), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # singular matrices give inf or NaN, as elsewhere
            lu[...], pivots[...] = arrays.linalg.lu_factor(matrix, check_finite=False)


def _solve(arrays: _Arrays, step: LuSolveStep) -> None:
    b, x = (arrays.view(name, step.batch, step.n, step.columns) for name in ("b", "x"))
    for k, (lu, pivots) in enumerate(_factors(arrays, step)):
        factors = (lu, pivots.astype(np.int32))
        x[k] = arrays.linalg.lu_solve(factors, b[k], trans=int(step.transposed), check_finite=False)


def _det(arrays: _Arrays, step: DetStep) -> None:
    out, xp = arrays.view("out", step.batch), arrays.xp
    order = xp.arange(step.n)
    for k, (lu, pivots) in enumerate(_factors(arrays, step)):
        swaps, diagonal = xp.sum(pivots != order), xp.diagonal(lu)
        product = xp.prod(diagonal) * (1 - 2 * (swaps % 2)).astype(out.dtype)
        out[k] = xp.where(xp.any(diagonal == 0.0), 0.0, product)  # elimination divided by zero


def _triangular(arrays: _Arrays, step: TriangularStep) -> None:
    matrix = arrays.view("matrix", step.batch, step.n, step.n)
    b, x = (arrays.view(name, step.batch, step.n, step.columns) for name in ("b", "x"))
    x[...] = arrays.linalg.solve_triangular(
        matrix, b, trans=int(step.transposed), lower=step.lower, unit_diagonal=step.unit, check_finite=False
    )


def _cholesky(arrays: _Arrays, step: CholeskyStep) -> None:
    a, out = (arrays.view(name, step.batch, step.n, step.n) for name in ("a", "out"))
    with arrays.device.checked():
        try:
            out[...] = arrays.xp.linalg.cholesky(a)
        except np.linalg.LinAlgError:
            for k in range(step.batch):
                try:
                    out[k] = arrays.xp.linalg.cholesky(a[k])
                except np.linalg.LinAlgError:
                    out[k] = np.nan


_STEPS: dict[type, Callable] = {
    GemmStep: _gemm,
    LuStep: _lu,
    LuSolveStep: _solve,
    DetStep: _det,
    TriangularStep: _triangular,
    CholeskyStep: _cholesky,
}
