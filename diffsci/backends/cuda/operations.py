"""One elementwise statement as a C expression on scalars, with the rules of the CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from diffsci.backends.cuda.elementary import function_name, is_elementary
from diffsci.backends.cuda.source import SCALARS, literal

__all__ = ["PRELUDE", "combine", "expression", "wins"]

_PLAIN = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_LOGIC = {"logical_and": "&&", "logical_or": "||", "logical_xor": "!="}
_ROUNDING = {
    "abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint",
    "copysign": "copysign", "fmod": "fmod", "fma": "fma", "muladd": "fma",
}  # fmt: skip
_FLOATS = ("f8", "f4")

# Exact operations on integers wrap as NumPy's do (signed overflow has no meaning in C), and divisors for
# which the division would trap are replaced. The plan says which products and sums of floats are fused.
PRELUDE = r"""
#define KERNEL extern "C" __global__ void
#define INNER static __device__ __forceinline__
typedef unsigned long long word;
INNER long long add_int(long long a, long long b) { return (long long)((word)a + (word)b); }
INNER long long sub_int(long long a, long long b) { return (long long)((word)a - (word)b); }
INNER long long mul_int(long long a, long long b) { return (long long)((word)a * (word)b); }
INNER long long neg_int(long long a) { return (long long)(0ULL - (word)a); }
INNER long long rem_int(long long a, long long b) { return b == 0 || b == -1 ? 0 : a % b; }
INNER long long mod_int(long long a, long long b) {
  const long long rest = rem_int(a, b);
  return rest != 0 && (rest ^ b) < 0 ? rest + b : rest;
}
INNER long long floordiv_int(long long a, long long b) {
  if (b == 0) return 0;
  if (b == -1) return neg_int(a);
  const long long quotient = a / b, rest = a % b;
  return rest != 0 && (rest ^ b) < 0 ? quotient - 1 : quotient;
}
INNER long long pow_int(long long x, long long n) {
  word result = 1, square = (word)x;
  for (word left = (word)n & 0x7fffffffffffffffULL; left != 0; left >>= 1) {
    if (left & 1) result *= square;
    square *= square;
  }
  return (long long)result;
}
INNER long long to_int(double x) {
  return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (long long)x : -9223372036854775807LL - 1;
}
INNER long long min_int(long long a, long long b) { return a < b ? a : b; }
INNER long long max_int(long long a, long long b) { return a > b ? a : b; }
INNER double maximum(double a, double b) { return a >= b || a != a ? a : b; }
INNER double minimum(double a, double b) { return a <= b || a != a ? a : b; }
INNER float maximum(float a, float b) { return a >= b || a != a ? a : b; }
INNER float minimum(float a, float b) { return a <= b || a != a ? a : b; }
INNER double fma_error(double a, double b, double c) {
  const double rounded = fma(a, b, c), product = a * b, product_error = fma(a, b, -product);
  const double total = product + c, part = total - product;
  const double sum_error = (product - (total - part)) + (c - part);
  return (total - rounded) + (product_error + sum_error);
}
INNER float fma_error(float a, float b, float c) {
  const float rounded = fmaf(a, b, c), product = a * b, product_error = fmaf(a, b, -product);
  const float total = product + c, part = total - product;
  const float sum_error = (product - (total - part)) + (c - part);
  return (total - rounded) + (product_error + sum_error);
}
"""


def _call(name: str) -> Callable[[Sequence[str]], str]:
    return lambda args: f"{name}({', '.join(args)})"


def _float_function(name: str, code: str) -> str:
    return name + ("f" if code == "f4" else "")


def _infinite(compare: str) -> Callable[[str, str], str]:
    def rule(x: str, code: str) -> str:
        return f"{_float_function('fabs', code)}({x}) {compare} {literal(float('inf'), code)}"

    return rule


_INTEGER = {
    "add": _call("add_int"),
    "sub": _call("sub_int"),
    "mul": _call("mul_int"),
    "neg": _call("neg_int"),
    "abs": lambda args: f"({args[0]} < 0 ? neg_int({args[0]}) : {args[0]})",
    "maximum": _call("max_int"),
    "minimum": _call("min_int"),
    "irem": _call("rem_int"),
    "imod": _call("mod_int"),
    "ifloordiv": _call("floordiv_int"),
    "ipow": _call("pow_int"),
}
_TESTS = {
    "isnan": lambda x, code: f"{x} != {x}",
    "isinf": _infinite("=="),
    "isfinite": _infinite("<"),
    "logical_not": lambda x, code: f"!{x}",
}


def expression(op: str, code: str, codes: Sequence[str], args: Sequence[str]) -> str:
    """Return the C expression of an operation.

    Parameters
    ----------
    op : str
        Name of the statement.
    code, codes : str, sequence of str
        Dtype codes of the result and of the operands.
    args : sequence of str
        Names of values (no expressions: an operand may be written twice).
    """
    source = codes[-1]
    if op == "select":
        return f"{args[0]} ? {args[1]} : {args[2]}"
    if op in _COMPARE:
        return f"{args[0]} {_COMPARE[op]} {args[1]}"
    if op in _LOGIC:
        return f"{args[0]} {_LOGIC[op]} {args[1]}"
    if op in _TESTS:
        return _TESTS[op](args[0], source)
    if op == "convert":
        return f"to_int({args[0]})" if code == "i8" and source in _FLOATS else f"({SCALARS[code]}){args[0]}"
    if source == "i8":
        return _INTEGER[op](args)
    if op in _PLAIN:
        return f"{args[0]} {_PLAIN[op]} {args[1]}"
    if op == "neg":
        return f"-{args[0]}"
    if op in _ROUNDING:
        return _call(_float_function(_ROUNDING[op], code))(args)
    if op in ("maximum", "minimum", "fma_error"):
        return _call(op)(args)
    if op == "product_error":
        return f"{_float_function('fma', code)}({args[0]}, {args[1]}, -({args[0]} * {args[1]}))"
    if is_elementary(op):
        return _call(function_name(op, code))(args)
    raise KeyError(f"no CUDA form of {op}")


_COMBINE = {
    "sum": "add", "prod": "mul", "max": "maximum", "min": "minimum",
    "any": "logical_or", "all": "logical_and",
}  # fmt: skip
_ON_BOOLS = {"add": "logical_or", "maximum": "logical_or", "mul": "logical_and", "minimum": "logical_and"}


def combine(op: str, code: str, a: str, b: str) -> str:
    """Return the expression that joins two partial results of a reduction."""
    name = _COMBINE[op]
    if code == "b1":
        name = _ON_BOOLS.get(name, name)
    return expression(name, code, (code, code), (a, b))


def wins(op: str, code: str, value: str, place: str, best: str, where: str) -> str:
    """Return the condition that `value` at `place` comes before `best` at `where` in argmax or argmin.

    NaN comes first, then what is greater (less), then the lower place.
    """
    sign = ">" if op == "argmax" else "<"
    first = f"{place} < {where}"
    if code not in _FLOATS:
        return f"{value} {sign} {best} || ({value} == {best} && {first})"
    nan = f"{value} != {value} && ({best} == {best} || {first})"
    return f"{best} == {best} && ({value} {sign} {best} || ({value} == {best} && {first})) || {nan}"
