"""Solves with banded matrices, kept by diagonals as in LAPACK: ``ab[upper + i - j, j] = a[i, j]``."""

from __future__ import annotations

import string
from functools import partial

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Known, Solved
from diffsci.primitives.linalg.shared import batch_stack, check_matrix, over_stack
from diffsci.primitives.shared import add_tangents


def _type(ab: Type, rhs: Type, *, lower, upper, transposed) -> Type:
    check_matrix(ab)
    fits = rhs.ndim == ab.ndim and rhs.shape[:-2] == ab.shape[:-2] and rhs.shape[-2] == ab.shape[-1]
    if not fits or ab.shape[-2] != lower + upper + 1 or ab.dtype != rhs.dtype:
        raise TypeError(f"cannot solve with {lower} diagonals below and {upper} above, {ab} x = {rhs}")
    return rhs


def _places(n: int, lower: int, upper: int, transposed: bool):
    """For entry i of a product and diagonal r: which column of `ab`, which entry of x, and whether it is
    inside.
    """
    r, i = np.ogrid[: lower + upper + 1, :n]
    if transposed:  # (A^T x)_i = sum over r of ab[r, i] x[i + r - upper]
        x = i + r - upper
        column = np.broadcast_to(i, x.shape)
    else:  # (A x)_i = sum over r of ab[r, j] x[j], j = i - r + upper
        column = x = i - r + upper
    inside = (x >= 0) & (x < n)
    return np.where(inside, r * n + column, 0), np.where(inside, x, 0), inside


def banded_product(b: Builder, ab: Node, x: Node, *, lower: int, upper: int, transposed: bool) -> Node:
    """Emit the product of banded matrices (transposed if asked) with columns."""
    *stack, rows, n = ab.shape
    entries, places, inside = _places(n, lower, upper, transposed)
    flat = b.reshape(ab, shape=(*stack, rows * n))
    diagonals = b.take(flat, b.const(entries), axis=len(stack))
    spread = b.broadcast(b.const(inside), shape=diagonals.shape, axes=(len(stack), len(stack) + 1))
    diagonals = b.select(spread, diagonals, b.zeros(diagonals.type))
    moved = b.take(x, b.const(places), axis=len(stack))
    letters = string.ascii_lowercase[: len(stack)]
    return b.contract(diagonals, moved, spec=(letters + "ZY", letters + "ZYX", letters + "YX"))


def _transposed_bands(ab, lower: int, upper: int):
    """The diagonals of the transpose, which has `upper` diagonals below."""
    n = ab.shape[-1]
    out = np.zeros_like(ab)
    for d in range(-lower, min(upper, n - 1) + 1):
        if -d < n:
            out[lower + d, max(-d, 0) : n - max(d, 0)] = ab[upper - d, max(d, 0) : n - max(-d, 0)]
    return out


def _value(ab, rhs, *, lower, upper, transposed):
    from scipy.linalg import solve_banded

    if rhs.size == 0:
        return np.array(rhs)

    def single(ab, rhs):
        bands, below, above = ab, lower, upper
        if transposed:
            bands, below, above = _transposed_bands(ab, lower, upper), upper, lower
        return solve_banded((below, above), bands, rhs, check_finite=False)

    types = partial(_type, lower=lower, upper=upper, transposed=transposed)
    return over_stack(single, types, ab, rhs, cores=(2, 2))


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    rhs = t[1]
    if t[0] is not None:
        rhs = add_tangents(b, rhs, b.neg(banded_product(b, t[0], node, **node.params)))
    return b.solve_banded(node.inputs[0], rhs, **node.params)


def _transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    params = {**node.params, "transposed": not node.params["transposed"]}
    return [None, b.solve_banded(node.inputs[0], ct, **params)]


def _entries(node: Node, known: Known):
    d, j = (x.ravel() for x in np.indices(node.inputs[0].shape[-2:]))
    i = j + d - node.params["upper"]
    inside = (i >= 0) & (i < node.inputs[0].shape[-1])
    rows, columns = (j, i) if node.params["transposed"] else (i, j)
    return np.where(inside, rows, -1), columns, known.nonzero(node.inputs[0])


register(
    Primitive(
        name="solve_banded",
        type=_type,
        value=_value,
        family="linalg",
        jvp=_jvp,
        transpose=_transpose,
        batch=batch_stack,
        pattern=Solved(_entries, core=2),
    )
)
