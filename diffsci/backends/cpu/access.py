"""Loads and stores of elements and of vectors, as LLVM text: flags are bytes in memory."""

from __future__ import annotations

from diffsci.backends.cpu.function import LANES, MEMORY, Function, vector_type

__all__ = [
    "ALIGN",
    "SUFFIX",
    "load_scalar",
    "load_scattered",
    "load_wide",
    "steps",
    "store_scalar",
    "store_wide",
]

_ALL = "<" + ", ".join(["i1 true"] * LANES) + ">"
SUFFIX = {"f8": "f64", "f4": "f32", "i8": "i64", "b1": "i8"}
ALIGN = {"f8": 8, "f4": 4, "i8": 8, "b1": 1}


def load_scalar(f: Function, code: str, pointer: str) -> str:
    """Return one element."""
    value = f.set(f"load {MEMORY[code]}, ptr {pointer}")
    return f.set(f"icmp ne i8 {value}, 0") if code == "b1" else value


def store_scalar(f: Function, code: str, value: str, pointer: str) -> None:
    """Store one element."""
    if code == "b1":
        value = f.set(f"zext i1 {value} to i8")
    f.do(f"store {MEMORY[code]} {value}, ptr {pointer}")


def load_wide(module, f: Function, code: str, pointer: str, stride: int, mask: str | None) -> str:
    """Return the elements of a vector; those that `mask` leaves out are zero."""
    kind = f"<{LANES} x {MEMORY[code]}>"
    if stride == 1 and mask is None:
        value = f.set(f"load {kind}, ptr {pointer}, align {ALIGN[code]}")
    elif stride == 1:
        function = f"@llvm.masked.load.v{LANES}{SUFFIX[code]}.p0"
        module.declare(f"declare {kind} {function}(ptr, i32, <{LANES} x i1>, {kind})")
        arguments = f"ptr {pointer}, i32 {ALIGN[code]}, <{LANES} x i1> {mask}, {kind} zeroinitializer"
        value = f.set(f"call {kind} {function}({arguments})")
    else:
        return load_scattered(module, f, code, pointer, steps(stride), mask)
    return f.set(f"icmp ne {kind} {value}, zeroinitializer") if code == "b1" else value


def load_scattered(module, f: Function, code: str, pointer: str, offsets: str, mask: str | None) -> str:
    """Return the elements of a vector that lie at offsets from a place."""
    kind = f"<{LANES} x {MEMORY[code]}>"
    pointers = f.set(f"getelementptr {MEMORY[code]}, ptr {pointer}, {vector_type('i8')} {offsets}")
    function = f"@llvm.masked.gather.v{LANES}{SUFFIX[code]}.v{LANES}p0"
    module.declare(f"declare {kind} {function}(<{LANES} x ptr>, i32, <{LANES} x i1>, {kind})")
    where = f"<{LANES} x ptr> {pointers}, i32 {ALIGN[code]}, <{LANES} x i1> {mask or _ALL}"
    value = f.set(f"call {kind} {function}({where}, {kind} zeroinitializer)")
    return f.set(f"icmp ne {kind} {value}, zeroinitializer") if code == "b1" else value


def store_wide(
    module, f: Function, code: str, value: str, pointer: str, stride: int, mask: str | None
) -> None:
    """Store the elements of a vector, those in `mask`."""
    kind = f"<{LANES} x {MEMORY[code]}>"
    if code == "b1":
        value = f.set(f"zext <{LANES} x i1> {value} to {kind}")
    if stride == 1 and mask is None:
        f.do(f"store {kind} {value}, ptr {pointer}, align {ALIGN[code]}")
        return
    if stride == 1:
        function = f"@llvm.masked.store.v{LANES}{SUFFIX[code]}.p0"
        module.declare(f"declare void {function}({kind}, ptr, i32, <{LANES} x i1>)")
        f.do(f"call void {function}({kind} {value}, ptr {pointer}, i32 {ALIGN[code]}, <{LANES} x i1> {mask})")
        return
    pointers = f.set(f"getelementptr {MEMORY[code]}, ptr {pointer}, {vector_type('i8')} {steps(stride)}")
    function = f"@llvm.masked.scatter.v{LANES}{SUFFIX[code]}.v{LANES}p0"
    module.declare(f"declare void {function}({kind}, <{LANES} x ptr>, i32, <{LANES} x i1>)")
    f.do(
        f"call void {function}({kind} {value}, <{LANES} x ptr> {pointers}, i32 {ALIGN[code]}, "
        f"<{LANES} x i1> {mask or _ALL})"
    )


def steps(stride: int) -> str:
    """Return the offsets of the elements of a vector."""
    return "<" + ", ".join(f"i64 {lane * stride}" for lane in range(LANES)) + ">"
