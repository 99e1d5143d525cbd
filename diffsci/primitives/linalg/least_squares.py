"""Least squares and the pseudo-inverse, full rank or not.

G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate" (1973): the rules hold where the rank stays the same.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Solved
from diffsci.primitives.linalg.shared import batch_stack, check_matrix, matmul, over_stack
from diffsci.primitives.shared import add_tangents


def _pinv_type(matrix: Type, *, rcond) -> Type:
    check_matrix(matrix)
    return Type((*matrix.shape[:-2], matrix.shape[-1], matrix.shape[-2]), matrix.dtype)


def _pinv_value(matrix, *, rcond):
    single = partial(np.linalg.pinv, rcond=rcond)
    try:
        return single(matrix)
    except np.linalg.LinAlgError:
        return over_stack(single, partial(_pinv_type, rcond=rcond), matrix, cores=(2,))


def _pinv_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """The rule: dP = -P dA P + P P^T dA^T (I - A P) + (I - P A) dA^T P^T P."""
    matrix, p, change = node.inputs[0], node, t[0]
    first = b.neg(matmul(b, p, matmul(b, change, p)))
    left = matmul(b, p, matmul(b, p, change, tx=True, ty=True))
    second = b.sub(left, matmul(b, matmul(b, left, matrix), p))
    right = matmul(b, matmul(b, change, p, tx=True, ty=True), p)
    third = b.sub(right, matmul(b, p, matmul(b, matrix, right)))
    return add_tangents(b, first, second, third)


register(
    Primitive(
        name="pinv",
        type=_pinv_type,
        value=_pinv_value,
        family="linalg",
        jvp=_pinv_jvp,
        batch=batch_stack,
    )
)


def _lstsq_type(matrix: Type, rhs: Type, *, rcond) -> Type:
    check_matrix(matrix)
    if rhs.ndim != matrix.ndim or rhs.shape[:-1] != matrix.shape[:-1] or rhs.dtype != matrix.dtype:
        raise TypeError(f"cannot solve {matrix} x = {rhs} by least squares")
    return Type((*matrix.shape[:-2], matrix.shape[-1], rhs.shape[-1]), rhs.dtype)


def _lstsq_value(matrix, rhs, *, rcond):
    def single(a, c):
        return np.linalg.lstsq(a, c, rcond=rcond)[0]

    return over_stack(single, partial(_lstsq_type, rcond=rcond), matrix, rhs, cores=(2, 2))


def _lstsq_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """With the residual r: dx = P (dc - dA x) + P P^T dA^T r + (I - P A) dA^T P^T x, P = pinv(A)."""
    matrix, rhs = node.inputs
    p = b.pinv(matrix, rcond=node.params["rcond"])
    change = t[1]
    if t[0] is None:
        return matmul(b, p, change)
    change = add_tangents(b, change, b.neg(matmul(b, t[0], node)))
    residual = b.sub(rhs, matmul(b, matrix, node))
    inner = matmul(b, p, matmul(b, t[0], residual, tx=True), tx=True)
    outer = matmul(b, t[0], matmul(b, p, node, tx=True), tx=True)
    outside = b.sub(outer, matmul(b, p, matmul(b, matrix, outer)))
    return add_tangents(b, matmul(b, p, b.add(change, inner)), outside)


register(
    Primitive(
        name="lstsq",
        type=_lstsq_type,
        value=_lstsq_value,
        family="linalg",
        jvp=_lstsq_jvp,
        batch=batch_stack,
        pattern=Solved(lambda node, known: None, core=2),
    )
)
