"""Elementary functions on the device: formulas of ours where there is one, else CUDA's.

Of CUDA's functions, single precision is computed in double and rounded, as on the CPU. The error of exp10 is
at most one unit in the last place: CUDA C++ Programming Guide, mathematical functions.
"""

from __future__ import annotations

from collections.abc import Iterable

from diffsci.backends.cuda import mathlib
from diffsci.backends.vectormath.table import FORMULAS

__all__ = ["function_name", "is_elementary", "module_text"]

_NAMES = {"exp10": "exp10"}


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
            value = f"(float){_NAMES[op]}((double)x)"
            texts.append(f"INNER float single_{op}(float x) {{ return {value}; }}\n")
    return "".join(texts)
