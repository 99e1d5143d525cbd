"""What operations are called where a user reads their names."""

from __future__ import annotations

import numpy as np

from diffsci.graph.ir import Node

__all__ = ["numpy_name", "spoken"]

# Primitives that NumPy calls otherwise.
NUMPY_NAMES = {
    "add": "np.add",
    "sub": "np.subtract",
    "mul": "np.multiply",
    "div": "np.divide",
    "neg": "np.negative",
    "pow": "np.power",
    "integer_pow": "np.power",
    "contract": "np.einsum",
    "select": "np.where",
    "solve": "np.linalg.solve",
    "lstsq": "np.linalg.lstsq",
    "det": "np.linalg.det",
    "cholesky": "np.linalg.cholesky",
    "psi": "scipy.special.psi",
    "solve_triangular": "scipy.linalg.solve_triangular",
    "solve_banded": "scipy.linalg.solve_banded",
    "sparse_solve": "scipy.sparse.linalg.spsolve",
    "factored_solve": "scipy.sparse.linalg.splu",
    "take": "indexing",
    "put": "assignment by an index",
    "put_add": "np.add.at",
    "set_slice": "assignment to a slice",
    "root": "ds.root",
    "operator_solve": "ds.linear_solve",
    "cond": "ds.cond",
    "call": "a function",
    "custom": "a function with a derivative of its own",
    "custom_tangent": "a function with a derivative of its own",
}


def numpy_name(primitive: str) -> str:
    """Return what NumPy calls an operation, or its own name.

    Examples
    --------
    >>> numpy_name("div"), numpy_name("log"), numpy_name("log_ndtr")
    ('np.divide', 'np.log', 'log_ndtr')
    """
    return NUMPY_NAMES.get(primitive) or (f"np.{primitive}" if hasattr(np, primitive) else primitive)


def spoken(node: Node) -> str:
    """Return what a user calls the operation of a node: a loop says its own name.

    Examples
    --------
    >>> import numpy as np
    >>> from diffsci.graph import Builder, Type
    >>> b = Builder()
    >>> x = b.input(Type((3,), np.dtype(float)))
    >>> spoken(b.neg(x)), spoken(b.cumsum(x, axis=0))
    ('np.negative', 'np.cumsum')
    """
    loop = node.params.get("loop")
    return numpy_name(node.name) if loop is None else loop.label
