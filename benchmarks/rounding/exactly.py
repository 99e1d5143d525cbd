"""A flat program evaluated with many digits: its operations on arrays of mpmath numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp
import numpy as np

from diffsci.graph import Graph, Node

__all__ = ["exactly"]

DIGITS = 60


def _each(function: Callable) -> Callable:
    return np.frompyfunc(function, function.__code__.co_argcount, 1)


def _sign(x):
    return mp.mpf(int(mp.sign(x)))


def _quotient(x, y):
    """x / y, NaN over 0: such a value is selected away, or the program is not finite."""
    return x / y if y else mp.nan


def _hypot_term(powers: tuple[int, int, int]) -> Callable:
    """x**a y**c / hypot(x, y)**h, 0 at the origin."""
    a, c, h = powers
    return _each(lambda x, y: x**a * y**c / mp.hypot(x, y) ** h if x or y else mp.mpf(0))


FUNCTIONS: dict[str, Callable] = {
    "abs": _each(lambda x: abs(x)),
    "sign": _each(_sign),
    "exp": _each(lambda x: mp.exp(x)),
    "expm1": _each(lambda x: mp.expm1(x)),
    "log": _each(lambda x: mp.log(x)),
    "log1p": _each(lambda x: mp.log1p(x)),
    "sqrt": _each(lambda x: mp.sqrt(x)),
    "sin": _each(lambda x: mp.sin(x)),
    "cos": _each(lambda x: mp.cos(x)),
    "tanh": _each(lambda x: mp.tanh(x)),
    "arctan": _each(lambda x: mp.atan(x)),
    "sigmoid": _each(lambda x: 1 / (1 + mp.exp(-x))),
    "sigmoid_slope": _each(lambda x: 1 / (2 + 2 * mp.cosh(x))),
    "sech_squared": _each(lambda x: mp.sech(x) ** 2),
    "hypot": _each(lambda x, y: mp.hypot(x, y)),
    "arctan2": _each(lambda y, x: mp.atan2(y, x)),
    "pow": _each(lambda x, y: x**y),
    "add": _each(lambda x, y: x + y),
    "sub": _each(lambda x, y: x - y),
    "mul": _each(lambda x, y: x * y),
    "div": _each(_quotient),
    "neg": _each(lambda x: -x),
    "maximum": _each(lambda x, y: max(x, y)),
    "minimum": _each(lambda x, y: min(x, y)),
}
ORDER = {
    name: getattr(np, numpy_name)
    for name, numpy_name in (
        ("lt", "less"),
        ("le", "less_equal"),
        ("gt", "greater"),
        ("ge", "greater_equal"),
        ("eq", "equal"),
        ("ne", "not_equal"),
    )
}
FAMILIES = ("structural", "indexing", "reduction", "contraction")  # their NumPy code runs on any numbers


def _numbers(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return FLOATS(array) if array.dtype.kind == "f" else array


FLOATS = np.frompyfunc(mp.mpf, 1, 1)


def exactly(graph: Graph, inputs: Sequence[Any]) -> list[np.ndarray]:
    """Return the results of a flat program with 60 digits; constants and inputs are the doubles they are.

    Raises
    ------
    KeyError
        For an operation that is not known here.
    """
    with mp.workdps(DIGITS):
        values: dict[Node, Any] = {x: _numbers(v) for x, v in zip(graph.inputs, inputs, strict=True)}
        for node in graph.nodes:
            if node not in values:
                values[node] = np.asarray(_evaluate(node, [values[x] for x in node.inputs]))
        return [values[y] for y in graph.outputs]


def _evaluate(node: Node, operands: list[np.ndarray]) -> Any:
    if node.is_const:
        return _numbers(node.params["value"])
    if node.name == "select":
        return np.where(operands[0].astype(bool), operands[1], operands[2])
    if node.name in ORDER:
        return ORDER[node.name](*operands).astype(bool)
    if node.name == "integer_pow":
        exponent = node.params["exponent"]
        return _each(lambda x: x**exponent)(operands[0])
    if node.name == "hypot_term":
        return _hypot_term(**node.params)(*operands)
    if node.name in ("logical_and", "logical_or", "logical_not", "stop_gradient"):
        return node.primitive.value(*operands)
    if node.name == "convert":
        return operands[0] if node.type.is_float else operands[0].astype(node.dtype)
    if node.name == "solve":
        return _solve(*operands, **node.params)
    if node.primitive.family in FAMILIES:
        return node.primitive.value(*operands, **node.params)
    return FUNCTIONS[node.name](*operands)


def _solve(matrix: np.ndarray, right: np.ndarray, *, transposed: bool) -> np.ndarray:
    matrix = matrix.T if transposed else matrix
    found = mp.lu_solve(mp.matrix(matrix.tolist()), mp.matrix(right.tolist()))
    return np.array(found.tolist(), object).reshape(right.shape)
