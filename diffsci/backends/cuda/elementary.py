"""Elementary functions on the device: formulas of ours where there is one, else CUDA's.

Of CUDA's functions, single precision is computed in double and rounded, as on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterable

from diffsci.backends.cuda import mathlib
from diffsci.backends.vectormath.table import FORMULAS

__all__ = ["function_name", "is_elementary", "module_text"]

_NAMES = {
    "exp2": "exp2", "expm1": "expm1", "log": "log", "log1p": "log1p", "log2": "log2", "log10": "log10",
    "cbrt": "cbrt", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "pow": "pow", "erf": "erf", "gamma": "tgamma", "exp10": "exp10",
}  # fmt: skip
_BINARY = frozenset({"pow"})


def is_elementary(op: str) -> bool:
    """Tell whether there is a function for the operation on the device."""
    return op in FORMULAS or op in _NAMES


def function_name(op: str, code: str) -> str:
    """Return the name of the function for a dtype code."""
    if op in FORMULAS:
        return mathlib.function_name(op, code)
    return _NAMES[op] if code == "f8" else f"single_{op}"


def module_text(ops: Iterable[tuple[str, str]]) -> str:
    """Return the definitions that kernels with these operations (name, dtype code) need."""
    ops = set(ops)
    own = {(op, code) for op, code in ops if op in FORMULAS}
    texts = [mathlib.module_text(own)] if own else []
    for op, code in sorted(ops - own):
        if code == "f4":
            names = ("x", "y") if op in _BINARY else ("x",)
            head = ", ".join(f"float {x}" for x in names)
            values = ", ".join(f"(double){x}" for x in names)
            texts.append(f"INNER float single_{op}({head}) {{ return (float){_NAMES[op]}({values}); }}\n")
    return "".join(texts)
