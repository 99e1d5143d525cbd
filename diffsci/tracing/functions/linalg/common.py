"""What the functions of linear algebra share: checks, stacks, and the errors of LAPACK."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.products import matmul
from diffsci.tracing.trace import bind

__all__ = [
    "RESULTS", "as_columns", "as_float", "as_matrix", "as_scalar", "as_square", "as_stacks", "as_vector",
    "eye", "failed", "ignored", "matmul", "mismatch", "only", "single", "swapped", "triangle", "triangular",
]  # fmt: skip

RESULTS = {
    "eig": type(np.linalg.eig(np.eye(1))),
    "eigh": type(np.linalg.eigh(np.eye(1))),
    "qr": type(np.linalg.qr(np.eye(1))),
    "slogdet": type(np.linalg.slogdet(np.eye(1))),
    "svd": type(np.linalg.svd(np.eye(1))),
}


def as_float(x: Any) -> TracedArray:
    """Return a traced array of floats."""
    x = ops.traced(x)
    return x if x.dtype.kind in "fc" else ops.convert(x, float)


def as_matrix(x: Any) -> TracedArray:
    """Return a (stack of) matrices of floats."""
    x = as_float(x)
    if x.ndim < 2:
        raise np.linalg.LinAlgError(
            f"{x.ndim}-dimensional array given. Array must be at least two-dimensional{at(user_location())}"
        )
    return x


def as_square(x: Any) -> TracedArray:
    """Return a (stack of) square matrices of floats."""
    x = as_matrix(x)
    if x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError(f"expected square matrices, got shape {x.shape}{at(user_location())}")
    return x


def single(x: TracedArray, name: str) -> TracedArray:
    """Return the operand if it is one matrix; some functions know no stacks."""
    if x.ndim != 2:
        raise np.linalg.LinAlgError(f"{name}: expected one matrix, got shape {x.shape}{at(user_location())}")
    return x


def mismatch(name: str, *operands: TracedArray) -> ValueError:
    """Return the error for operands whose shapes do not fit."""
    shapes = " and ".join(str(x.shape) for x in operands)
    return ValueError(f"{name}: shapes {shapes} do not fit{at(user_location())}")


def as_stacks(name: str, *operands: TracedArray) -> list[TracedArray]:
    """Give (stacks of) matrices a common dtype and a common stack."""
    operands = ops.common(operands)
    try:
        stack = np.broadcast_shapes(*(x.shape[:-2] for x in operands))
    except ValueError:
        raise mismatch(name, *operands) from None
    return [x if x.shape[:-2] == stack else ops.broadcast_to(x, (*stack, *x.shape[-2:])) for x in operands]


def as_columns(b: TracedArray) -> TracedArray:
    """Return a vector as one column."""
    return ops.reshape(b, (b.size, 1))


def as_vector(x: TracedArray) -> TracedArray:
    """Return one column as a vector of its own."""
    return ops.copy(ops.reshape(x, x.shape[:-1]))


def as_scalar(x: TracedArray) -> TracedArray:
    """Mark a result without axes as a number."""
    x.scalar = x.shape == ()
    return x


def swapped(x: TracedArray) -> TracedArray:
    """Return the transposes of a stack."""
    return ops.copy(x.mT)


def eye(n: int, like: TracedArray) -> TracedArray:
    """Return an identity matrix for each of a stack."""
    return ops.broadcast_to(np.eye(n, dtype=like.dtype), (*like.shape[:-2], n, n))


def triangle(x: TracedArray, lower: bool, k: int = 0) -> TracedArray:
    """Return a triangle of a stack of matrices, zeros elsewhere; `k` diagonals further inside."""
    inside = np.tri(*x.shape[-2:], -k, dtype=bool) if lower else ~np.tri(*x.shape[-2:], k - 1, dtype=bool)
    return ops.where(inside, x, np.zeros((), x.dtype))


def only(name: str, options: dict[str, Any], **defaults: Any) -> None:
    """Refuse options that are neither without consequence nor as by default."""
    for key, value in options.items():
        if key not in defaults or (value is not defaults[key] and value != defaults[key]):
            raise ops.unsupported(f"the option {key!r} of {name}", "leave it out")


FREE = {"overwrite_a": False, "overwrite_b": False, "check_finite": True}


def ignored(options: dict[str, Any]) -> dict[str, Any]:
    """Take out the options of SciPy that say how, not what."""
    return {key: value for key, value in options.items() if key not in FREE}


def failed(result: TracedArray, message: str, *operands: TracedArray) -> None:
    """Raise LinAlgError where a finite matrix gave NaN; the program recorded holds only where it does."""
    if not result.size or not np.isnan(result.concrete()).any():
        return
    if all(np.isfinite(x.concrete()).all() for x in operands):
        bool(ops.unary("isfinite", result).all())
        raise np.linalg.LinAlgError(f"{message}{at(user_location())}")


def triangular(a: TracedArray, b: TracedArray, lower: bool, transposed: bool = False, unit: bool = False):
    """Solve with a triangle of `a` for columns."""
    return bind("solve_triangular", a, b, lower=lower, transposed=transposed, unit=unit)
