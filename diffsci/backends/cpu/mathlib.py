"""Elementary functions on vectors of eight doubles: no branches, no tables, at most 2 ulp.

The methods are the classical ones (range reduction by Cody and Waite with fused multiply-add, then
a short series; the correction terms of log, log1p, and expm1 follow the argument in Muller,
Elementary Functions, 3rd ed., ch. 11). The coefficients are those of the Taylor series, which on
the reduced ranges reach full precision with one or two terms more than a minimax polynomial.
Functions that are not here are taken from the C library or from SciPy, lane by lane.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from diffsci.backends.cpu.function import LANES, Function, literal, vector_type

__all__ = ["write_rule"]

_WIDE, _INTS, _MASK = vector_type("f8"), vector_type("i8"), vector_type("b1")

_hex = float.fromhex

# ln 2 as sums of doubles, each the rounding of what the ones before leave over.
_LN2 = (_hex("0x1.62E42FEFA39EFp-1"), _hex("0x1.ABC9E3B39803Fp-56"))
_LN2_SHORT = (_hex("0x1.62E42FEE00000p-1"), _hex("0x1.A39EF35793C76p-33"))
_ROUND = _hex("0x1.8p52")  # adding it rounds to an integer, which stands in the low bits of the sum


def write_rule(module, op: str, name: str, lanes) -> str | None:
    """Return the vector function, None where there is no rule."""
    if op not in _RULES or not module.fused:
        return None
    f = Function(f"internal {_WIDE} @{name}({_WIDE} %x0)")
    v = _Vector(module, f)
    v.lanes = lanes
    return f.finish(f"ret {_WIDE} {_RULES[op](v, '%x0')}")


def _all(kind: str, text: str) -> str:
    return "<" + ", ".join([f"{kind} {text}"] * LANES) + ">"


class _Vector:
    """Arithmetic on vectors; Python numbers stand for constants."""

    def __init__(self, module, f: Function):
        self.module, self.f = module, f

    def text(self, value: str | float) -> str:
        return value if isinstance(value, str) else _all("double", literal(value, "f8"))

    def _binary(self, name: str, a, b) -> str:
        return self.f.set(f"{name} {_WIDE} {self.text(a)}, {self.text(b)}")

    def add(self, a, b) -> str:
        return self._binary("fadd", a, b)

    def sub(self, a, b) -> str:
        return self._binary("fsub", a, b)

    def mul(self, a, b) -> str:
        return self._binary("fmul", a, b)

    def div(self, a, b) -> str:
        return self._binary("fdiv", a, b)

    def neg(self, a) -> str:
        return self.f.set(f"fneg {_WIDE} {a}")

    def _intrinsic(self, name: str, *args) -> str:
        function = f"@llvm.{name}.v{LANES}f64"
        self.module.declare(f"declare {_WIDE} {function}({', '.join([_WIDE] * len(args))})")
        return self.f.set(f"call {_WIDE} {function}({', '.join(f'{_WIDE} {self.text(a)}' for a in args)})")

    def fma(self, a, b, c) -> str:
        return self._intrinsic("fma", a, b, c)

    def abs(self, a) -> str:
        return self._intrinsic("fabs", a)

    def copysign(self, a, b) -> str:
        return self._intrinsic("copysign", a, b)

    def compare(self, how: str, a, b) -> str:
        return self.f.set(f"fcmp {how} {_WIDE} {self.text(a)}, {self.text(b)}")

    def select(self, mask: str, a, b) -> str:
        return self.f.set(f"select {_MASK} {mask}, {_WIDE} {self.text(a)}, {_WIDE} {self.text(b)}")

    def clamp(self, x, low: float, high: float) -> str:
        """Limit x; NaN stays."""
        x = self.select(self.compare("ogt", x, high), high, x)
        return self.select(self.compare("olt", x, low), low, x)

    def bits(self, a: str) -> str:
        return self.f.set(f"bitcast {_WIDE} {a} to {_INTS}")

    def double(self, a: str) -> str:
        return self.f.set(f"bitcast {_INTS} {a} to {_WIDE}")

    def int(self, name: str, a: str, b: str | int) -> str:
        b = b if isinstance(b, str) else _all("i64", str(b))
        return self.f.set(f"{name} {_INTS} {a}, {b}")

    def round(self, a) -> tuple[str, str]:
        """Return the nearest integer as a double and as an integer (small values only)."""
        shifted = self.add(a, _ROUND)
        whole = self.sub(shifted, _ROUND)
        return whole, self.int("sub", self.bits(shifted), 0x4338000000000000)

    def power_of_two(self, n: str) -> str:
        return self.double(self.int("shl", self.int("add", n, 1023), 52))

    def series(self, x: str, coefficients: list[float]) -> str:
        """Evaluate a polynomial, lowest coefficient first."""
        result: str | float = coefficients[-1]
        for coefficient in reversed(coefficients[:-1]):
            result = self.fma(result, x, coefficient)
        return self.text(result)


def _reduced(v: _Vector, x: str) -> tuple[str, str, str]:
    """Return r, what its rounding lost, and n with x = n ln 2 + r, |r| <= ln(2) / 2."""
    whole, n = v.round(v.mul(x, 1 / math.log(2)))
    minus = v.neg(whole)
    exact = v.fma(minus, _LN2[0], x)
    r = v.fma(minus, _LN2[1], exact)
    return r, v.fma(minus, _LN2[1], v.sub(exact, r)), n


def _exp(v: _Vector, x: str) -> str:
    r, _, n = _reduced(v, v.clamp(x, -746.0, 710.0))
    value = v.series(r, [1 / math.factorial(k) for k in range(14)])
    half = v.int("ashr", n, 1)  # in two steps: 2**n itself may overflow or be denormal
    rest = v.int("sub", n, half)
    return v.mul(v.mul(value, v.power_of_two(half)), v.power_of_two(rest))


def _expm1_parts(v: _Vector, x: str) -> tuple[str, str]:
    """Return exp(x) - 1 as the sum of two doubles, the first twice the rounded leading terms."""
    r, lost, n = _reduced(v, v.clamp(x, -60.0, 710.0))
    tail = v.series(r, [1 / math.factorial(k) for k in range(2, 15)])
    tail = v.fma(v.mul(r, r), tail, lost)
    half = v.power_of_two(v.int("sub", n, 1))  # half of 2**n: the whole may overflow
    first, second = v.sub(half, 0.5), v.mul(half, r)
    total = v.add(first, second)
    part = v.sub(total, first)
    dropped = v.add(v.sub(first, v.sub(total, part)), v.sub(second, part))
    return total, v.fma(half, tail, dropped)


def _expm1(v: _Vector, x: str) -> str:
    high, low = _expm1_parts(v, x)
    return v.select(v.compare("olt", v.abs(x), _hex("0x1p-54")), x, v.mul(v.add(high, low), 2.0))


def _log_parts(v: _Vector, x: str, k_shift: str | None, correction: str | None) -> str:
    """Return log(x) (+ correction) for positive normal x; `k_shift` is subtracted from the exponent."""
    bits = v.bits(x)
    offset = v.int("sub", bits, 0x3FE6A09E667F3BCD)
    exponent = v.int("ashr", offset, 52)
    z = v.double(v.int("sub", bits, v.int("shl", exponent, 52)))
    if k_shift is not None:
        exponent = v.int("sub", exponent, k_shift)
    k = v.f.set(f"sitofp {_INTS} {exponent} to {_WIDE}")
    f = v.sub(z, 1.0)
    s = v.div(f, v.add(f, 2.0))
    w = v.mul(s, s)
    r = v.mul(w, v.series(w, [2 / (2 * j + 1) for j in range(1, 12)]))
    half = v.mul(v.mul(f, f), 0.5)
    low = v.mul(s, v.add(half, r))
    if correction is not None:
        low = v.add(low, correction)
    low = v.fma(k, _LN2_SHORT[1], low)
    return v.fma(k, _LN2_SHORT[0], v.sub(f, v.sub(half, low)))


def _log(v: _Vector, x: str) -> str:
    tiny = v.compare("olt", x, _hex("0x1p-1022"))
    scaled = v.select(tiny, v.mul(x, _hex("0x1p54")), x)
    shift = v.f.set(f"select {_MASK} {tiny}, {_INTS} {_all('i64', '54')}, {_INTS} zeroinitializer")
    return _log_ends(v, x, _log_parts(v, scaled, shift, None))


def _log_ends(v: _Vector, x: str, value: str) -> str:
    """Return the value where 0 < x < inf, and -inf, NaN, inf where they belong."""
    value = v.select(v.compare("oeq", x, 0.0), -math.inf, value)
    value = v.select(v.compare("oeq", x, math.inf), math.inf, value)
    return v.select(v.compare("uge", x, 0.0), v.select(v.compare("uno", x, x), x, value), math.nan)


def _log1p(v: _Vector, x: str) -> str:
    u = v.add(x, 1.0)
    lost = v.select(
        v.compare("oge", x, 1.0), v.sub(1.0, v.sub(u, x)), v.sub(x, v.sub(u, 1.0))
    )  # what the rounding of 1 + x dropped
    value = _log_ends(v, u, _log_parts(v, u, None, v.div(lost, u)))
    return v.select(v.compare("olt", v.abs(x), _hex("0x1p-54")), x, value)


def _tanh(v: _Vector, x: str) -> str:
    """Follow tanh |x| = -t / (2 + t) with t = expm1(-2 |x|), in two doubles until the division."""
    high, low = _expm1_parts(v, v.mul(v.abs(x), -2.0))
    t = v.add(high, low)  # half of the t above: the fraction becomes -t / (1 + t)
    t_low = v.add(v.sub(high, t), low)
    below = v.add(t, 1.0)
    below_low = v.add(v.add(v.sub(1.0, below), t), t_low)
    inverse = v.div(1.0, below)
    quotient = v.mul(t, inverse)
    rest = v.add(v.fma(v.neg(quotient), below, t), v.fma(v.neg(quotient), below_low, t_low))
    return v.copysign(v.fma(rest, inverse, quotient), x)


_RULES: dict[str, Callable[[_Vector, str], str]] = {
    "exp": _exp,
    "expm1": _expm1,
    "log": _log,
    "log1p": _log1p,
    "tanh": _tanh,
}
