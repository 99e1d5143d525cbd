"""Run an array program on complex numbers as the analytic function that continues it from the real line.

The complex step needs every operation to be analytic around the point. Most NumPy functions are, and their
complex versions continue them. The others are continued here: comparisons and roundings look at the real
part, ``abs`` keeps the sign it had, ``hypot`` becomes a square root. At a kink no continuation exists and
:class:`NotAnalytic` says where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from diffsci.evidence.continued_differences import to_first_order
from diffsci.evidence.continued_linalg import CONTINUED as CONTINUED_LINALG
from diffsci.evidence.not_analytic import AtKink, NotAnalytic
from diffsci.graph import Graph, Node
from diffsci.primitives.custom import called_graph
from diffsci.primitives.special.terms import REAL_ONLY
from diffsci.source import at

__all__ = ["NotAnalytic", "run_analytic"]

Array = np.ndarray


def _apart(ties: Array, what: str) -> None:
    if np.any(ties):
        raise AtKink(what)


def _moving(x: Array, y: Array) -> Array:
    return (x.imag != 0.0) | (y.imag != 0.0)


def _abs(x: Array) -> Array:
    _apart((x.real == 0.0) & (x.imag != 0.0), "abs at 0")
    return np.where(x.real < 0.0, -x, x)


def _maximum(x: Array, y: Array) -> Array:
    _apart((x.real == y.real) & (x.imag != y.imag), "a tie in maximum")
    return np.where((x.real >= y.real) | np.isnan(x.real), x, y)


def _minimum(x: Array, y: Array) -> Array:
    _apart((x.real == y.real) & (x.imag != y.imag), "a tie in minimum")
    return np.where((x.real <= y.real) | np.isnan(x.real), x, y)


def _sigmoid(x: Array) -> Array:
    small = np.exp(np.where(x.real >= 0.0, -x, x))
    return np.where(x.real >= 0.0, 1.0, small) / (1.0 + small)


def _softplus(x: Array) -> Array:
    positive = x.real > 0.0
    return np.where(positive, x, 0.0) + np.log1p(np.exp(np.where(positive, -x, x)))


def _logaddexp(x: Array, y: Array) -> Array:
    first = x.real >= y.real
    high, low = np.where(first, x, y), np.where(first, y, x)
    return high + np.log1p(np.exp(low - high))


def _hypot(x: Array, y: Array) -> Array:
    size = np.maximum(np.abs(x.real), np.abs(y.real))
    _apart((size == 0.0) & _moving(x, y), "hypot at (0, 0)")
    size = np.where(size == 0.0, 1.0, size)
    return size * np.sqrt((x / size) ** 2 + (y / size) ** 2)


def _arctan2(y: Array, x: Array) -> Array:
    _apart((x.real == 0.0) & (y.real == 0.0) & _moving(x, y), "arctan2 at (0, 0)")
    flat = np.abs(x.real) >= np.abs(y.real)
    with np.errstate(all="ignore"):
        ratio = np.where(flat, y / np.where(flat, x, 1.0), -x / np.where(flat, 1.0, y))
    angle = np.arctan(ratio)
    return angle + (np.arctan2(y.real, x.real) - angle.real)


def _cbrt(x: Array) -> Array:
    side = np.where(x.real < 0.0, -1.0, 1.0)
    return side * (side * x) ** (1.0 / 3.0)


def _mod(x: Array, y: Array) -> Array:
    return x - np.floor_divide(x.real, y.real) * y


def _fmod(x: Array, y: Array) -> Array:
    return x - np.trunc(x.real / y.real) * y


def _copysign(x: Array, y: Array) -> Array:
    return np.where(np.signbit(x.real) != np.signbit(y.real), -x, x)


def _extreme(pick: Callable) -> Callable:
    def value(x: Array, *, axes: tuple[int, ...]) -> Array:
        reached = x.real == pick(x.real, axis=axes, keepdims=True)
        imag = np.where(reached, x.imag, 0.0)
        _apart((np.sum(reached, axis=axes) > 1) & np.any(imag != 0.0, axis=axes), "a tie in max or min")
        return pick(x.real, axis=axes) + 1j * np.sum(imag, axis=axes)

    return value


def _convert(x: Array, *, dtype: np.dtype) -> Array:
    return x if np.dtype(dtype).kind == "f" else np.asarray(x.real).astype(dtype)


CONTINUED: dict[str, Callable] = {
    "abs": _abs,
    "arctan2": _arctan2,
    "cbrt": _cbrt,
    "convert": _convert,
    "copysign": _copysign,
    "fmod": _fmod,
    "hypot": _hypot,
    "logaddexp": _logaddexp,
    "max": _extreme(np.max),
    "maximum": _maximum,
    "min": _extreme(np.min),
    "minimum": _minimum,
    "mod": _mod,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    **CONTINUED_LINALG,
}


def run_analytic(graph: Graph, inputs: Sequence[Any], approximate: set[str] | None = None) -> list[Array]:
    """Evaluate ``graph`` at complex inputs (one array per graph input) by its analytic continuation.

    Parameters
    ----------
    graph : Graph
        Its guards are not checked: they held at the real point where the graph was traced.
    inputs : sequence of array_like
        Their imaginary parts should be tiny where operations have no complex version: see `approximate`.
    approximate : set of str, optional
        Gets the names of operations that exist for real numbers only. They are continued to first order,
        by extrapolated differences of that one operation along the imaginary parts.
    """
    used = set() if approximate is None else approximate
    values: dict[Node, Any] = dict(zip(graph.inputs, (_promoted(value) for value in inputs), strict=True))
    with np.errstate(all="ignore"):
        for node in Graph(graph.inputs, graph.outputs).nodes:  # without what only decides branches
            if node not in values:
                values[node] = _evaluate(node, [values[child] for child in node.inputs], used)
    return [np.asarray(values[node]) for node in graph.outputs]


def _promoted(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_promoted, value))
    array = np.asarray(value)
    return array.astype(np.complex128) if array.dtype.kind == "f" else array


def _evaluate(node: Node, operands: list[Array], used: set[str]) -> Any:
    name = node.primitive.name
    if name == "const":
        return _promoted(node.params["value"])
    callee = called_graph(node)
    if callee is not None:
        return run_analytic(callee, operands, used)
    if name == "cond":
        return run_analytic(node.params["true" if np.real(operands[0]) else "false"], operands[1:], used)
    if name == "project":
        return operands[0][node.params["index"]]
    if node.primitive.family == "host":
        loop = node.params["loop"].evaluated_by(partial(run_analytic, approximate=used))
        if loop is not None:
            return node.primitive.value(*operands, **(node.params | {"loop": loop}))
        raise NotAnalytic(f"a compiled loop runs on real numbers only{at(node.location)}")
    try:
        return _promoted(_continued(node, operands, used))
    except NotAnalytic as error:
        raise type(error)(f"{error}{at(node.location)}") from None


def _continued(node: Node, operands: list[Array], used: set[str]) -> Any:
    if node.primitive.jvp == "zero":  # locally constant
        return node.primitive.value(*map(np.real, operands), **node.params)
    complex_operands = any(np.iscomplexobj(operand) for operand in operands)
    rule = CONTINUED.get(node.name, node.primitive.value) if complex_operands else node.primitive.value
    if node.name not in REAL_ONLY:
        try:
            return rule(*operands, **node.params)
        except TypeError:  # no complex version
            pass
    used.add(node.name)
    return to_first_order(node, operands)
