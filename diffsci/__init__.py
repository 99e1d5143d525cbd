"""diffsci: exact derivatives of plain NumPy functions, compiled.

Write a model as a NumPy function; `grad`, `jvp`, `vjp`, `jacobian`, `hessian` and `hvp`
differentiate it exactly, `jit` compiles it and any derivative of it to native code.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from diffsci import stable
from diffsci.backends.cpu import get_num_threads, set_num_threads
from diffsci.compiling import compile
from diffsci.control import cond, fori_loop, scan, while_loop
from diffsci.custom import custom_jvp, custom_vjp
from diffsci.differentiation import grad, hvp, jvp, linearize, value_and_grad, vjp
from diffsci.errors import (
    DegenerateError,
    DiffsciError,
    EvaluationError,
    KinkError,
    NonFiniteError,
    TraceError,
    UnsupportedError,
)
from diffsci.evidence import check_all, check_grad, complex_step, finite_difference
from diffsci.implicit import fixed_point, linear_solve, root
from diffsci.jacobians import hessian, jacobian
from diffsci.jit import jit
from diffsci.loops import custom_loop
from diffsci.primitives.custom_loop import CustomLoop
from diffsci.rematerialize import checkpoint, stop_gradient
from diffsci.series import taylor
from diffsci.showing import show
from diffsci.sparse_derivatives import sparse_hessian, sparse_jacobian
from diffsci.vectorize import vmap

# Names that are imported when they are first asked for, and the modules that they are in, or are.
_LATER = {
    "Explanation": "explanation",
    "coloring": "coloring",
    "debug_nans": "explanation",
    "explain": "explanation",
}

__version__ = "0.1.0"

__all__ = [
    "CustomLoop",
    "DegenerateError",
    "DiffsciError",
    "EvaluationError",
    "Explanation",
    "KinkError",
    "NonFiniteError",
    "TraceError",
    "UnsupportedError",
    "check_all",
    "check_grad",
    "checkpoint",
    "coloring",
    "compile",
    "complex_step",
    "cond",
    "custom_jvp",
    "custom_loop",
    "custom_vjp",
    "debug_nans",
    "explain",
    "finite_difference",
    "fixed_point",
    "fori_loop",
    "get_num_threads",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "linear_solve",
    "linearize",
    "root",
    "scan",
    "set_num_threads",
    "show",
    "sparse_hessian",
    "sparse_jacobian",
    "stable",
    "stop_gradient",
    "taylor",
    "value_and_grad",
    "vjp",
    "vmap",
    "while_loop",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"diffsci.{_LATER[name]}")
    globals()[name] = module if name == _LATER[name] else getattr(module, name)
    return globals()[name]
