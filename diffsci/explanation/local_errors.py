"""The rounding error that one operation adds by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.explanation.propagation import propagated
from diffsci.graph import Node

__all__ = ["SUMS", "backward_error", "is_backward_stable", "local_error", "size_of_terms"]

Array = np.ndarray

# Results that are operands, or exact.
EXACT = frozenset(
    """
    neg abs sign floor ceil trunc rint select maximum minimum copysign stop_gradient max min sort take put
    mod fmod project input const
    """.split()
)
# In units of the roundoff: correctly rounded operations, and functions whose value is within one ulp.
ROUNDED = dict.fromkeys(("add", "sub", "mul", "div", "sqrt", "floor_divide"), 1)
ELEMENTARY = dict.fromkeys(
    """
    exp exp2 expm1 log log2 log10 log1p cbrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh
    arctanh hypot arctan2 pow
    """.split(),
    2,
)
# Near their zeros these are right in absolute terms only: as if their argument had been rounded.
OSCILLATING = frozenset(
    "j0 j1 y0 y1 jv yv spherical_jn spherical_yn airy_ai airy_aip airy_bi airy_bip struve".split()
)
FACTORS = {"mul": 2, "div": 1, "integer_pow": 1}  # operands whose 0 makes an exact 0
SPECIAL = 8  # of any other function
SUMS = frozenset({"sum", "cumsum", "contract", "convolve"})
# Operations on vectors whose every element is right to a few roundings.
VECTORS = (
    "length direction direction_tangent deviation deviation_direction variance standard_deviation".split()
)
GROUP = 8  # sums are taken in so many parallel partial sums, or pairwise


def local_error(node: Node, operands: Sequence[Array], value: Any) -> Array | None:
    """Return a bound of the absolute error that rounding inside an operation makes, None for none.

    Operations of several results and those that are backward stable have their error elsewhere: see
    `backward_error`.
    """
    if isinstance(node.type, tuple) or not node.type.is_float or node.name in EXACT:
        return None
    family = node.primitive.family
    if family == "structural" or is_backward_stable(node):
        return None
    unit = np.finfo(node.dtype).eps / 2
    with np.errstate(all="ignore"):
        return _error(node, operands, value, unit) + _underflow(node, operands, value)


def is_backward_stable(node: Node) -> bool:
    """Tell whether the result is that of operands a few roundings away from the given ones."""
    return node.primitive.family in ("linalg", "implicit") and node.name not in RULES


def backward_error(node: Node, operands: Sequence[Array]) -> list[Array | None]:
    """Return the errors of the operands that stand for what a backward stable operation does."""
    found: list[Array | None] = []
    for x in operands:
        if x.dtype.kind != "f" or not x.size:
            found.append(None)
            continue
        unit = np.finfo(x.dtype).eps / 2
        terms = max(x.shape[-2:], default=1)
        size = np.max(np.abs(x), initial=0.0, where=np.isfinite(x))
        found.append(np.full(x.shape, terms * unit * size, float))
    return found


def _error(node: Node, operands: Sequence[Array], value: Array, unit: float) -> Any:
    size = np.abs(value)
    rule = RULES.get(node.name)
    if rule is not None:
        return unit * rule(node, operands, size)
    if node.primitive.family == "elementwise":
        return unit * (ROUNDED.get(node.name) or ELEMENTARY.get(node.name) or SPECIAL) * size
    whole = np.max(size, initial=0.0)  # transforms of whole arrays, loops of a host: of norms
    length = max(int(np.size(operands[0])), 2) if operands else 2
    return np.full(size.shape, unit * SPECIAL * np.log2(length) * whole)


def size_of_terms(node: Node, operands: Sequence[Array]) -> Array:
    """Return a sum of products with all terms positive: errors of sums are relative to it."""
    given = [np.abs(x) if x.dtype.kind == "f" else x for x in operands]
    return np.asarray(node.primitive.value(*given, **node.params))


def _sum(node: Node, operands: Sequence[Array], size: Array) -> Array:
    """The last addition is rounded to the result, the others to no more than all terms."""
    depth = _depth(operands[0].size // max(size.size, 1))
    if depth <= 0:
        return np.zeros(size.shape)
    return (depth - 1) * size_of_terms(node, operands) + size


def _positive(node: Node, operands: Sequence[Array], size: Array) -> Array:
    """A function of a sum of terms of one sign: every element of the result is right to a few roundings."""
    terms = operands[0].shape[node.params["axis"]] if "axis" in node.params else operands[0].size
    return (SPECIAL + _depth(max(terms, 1))) * size


def _accurate(node: Node, operands: Sequence[Array], size: Array) -> Array:
    return SPECIAL * size


def _polynomial(node: Node, operands: Sequence[Array], size: Array) -> Array:
    return size


def _cumsum(node: Node, operands: Sequence[Array], size: Array) -> Array:
    """Every partial sum is rounded, but the first, which is a term."""
    axis, reverse = node.params["axis"], node.params.get("reverse", False)
    if not size.size:
        return size
    first = np.take(size, [-1 if reverse else 0], axis=axis)
    return np.asarray(node.primitive.value(size, **node.params)) - first


def _product(node: Node, operands: Sequence[Array], size: Array) -> Array:
    return max(operands[0].size // max(size.size, 1), 1) * size


def _oscillating(node: Node, operands: Sequence[Array], size: Array) -> Array:
    *others, x = operands
    moved = propagated(node, operands, [None] * len(others) + [np.abs(x).astype(float)])
    return SPECIAL * (size + moved)


def _cumprod(node: Node, operands: Sequence[Array], size: Array) -> Array:
    """Every product but the first, which is a factor, has one rounding more than the one before."""
    count = np.arange(size.shape[node.params["axis"]])
    return np.expand_dims(count, [k for k in range(size.ndim) if k != node.params["axis"]]) * size


def _contract(node: Node, operands: Sequence[Array], size: Array) -> Array:
    return (_terms(node) + 1) * size_of_terms(node, operands)


def _put_add(node: Node, operands: Sequence[Array], size: Array) -> Array:
    return max(operands[2].size, 1) * size_of_terms(node, operands)


def _convert(node: Node, operands: Sequence[Array], size: Array) -> Array:
    source = operands[0].dtype
    narrower = source.kind == "f" and source.itemsize > node.dtype.itemsize
    return size if narrower else np.zeros(size.shape)


def _integer_pow(node: Node, operands: Sequence[Array], size: Array) -> Array:
    return (1 if node.params["exponent"] == 2 else 2) * size


RULES = {
    "sum": _sum,
    "cumsum": _cumsum,
    "prod": _product,
    "cumprod": _cumprod,
    "contract": _contract,
    "convolve": _contract,
    "put_add": _put_add,
    "polyval": _polynomial,
    **dict.fromkeys(OSCILLATING, _oscillating),
    **dict.fromkeys(("length", "variance", "standard_deviation"), _positive),
    **dict.fromkeys(VECTORS, _accurate),
    **dict.fromkeys(("softmax", "log_softmax", "logsumexp", "exact_sum"), _positive),
    "convert": _convert,
    "integer_pow": _integer_pow,
}


def _depth(terms: int) -> float:
    """Additions that a term of a sum takes part in: blocks of 128 in eight lanes, then pairs."""
    return min(terms, 128) / GROUP + 3 + np.log2(max(terms / 128, 1.0)) if terms > GROUP else terms - 1


def _terms(node: Node) -> int:
    """Products that are summed in one element of the result."""
    if node.name == "convolve":
        return min(x.shape[-1] for x in node.inputs)
    left, right, out = node.params["spec"]
    sizes = dict(zip(left, node.inputs[0].shape, strict=True)) | dict(
        zip(right, node.inputs[1].shape, strict=True)
    )
    return int(np.prod([n for letter, n in sizes.items() if letter not in out], dtype=np.int64)) - 1


def _underflow(node: Node, operands: Sequence[Array], value: Array) -> Any:
    """What products and functions lose below the normal numbers; sums, and products with 0, lose nothing."""
    if node.name in ("add", "sub", "sum", "cumsum", "sqrt"):
        return 0.0
    if not any(np.any(x) for x in operands):
        return 0.0
    limits = np.finfo(node.dtype)
    lost = np.where(np.abs(value) < limits.tiny, float(limits.smallest_subnormal), 0.0)
    if node.primitive.family == "elementwise":
        for x in operands[: FACTORS.get(node.name, 1)]:
            lost = np.where((x == 0) & (value == 0), 0.0, lost)
    if node.name == "contract" and any(not np.any(x) for x in operands):
        return 0.0
    return lost
