"""The orthogonal factor U of the polar decomposition A = U P, of matrices with no more columns than rows.

With P = U^T A, differentiating U^T U = 1 and A = U P gives dU = U W + (dA - U U^T dA) P^-1, where the skew W
solves P W + W P = U^T dA - dA^T U (N. J. Higham, "Functions of Matrices", 2008, chapter 8). Only sums of
singular values are divided by, so equal ones do no harm; through the singular vectors they would.
"""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.linalg.shared import batch_stack, check_matrix, matmul, over_stack, swapped

__all__: list[str] = []


def _type(matrix: Type) -> Type:
    check_matrix(matrix)
    if matrix.shape[-2] < matrix.shape[-1]:
        raise TypeError(f"expected at least as many rows as columns, got {matrix}")
    return matrix


def _factor(matrix):
    u, _, vt = np.linalg.svd(matrix, full_matrices=False)
    return u @ vt


def _value(matrix):
    return over_stack(_factor, _type, matrix, cores=(2,))


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    matrix, change = node.inputs[0], t[0]
    symmetric = matmul(b, node, matrix, tx=True)
    inside = matmul(b, node, change, tx=True)
    skew = b.sub(inside, swapped(b, inside))
    turn = matmul(b, node, b.solve_sylvester(symmetric, symmetric, skew, transposed=False))
    if matrix.shape[-2] == matrix.shape[-1]:
        return turn
    beside = b.sub(change, matmul(b, node, inside))
    return b.add(turn, swapped(b, b.solve(symmetric, swapped(b, beside), transposed=True)))


register(
    Primitive(
        name="polar_factor",
        type=_type,
        value=_value,
        family="linalg",
        jvp=_jvp,
        batch=batch_stack,
    )
)
