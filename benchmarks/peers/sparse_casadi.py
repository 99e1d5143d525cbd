"""Sparse Jacobians of the Brusselator in CasADi: scalar expressions, its own pattern and coloring."""

from __future__ import annotations

from collections.abc import Callable

import casadi
import numpy as np
from scipy.sparse import csc_array

TOLERANCE = 1e-12


def _brusselator(y, side: int):
    def turned(w, axis: int, by: int):
        order = list(np.roll(np.arange(side), by))
        return w[order, :] if axis == 0 else w[:, order]

    def laplacian(w):
        return turned(w, 0, 1) + turned(w, 0, -1) + turned(w, 1, 1) + turned(w, 1, -1) - 4.0 * w

    u, v = (casadi.reshape(part, side, side).T for part in casadi.vertsplit(y, side * side))
    uuv = u * u * v
    du = 1.0 + uuv - 4.4 * u + 10.0 * laplacian(u)
    dv = 3.4 * u - uuv + 10.0 * laplacian(v)
    return casadi.vertcat(casadi.vec(du.T), casadi.vec(dv.T))


def jacobian(f: Callable, side: int, y: np.ndarray, plan) -> tuple[Callable, Callable]:
    """Return what evaluates the entries into memory that is there, and what makes a matrix of them."""
    symbol = casadi.SX.sym("y", y.size)
    function = casadi.Function("J", [symbol], [casadi.jacobian(_brusselator(symbol, side), symbol)])
    pattern = function.sparsity_out(0)
    entries, x = np.zeros(pattern.nnz()), np.array(y)
    buffer, evaluate = function.buffer()
    held = (function, buffer, memoryview(x), memoryview(entries))  # CasADi itself keeps none of them
    buffer.set_arg(0, held[2])
    buffer.set_res(0, held[3])

    def entries_again(held=held):
        evaluate()
        return entries

    def matrix():
        return csc_array((entries_again(), pattern.row(), pattern.colind()), shape=pattern.shape)

    return entries_again, matrix
