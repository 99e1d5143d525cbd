"""Elementary functions: the formulas of `diffsci.backends.vectormath` as LLVM instructions.

They are compiled apart from the programs that call them (see `function_library`).
On vectors, a function without a formula is taken from the C library or from SciPy, lane by lane, in double
precision; so are all of them on processors without fused multiply-add, which formulas are made of.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from diffsci.backends.cpu.function import LANES, Function, literal, scalar_type, vector_type
from diffsci.backends.cpu.operations import LIBM
from diffsci.backends.cpu.special import call_special
from diffsci.backends.cpu.symbols import function_parts, function_symbol
from diffsci.backends.vectormath.algebra import FORMATS, Value
from diffsci.backends.vectormath.table import FORMULAS, PAIRS, formula_writer

__all__ = ["call_pair", "call_scalar", "call_wide", "write_function"]

_WIDE = vector_type("f8")
# C libraries err by up to four units in the last place in these (B. Gladman, V. Innocente, J. Mather and
# P. Zimmermann, Accuracy of Mathematical Functions in Single, Double, ... Precision, 2024), and take longer.
_INACCURATE = frozenset("sinh cosh tanh arcsinh arccosh arctanh cbrt log10".split())
_PLAIN = {
    "add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv", "neg": "fneg",
    "lt": "fcmp olt", "le": "fcmp ole", "gt": "fcmp ogt", "ge": "fcmp oge", "eq": "fcmp oeq",
    "ne": "fcmp une",
    "iadd": "add", "isub": "sub", "iand": "and", "ior": "or", "ixor": "xor",
    "ishl": "shl", "isar": "ashr", "ishr": "lshr",
    "ilt": "icmp slt", "ile": "icmp sle", "igt": "icmp sgt", "ige": "icmp sge", "ieq": "icmp eq",
    "ine": "icmp ne",
    "mand": "and", "mor": "or", "mxor": "xor",
}  # fmt: skip
_INTRINSICS = {"fma": "fma", "abs": "fabs", "sqrt": "sqrt", "copysign": "copysign", "rint": "rint"}
_INTEGERS = frozenset({"iadd", "isub", "iand", "ior", "ixor", "ishl", "isar", "ishr"})
_OF_INTEGERS = _INTEGERS | {"ilt", "ile", "igt", "ige", "ieq", "ine"}


def call_scalar(module, f: Function, op: str, code: str, args: list[str], in_loop: bool = False) -> str:
    """Call a function on numbers: the C library's where it is accurate, else our formula, else SciPy's.

    Those of the C library and SciPy compute single precision in double, which makes up for their errors.
    In loops it is the formula wherever vectors have it: a value may be computed in several loops, with and
    without vectors, and is the same in all of them.
    """
    formula = module.fused and (in_loop or (op in _INACCURATE and code == "f8"))
    if op in FORMULAS and (op not in LIBM or formula):
        return _call(module, f, op, code, args, False)
    if code == "f4":
        args = [f.set(f"fpext float {arg} to double") for arg in args]
    if op in LIBM:
        name = LIBM[op]
        module.declare(f"declare double @{name}({', '.join(['double'] * len(args))})")
        value = f.set(f"call double @{name}({', '.join(f'double {arg}' for arg in args)})")
    else:
        value = call_special(module, f, op, args)
    return f.set(f"fptrunc double {value} to float") if code == "f4" else value


def call_wide(module, f: Function, op: str, code: str, args: list[str]) -> str:
    """Call the vector function of an operation."""
    if code == "f8" or (op in FORMULAS and module.fused):
        return _call(module, f, op, code, args, True)
    args = [f.set(f"fpext {vector_type(code)} {arg} to {_WIDE}") for arg in args]
    return f.set(f"fptrunc {_WIDE} {_call(module, f, op, 'f8', args, True)} to {vector_type(code)}")


def call_pair(module, f: Function, pair: tuple[str, str], code: str, arg: str) -> tuple[str, str]:
    """Call the vector function for two operations on one operand, one of `PAIRS`."""
    kind = vector_type(code)
    name, both = function_symbol("_and_".join(pair), code, 1, True), f"{{ {kind}, {kind} }}"
    module.declare(f"declare {both} @{name}({kind})")
    values = f.set(f"call {both} @{name}({kind} {arg})")
    return f.set(f"extractvalue {both} {values}, 0"), f.set(f"extractvalue {both} {values}, 1")


def _call(module, f: Function, op: str, code: str, args: list[str], wide: bool) -> str:
    kind = vector_type(code) if wide else scalar_type(code)
    name = function_symbol(op, code, len(args), wide)
    module.declare(f"declare {kind} @{name}({', '.join([kind] * len(args))})")
    return f.set(f"call {kind} @{name}({', '.join(f'{kind} {arg}' for arg in args)})")


def write_function(module, name: str) -> str:
    """Return the text of the function that has a name by `function_symbol`."""
    op, code, count, wide = function_parts(name)
    if "_and_" in op:
        return _write_pair(module, name, op, code)
    kind = vector_type(code) if wide else scalar_type(code)
    names = [f"%x{k}" for k in range(count)]
    f = Function(f"{kind} @{name}({', '.join(f'{kind} {x}' for x in names)})")
    if op in FORMULAS and (module.fused or not wide):
        writer = FormulaWriter(module, f, code, wide)
        result = FORMULAS[op].write(*(Value(writer, x) for x in names)).handle
    else:
        result = _lanes(module, f, op, names)
    return f.finish(f"ret {kind} {result}")


def _write_pair(module, name: str, op: str, code: str) -> str:
    kind = vector_type(code)
    both = f"{{ {kind}, {kind} }}"
    f = Function(f"{both} @{name}({kind} %x0)")
    write = formula_writer(PAIRS[tuple(op.split("_and_"))])
    first, second = write(Value(FormulaWriter(module, f, code, True), "%x0"))
    values = f.set(f"insertvalue {both} poison, {kind} {first.handle}, 0")
    return f.finish(f"ret {both} {f.set(f'insertvalue {both} {values}, {kind} {second.handle}, 1')}")


def _lanes(module, f: Function, op: str, names: list[str]) -> str:
    result = "poison"
    for lane in range(LANES):
        args = [f.set(f"extractelement {_WIDE} {x}, i64 {lane}") for x in names]
        value = call_scalar(module, f, op, "f8", args)
        result = f.set(f"insertelement {_WIDE} {result}, double {value}, i64 {lane}")
    return result


class FormulaWriter:
    """Writes formulas, on vectors or on numbers: see `diffsci.backends.vectormath.algebra.Writer`."""

    def __init__(self, module, f: Function, code: str, wide: bool):
        self.module, self.f, self.wide = module, f, wide
        self.format = FORMATS[code]
        self.scalar = scalar_type(code)
        self.integer = f"i{self.format.width}"
        scalars = {"value": self.scalar, "bits": self.integer, "mask": "i1"}
        self.kinds = {name: f"<{LANES} x {kind}>" if wide else kind for name, kind in scalars.items()}

    def constant(self, kind: str, number: float) -> str:
        if kind == "bits":
            return self._all(self.integer, str(int(number)))
        return self._all(self.scalar, self._literal(number))

    def _all(self, kind: str, text: str) -> str:
        return "<" + ", ".join([f"{kind} {text}"] * LANES) + ">" if self.wide else text

    def _literal(self, number: float) -> str:
        if self.format.code == "f4":
            number = struct.unpack("f", struct.pack("f", number))[0]
        return literal(number, self.format.code)

    def operation(self, name: str, args: list[str]) -> str:
        value, ints, mask = self.kinds["value"], self.kinds["bits"], self.kinds["mask"]
        f = self.f
        if name in _INTRINSICS:
            suffix = f"{f'v{LANES}' if self.wide else ''}f{self.format.width}"
            function = f"@llvm.{_INTRINSICS[name]}.{suffix}"
            self.module.declare(f"declare {value} {function}({', '.join([value] * len(args))})")
            return f.set(f"call {value} {function}({', '.join(f'{value} {arg}' for arg in args)})")
        if name in ("select", "iselect"):
            kind = value if name == "select" else ints
            return f.set(f"select {mask} {args[0]}, {kind} {args[1]}, {kind} {args[2]}")
        if name == "bits":
            return f.set(f"bitcast {value} {args[0]} to {ints}")
        if name == "float":
            return f.set(f"bitcast {ints} {args[0]} to {value}")
        if name == "mnot":
            return f.set(f"xor {mask} {args[0]}, {self._all('i1', 'true')}")
        kind = mask if name in ("mand", "mor", "mxor") else ints if name in _OF_INTEGERS else value
        return f.set(f"{_PLAIN[name]} {kind} {', '.join(args)}")

    def lookup(self, table: tuple[float, ...], index: str) -> str:
        f, value, ints = self.f, self.kinds["value"], self.kinds["bits"]
        place = f.set(f"getelementptr {self.scalar}, ptr @{self._table(table)}, {ints} {index}")
        if not self.wide:
            return f.set(f"load {value}, ptr {place}")
        width = self.format.width
        function = f"@llvm.masked.gather.v{LANES}f{width}.v{LANES}p0"
        pointers, mask = f"<{LANES} x ptr>", self.kinds["mask"]
        self.module.declare(f"declare {value} {function}({pointers}, i32, {mask}, {value})")
        every = self._all("i1", "true")
        arguments = f"{pointers} {place}, i32 {width // 8}, {mask} {every}, {value} zeroinitializer"
        return f.set(f"call {value} {function}({arguments})")

    def _table(self, table: tuple[float, ...]) -> str:
        numbers = ", ".join(f"{self.scalar} {self._literal(number)}" for number in table)
        return self.module.constant_array(self.scalar, len(table), numbers)

    def rarely(
        self, mask: str, kinds: list[str], values: list[str], slow: Callable[[], list[str]]
    ) -> list[str]:
        f = self.f
        types = [self.kinds[kind] for kind in kinds]
        if not self.wide:
            return f.when(mask, list(zip(types, values, strict=True)), slow)
        lanes = f.set(f"bitcast {self.kinds['mask']} {mask} to i{LANES}")
        some = f.set(f"icmp ne i{LANES} {lanes}, 0")

        def block() -> list[str]:
            return [
                f.set(f"select {self.kinds['mask']} {mask}, {kind} {new}, {kind} {old}")
                for kind, new, old in zip(types, slow(), values, strict=True)
            ]

        return f.when(some, list(zip(types, values, strict=True)), block)
