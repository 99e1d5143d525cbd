"""Sums of exponentials along an axis: their logarithm, their shares, and the derivatives' linear maps.

With s = softmax(x) the derivative of logsumexp is v -> sum(s v), and those of softmax and log_softmax are

- `softmax_product`:   v -> s (v - sum(s v)), which is symmetric;
- `softmax_deviation`: v -> v - sum(s v), whose transpose is
- `softmax_centering`: c -> c - s sum(c).

Where one share is nearly one, 1 - s has no digits left. So deviations are taken from the entry of the largest
x, d = v - v_m, where sum(s v) - v_m = sum(s d) has no part of that share in it, and 1 - s_m is the sum of the
other shares.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Labelled
from diffsci.primitives.shared import add_tangents, align, same_types
from diffsci.primitives.special.logsums import NEAR_ZERO, difference_error
from diffsci.primitives.special.near_one import log_of_sum


class _Terms(NamedTuple):
    """The exponentials of x, relative to the largest, which are computed with the error of the difference."""

    gap: np.ndarray  # x - top, as a sum of two doubles
    error: np.ndarray
    sizes: np.ndarray  # exp(x - top)
    largest: np.ndarray  # where x is top
    ties: np.ndarray
    top: np.ndarray
    rest: np.ndarray  # the sum of sizes, less one


def _terms(x) -> _Terms:
    """Return the terms of a sum over the last axis."""
    x = np.ascontiguousarray(x, float)
    top = np.max(x, axis=-1, keepdims=True)
    largest = x == top
    with np.errstate(all="ignore"):
        gap = np.where(largest, 0.0, x - top)
        error = difference_error(x, top)
        sizes = np.exp(gap)
        sizes = sizes + sizes * error
        ties = _summed(largest)
        rest = _summed(np.where(largest, 0.0, sizes)) + (ties - 1)
    return _Terms(gap, error, sizes, largest, ties, top, rest)


def _value(function: Callable, continued: Callable) -> Callable:
    """Return the value of an operation along any axis: `function` of the last axis of doubles.

    On complex numbers it is `continued`, of the same operands.
    """

    def value(x, *others, axis):
        moved = [np.moveaxis(np.asarray(operand), axis, -1) for operand in (x, *others)]
        if any(map(np.iscomplexobj, moved)):
            result = continued(*moved)
        else:
            result = function(*(operand.astype(float, copy=False) for operand in moved))
            result = result.astype(np.asarray(x).dtype, copy=False)
        return np.moveaxis(result, -1, axis) if result.ndim == moved[0].ndim else result

    return value


def _complex_logsumexp(x):
    top = np.max(x.real, axis=-1, keepdims=True)
    return (top + np.log(_summed(np.exp(x - top))))[..., 0]


def _complex_log_softmax(x):
    return x - _complex_logsumexp(x)[..., None]


def _complex_softmax(x):
    return np.exp(_complex_log_softmax(x))


def _complex_deviation(x, v):
    return v - _summed(_complex_softmax(x) * v)


def _complex_product(x, v):
    return _complex_softmax(x) * _complex_deviation(x, v)


def _complex_centering(x, c):
    return c - _complex_softmax(x) * _summed(c)


def _summed(x):
    return np.sum(x, axis=-1, keepdims=True)


def _logsumexp(rows):
    terms = _terms(rows)
    correction = np.log1p(terms.rest)[..., 0]
    top = terms.top[..., 0]
    result = np.asarray(top + correction)
    near = (top < 0) & (np.abs(result) < NEAR_ZERO * correction)
    if np.any(near):
        result[near] = log_of_sum(rows[near])
    return result


def _softmax(x):
    terms = _terms(x)
    return terms.sizes / (1 + terms.rest)


def _log_softmax(x):
    terms = _terms(x)
    return terms.gap + (terms.error - np.log1p(terms.rest))


def _deviation(x, v):
    terms = _terms(x)
    v = v - _summed(np.where(terms.largest, v, 0.0)) / terms.ties
    return v - _summed(terms.sizes * v) / (1 + terms.rest)


def _product(x, v):
    return _softmax(x) * _deviation(x, v)


def _centering(x, c):
    terms = _terms(x)
    shares = terms.sizes / (1 + terms.rest)
    alone = terms.largest & (terms.ties == 1)
    others = _summed(np.where(alone, 0.0, c))
    whole = _summed(c)
    return np.where(alone, c * (terms.rest / (1 + terms.rest)) - shares * others, c - shares * whole)


def _same_type(*operands: Type, axis: int) -> Type:
    common = same_types(*operands)
    if not common.is_float or not 0 <= axis < common.ndim or common.shape[axis] == 0:
        raise TypeError(f"expected floats with entries along axis {axis}, got {common}")
    return common


def _reduced_type(x: Type, *, axis: int) -> Type:
    _same_type(x, axis=axis)
    return Type((*x.shape[:axis], *x.shape[axis + 1 :]), x.dtype)


def _total(b: Builder, x: Node, axis: int) -> Node:
    """Sum along an axis, and repeat the sum along it."""
    kept = tuple(k for k in range(len(x.shape)) if k != axis)
    return b.broadcast(b.sum(x, axes=(axis,)), shape=x.shape, axes=kept)


def _logsumexp_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    axis = node.params["axis"]
    return b.sum(b.mul(b.softmax(node.inputs[0], axis=axis), t[0]), axes=(axis,))


def _product_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    x, v = node.inputs
    bent = straight = None
    if t[0] is not None:
        deviations = (b.softmax_deviation(x, y, **node.params) for y in (v, t[0]))
        bent = b.softmax_product(x, b.mul(*deviations), **node.params)
    if t[1] is not None:
        straight = b.softmax_product(x, t[1], **node.params)
    return add_tangents(b, bent, straight)


def _deviation_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    x, v = node.inputs
    bent = straight = None
    if t[0] is not None:
        moved = b.mul(b.softmax_product(x, t[0], **node.params), v)
        bent = b.neg(_total(b, moved, **node.params))
    if t[1] is not None:
        straight = b.softmax_deviation(x, t[1], **node.params)
    return add_tangents(b, bent, straight)


def _centering_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    x, c = node.inputs
    bent = straight = None
    if t[0] is not None:
        shares = b.softmax_product(x, t[0], **node.params)
        bent = b.neg(b.mul(shares, _total(b, c, **node.params)))
    if t[1] is not None:
        straight = b.softmax_centering(x, t[1], **node.params)
    return add_tangents(b, bent, straight)


def _transposed(name: str):
    def transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
        return [None, b.emit(name, node.inputs[0], ct, **node.params)]

    return transpose


def _batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    return b.emit(node.primitive, *align(b, inputs, batched, size), axis=node.params["axis"] + 1)


def _labels(node: Node) -> tuple[list, list, dict]:
    """Everything along the axis depends on everything along it."""
    x, axis = node.inputs[0], node.params["axis"]
    operand = [*range(axis), "operand", *range(axis + 1, len(x.shape))]
    whole = len(node.shape) == len(x.shape)
    result = [*operand[:axis], *(["result"] if whole else []), *operand[axis + 1 :]]
    sizes = {**dict(enumerate(x.shape)), "operand": x.shape[axis], "result": x.shape[axis]}
    return result, [operand] * len(node.inputs), sizes


def _register(name: str, value, jvp, type_=_same_type, transpose=None) -> None:
    register(
        Primitive(
            name=name,
            type=type_,
            value=value,
            family="reduction",
            jvp=jvp,
            transpose=transpose,
            batch=_batch,
            pattern=Labelled(_labels),
        )
    )


_register("logsumexp", _value(_logsumexp, _complex_logsumexp), _logsumexp_jvp, type_=_reduced_type)
_register(
    "softmax",
    _value(_softmax, _complex_softmax),
    lambda b, node, t: b.softmax_product(node.inputs[0], t[0], **node.params),
)
_register(
    "log_softmax",
    _value(_log_softmax, _complex_log_softmax),
    lambda b, node, t: b.softmax_deviation(node.inputs[0], t[0], **node.params),
)
_register(
    "softmax_product",
    _value(_product, _complex_product),
    _product_jvp,
    transpose=_transposed("softmax_product"),
)
_register(
    "softmax_deviation",
    _value(_deviation, _complex_deviation),
    _deviation_jvp,
    transpose=_transposed("softmax_centering"),
)
_register(
    "softmax_centering",
    _value(_centering, _complex_centering),
    _centering_jvp,
    transpose=_transposed("softmax_deviation"),
)
