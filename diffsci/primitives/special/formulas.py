"""Operations whose native form is their definition: one formula on terms is their value, too.

A formula gets the operands as `Term`s of double precision and the parameters: ``formula(*operands,
**params)``. What it is made of has no say in the derivatives: those are rules of the operation itself, which
may keep digits that the formula's own would lose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from diffsci.graph import Builder, Graph, Node, Type
from diffsci.graph.interpreter import evaluate
from diffsci.graph.ir import remembered
from diffsci.primitives.special.terms import Slope, Term, row

__all__ = ["FORMULAS", "by_formula", "formula_row", "on_arrays"]

Formula = Callable[..., Term]
FORMULAS: dict[str, Formula] = {}
DOUBLE = np.dtype(float)


def by_formula(name: str, formula: Formula, continued: Callable | None) -> Callable[..., np.ndarray]:
    """Enter a formula under the name of its operation, and return it as a function of arrays.

    Complex arrays go to `continued`, the analytic function, which nobody asks for its last digits.
    """
    FORMULAS[name] = formula

    def value(*arrays: np.ndarray, **params: Any) -> np.ndarray:
        if continued is not None and any(map(np.iscomplexobj, arrays)):
            return continued(*arrays, **params)
        return on_arrays(formula, *arrays, **params).astype(np.asarray(arrays[0]).dtype, copy=False)

    return value


def on_arrays(formula: Formula, *arrays: np.ndarray, **params: Any) -> np.ndarray:
    """Return the value of a formula on arrays, in double precision."""
    operands = [np.asarray(x, DOUBLE) for x in arrays]
    graph = _graph(formula, tuple(x.shape for x in operands), tuple(sorted(params.items())))
    result = _run(graph, operands)
    shared = any(np.may_share_memory(result, x) for x in operands)  # one side of a choice, taken as it is
    return np.array(result) if shared else result


def formula_row(
    name: str, formula: Formula, slope: Slope, continued: Callable | None, params: Sequence[str] = ()
) -> Callable:
    """Register an elementwise function of one argument by its formula; return it as a function of arrays."""
    value = by_formula(name, formula, continued)
    row(name, value, slope, continued=continued, params=params)
    return value


def _run(graph: Graph, operands: Sequence[np.ndarray]) -> np.ndarray:
    """Return the value of a formula; of a choice that is the same for all elements, one side is computed.

    So what is for huge or tiny numbers costs ordinary ones nothing but the question.
    """
    values: dict[Node, np.ndarray] = dict(zip(graph.inputs, operands, strict=True))
    (result,) = graph.outputs

    def value(node: Node) -> np.ndarray:
        needed = _needed(node, values)
        if node.name == "select" and len(needed) == 2:
            return values[needed[1]]
        return evaluate(node, [values[x] for x in needed])

    with np.errstate(all="ignore"):
        return remembered(values, result, lambda node: _needed(node, values), value)


def _needed(node: Node, values: dict[Node, np.ndarray]) -> tuple[Node, ...]:
    """Return the operands that are needed: of a choice the condition first, then one side if that will do."""
    if node.name != "select":
        return node.inputs
    condition, yes, no = node.inputs
    if condition not in values:
        return (condition,)
    flags = values[condition]
    if not flags.any():
        return (condition, no)
    return (condition, yes) if flags.all() else node.inputs


@lru_cache(maxsize=512)
def _graph(
    formula: Formula, shapes: tuple[tuple[int, ...], ...], params: tuple[tuple[str, Any], ...]
) -> Graph:
    b = Builder()
    inputs = [b.input(Type(shape, DOUBLE)) for shape in shapes]
    return Graph(inputs, [formula(*(Term(b, x) for x in inputs), **dict(params)).node])
