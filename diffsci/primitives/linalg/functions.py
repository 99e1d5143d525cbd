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


def _taylor(b: Builder, node: Node, series, k: int) -> Node | None:
    """Coefficient k stands in the corner of f of the block Toeplitz matrix of the coefficients of A.

    Derivatives in directions go through their jvp rule.
    """
    if len(node.inputs) > 1:
        return series.from_tangent(node, k)
    order = series.reach(node, k)
    whole = series.once((node, order), lambda: _toeplitz(b, node.inputs[0], series, order))
    n, stack = node.shape[-1], node.shape[:-2]
    start, stop = (*(0,) * len(stack), 0, k * n), (*stack, n, (k + 1) * n)
    value = b.matrix_function(whole, **node.params)
    return b.slice(value, start=start, stop=stop, step=(1,) * len(node.shape))


def _toeplitz(b: Builder, matrix: Node, series, order: int) -> Node:
    """Return the block matrix with A_0 on its diagonal, A_1 on the next one, and so on."""
    blocks = [series(matrix, j) or b.zeros(matrix.type) for j in range(order + 1)]
    nothing, last = b.zeros(matrix.type), len(matrix.shape) - 1
    rows = [b.concatenate(*[nothing] * i, *blocks[: order + 1 - i], axis=last) for i in range(order + 1)]
    return b.concatenate(*rows, axis=last - 1)


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
        taylor=_taylor,
    )
)
