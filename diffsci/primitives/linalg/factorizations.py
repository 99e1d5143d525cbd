"""Cholesky, QR and LU factorizations.

The rules are those of I. Murray, "Differentiation of the Cholesky decomposition" (2016), and of S. F. Walter
and L. Lehmann, "Algorithmic differentiation of linear algebra functions with application in optimum
experimental design" (2010).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.linalg.gaps import divisor
from diffsci.primitives.linalg.shared import (
    batch_stack,
    check_matrix,
    check_square,
    identity,
    lower,
    matmul,
    over_stack,
    sliced,
    swapped,
    symmetric,
    upper,
)
from diffsci.primitives.shared import BOOL, INT

# Cholesky: A = L L^T, of the lower triangle of A -----------------------------------------------------


def _cholesky_type(matrix: Type) -> Type:
    check_square(matrix)
    return matrix


def _cholesky_value(matrix):
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return over_stack(np.linalg.cholesky, _cholesky_type, matrix, cores=(2,))


def _cholesky_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """With Phi: dL = L Phi(L^-1 dA L^-T), Phi the lower triangle with half the diagonal."""
    half = partial(b.solve_triangular, node, lower=True, transposed=False, unit=False)
    inner = half(swapped(b, half(symmetric(b, t[0]))))
    weights = np.tri(node.shape[-1]) - 0.5 * np.eye(node.shape[-1])
    weights = b.const(weights, node.dtype)
    axes = (len(node.shape) - 2, len(node.shape) - 1)
    spread = b.broadcast(weights, shape=node.shape, axes=axes)
    return matmul(b, node, b.mul(inner, spread))


register(
    Primitive(
        name="cholesky",
        type=_cholesky_type,
        value=_cholesky_value,
        family="linalg",
        jvp=_cholesky_jvp,
        batch=batch_stack,
    )
)


# QR of tall matrices: A = Q R ------------------------------------------------------------------------


def _qr_type(matrix: Type) -> tuple[Type, Type]:
    check_matrix(matrix)
    *stack, m, n = matrix.shape
    if m < n:
        raise TypeError(f"expected matrices with at least as many rows as columns, got {matrix}")
    return matrix, Type((*stack, n, n), matrix.dtype)


def _right_solved(b: Builder, x: Node, r: Node, unit: bool = False) -> Node:
    """Emit x r^-1 for upper triangular r."""
    return swapped(b, b.solve_triangular(r, swapped(b, x), lower=False, transposed=True, unit=unit))


def _qr_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node]:
    q, r = b.project(node, index=0), b.project(node, index=1)
    change = _right_solved(b, t[0], divisor(b, r, node))
    inside = matmul(b, q, change, tx=True)
    below = lower(b, inside, -1)
    turn = b.sub(below, swapped(b, below))
    over_q = b.add(matmul(b, q, b.sub(turn, inside)), change)
    return [over_q, matmul(b, b.sub(inside, turn), r)]


register(
    Primitive(
        name="qr",
        type=_qr_type,
        value=lambda matrix: tuple(np.linalg.qr(matrix)),
        family="linalg",
        jvp=_qr_jvp,
        batch=batch_stack,
    )
)


def _pivots_type(matrix: Type) -> Type:
    check_matrix(matrix)
    return Type((*matrix.shape[:-2], matrix.shape[-1]), INT)


def _pivots_single(matrix):
    from scipy.linalg import qr

    return qr(np.real(matrix), mode="r", pivoting=True)[1]


register(
    Primitive(
        name="qr_pivots",  # the order of columns in a QR factorization with pivoting
        type=_pivots_type,
        value=lambda matrix: over_stack(_pivots_single, _pivots_type, matrix, cores=(2,)),
        family="linalg",
        jvp="zero",
        batch=batch_stack,
    )
)


# LU with partial pivoting: A[order] = L U, both in one matrix, and LAPACK's row swaps ----------------


def _lu_type(matrix: Type) -> tuple[Type, Type, Type]:
    check_matrix(matrix)
    *stack, m, n = matrix.shape
    return matrix, Type((*stack, min(m, n)), INT), Type((*stack, m), INT)


def _lu_single(matrix):
    if 0 in matrix.shape:
        return matrix, np.zeros(0, int), np.arange(matrix.shape[0])
    from scipy.linalg import get_lapack_funcs

    (getrf,) = get_lapack_funcs(("getrf",), (matrix,))
    packed, swaps, _ = getrf(matrix)
    return packed, swaps, _permutation_value(swaps, rows=matrix.shape[0])


def _ordered_rows(b: Builder, x: Node, order: Node) -> Node:
    """Emit x[order], one order per matrix of a stack."""
    if len(x.shape) == 2:
        return b.take(x, order, axis=0)
    *stack, m, _ = x.shape
    shape, last = (*stack, m, m), len(stack)
    axes = tuple(range(last))
    wanted = b.broadcast(order, shape=shape, axes=(*axes, last))
    there = b.broadcast(b.const(np.arange(m)), shape=shape, axes=(last + 1,))
    return matmul(b, b.convert(b.eq(wanted, there), dtype=x.dtype), x)


def _lu_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node | None]:
    """With X = L^-1 dA U^-1 in the square part: dL = L tril(X), dU = triu(X) U. The rest follows."""
    packed = b.project(node, index=0)
    m, n = packed.shape[-2:]
    k = min(m, n)
    change = _ordered_rows(b, t[0], b.project(node, index=2))
    square = sliced(b, sliced(b, packed, -2, 0, k), -1, 0, k)
    change_square = sliced(b, sliced(b, change, -2, 0, k), -1, 0, k)

    def left(x: Node) -> Node:
        return b.solve_triangular(square, x, lower=True, transposed=False, unit=True)

    inside = _right_solved(b, left(change_square), square)
    unit_lower = b.add(lower(b, square, -1), identity(b, square.type))
    over_lower = matmul(b, unit_lower, lower(b, inside, -1))
    over_upper = matmul(b, upper(b, inside), upper(b, square))
    moved = b.add(over_lower, over_upper)
    if m > k:
        rows = sliced(b, packed, -2, k, m)
        rest = b.sub(sliced(b, change, -2, k, m), matmul(b, rows, over_upper))
        moved = b.concatenate(moved, _right_solved(b, rest, square), axis=len(packed.shape) - 2)
    if n > k:
        columns = sliced(b, packed, -1, k, n)
        rest = b.sub(sliced(b, change, -1, k, n), matmul(b, over_lower, columns))
        moved = b.concatenate(moved, left(rest), axis=len(packed.shape) - 1)
    return [moved, None, None]


register(
    Primitive(
        name="lu",
        type=_lu_type,
        value=lambda matrix: over_stack(_lu_single, _lu_type, matrix, cores=(2,)),
        family="linalg",
        jvp=_lu_jvp,
        batch=batch_stack,
    )
)


def _permutation_type(swaps: Type, *, rows) -> Type:
    if swaps.ndim < 1 or swaps.dtype == BOOL or swaps.is_float:
        raise TypeError(f"expected LAPACK's row swaps, got {swaps}")
    return Type((*swaps.shape[:-1], rows), INT)


def _permutation_value(swaps, *, rows):
    order = np.broadcast_to(np.arange(rows), (*swaps.shape[:-1], rows)).copy()
    for place in np.ndindex(swaps.shape[:-1]):
        for i, j in enumerate(swaps[place]):
            order[place][[i, j]] = order[place][[j, i]]
    return order


register(
    Primitive(
        name="row_order",  # the permutation that a sequence of row swaps makes
        type=_permutation_type,
        value=_permutation_value,
        family="linalg",
        jvp="zero",
        batch=batch_stack,
    )
)
