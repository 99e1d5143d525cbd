"""Folding and expansion of statements: one rule per elementwise operation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.special import SPECIAL

if TYPE_CHECKING:
    from diffsci.backends.plan.body import Body

__all__ = ["COMPARISONS", "RULES", "STATEMENTS"]

COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
_PLAIN = frozenset(
    {
        "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "hypot", "copysign",
        "product_error", "fma", "fma_error",
        "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2",
        "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "logical_xor",
        "sigmoid", "softplus", "erf", "erfc", "gamma", "rough_gammaln", "rough_psi",
    }
)  # fmt: skip


def _arith(compute):
    def fold(body: Body, a: int, b: int) -> int | None:
        x, y = body.value_of(a), body.value_of(b)
        if x is None or y is None:
            return None
        code = body.codes[a]
        if code == "b1":
            return None
        with np.errstate(all="ignore"):
            kind = {"f8": np.float64, "f4": np.float32, "i8": np.int64}[code]
            return body.lit(compute(kind(x), kind(y)), code)

    return fold


_fold_add = _arith(lambda x, y: x + y)
_fold_sub = _arith(lambda x, y: x - y)
_fold_mul = _arith(lambda x, y: x * y)


def _add(body: Body, a: int, b: int) -> int:
    if body.codes[a] == "b1":
        return body.op("logical_or", a, b)
    if "lit" in (body.ops[a], body.ops[b]):
        if body.is_absent(a) or (body.codes[a] == "i8" and body.value_of(a) == 0):
            return b
        if body.is_absent(b) or (body.codes[a] == "i8" and body.value_of(b) == 0):
            return a
        if (folded := _fold_add(body, a, b)) is not None:
            return folded
    if body.codes[a] != "i8":
        for x, y in ((a, b), (b, a)):
            if body.ops[y] == "neg":
                return _sub(body, x, body.args[y][0])
    if body.takes_in(a) != body.takes_in(b):
        product, summand = (a, b) if body.takes_in(a) else (b, a)
        return body._plain("muladd", (*body.args[product], summand))
    return body._plain("add", (a, b))


def _sub(body: Body, a: int, b: int) -> int:
    if "lit" in (body.ops[a], body.ops[b]):
        if body.is_absent(b):
            return a
        if body.is_absent(a):
            return _neg(body, b)
        if (folded := _fold_sub(body, a, b)) is not None:
            return folded
        if body.value_of(b) == 0:
            return a
    if body.takes_in(a) != body.takes_in(b):
        if body.takes_in(a):
            return body._plain("muladd", (*body.args[a], _neg(body, b)))
        return body._plain("muladd", (*_negated(body, *body.args[b]), a))
    return body._plain("sub", (a, b))  # 0 - b is not -b: the sign of zero


def _negated(body: Body, x: int, y: int) -> tuple[int, int]:
    """Return factors of the negative product."""
    if body.ops[y] in ("lit", "neg"):
        return x, _neg(body, y)
    return _neg(body, x), y


def _mul(body: Body, a: int, b: int) -> int:
    if body.codes[a] == "b1":
        return body.op("logical_and", a, b)
    if "lit" not in (body.ops[a], body.ops[b]):
        return body._plain("mul", (a, b))
    for x in (a, b):
        if body.is_absent(x) or (body.codes[a] == "i8" and body.value_of(x) == 0):
            return x
    if (folded := _fold_mul(body, a, b)) is not None:
        return folded
    for x, y in ((a, b), (b, a)):
        value = body.value_of(x)
        if value == 1:
            return y
        if value == -1:
            return _neg(body, y)
    return body._plain("mul", (a, b))


def _div(body: Body, a: int, b: int) -> int:
    if body.is_absent(a):
        return a
    x, y = body.value_of(a), body.value_of(b)
    if y is not None and y != 0 and math.frexp(y)[0] in (0.5, -0.5) and 1e-37 < abs(y) < 1e37:
        return _mul(body, a, body.lit(1.0 / y, body.codes[b]))
    if x is not None and y is not None and y != 0:
        kind = np.float32 if body.codes[a] == "f4" else np.float64
        with np.errstate(all="ignore"):
            return body.lit(kind(x) / kind(y), body.codes[a])
    return body._plain("div", (a, b))


def _neg(body: Body, a: int) -> int:
    if body.is_absent(a):
        return a
    value = body.value_of(a)
    if value is not None and not (body.codes[a] == "i8" and value == -(2**63)):
        return body.lit(-value, body.codes[a])
    if body.ops[a] == "neg":
        return body.args[a][0]
    return body._plain("neg", (a,))


def _select(body: Body, c: int, a: int, b: int) -> int:
    value = body.value_of(c)
    if value is not None:
        return a if value else b
    if a == b:
        return a
    if body.codes[a] == "b1" and body.value_of(a) is True and body.value_of(b) is False:
        return c
    return body._emit("select", body.codes[a], (c, a, b))


def _compare(name: str):
    def rule(body: Body, a: int, b: int) -> int:
        x, y = body.value_of(a), body.value_of(b)
        if x is not None and y is not None:
            outcome = {"lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y, "eq": x == y, "ne": x != y}[name]
            return body.lit(outcome, "b1")
        return body._emit(name, "b1", (a, b))

    return rule


def _logical_and(body: Body, a: int, b: int) -> int:
    for x, y in ((a, b), (b, a)):
        value = body.value_of(x)
        if value is not None:
            return y if value else x
    return a if a == b else body._plain("logical_and", (a, b))


def _logical_or(body: Body, a: int, b: int) -> int:
    for x, y in ((a, b), (b, a)):
        value = body.value_of(x)
        if value is not None:
            return x if value else y
    return a if a == b else body._plain("logical_or", (a, b))


def _logical_not(body: Body, a: int) -> int:
    value = body.value_of(a)
    if value is not None:
        return body.lit(not value, "b1")
    if body.ops[a] == "logical_not":
        return body.args[a][0]
    return body._plain("logical_not", (a,))


def _convert(body: Body, a: int, dtype: np.dtype) -> int:
    return _convert_to(body, a, code_of(dtype))


def _convert_to(body: Body, a: int, code: str) -> int:
    source = body.codes[a]
    if code == source:
        return a
    if body.is_absent(a) and code != "b1":
        return body.zero(code)
    value = body.value_of(a)
    if value is not None and (code != "i8" or math.isfinite(value)):
        return body.lit(value != 0 if code == "b1" else value, code)
    if code == "b1":
        return body.op("ne", a, body.lit(0, source))
    return body._emit("convert", code, (a,))


def _integer_pow(body: Body, a: int, exponent: int) -> int:
    if exponent == 0:
        return body.lit(1, body.codes[a])
    size = abs(exponent)
    if size > 64:
        return body._plain("pow", (a, body.lit(exponent, body.codes[a])))
    result, square = None, a
    while size:
        if size & 1:
            result = square if result is None else _mul(body, result, square)
        size >>= 1
        if size:
            square = _mul(body, square, square)
    return result if exponent > 0 else _div(body, body.lit(1, body.codes[a]), result)


def _sign(body: Body, a: int) -> int:
    code = body.codes[a]
    zero, one, minus = body.lit(0, code), body.lit(1, code), body.lit(-1, code)
    rest = zero if code == "i8" else _select(body, body.op("eq", a, zero), zero, a)
    return _select(body, body.op("gt", a, zero), one, _select(body, body.op("lt", a, zero), minus, rest))


def _difference(body: Body, a: int, b: int) -> int:
    """Subtract; equal infinities have no difference."""
    return _select(body, body.op("eq", a, b), body.lit(0, body.codes[a]), _sub(body, a, b))


def _difference_error(body: Body, a: int, b: int) -> int:
    """What a rounded difference lacks: Knuth's two-sum."""

    def exactly(name: str, *args: int) -> int:
        return body._plain(name, args)

    total = exactly("sub", a, b)
    part = exactly("sub", total, a)
    rest = exactly("sub", exactly("sub", a, exactly("sub", total, part)), exactly("add", b, part))
    return _select(body, body.op("isfinite", rest), rest, body.lit(0, body.codes[a]))


def _mod(body: Body, a: int, b: int) -> int:
    if body.codes[a] == "i8":
        return body._plain("imod", (a, b))
    zero = body.lit(0, body.codes[a])
    rest = body._plain("fmod", (a, b))
    differ = body.op("logical_xor", body.op("lt", b, zero), body.op("lt", rest, zero))
    moved = _select(body, differ, _add(body, rest, b), rest)
    return _select(body, body.op("eq", rest, zero), body._plain("copysign", (zero, b)), moved)


def _floor_divide(body: Body, a: int, b: int) -> int:
    code = body.codes[a]
    if code == "i8":
        return body._plain("ifloordiv", (a, b))
    zero, one = body.lit(0, code), body.lit(1, code)
    rest = body._plain("fmod", (a, b))
    quotient = body._plain("div", (body._plain("sub", (a, rest)), b))
    differ = body.op("logical_xor", body.op("lt", b, zero), body.op("lt", rest, zero))
    differ = body.op("logical_and", differ, body.op("ne", rest, zero))
    quotient = _select(body, differ, body._plain("sub", (quotient, one)), quotient)
    whole = body._plain("floor", (quotient,))
    up = body.op("gt", body._plain("sub", (quotient, whole)), body.lit(0.5, code))
    whole = _select(body, up, body._plain("add", (whole, one)), whole)
    plain = body._plain("div", (a, b))
    whole = _select(body, body.op("eq", quotient, zero), body._plain("copysign", (zero, plain)), whole)
    return _select(body, body.op("eq", b, zero), plain, whole)


def _fmod(body: Body, a: int, b: int) -> int:
    return body._plain("irem" if body.codes[a] == "i8" else "fmod", (a, b))


def _special(name: str):
    """Orders and degrees may be integers: the functions take them as floats."""

    def rule(body: Body, *args: int) -> int:
        code = next(body.codes[arg] for arg in args if body.codes[arg] != "i8")
        floats = (_convert_to(body, arg, code) for arg in args)
        return body._emit(name, code, tuple(floats))

    return rule


def _finite_test(name: str):
    def rule(body: Body, a: int) -> int:
        if body.codes[a] in ("i8", "b1"):
            return body.lit(name == "isfinite", "b1")
        return body._plain(name, (a,))

    return rule


def _boolean_extreme(name: str, logical: str):
    def rule(body: Body, a: int, b: int) -> int:
        if body.codes[a] == "b1":
            return body.op(logical, a, b)
        x, y = body.value_of(a), body.value_of(b)
        if x is not None and y is not None and x == x and y == y:
            return (a if x > y else b) if name == "maximum" else (a if x < y else b)
        return a if a == b else body._plain(name, (a, b))

    return rule


def _integer_identity(name: str):
    def rule(body: Body, a: int) -> int:
        return a if body.codes[a] in ("i8", "b1") else body._plain(name, (a,))

    return rule


def _abs(body: Body, a: int) -> int:
    return a if body.codes[a] == "b1" else body._plain("abs", (a,))


RULES: dict[str, Any] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "abs": _abs,
    "select": _select,
    "logical_and": _logical_and,
    "logical_or": _logical_or,
    "logical_not": _logical_not,
    "convert": _convert,
    "integer_pow": _integer_pow,
    "sign": _sign,
    "difference": _difference,
    "difference_error": _difference_error,
    "mod": _mod,
    "floor_divide": _floor_divide,
    "fmod": _fmod,
    "maximum": _boolean_extreme("maximum", "logical_or"),
    "minimum": _boolean_extreme("minimum", "logical_and"),
    "stop_gradient": lambda body, a: a,
    "pow": lambda body, a, b: body._plain("ipow" if body.codes[a] == "i8" else "pow", (a, b)),
}
RULES |= {name: _special(name) for name in SPECIAL}
RULES |= {name: _compare(name) for name in COMPARISONS}
RULES |= {name: _finite_test(name) for name in ("isnan", "isinf", "isfinite")}
RULES |= {name: _integer_identity(name) for name in ("floor", "ceil", "trunc", "rint")}

STATEMENTS = _PLAIN | RULES.keys()  # the elementwise operations that are statements
