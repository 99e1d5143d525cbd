"""diffsci: exact derivatives of plain NumPy functions, compiled.

Write a model as a NumPy function; `grad`, `jvp`, `vjp`, `jacobian`, `hessian` and `hvp`
differentiate it exactly, `jit` compiles it and any derivative of it to native code.
"""

from __future__ import annotations

from diffsci import stable
from diffsci.differentiation import grad, hvp, jvp, linearize, value_and_grad, vjp
from diffsci.errors import DiffsciError, EvaluationError, TraceError, UnsupportedError
from diffsci.jacobians import hessian, jacobian

__version__ = "0.1.0"

__all__ = [
    "DiffsciError",
    "EvaluationError",
    "TraceError",
    "UnsupportedError",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linearize",
    "stable",
    "value_and_grad",
    "vjp",
]
