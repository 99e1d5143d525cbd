"""Elementary functions on vectors: routines of the module, or the C library lane by lane."""

from __future__ import annotations

from diffsci.backends.cpu.function import LANES, Function, vector_type
from diffsci.backends.cpu.operations import LIBM

__all__ = ["call_scalar", "lane_by_lane"]

_WIDE = vector_type("f8")
BINARY = frozenset({"pow", "arctan2", "hypot", "fmod"})


def call_scalar(module, f: Function, op: str, args: list[str]) -> str:
    """Call the C library on doubles."""
    name = LIBM[op]
    module.declare(f"declare double @{name}({', '.join(['double'] * len(args))})")
    return f.set(f"call double @{name}({', '.join(f'double {arg}' for arg in args)})")


def lane_by_lane(module, op: str) -> str:
    """Return a vector function that calls the C library for each lane."""
    names = ["%x", "%y"][: 2 if op in BINARY else 1]
    f = Function(f"internal {_WIDE} @wide_{op}({', '.join(f'{_WIDE} {name}' for name in names)})")
    result = "poison"
    for lane in range(LANES):
        args = [f.set(f"extractelement {_WIDE} {name}, i64 {lane}") for name in names]
        value = call_scalar(module, f, op, args)
        result = f.set(f"insertelement {_WIDE} {result}, double {value}, i64 {lane}")
    return f.finish(f"ret {_WIDE} {result}")
