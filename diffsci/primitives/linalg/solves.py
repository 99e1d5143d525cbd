"""Linear solves: general, triangular, Sylvester. All solves with one matrix share its factorization."""

from __future__ import annotations

import string
from functools import partial

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Known, Solved
from diffsci.primitives.linalg.shared import batch_stack, check_square, lower, matmul, over_stack, upper
from diffsci.primitives.series import Series, convolved, minus
from diffsci.primitives.shared import add_tangents, to_batch


def _solve_type(matrix: Type, rhs: Type, *, transposed) -> Type:
    check_square(matrix)
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
    except np.linalg.LinAlgError:  # singular, or one of the stack is
        types = partial(_solve_type, transposed=False)
        return over_stack(np.linalg.solve, types, matrix, rhs, cores=(2, 1 if vector else 2))
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


def _solve_entries(node: Node, known: Known):
    there = known.nonzero(node.inputs[0])
    return None if there is None else (*_places(node), there)


def _places(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """Return the equation and the unknown of every element of a matrix."""
    rows, columns = (x.ravel() for x in np.indices(node.inputs[0].shape[-2:]))
    return (columns, rows) if node.params["transposed"] else (rows, columns)


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
        pattern=Solved(_solve_entries, core=2),
    )
)


# triangular -----------------------------------------------------------------------------------------


def _triangular_type(matrix: Type, rhs: Type, *, lower, transposed, unit) -> Type:
    check_square(matrix)
    if rhs.ndim != matrix.ndim or rhs.shape[:-1] != matrix.shape[:-1] or matrix.dtype != rhs.dtype:
        raise TypeError(f"cannot solve triangular {matrix} x = {rhs}")
    return rhs


def _triangular_value(matrix, rhs, *, lower, transposed, unit):
    from scipy.linalg import get_blas_funcs

    if rhs.size == 0:
        return np.array(rhs)
    (trsm,) = get_blas_funcs(("trsm",), (matrix, rhs))
    options = {"lower": lower, "trans_a": int(transposed), "diag": int(unit)}

    def single(a, b):
        return trsm(1.0, a, b, **options)

    if matrix.ndim == 2:
        return single(matrix, rhs)
    types = partial(_triangular_type, lower=lower, transposed=transposed, unit=unit)
    return over_stack(single, types, matrix, rhs, cores=(2, 2))


def _triangular_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    rhs = t[1]
    if t[0] is not None:
        triangle = lower if node.params["lower"] else upper
        k = int(node.params["unit"])
        part = triangle(b, t[0], -k if node.params["lower"] else k)
        moved = b.neg(matmul(b, part, node, tx=node.params["transposed"]))
        rhs = add_tangents(b, rhs, moved)
    return b.solve_triangular(node.inputs[0], rhs, **node.params)


def _triangular_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    params = {**node.params, "transposed": not node.params["transposed"]}
    return [None, b.solve_triangular(node.inputs[0], ct, **params)]


def _triangular_entries(node: Node, known: Known):
    n, unit = node.inputs[0].shape[-1], int(node.params["unit"])
    triangle = np.tri(n, k=-unit) if node.params["lower"] else np.tri(n, k=-unit).T
    rows, columns = _places(node)
    return np.where(triangle.ravel(), rows, -1), columns, known.nonzero(node.inputs[0])


register(
    Primitive(
        name="solve_triangular",
        type=_triangular_type,
        value=_triangular_value,
        family="linalg",
        jvp=_triangular_jvp,
        transpose=_triangular_transpose,
        batch=batch_stack,
        pattern=Solved(_triangular_entries, core=2, diagonal=True),
    )
)


# Sylvester ------------------------------------------------------------------------------------------


def _sylvester_type(left: Type, right: Type, rhs: Type, *, transposed) -> Type:
    check_square(left)
    check_square(right)
    fits = rhs.shape == (*left.shape[:-1], right.shape[-1]) and right.shape[:-2] == left.shape[:-2]
    if not fits or not left.dtype == right.dtype == rhs.dtype:
        raise TypeError(f"cannot solve {left} x + x {right} = {rhs}")
    return rhs


def _sylvester_value(left, right, rhs, *, transposed):
    """A x + x B = Q, by the method of Bartels and Stewart (1972)."""
    from scipy.linalg import solve_sylvester

    if transposed:
        left, right = np.swapaxes(left, -1, -2), np.swapaxes(right, -1, -2)
    types = partial(_sylvester_type, transposed=False)
    return over_stack(solve_sylvester, types, left, right, rhs, cores=(2, 2, 2))


def _sylvester_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    transposed = node.params["transposed"]
    left, right, rhs = t
    over_left = None if left is None else b.neg(matmul(b, left, node, tx=transposed))
    over_right = None if right is None else b.neg(matmul(b, node, right, ty=transposed))
    return b.solve_sylvester(*node.inputs[:2], add_tangents(b, rhs, over_left, over_right), **node.params)


def _sylvester_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    return [None, None, b.solve_sylvester(*node.inputs[:2], ct, transposed=not node.params["transposed"])]


register(
    Primitive(
        name="solve_sylvester",
        type=_sylvester_type,
        value=_sylvester_value,
        family="linalg",
        jvp=_sylvester_jvp,
        transpose=_sylvester_transpose,
        batch=batch_stack,
    )
)
