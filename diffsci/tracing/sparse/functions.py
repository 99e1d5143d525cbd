"""What NumPy's functions do with sparse matrices: what SciPy's methods do, or an error with advice."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.sparse.matrix import ELEMENTWISE, TracedSparse, as_traced_sparse, is_sparse

__all__ = ["of_sparse", "refuse_sparse"]

UNARY: dict[str, Callable] = {
    "absolute": abs,
    "negative": operator.neg,
    "positive": operator.pos,
    "conjugate": TracedSparse.conj,
    **{name: operator.methodcaller(name) for name in ELEMENTWISE},
}
BINARY: dict[str, Callable] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "matmul": operator.matmul,
}
FUNCTIONS: dict[Callable, Callable] = {
    np.sum: TracedSparse.sum,
    np.mean: TracedSparse.mean,
    np.transpose: TracedSparse.transpose,
    np.copy: TracedSparse.copy,
    np.real: lambda a: a.real,
    np.imag: lambda a: a.imag,
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
}
INSTEAD: dict[Callable, str] = {
    np.linalg.solve: "use scipy.sparse.linalg.spsolve(A, b), or diffsci.linear_solve(A, b)",
    np.linalg.inv: "solve with scipy.sparse.linalg.splu(A).solve(b)",
    np.linalg.norm: "use scipy.sparse.linalg.norm(A)",
    np.trace: "use A.trace()",
    np.diagonal: "use A.diagonal()",
    np.diag: "use A.diagonal()",
    np.power: "use A.power(n)",
    **dict.fromkeys((np.dot, np.inner, np.vdot, np.einsum, np.tensordot), "use A @ x"),
    **dict.fromkeys((np.concatenate, np.stack, np.vstack), "use scipy.sparse.vstack"),
    np.hstack: "use scipy.sparse.hstack",
    np.kron: "use scipy.sparse.kron",
}


def of_sparse(function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Carry out a function of NumPy with a sparse matrix among its arguments.

    Raises
    ------
    UnsupportedError
        Where the function takes arrays only.
    """
    args = tuple(as_traced_sparse(x) if is_sparse(x) else x for x in args)
    if isinstance(function, np.ufunc):
        rule = (UNARY if function.nin == 1 else BINARY).get(function.__name__)
        fits = rule is not None and not kwargs and len(args) == function.nin
        return rule(*args) if fits else refuse_sparse(function)
    rule = FUNCTIONS.get(function)
    return refuse_sparse(function) if rule is None else rule(*args, **kwargs)


def refuse_sparse(function: Any) -> Any:
    """Raise the error for a function that takes arrays only."""
    module = (getattr(function, "__module__", None) or "numpy").partition("._")[0]
    instead = INSTEAD.get(function, "use A.toarray(), or the entries A.data")
    raise ops.unsupported(f"{module}.{function.__name__} of a sparse matrix", instead)
