"""Elementary functions for device code: the formulas of `diffsci.backends.vectormath` as C functions.

The text needs no headers and compiles with NVRTC, nvcc and, for tests on any machine, g++
(``-ffp-contract=off``). Products are written so that no compiler fuses them with a sum: the results
are those of the processor's vector functions, bit for bit.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable

from diffsci.backends.vectormath.algebra import FORMATS, Value
from diffsci.backends.vectormath.table import FORMULAS

__all__ = ["function_name", "module_text"]

_PREAMBLE = """\
#ifndef DS_FMA
#ifdef __CUDACC__
#define DS_MATH static __device__ __forceinline__
#define DS_TABLE static __device__ const
#define DS_ADD(a, b) __dadd_rn(a, b)
#define DS_SUB(a, b) __dsub_rn(a, b)
#define DS_MUL(a, b) __dmul_rn(a, b)
#define DS_DIV(a, b) __ddiv_rn(a, b)
#define DS_FMA(a, b, c) __fma_rn(a, b, c)
#define DS_SQRT(a) __dsqrt_rn(a)
#define DS_BITS(a) __double_as_longlong(a)
#define DS_FLOAT(a) __longlong_as_double(a)
#define DS_ADDF(a, b) __fadd_rn(a, b)
#define DS_SUBF(a, b) __fsub_rn(a, b)
#define DS_MULF(a, b) __fmul_rn(a, b)
#define DS_DIVF(a, b) __fdiv_rn(a, b)
#define DS_FMAF(a, b, c) __fmaf_rn(a, b, c)
#define DS_SQRTF(a) __fsqrt_rn(a)
#define DS_BITSF(a) __float_as_int(a)
#define DS_FLOATF(a) __int_as_float(a)
#define DS_ABS(a) fabs(a)
#define DS_RINT(a) rint(a)
#define DS_RINTF(a) rintf(a)
#define DS_ABSF(a) fabsf(a)
#define DS_COPYSIGN(a, b) copysign(a, b)
#define DS_COPYSIGNF(a, b) copysignf(a, b)
#else
#define DS_MATH static inline
#define DS_TABLE static const
#define DS_ADD(a, b) ((a) + (b))
#define DS_SUB(a, b) ((a) - (b))
#define DS_MUL(a, b) ((a) * (b))
#define DS_DIV(a, b) ((a) / (b))
#define DS_FMA(a, b, c) __builtin_fma(a, b, c)
#define DS_SQRT(a) __builtin_sqrt(a)
static inline long long DS_BITS(double a) { long long b; __builtin_memcpy(&b, &a, 8); return b; }
static inline double DS_FLOAT(long long a) { double b; __builtin_memcpy(&b, &a, 8); return b; }
#define DS_ADDF(a, b) ((a) + (b))
#define DS_SUBF(a, b) ((a) - (b))
#define DS_MULF(a, b) ((a) * (b))
#define DS_DIVF(a, b) ((a) / (b))
#define DS_FMAF(a, b, c) __builtin_fmaf(a, b, c)
#define DS_SQRTF(a) __builtin_sqrtf(a)
static inline int DS_BITSF(float a) { int b; __builtin_memcpy(&b, &a, 4); return b; }
static inline float DS_FLOATF(int a) { float b; __builtin_memcpy(&b, &a, 4); return b; }
#define DS_ABS(a) __builtin_fabs(a)
#define DS_RINT(a) __builtin_rint(a)
#define DS_RINTF(a) __builtin_rintf(a)
#define DS_ABSF(a) __builtin_fabsf(a)
#define DS_COPYSIGN(a, b) __builtin_copysign(a, b)
#define DS_COPYSIGNF(a, b) __builtin_copysignf(a, b)
#endif
#endif
"""
_MACROS = {
    "add": "DS_ADD", "sub": "DS_SUB", "mul": "DS_MUL", "div": "DS_DIV", "fma": "DS_FMA", "sqrt": "DS_SQRT",
    "abs": "DS_ABS", "copysign": "DS_COPYSIGN", "bits": "DS_BITS", "float": "DS_FLOAT", "rint": "DS_RINT",
}  # fmt: skip
_COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_INTEGERS = {"iadd": "+", "isub": "-", "iand": "&", "ior": "|", "ixor": "^", "ishl": "<<", "ishr": ">>"}
_MASKS = {"mand": "{} && {}", "mor": "{} || {}", "mxor": "{} != {}", "mnot": "!{}"}


def function_name(name: str, code: str) -> str:
    """Return the name of the C function of an operation, for the dtype code "f8" or "f4"."""
    return f"ds_{name}" if code == "f8" else f"ds_{name}_f4"


def module_text(ops: Iterable[tuple[str, str]]) -> str:
    """Return C functions for operations.

    Parameters
    ----------
    ops : pairs of name and dtype code
        Names are those of `diffsci.backends.vectormath.table.FORMULAS`.

    Examples
    --------
    >>> text = module_text([("exp", "f8"), ("exp", "f4")])
    >>> "DS_MATH double ds_exp(double x0)" in text, "DS_MATH float ds_exp_f4(float x0)" in text
    (True, True)
    """
    tables: dict[tuple, str] = {}
    functions = [_function(name, code, tables) for name, code in sorted(set(ops))]
    return "\n".join([_PREAMBLE, *tables.values(), *functions])


def _function(name: str, code: str, tables: dict[tuple, str]) -> str:
    formula = FORMULAS[name]
    writer = _Writer(code, tables)
    names = [f"x{k}" for k in range(formula.arity)]
    result = formula.write(*(Value(writer, x) for x in names))
    kind = writer.types["value"]
    header = f"DS_MATH {kind} {function_name(name, code)}({', '.join(f'{kind} {x}' for x in names)}) {{"
    return "\n".join([header, *writer.lines, f"  return {result.handle};", "}", ""])


class _Writer:
    """Writes formulas as statements of C: see `diffsci.backends.vectormath.algebra.Writer`."""

    def __init__(self, code: str, tables: dict[tuple, str]):
        self.format, self.tables = FORMATS[code], tables
        double = code == "f8"
        self.suffix = "" if double else "F"
        self.types = {
            "value": "double" if double else "float",
            "bits": "long long" if double else "int",
            "mask": "bool",
        }
        self.lines: list[str] = []
        self._indent, self._count = "  ", 0

    def _set(self, kind: str, text: str) -> str:
        self._count += 1
        name = f"v{self._count}"
        self.lines.append(f"{self._indent}{self.types[kind]} {name} = {text};")
        return name

    def constant(self, kind: str, number: float) -> str:
        if kind == "bits":
            return self._integer(int(number))
        return self._literal(number)

    def _integer(self, number: int) -> str:
        if self.format.code == "f4":
            return f"({number})" if number != -(1 << 31) else "(-2147483647 - 1)"
        return f"({number}LL)" if number != -(1 << 63) else "(-9223372036854775807LL - 1)"

    def _literal(self, number: float) -> str:
        pack = "d" if self.format.code == "f8" else "f"
        data = struct.pack("<" + pack, number)
        number = struct.unpack("<" + pack, data)[0]
        if not math.isfinite(number):
            pattern = struct.unpack("<q" if pack == "d" else "<i", data)[0]
            return f"DS_FLOAT{self.suffix}({self._integer(pattern)})"
        return f"({number!r}{'f' if pack == 'f' else ''})"

    def operation(self, name: str, args: list[str]) -> str:
        if name in _MACROS:
            kind = "bits" if name == "bits" else "value"
            return self._set(kind, f"{_MACROS[name]}{self.suffix}({', '.join(args)})")
        if name in ("select", "iselect"):
            return self._set("value" if name == "select" else "bits", f"{args[0]} ? {args[1]} : {args[2]}")
        if name == "neg":
            return self._set("value", f"-{args[0]}")
        if name in _MASKS:
            return self._set("mask", _MASKS[name].format(*args))
        if name in _COMPARISONS or name[1:] in _COMPARISONS:
            sign = _COMPARISONS.get(name) or _COMPARISONS[name[1:]]
            return self._set("mask", f"{args[0]} {sign} {args[1]}")
        if name == "isar":
            return self._set("bits", f"{args[0]} >> {args[1]}")
        integer = self.types["bits"]
        operands = f" {_INTEGERS[name]} ".join(f"(unsigned {integer}){arg}" for arg in args)
        return self._set("bits", f"({integer})({operands})")

    def lookup(self, table: tuple[float, ...], index: str) -> str:
        key = (self.format.code, table)
        name = f"ds_table{list(self.tables).index(key) if key in self.tables else len(self.tables)}"
        numbers = ", ".join(self._literal(number) for number in table)
        self.tables.setdefault(key, f"DS_TABLE {self.types['value']} {name}[] = {{{numbers}}};\n")
        return self._set("value", f"{name}[{index}]")

    def rarely(
        self, mask: str, kinds: list[str], values: list[str], slow: Callable[[], list[str]]
    ) -> list[str]:
        names = [self._set(kind, value) for kind, value in zip(kinds, values, strict=True)]
        self.lines.append(f"{self._indent}if ({mask}) {{")
        self._indent += "  "
        for name, result in zip(names, slow(), strict=True):
            self.lines.append(f"{self._indent}{name} = {result};")
        self._indent = self._indent[:-2]
        self.lines.append(f"{self._indent}}}")
        return names
