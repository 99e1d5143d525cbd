"""What the primitives of linear algebra share: checks, values over stacks, small emit helpers."""

from __future__ import annotations

import string
from collections.abc import Callable

import numpy as np

from diffsci.graph import Builder, Node, Type
from diffsci.primitives.shared import align

__all__ = [
    "antisymmetric", "batch_stack", "check_matrix", "check_square", "diagonal", "identity", "lower", "matmul",
    "outer_difference", "outer_sum", "over_stack", "scaled_columns", "sliced", "spread_stack",
    "swapped", "symmetric", "upper",
]  # fmt: skip


def check_matrix(matrix: Type) -> None:
    """Raise TypeError for what is no (stack of) float matrices."""
    if matrix.ndim < 2 or not matrix.is_float:
        raise TypeError(f"expected float matrices, got {matrix}")


def check_square(matrix: Type) -> None:
    """Raise TypeError for what is no (stack of) square float matrices."""
    check_matrix(matrix)
    if matrix.shape[-1] != matrix.shape[-2]:
        raise TypeError(f"expected square float matrices, got {matrix}")


def batch_stack(b: Builder, node: Node, inputs, batched, size: int) -> Node:
    """Batching rule of every operation that works on stacks."""
    return b.emit(node.primitive, *align(b, inputs, batched, size), **node.params)


def over_stack(function: Callable, types: Callable, *stacks: np.ndarray, cores: tuple[int, ...]):
    """Apply a function of single matrices to each of a stack; NaN where LAPACK fails.

    Parameters
    ----------
    function : callable
        One array or a tuple of arrays from single operands.
    types : callable
        The types of the results from the types of the operands: a primitive's rule.
    cores : tuple of int
        How many trailing axes of each operand are its own; the axes before them are the stack.
    """
    found = types(*(Type(x.shape, x.real.dtype) for x in stacks))
    several = isinstance(found, tuple)
    dtype = np.result_type(*stacks)  # complex operands give complex results
    results = [np.zeros(t.shape, dtype if t.is_float else t.dtype) for t in (found if several else (found,))]
    for place in np.ndindex(stacks[0].shape[: stacks[0].ndim - cores[0]]):
        try:
            values = function(*(x[place] for x in stacks))
        except (np.linalg.LinAlgError, ValueError):  # singular, not converged, or not finite
            values = tuple(np.nan if r.dtype.kind in "fc" else 0 for r in results) if several else np.nan
        for result, value in zip(results, values if several else (values,), strict=True):
            result[place] = value
    return tuple(results) if several else results[0]


# emit helpers ---------------------------------------------------------------------------------------


def _stack(node: Node) -> str:
    return string.ascii_lowercase[: len(node.shape) - 2]


def matmul(b: Builder, x: Node, y: Node, tx: bool = False, ty: bool = False) -> Node:
    """Emit the product of (stacks of) matrices, each taken transposed if asked."""
    stack = _stack(x)
    left, right = "ZY" if tx else "YZ", "XZ" if ty else "ZX"
    return b.contract(x, y, spec=(stack + left, stack + right, stack + "YX"))


def swapped(b: Builder, x: Node) -> Node:
    """Emit the transpose of (stacks of) matrices."""
    n = len(x.shape)
    return b.transpose(x, perm=(*range(n - 2), n - 1, n - 2))


def identity(b: Builder, type_: Type) -> Node:
    """Emit identity matrices of that type."""
    eye = b.const(np.eye(*type_.shape[-2:]), type_.dtype)
    if type_.ndim == 2:
        return eye
    return b.broadcast(eye, shape=type_.shape, axes=(type_.ndim - 2, type_.ndim - 1))


def _kept(b: Builder, x: Node, mask: np.ndarray) -> Node:
    shape = x.shape
    spread = b.const(mask)
    if len(shape) > 2:
        spread = b.broadcast(spread, shape=shape, axes=(len(shape) - 2, len(shape) - 1))
    return b.select(spread, x, b.zeros(x.type))


def lower(b: Builder, x: Node, k: int = 0) -> Node:
    """Emit the lower triangle, up to diagonal k."""
    return _kept(b, x, np.tri(*x.shape[-2:], k, dtype=bool))


def upper(b: Builder, x: Node, k: int = 0) -> Node:
    """Emit the upper triangle, from diagonal k on."""
    return _kept(b, x, ~np.tri(*x.shape[-2:], k - 1, dtype=bool))


def symmetric(b: Builder, x: Node) -> Node:
    """Emit the symmetric matrix that has the lower triangle of x."""
    return b.add(lower(b, x), swapped(b, lower(b, x, -1)))


def antisymmetric(b: Builder, x: Node) -> Node:
    """Emit the antisymmetric part, (x - x^T) / 2."""
    return b.mul(b.full(x.type, 0.5), b.sub(x, swapped(b, x)))


def sliced(b: Builder, x: Node, axis: int, start: int, stop: int) -> Node:
    """Emit a part of one axis (counted from the end)."""
    axis += len(x.shape)
    first, last = [0] * len(x.shape), list(x.shape)
    first[axis], last[axis] = start, stop
    return b.slice(x, start=tuple(first), stop=tuple(last), step=(1,) * len(x.shape))


def diagonal(b: Builder, x: Node) -> Node:
    """Emit the diagonals of square matrices."""
    *stack, n, _ = x.shape
    flat = b.reshape(x, shape=(*stack, n * n))
    zeros, ones = (0,) * len(stack), (1,) * len(stack)
    return b.slice(flat, start=(*zeros, 0), stop=(*stack, n * n), step=(*ones, n + 1))


def _spread(b: Builder, d: Node, shape: tuple[int, ...], axis: int) -> Node:
    """Emit (stacks of) vectors along one of the last two axes of that shape."""
    axes = (*range(len(shape) - 2), len(shape) + axis)
    return b.broadcast(d, shape=shape, axes=axes)


def spread_stack(b: Builder, x: Node, shape: tuple[int, ...]) -> Node:
    """Emit one number per member of a stack, repeated over the last axes of that shape."""
    return b.broadcast(x, shape=shape, axes=tuple(range(len(x.shape))))


def scaled_columns(b: Builder, x: Node, d: Node) -> Node:
    """Emit the matrices with column j multiplied by d[j]."""
    return b.mul(x, _spread(b, d, x.shape, -1))


def outer_difference(b: Builder, d: Node) -> Node:
    """Emit the matrices d[j] - d[i]."""
    shape = (*d.shape, d.shape[-1])
    return b.sub(_spread(b, d, shape, -1), _spread(b, d, shape, -2))


def outer_sum(b: Builder, d: Node) -> Node:
    """Emit the matrices d[j] + d[i]."""
    shape = (*d.shape, d.shape[-1])
    return b.add(_spread(b, d, shape, -1), _spread(b, d, shape, -2))
