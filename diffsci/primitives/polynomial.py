"""Polynomials at points: compensated, and linear in the coefficients.

``polyval(p, x)`` with p of shape (*lead, n), highest power first, and x of shape (*lead, *rest) is the
derivative of some order in x. Its derivative in x is itself of the next order, that in p is linear; the
transpose, which sums cotangents times powers, is a primitive too, so both modes and every order come from
these two.

Horner's rule keeps the errors of its sums and products and adds their polynomial in the end (S. Graillat,
Ph. Langlois and N. Louvet, "Algorithms for accurate, validated and fast polynomial evaluation", Japan J.
Indust. Appl. Math. 26 (2009)): as if in twice the precision. It runs a bound on what is still missing;
elements for which that is too much, like those next to multiple roots, are computed in fractions.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Labelled
from diffsci.primitives.shared import add_tangents, align
from diffsci.primitives.special.doubled import two_product, two_sum
from diffsci.primitives.special.terms import f, row

__all__ = ["SMALLEST_PRODUCT", "compensation_fails", "polyval", "weights"]

SMALLEST_PRODUCT = 2.0**-900  # the error of a smaller product may underflow


def weights(size: int, order: int) -> list[int]:
    """Return the factors of the coefficients in the derivative of that order: falling factorials."""
    return [math.perm(power, order) for power in range(size - 1, order - 1, -1)]


def compensation_fails(value, bound, size: int):
    """Tell where the bound on the error may exceed half a unit in the last place, NaN included."""
    return ~((2 * size + 5) * bound <= np.abs(value))


def polyval(p, x, *, order: int = 0):
    """Return the derivative of that order of the polynomial at x."""
    p, x = np.asarray(p), np.asarray(x)
    if np.iscomplexobj(p) or np.iscomplexobj(x):
        return _plain(p, x, order)
    double_p, double_x = p.astype(float, copy=False), x.astype(float, copy=False)
    with np.errstate(all="ignore"):
        value, bound = _compensated(double_p, double_x, order)
        hard = compensation_fails(value, bound, p.shape[-1])
        if hard.any():
            value = _repaired(value, hard, double_p, double_x, order)
    return value.astype(x.dtype, copy=False)


def _columns(p, x, order: int):
    """Coefficients that broadcast with x, and their weights."""
    rest = (1,) * (x.ndim - p.ndim + 1)
    factors = weights(p.shape[-1], order)
    return [(p[..., k].reshape(p.shape[:-1] + rest), float(w)) for k, w in enumerate(factors)]


def _plain(p, x, order: int):
    total = np.zeros(x.shape, np.result_type(p, x))
    for coefficient, weight in _columns(p, x, order):
        total = total * x + coefficient * weight
    return total


def _compensated(p, x, order: int):
    """The value, and 2**53 times the bound on its error beyond its own rounding."""
    total = correction = bound = np.zeros(x.shape)
    size = np.abs(x)
    for coefficient, weight in _columns(p, x, order):
        coefficient, missing = two_product(coefficient, weight)
        product, product_error = two_product(total, x)
        total, sum_error = two_sum(product, coefficient)
        error = (product_error + sum_error) + missing
        tiny = (np.abs(product) < SMALLEST_PRODUCT) & (product != 0)
        correction = correction * x + error
        absolute = np.abs(product_error) + np.abs(sum_error) + np.abs(missing)
        bound = bound * size + np.where(tiny, np.inf, absolute)
    return total + correction, bound


def _repaired(value, hard, p, x, order: int):
    """Exact evaluation where it is necessary; limits at infinite x."""
    value = np.array(value)
    factors = weights(p.shape[-1], order)
    ordinary = _plain(p, x, order)
    for place in map(tuple, np.argwhere(hard)):
        row = p[place[: p.ndim - 1]]
        coefficients = [c * w for c, w in zip(row, factors, strict=False)]
        if not np.isfinite(row).all() or np.isnan(x[place]):
            value[place] = ordinary[place]
        elif np.isinf(x[place]):
            value[place] = _at_infinity(coefficients, x[place])
        else:
            value[place] = _exactly(row, factors, float(x[place]))
    return value


def _exactly(row, factors: list[int], x: float) -> float:
    """Horner's scheme in integers: doubles are integers over powers of two."""
    point, denominator = x.as_integer_ratio()
    step = denominator.bit_length() - 1
    total = shift = 0  # total / 2**shift
    for coefficient, weight in zip(row.tolist(), factors, strict=False):
        numerator, denominator = coefficient.as_integer_ratio()
        own = denominator.bit_length() - 1
        total, shift = total * point, shift + step
        if own > shift:
            total, shift = total << (own - shift), own
        total += (numerator * weight) << (shift - own)
    try:
        return total / (1 << shift)  # rounded once
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def _at_infinity(coefficients: list[float], x: float) -> float:
    """The limit, by the leading term."""
    leading = next((k for k, c in enumerate(coefficients) if c != 0), len(coefficients) - 1)
    degree = len(coefficients) - 1 - leading
    return coefficients[leading] * (math.copysign(1.0, x) ** degree * math.inf if degree else 1.0)


def _transposed(ct, x, *, size: int, order: int, lead: int):
    """The sums of ct times the derivatives of the powers of x, over all but the leading axes."""
    dtype = np.result_type(ct, x)
    if dtype == np.float32:
        ct, x = ct.astype(float), x.astype(float)
    axes = tuple(range(lead, x.ndim))
    columns = []
    for k, weight in enumerate(weights(size, order)):
        power = x ** np.asarray(size - 1 - k - order, x.real.dtype)
        columns.append(np.sum(ct * (weight * power), axis=axes))
    shape = ct.shape[:lead]
    columns.extend([np.zeros(shape, ct.dtype)] * (size - len(columns)))
    return np.stack(columns, -1).astype(dtype) if columns else np.zeros((*shape, 0), dtype)


def _type(p: Type, x: Type, *, order: int) -> Type:
    if p.ndim == 0 or p.dtype != x.dtype or not x.is_float or x.shape[: p.ndim - 1] != p.shape[:-1]:
        raise TypeError(f"cannot evaluate polynomials {p} at {x}")
    return x


def _transposed_type(ct: Type, x: Type, *, size: int, order: int, lead: int) -> Type:
    if ct != x or not x.is_float:
        raise TypeError(f"cannot sum powers of {x} times {ct}")
    return Type((*x.shape[:lead], size), x.dtype)


def _in_x(b: Builder, node: Node) -> Node | None:
    p, x = node.inputs
    order = node.params["order"] + 1
    return b.polyval(p, x, order=order) if order < p.shape[-1] else None


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    x = node.inputs[1]
    first = None if t[0] is None else b.polyval(t[0], x, **node.params)
    slope = None if t[1] is None else _in_x(b, node)
    return add_tangents(b, first, None if slope is None else b.mul(slope, t[1]))


def _transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    p, x = node.inputs
    lead = len(p.shape) - 1
    return [b.polyval_transposed(ct, x, size=p.shape[-1], lead=lead, **node.params), None]


def _transposed_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    ct, x = node.inputs
    params = dict(node.params)
    first = None if t[0] is None else b.polyval_transposed(t[0], x, **params)
    params["order"] += 1
    if t[1] is None or params["order"] >= params["size"]:
        return first
    return add_tangents(b, first, b.polyval_transposed(b.mul(ct, t[1]), x, **params))


def _transposed_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    return [b.polyval(ct, node.inputs[1], order=node.params["order"]), None]


def _batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    params = dict(node.params)
    if "lead" in params:
        params["lead"] += 1
    return b.emit(node.primitive, *align(b, inputs, batched, size), **params)


def _labels(ndim: int, lead: int) -> tuple[list, list]:
    axes = list(range(ndim))
    return axes, [*axes[:lead], "power"]


def _value_labels(node: Node) -> tuple[list, list, dict]:
    p, x = node.inputs
    axes, coefficients = _labels(len(x.shape), len(p.shape) - 1)
    sizes = {"power": p.shape[-1], **dict(enumerate(x.shape))}
    return axes, [coefficients, axes], sizes


def _transposed_labels(node: Node) -> tuple[list, list, dict]:
    x = node.inputs[1]
    axes, coefficients = _labels(len(x.shape), node.params["lead"])
    sizes = {"power": node.params["size"], **dict(enumerate(x.shape))}
    return coefficients, [axes] * 2, sizes


register(
    Primitive(
        name="polyval",
        type=_type,
        value=polyval,
        family="contraction",
        jvp=_jvp,
        transpose=_transpose,
        batch=_batch,
        pattern=Labelled(_value_labels),
    )
)
register(
    Primitive(
        name="polyval_transposed",
        type=_transposed_type,
        value=_transposed,
        family="contraction",
        jvp=_transposed_jvp,
        transpose=_transposed_transpose,
        batch=_batch,
        pattern=Labelled(_transposed_labels),
    )
)


def _fma(x, y, z):
    """Return x y + z, rounded once (but for ties)."""
    product, product_error = two_product(x, y)
    total, sum_error = two_sum(product, z)
    return total + (product_error + sum_error)


def _fma_error(x, y, z):
    """Return what `fma` lacks, to rounding."""
    product, product_error = two_product(x, y)
    total, sum_error = two_sum(product, z)
    rounded = total + (product_error + sum_error)
    return (total - rounded) + (product_error + sum_error)


row("fma", _fma, lambda x, y, z, s: y, lambda x, y, z, s: x, lambda x, y, z, s: f.like(z, 1.0))
row("fma_error", _fma_error, None, None, None)
