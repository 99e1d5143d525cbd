"""What divides by the gaps between eigenvalues or singular values, and what belongs to equal ones.

The rules of `eigh` and `svd` divide what mixes two vectors by the gap between their values. At equal values
that is 0 / 0, and no number is right in its place: only the program around it knows the limit. So these
operations raise `Unresolved` where a quotient would be lost in rounding, and `diffsci.degenerate`, which sees
the whole program, takes the limit or explains why there is none.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from diffsci.errors import DegenerateError
from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import along_last_axis, elementwise
from diffsci.primitives.linalg.shared import spread_stack
from diffsci.primitives.series import convolved, minus
from diffsci.primitives.shared import add_tangents, batch_elementwise, full_like, same_types
from diffsci.source import at

__all__ = [
    "Unresolved",
    "apart",
    "close",
    "divisor",
    "largest",
    "only_ties",
    "over_gap",
    "ties",
    "unchecked",
    "values_moved",
    "zeros",
]


class Unresolved(DegenerateError):
    """A derivative met equal values; whoever knows the whole program may take its limit."""


LIMITED = (
    "its limit is taken in a whole program only, not inside an integration or where a branch of a jitted "
    "function is decided: use numpy.linalg.eigvalsh or svdvals if only the values are wanted, "
    "scipy.linalg.expm, sqrtm or logm for functions of matrices, or numpy.linalg.lstsq for equations"
)
OTHERWISE = {
    "eig": "vectors of equal values of a general matrix may be missing; use numpy.linalg.eigh for a "
    "symmetric matrix, numpy.linalg.eigvals for the sum or the product of values, scipy.linalg.expm, sqrtm "
    "or logm for functions of matrices"
}


class _Mode(threading.local):
    reach: Callable | None = None
    refuse = True


_mode = _Mode()


@contextlib.contextmanager
def _changed(name: str, value: Any) -> Iterator[None]:
    before = getattr(_mode, name)
    setattr(_mode, name, value)
    try:
        yield
    finally:
        setattr(_mode, name, before)


def only_ties() -> contextlib.AbstractContextManager[None]:
    """Divide by gaps that are small, but not rounding errors: where values are close, and no limit exists."""
    return _changed("reach", ties)


def unchecked() -> contextlib.AbstractContextManager[None]:
    """Divide by every gap, for programs whose derivatives are not looked at."""
    return _changed("refuse", False)


def close(dtype: np.dtype, n: int = 1) -> float:
    """Return below which gap, relative to the largest value, the limit is the better number.

    A quotient by a gap g loses eps / g, and the limit, corrected to first order, is wrong by g^2.
    """
    return float(np.cbrt(np.finfo(dtype).eps))


def ties(dtype: np.dtype, n: int) -> float:
    """Return below which gap, relative to the largest value, n values are equal up to rounding.

    A few n eps of rounding are in a matrix that was computed; of a vector over such a gap no digit is right.
    """
    return 32 * zeros(dtype, n)


def zeros(dtype: np.dtype, n: int) -> float:
    """Return below which share of the largest one a singular value of n is zero up to rounding."""
    return n * float(np.finfo(dtype).eps)


def largest(b: Builder, *values: Node) -> Node:
    """Emit the largest magnitude of (stacks of) vectors; for comparisons only."""
    sizes = [b.max(b.abs(w), axes=(len(w.shape) - 1,)) for w in values]
    return b.stop_gradient(sizes[0] if len(sizes) == 1 else b.maximum(*sizes))


def over_gap(b: Builder, x: Node, gap: Node, w: Node, factor: Node) -> Node:
    """Emit x / gap, entry by entry, for gaps between the values w of a factorization."""
    least = b.mul(largest(b, w), full_like(b, largest(b, w), close(w.dtype)))
    if gap.shape[-2:] == 2 * w.shape[-1:]:  # between pairs, not between values and nothing
        return apart(b, x, gap, least, factor)
    return b.gap_quotient(x, gap, spread_stack(b, least, gap.shape), of=factor.name, where=factor.location)


def apart(b: Builder, x: Node, gap: Node, least: Node, factor: Node) -> Node:
    """Emit x / gap for the gaps between pairs of values: on the diagonal there is none, and nothing of x."""
    axes = (len(x.shape) - 2, len(x.shape) - 1)
    pairs = b.broadcast(b.const(~np.eye(x.shape[-1], dtype=bool)), shape=x.shape, axes=axes)
    x, gap = b.select(pairs, x, b.zeros(x.type)), b.select(pairs, gap, full_like(b, gap, 1.0))
    return b.gap_quotient(x, gap, spread_stack(b, least, gap.shape), of=factor.name, where=factor.location)


def values_moved(b: Builder, x: Node, w: Node, factor: Node) -> Node:
    """Emit x, what moves the values w of a factorization."""
    return b.values_moved(x, w, of=factor.name, where=factor.location)


def _refuse(of: str, where, what: str) -> None:
    if not _mode.refuse:
        return
    raise Unresolved(
        f"{of}{at(where)}: {what}, and the derivative divides by nothing: {OTHERWISE.get(of, LIMITED)}"
    )


# x / gap --------------------------------------------------------------------------------------------


def _gap_type(x: Type, gap: Type, least: Type, *, of, where) -> Type:
    return same_types(x, gap, least)


def _gap_value(x, gap, least, *, of, where):
    if _mode.reach is not None and of != "eig":  # whose gaps are squares, and never taken for closer
        least = least * (_mode.reach(x.dtype, x.shape[-1]) / close(x.dtype))
    lost = np.abs(gap) <= least
    if lost.any():  # even if x is 0 there: so it is for v f(w) v^T, whose limit is not
        first = np.argwhere(lost)[0][-2:]
        _refuse(of, where, f"values {' and '.join(map(str, sorted(set(first.tolist()))))} coincide")
    return x / gap


def _gap_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    _, gap, least = node.inputs
    over = None if t[1] is None else b.neg(b.mul(node, t[1]))
    return b.gap_quotient(add_tangents(b, t[0], over), gap, least, **node.params)


def _gap_taylor(b: Builder, node: Node, series, k: int) -> Node | None:
    x, gap, least = node.inputs
    top = minus(b, series(x, k), convolved(b.mul, b, gap, node, series, k))
    return None if top is None else b.gap_quotient(top, series(gap, 0), series(least, 0), **node.params)


register(
    Primitive(
        name="gap_quotient",  # x / gap; raises where |gap| <= least
        type=_gap_type,
        value=_gap_value,
        family="linalg",
        jvp=_gap_jvp,
        transpose=lambda b, node, ct, linear: [
            b.gap_quotient(ct, *node.inputs[1:], **node.params),
            None,
            None,
        ],
        batch=batch_elementwise,
        taylor=_gap_taylor,
        pattern=elementwise,
    )
)


# r in x r^-1 ----------------------------------------------------------------------------------------


def divisor(b: Builder, r: Node, factor: Node) -> Node:
    """Emit the triangle of a QR factorization, to divide by."""
    return b.divisor_triangle(r, of=factor.name, where=factor.location)


def _divisor_value(r, *, of, where):
    share = (_mode.reach or close)(r.real.dtype, r.shape[-1])
    height, length = np.abs(np.diagonal(r, axis1=-2, axis2=-1)), np.sqrt(np.sum(np.abs(r) ** 2, axis=-2))
    lost = height <= share * length
    if lost.any():
        _refuse(of, where, f"column {np.argwhere(lost)[0][-1]} depends on those before it")
    return r


register(
    Primitive(
        name="divisor_triangle",  # r; raises where it cannot be divided by
        type=lambda r, *, of, where: same_types(r),
        value=_divisor_value,
        family="linalg",
        jvp=lambda b, node, t: t[0],
        batch=batch_elementwise,
        pattern=elementwise,
    )
)

# what moves the values ------------------------------------------------------------------------------


def _level(w: np.ndarray, of: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return which neighbours are equal, and where values are equal to their opposites (None: nowhere)."""
    size = np.abs(w)
    most = size.max(axis=-1, keepdims=True, initial=0.0)
    least = ties(w.dtype, w.shape[-1]) * most
    zero = size <= zeros(w.dtype, w.shape[-1]) * most if of == "svd" else None
    equal = np.abs(w[..., 1:] - w[..., :-1]) <= least
    return equal, None if zero is None or not zero.any() else zero


def _values_type(x: Type, w: Type, *, of, where) -> Type:
    return same_types(x, w)


def _values_value(x, w, *, of, where):
    equal, zero = _level(np.real(w), of)
    if zero is not None or equal.any():
        size = 64 * np.finfo(w.dtype).eps * np.max(np.abs(x), axis=-1, keepdims=True, initial=0.0)
        uneven = equal & (np.abs(np.diff(x, axis=-1)) > size)
        if uneven.any() or (zero is not None and (zero & (np.abs(x) > size)).any()):
            _refuse(of, where, "values coincide")
    return x


register(
    Primitive(
        name="values_moved",  # x, what moves the values w; raises where equal values are moved apart
        type=_values_type,
        value=_values_value,
        family="linalg",
        jvp=lambda b, node, t: None if t[0] is None else b.values_moved(t[0], node.inputs[1], **node.params),
        transpose=lambda b, node, ct, linear: [b.values_moved(ct, node.inputs[1], **node.params), None],
        batch=batch_elementwise,
        pattern=along_last_axis,
    )
)


def _shared_value(x, w, *, of):
    """Average over equal values; what is equal to its opposite does not move."""
    equal, zero = _level(np.real(w), of)
    if zero is not None:
        x = np.where(zero, np.zeros_like(x), x)
    if not equal.any():
        return x
    first = np.ones(w.shape, bool)
    first[..., 1:] = ~equal
    starts = np.flatnonzero(first)
    counts = np.diff(starts, append=first.size)
    means = np.add.reduceat(np.ravel(x), starts) / counts.astype(w.real.dtype)
    return np.repeat(means, counts).reshape(w.shape)


register(
    Primitive(
        name="shared_by_equals",  # the mean of x over runs of equal values w
        type=lambda x, w, *, of: same_types(x, w),
        value=_shared_value,
        family="linalg",
        jvp=lambda b, node, t: (
            None if t[0] is None else b.shared_by_equals(t[0], node.inputs[1], **node.params)
        ),
        transpose=lambda b, node, ct, linear: [b.shared_by_equals(ct, node.inputs[1], **node.params), None],
        batch=batch_elementwise,
        pattern=along_last_axis,
    )
)


def _alone_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """What equal values share need not be the same for each of them."""
    moved = t[0].inputs[0] if t[0].name == "values_moved" else t[0]
    return b.shared_by_equals(moved, node.inputs[0], **node.params)


register(
    Primitive(
        name="values_alone",  # eigenvalues or singular values without their vectors: equal ones move alike
        type=lambda w, *, of: same_types(w),
        value=lambda w, *, of: np.array(w),
        family="linalg",
        jvp=_alone_jvp,
        batch=batch_elementwise,
        pattern=along_last_axis,
    )
)
