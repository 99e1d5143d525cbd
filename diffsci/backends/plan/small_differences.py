"""Functions that keep the digits of small differences, as statements in those that have native code.

The formulas are those of `diffsci.primitives.special.small_differences`, `exponentials` and `cardinal`.
Single precision is computed in double precision and rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from diffsci.backends.plan.body import Body

__all__ = ["COSTS", "RULES"]

_SHIFT, _LARGE = 64.0, 700.0  # as in `exponentials`
_LOW, _HIGH, _LAST = -0.6, 1.0, 51  # as in `small_differences`
_PHI_LOW, _PHI_HIGH, _PHI_TERMS = -1.0, 1.5, 20  # as in `exponentials`


class _Value:
    """A statement that is written down with operators; numbers are literals of double precision."""

    __slots__ = ("body", "number")

    def __init__(self, body: Body, number: int):
        self.body, self.number = body, number

    def apply(self, name: str, *operands: _Value | float, **params) -> _Value:
        numbers = (x.number if isinstance(x, _Value) else self.body.lit(x, "f8") for x in operands)
        return _Value(self.body, self.body.op(name, *numbers, params=params))

    def __neg__(self):
        return self.apply("neg", self)

    def __add__(self, other):
        return self.apply("add", self, other)

    __radd__ = __add__

    def __sub__(self, other):
        return self.apply("sub", self, other)

    def __rsub__(self, other):
        return self.apply("sub", other, self)

    def __mul__(self, other):
        return self.apply("mul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self.apply("div", self, other)

    def __rtruediv__(self, other):
        return self.apply("div", other, self)

    def is_(self, how: str, other: _Value | float) -> _Value:
        return self.apply(how, self, other)

    def where(self, yes: _Value | float, no: _Value | float) -> _Value:
        return self.apply("select", self, yes, no)

    def within(self, low: float, high: float) -> _Value:
        return self.apply("logical_and", self.is_("ge", low), self.is_("le", high))


def _series(x: _Value, coefficients: list[float]) -> _Value | float:
    total: _Value | float = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


def _exprel(x: _Value) -> _Value:
    zero = x.is_("eq", 0.0)
    safe = zero.where(1.0, x)
    shifted = x.apply("exp", x - _SHIFT) * (math.exp(_SHIFT) / safe)
    value = x.is_("gt", _LARGE).where(shifted, x.apply("expm1", safe) / safe)
    return x.is_("eq", math.inf).where(x, zero.where(1.0, value))


def _phi2(x: _Value) -> _Value:
    series = _series(x, [1 / math.factorial(k + 2) for k in range(_PHI_TERMS + 1)])
    shifted = x.apply("exp", x - _SHIFT) * (math.exp(_SHIFT) / x / x)
    far = x.is_("gt", _LARGE).where(shifted, (x.apply("expm1", x) - x) / x / x)
    value = x.within(_PHI_LOW, _PHI_HIGH).where(series, far)
    return x.apply("isinf", x).where(x.apply("maximum", x, 0.0), value)


def _bernoulli(x: _Value) -> _Value:
    zero = x.is_("eq", 0.0)
    safe = zero.where(1.0, x)
    decayed = x.apply("exp", _SHIFT - x) * (x * math.exp(-_SHIFT))
    value = x.is_("gt", _LARGE).where(decayed, safe / x.apply("expm1", safe))
    return x.is_("eq", math.inf).where(0.0, zero.where(1.0, value))


def _log1pmx(x: _Value) -> _Value:
    t = x / (2.0 + x)
    square = t * t
    total = _series(square, [2.0 / k for k in range(3, _LAST + 1, 2)]) * square
    far = x.is_("eq", math.inf).where(-math.inf, x.apply("log1p", x) - x)
    return x.within(_LOW, _HIGH).where(t * total - t * x, far)


def _log1pmx_slope(x: _Value) -> _Value:
    return x.apply("isinf", x).where(-1.0, -x / (1.0 + x))


def _cosm1(x: _Value) -> _Value:
    sine = x.apply("sin", x * 0.5)
    return sine * sine * -2.0


def _sqrt1pm1(x: _Value) -> _Value:
    return x.is_("eq", math.inf).where(x, x / (1.0 + x.apply("sqrt", 1.0 + x)))


def _cardinal(x: _Value, sine: Callable[[_Value], _Value], scale: float) -> _Value:
    zero = x.is_("eq", 0.0)
    safe = zero.where(1.0, x)
    value = zero.where(1.0, sine(safe) / (scale * safe))
    return x.apply("isinf", x).where(0.0, value)


def _sinc(x: _Value) -> _Value:
    return _cardinal(x, _sine_of_pi, math.pi)


def _sine_of_pi(x: _Value) -> _Value:
    whole = x.apply("rint", x)
    odd = x.apply("abs", whole - 2.0 * x.apply("rint", 0.5 * whole))
    return x.apply("sin", math.pi * (x - whole)) * (1.0 - 2.0 * odd)


def _sinc_unnormalized(x: _Value) -> _Value:
    return _cardinal(x, lambda x: x.apply("sin", x), 1.0)


def _in_double(rule: Callable[[_Value], _Value]):
    def statement(body: Body, a: int) -> int:
        x = _Value(body, a)
        value = rule(x.apply("convert", x, dtype=np.dtype(float)))
        return x.apply("convert", value, dtype=np.dtype(body.codes[a])).number

    return statement


_FORMULAS = {
    "exprel": _exprel,
    "phi2": _phi2,
    "bernoulli": _bernoulli,
    "log1pmx": _log1pmx,
    "log1pmx_slope": _log1pmx_slope,
    "cosm1": _cosm1,
    "sqrt1pm1": _sqrt1pm1,
    "sinc": _sinc,
    "sinc_unnormalized": _sinc_unnormalized,
}
RULES = {name: _in_double(rule) for name, rule in _FORMULAS.items()}
COSTS = dict.fromkeys(_FORMULAS, 40)
