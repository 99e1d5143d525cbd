"""Operators between a traced array and a sparse matrix, of SciPy or traced: the array asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.sparse.matrix import as_traced_sparse, is_sparse
from diffsci.tracing.sparse.vector import TracedSparseVector

__all__ = ["operate"]

OPERATORS: dict[str, Callable] = {
    "matmul": lambda x, y: x @ y,
    "mul": lambda x, y: x * y,
    "truediv": lambda x, y: x / y,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
}


def operate(name: str, x: Any, y: Any) -> Any:
    """Carry out an operator with a sparse matrix on one side and a traced array on the other."""
    if name not in OPERATORS:
        raise ops.unsupported(f"the operator {name!r} on sparse matrices", "use toarray()")
    if is_sparse(y):
        y = _operand(y)
        reflected = {"matmul": y.__rmatmul__, "mul": y.__rmul__, "add": y.__radd__, "sub": y.__rsub__}
        if name not in reflected:
            raise ops.unsupported("dividing by a sparse matrix", "use scipy.sparse.linalg.spsolve")
        return reflected[name](x)
    return OPERATORS[name](_operand(x), y)


def _operand(x: Any) -> Any:
    """Return a sparse array of one or two dimensions by entries."""
    if x.ndim == 2:
        return as_traced_sparse(x)
    found = x.tocoo()
    return TracedSparseVector(ops.traced(found.data), np.array(found.coords[0], dtype=np.int64), *x.shape)
