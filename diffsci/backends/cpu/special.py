"""Calls of SciPy's special functions, one number at a time."""

from __future__ import annotations

from diffsci.backends.cpu.function import Function
from diffsci.backends.plan.special import COMPONENTS
from diffsci.native.addresses import special_symbol

__all__ = ["call_special"]


def call_special(module, f: Function, op: str, args: list[str]) -> str:
    """Write the call of a special function of doubles and return its result."""
    if op in COMPONENTS:
        return _component(module, f, op, args)
    name = special_symbol(op, len(args))
    kinds = [*["double"] * len(args), "i32"]  # the last is a flag of Cython's
    module.declare(f"declare double @{name}({', '.join(kinds)})")
    values = map(" ".join, zip(kinds, [*args, "0"], strict=True))
    return f.set(f"call double @{name}({', '.join(values)})")


def _component(module, f: Function, op: str, args: list[str]) -> str:
    """Call a function of ours that picks one of several results: it gives back its memory when it ends."""
    name = f"special_{op}"
    module.define(name, lambda: _write_component(module, op, name, len(args)))
    return f.set(f"call double @{name}({', '.join(f'double {arg}' for arg in args)})")


def _write_component(module, op: str, name: str, count: int) -> str:
    function, results, which = COMPONENTS[op]
    names = [f"%x{k}" for k in range(count)]
    f = Function(f"internal double @{name}({', '.join(f'double {x}' for x in names)})")
    cells = [f.set("alloca double") for _ in range(results)]
    symbol = special_symbol(function, count, results)
    module.declare(f"declare void @{symbol}({', '.join(['double'] * count + ['ptr'] * results)})")
    values = [f"double {x}" for x in names] + [f"ptr {cell}" for cell in cells]
    f.do(f"call void @{symbol}({', '.join(values)})")
    return f.finish(f"ret double {f.set(f'load double, ptr {cells[which]}')}")
