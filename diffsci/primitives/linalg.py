"""Linear solves and determinants. All solves with one matrix share its factorization."""

from __future__ import annotations

import string

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.series import Series, convolved, minus
from diffsci.primitives.shared import add_tangents, to_batch


def _check_square(matrix: Type) -> None:
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or not matrix.is_float:
        raise TypeError(f"expected square float matrices, got {matrix}")


def _solve_type(matrix: Type, rhs: Type, *, transposed) -> Type:
    _check_square(matrix)
    vector = rhs.ndim == matrix.ndim - 1
    row_axes = rhs.shape if vector else rhs.shape[:-1]
    if row_axes != matrix.shape[:-1] or matrix.dtype != rhs.dtype:
        raise TypeError(f"cannot solve {matrix} x = {rhs}")
    return rhs


def _solve_value(matrix, rhs, *, transposed):
    if transposed:
        matrix = np.swapaxes(matrix, -1, -2)
    vector = np.ndim(rhs) == np.ndim(matrix) - 1
    try:
        solution = np.linalg.solve(matrix, rhs[..., None] if vector else rhs)
    except np.linalg.LinAlgError:  # singular: no number is right, and NaN says so downstream
        return np.full(np.shape(rhs), np.nan, np.result_type(matrix, rhs))
    return solution[..., 0] if vector else solution


def _letters(node: Node, transposed: bool) -> tuple[str, str, str]:
    """Spec of the product matrix (or its transpose) times a value shaped like the right-hand side."""
    matrix, rhs = node.inputs
    stack = string.ascii_lowercase[: len(matrix.shape) - 2]
    columns = "k" if len(rhs.shape) == len(matrix.shape) else ""
    rows = "ji" if transposed else "ij"
    names = {"i": "Y", "j": "Z"}
    left = stack + "".join(names[letter] for letter in rows)
    return left, stack + "Z" + columns.upper(), stack + "Y" + columns.upper()


def _solve_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    matrix, transposed = node.inputs[0], node.params["transposed"]
    rhs = t[1]
    if t[0] is not None:
        moved = b.neg(b.contract(t[0], node, spec=_letters(node, transposed)))
        rhs = add_tangents(b, rhs, moved)
    return b.solve(matrix, rhs, transposed=transposed)


def _solve_taylor(b: Builder, node: Node, series: Series, k: int) -> Node | None:
    """From A x = r: A_0 x_k = r_k - sum of A_j x_(k-j), all solved with one factorization."""
    matrix, rhs = node.inputs
    spec = _letters(node, node.params["transposed"])
    known = convolved(lambda x, y: b.contract(x, y, spec=spec), b, matrix, node, series, k)
    rest = minus(b, series(rhs, k), known)
    return None if rest is None else b.solve(series(matrix, 0), rest, **node.params)


def _solve_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    return [None, b.solve(node.inputs[0], ct, transposed=not node.params["transposed"])]


def _solve_batch(b: Builder, node: Node, inputs, batched, size: int) -> Node:
    matrix, rhs = inputs
    transposed = node.params["transposed"]
    if not batched[0] and len(matrix.shape) == 2:
        # One matrix, many right-hand sides: columns of a single solve.
        n = matrix.shape[0]
        columns = b.transpose(rhs, perm=(1, 0) if len(rhs.shape) == 2 else (1, 0, 2))
        solved = b.solve(
            matrix, b.reshape(columns, shape=(n, rhs.type.size // max(n, 1))), transposed=transposed
        )
        unpacked = b.reshape(solved, shape=columns.shape)
        return b.transpose(unpacked, perm=(1, 0) if len(rhs.shape) == 2 else (1, 0, 2))
    matrix = matrix if batched[0] else to_batch(b, matrix, size)
    rhs = rhs if batched[1] else to_batch(b, rhs, size)
    return b.solve(matrix, rhs, transposed=transposed)


def _det_type(matrix: Type) -> Type:
    _check_square(matrix)
    return Type(matrix.shape[:-2], matrix.dtype)


def _det_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """Jacobi's formula: d det(A) = det(A) tr(A^-1 dA)."""
    matrix = node.inputs[0]
    n = matrix.shape[-1]
    stack = string.ascii_lowercase[: len(matrix.shape) - 2]
    identity = b.const(np.eye(n), matrix.dtype)
    solved = b.solve(matrix, t[0], transposed=False)
    trace = b.contract(solved, identity, spec=(stack + "YZ", "YZ", stack))
    return b.mul(node, trace)


register(
    Primitive(
        name="solve",
        type=_solve_type,
        value=_solve_value,
        family="linalg",
        jvp=_solve_jvp,
        transpose=_solve_transpose,
        batch=_solve_batch,
        taylor=_solve_taylor,
    )
)

register(
    Primitive(
        name="det",
        type=_det_type,
        value=np.linalg.det,
        family="linalg",
        jvp=_det_jvp,
        batch=lambda b, node, inputs, batched, size: b.det(inputs[0]),
    )
)
