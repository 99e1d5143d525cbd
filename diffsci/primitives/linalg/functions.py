"""Analytic functions of matrices, and their Frechet derivatives of every order.

``matrix_function(A, E_1, ..., E_m)`` is the m-th derivative of f(A) in directions E_1 .. E_m: a corner of f
of a block matrix with A on the diagonal (N. J. Higham and S. D. Relton, "Higher order Frechet derivatives of
matrix functions and the level-2 condition number", 2014). It is linear in every direction, and its transpose
is the same of transposed matrices.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.linalg.shared import batch_stack, check_square, over_stack, swapped
from diffsci.primitives.shared import add_tangents

__all__ = ["MATRIX_FUNCTIONS"]

MATRIX_FUNCTIONS = ("expm", "logm", "sqrtm", "cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm")  # of SciPy


def _type(matrix: Type, *directions: Type, function) -> Type:
    check_square(matrix)
    if function not in MATRIX_FUNCTIONS or any(direction != matrix for direction in directions):
        raise TypeError(f"cannot take {function} of {matrix} in directions {', '.join(map(str, directions))}")
    return matrix


def _single(function, matrix, *directions):
    n = matrix.shape[0]
    block = matrix
    for k, direction in enumerate(directions):
        coupling = np.kron(np.eye(2**k), direction)
        block = np.block([[block, coupling], [np.zeros_like(block), block]])
    if not np.all(np.isfinite(block)):
        raise ValueError("a matrix with infinities or NaN")
    wide = block.astype(np.result_type(block, float))  # rounding makes real logarithms complex in float32
    value = function(wide)[:n, block.shape[0] - n :]
    if np.iscomplexobj(value) and not np.iscomplexobj(matrix):
        raise ValueError("the value is complex")
    return value.astype(matrix.dtype)


def _value(matrix, *directions, function):
    import scipy.linalg

    single = partial(_single, getattr(scipy.linalg, function))
    types = partial(_type, function=function)
    return over_stack(single, types, matrix, *directions, cores=(2,) * (1 + len(directions)))


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    matrix, *directions = node.inputs
    terms = []
    if t[0] is not None:
        terms.append(b.matrix_function(matrix, *directions, t[0], **node.params))
    for k, change in enumerate(t[1:]):
        if change is not None:
            moved = (*directions[:k], *directions[k + 1 :], change)
            terms.append(b.matrix_function(matrix, *moved, **node.params))
    return add_tangents(b, *terms)


def _transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    matrix, *directions = (swapped(b, x) for x in node.inputs)
    k = linear.index(True)
    others = (*directions[: k - 1], *directions[k:])
    back: list[Node | None] = [None] * len(node.inputs)
    back[k] = b.matrix_function(matrix, *others, ct, **node.params)
    return back


register(
    Primitive(
        name="matrix_function",
        type=_type,
        value=_value,
        family="linalg",
        jvp=_jvp,
        transpose=_transpose,
        batch=batch_stack,
    )
)
