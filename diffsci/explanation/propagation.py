"""How far errors of operands move the result of one operation, to first order, signs ignored.

N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition (2002), chapter 3; for whole
programs: J. L. Larson and A. H. Sameh, "Efficient calculation of the effects of roundoff errors", ACM TOMS 4
(1978).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from diffsci.graph import Builder, Graph, Node, Primitive, Type
from diffsci.graph.builder import params_key
from diffsci.graph.interpreter import evaluate, run
from diffsci.transforms import jvp_graph

__all__ = ["condition", "propagated"]

Array = np.ndarray
PROBES = 4  # random signs, where an operation has no rule of its own

# Sums of products: their tangent at absolute operands has no cancellation.
POSITIVE = frozenset({"prod", "cumprod", "contract", "convolve"})
# Their result may vanish although its size does not: a condition of the whole, not of each element.
NORMWISE = frozenset({"linalg", "implicit", "host"})
FOURIER = frozenset({"fft", "rfft", "irfft", "dct", "dst"})


def propagated(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Any:
    """Return a bound of the error of the result that the errors of the operands make.

    Parameters
    ----------
    node : Node
    operands : sequence of ndarray
    errors : sequence of ndarray or None
        Absolute errors of the operands; None where an operand is exact.

    Returns
    -------
    ndarray, tuple of ndarray or None
        Shaped like the result; None where nothing moves.
    """
    if all(error is None for error in errors) or not _floats(node):
        return None
    rule = RULES.get(node.name)
    if rule is None:
        if node.primitive.family == "structural" or node.name in MOVING:
            return _moved(node, operands, errors)
        rule = _by_operand if node.primitive.family == "elementwise" else _by_probes
    with np.errstate(all="ignore"):
        return rule(node, operands, errors)


def condition(node: Node, operands: Sequence[Array], value: Any) -> float:
    """Return the worst relative condition number of an operation at its operands.

    It is sum |df/dx_i x_i| / |f|, element by element; of norms for Fourier transforms and linear algebra.
    """
    sizes = [np.abs(x) if _is_float(x) else None for x in operands]
    moved = propagated(node, operands, sizes)
    if moved is None:
        return 0.0
    pairs = zip(moved, value, strict=True) if isinstance(moved, tuple) else [(moved, value)]
    return max((_ratio(node, m, v) for m, v in pairs if m is not None and _is_float(v)), default=0.0)


def _ratio(node: Node, moved: Array, value: Array) -> float:
    if not np.size(moved):
        return 0.0
    if node.primitive.family in NORMWISE or node.name in FOURIER:
        moved, value = np.max(moved), np.max(np.abs(value))
    with np.errstate(all="ignore"):
        ratios = np.where(moved == 0, 0.0, moved / np.abs(value))
    return float(np.max(ratios))


def _floats(node: Node) -> bool:
    types = node.type if isinstance(node.type, tuple) else (node.type,)
    return any(type_.is_float for type_ in types)


def _is_float(x: Any) -> bool:
    return np.asarray(x).dtype.kind == "f"


def _zero_if_none(error: Array | None, like: Array) -> Array:
    return np.zeros(np.shape(like)) if error is None else error


# rules -----------------------------------------------------------------------------------------------


def _total(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Array:
    return sum(error for error in errors if error is not None)


def _product(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Array:
    x, y = operands
    parts = [(errors[0], y), (errors[1], x)]
    return sum(np.abs(other) * error for error, other in parts if error is not None)


def _quotient(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Array:
    x, y = operands
    over_x = 0.0 if errors[0] is None else errors[0] / np.abs(y)
    return over_x if errors[1] is None else over_x + np.abs(x / y / y) * errors[1]


def _root(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Array:
    """The root of an error at 0, where first order says infinity."""
    (x,), (error,) = operands, errors
    slope = np.where(error == 0, 0.0, error / (2 * np.sqrt(x)))
    return np.where(x >= 0, np.minimum(slope, np.sqrt(error)), np.nan)


def _selected(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Array:
    yes, no = (_zero_if_none(error, x) for error, x in zip(errors[1:], operands[1:], strict=True))
    return np.where(operands[0], yes, no)


def _summed(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Array:
    return np.asarray(evaluate(node, [errors[0]]))


def _positive(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Array:
    return np.abs(_tangent(node, [np.abs(x) for x in operands], errors)[0])


def _by_operand(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Array:
    """An elementwise function: its slopes one by one."""
    total: Any = 0.0
    for k, error in enumerate(errors):
        if error is not None and node.inputs[k].type.is_float:
            alone = [error if j == k else None for j in range(len(operands))]
            slope = np.abs(_tangent(node, operands, alone)[0])
            total = total + np.where(error == 0, 0.0, slope)
    return np.broadcast_to(total, node.shape)


def _by_probes(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Any:
    """The largest of a few tangents with random signs, doubled: an estimate, not a bound."""
    rng = np.random.default_rng(0)
    found: list[Any] = [0.0] * len(_types(node))
    for _ in range(PROBES):
        signed = [
            None if error is None else error * rng.choice([-1.0, 1.0], np.shape(x))
            for error, x in zip(errors, operands, strict=True)
        ]
        moved = _tangent(node, operands, signed)
        found = [
            old if new is None else np.maximum(old, 2 * np.abs(new))
            for old, new in zip(found, moved, strict=True)
        ]
    shaped = [np.broadcast_to(x, type_.shape) for x, type_ in zip(found, _types(node), strict=True)]
    return tuple(shaped) if isinstance(node.type, tuple) else shaped[0]


def _moved(node: Node, operands: Sequence[Array], errors: Sequence[Array | None]) -> Array:
    """What an operation that moves elements does to them, it does to their errors."""
    given = [
        _zero_if_none(error, x) if _is_float(x) else x for error, x in zip(errors, operands, strict=True)
    ]
    return np.asarray(evaluate(node, given))


RULES: dict[str, Callable] = {
    "add": _total,
    "sub": _total,
    "neg": _total,
    "abs": _total,
    "convert": _total,
    "mul": _product,
    "div": _quotient,
    "sqrt": _root,
    "select": _selected,
    "sum": _summed,
    "cumsum": _summed,
    **dict.fromkeys(POSITIVE, _positive),
}
MOVING = frozenset({"take", "put", "put_add"})


# the tangent of one operation ------------------------------------------------------------------------


def _types(node: Node) -> tuple[Type, ...]:
    return node.type if isinstance(node.type, tuple) else (node.type,)


class _Params:
    """Parameters as part of a key of the cache."""

    def __init__(self, params: dict[str, Any]):
        self.params, self.key = params, params_key(params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Params) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=1024)
def _pushed(
    primitive: Primitive, types: tuple[Type, ...], params: _Params, moving: tuple[bool, ...]
) -> tuple[Graph, tuple[bool, ...]]:
    """Return (x, dx of what moves) -> the tangents of the float results, and which results these are."""
    b = Builder()
    x = [b.input(type_) for type_ in types]
    y = b.emit(primitive, *x, **params.params)
    several = isinstance(y.type, tuple)
    outputs = [b.project(y, index=k) for k in range(len(y.type))] if several else [y]
    pushed = jvp_graph(Graph(x, outputs), moving)
    flags = tuple(out.type.is_float for out in outputs)
    return Graph(pushed.inputs, pushed.outputs[len(outputs) :]), flags


def _tangent(node: Node, operands: Sequence[Array], tangents: Sequence[Array | None]) -> list[Array | None]:
    """Return one tangent per result, None for those that are no floats; operands without one stand still."""
    types = tuple(x.type for x in node.inputs)
    moving = tuple(t is not None and type_.is_float for t, type_ in zip(tangents, types, strict=True))
    graph, flags = _pushed(node.primitive, types, _Params(node.params), moving)
    given = [
        np.asarray(t, type_.dtype) for t, type_, moves in zip(tangents, types, moving, strict=True) if moves
    ]
    found = iter(run(graph, [*operands, *given]))
    return [next(found) if flag else None for flag in flags]
