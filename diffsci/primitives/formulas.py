"""Operations whose native form is their definition: one formula on terms is their value, too.

A formula gets the operands as `Term`s of double precision and the parameters: ``formula(*operands,
**params)``. What it is made of has no say in the derivatives: those are rules of the operation itself, which
may keep digits that the formula's own would lose.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from diffsci.graph import Builder, Graph, Type
from diffsci.graph.interpreter import run
from diffsci.primitives.special.terms import Term

__all__ = ["FORMULAS", "by_formula"]

Formula = Callable[..., Term]
FORMULAS: dict[str, Formula] = {}
DOUBLE = np.dtype(float)


def by_formula(name: str, formula: Formula, continued: Callable) -> Callable[..., np.ndarray]:
    """Enter a formula under the name of its operation, and return it as a function of arrays.

    Complex arrays go to `continued`, the analytic function, which nobody asks for its last digits.
    """
    FORMULAS[name] = formula

    def value(*arrays: np.ndarray, **params: Any) -> np.ndarray:
        if any(map(np.iscomplexobj, arrays)):
            return continued(*arrays, **params)
        operands = [np.asarray(x, DOUBLE) for x in arrays]
        graph = _graph(formula, tuple(x.shape for x in operands), tuple(sorted(params.items())))
        return run(graph, operands)[0].astype(np.asarray(arrays[0]).dtype, copy=False)

    return value


@lru_cache(maxsize=512)
def _graph(
    formula: Formula, shapes: tuple[tuple[int, ...], ...], params: tuple[tuple[str, Any], ...]
) -> Graph:
    b = Builder()
    inputs = [b.input(Type(shape, DOUBLE)) for shape in shapes]
    return Graph(inputs, [formula(*(Term(b, x) for x in inputs), **dict(params)).node])
