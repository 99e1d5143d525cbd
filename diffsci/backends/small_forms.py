"""Native forms of functions that keep the digits of small differences.

The formulas are those of `diffsci.primitives.special.small_differences`, `exponentials` and `cardinal`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

from diffsci.primitives.special import exponentials as phi
from diffsci.primitives.special import small_differences as small
from diffsci.primitives.special.terms import Term, f

__all__ = ["SMALL_FORMS"]

DECAY = math.exp(-phi.SHIFT)


def _within(x: Term, low: float, high: float) -> Term:
    return f.logical_and(f.ge(x, low), f.le(x, high))


def _series(x: Term, coefficients: list[float]) -> Term:
    return reduce(lambda total, c: total * x + c, reversed(coefficients[:-1]), f.like(x, coefficients[-1]))


def _without_zero(x: Term) -> tuple[Term, Term]:
    """Where x is zero, and x with ones there."""
    zero = f.eq(x, 0.0)
    return zero, f.where(zero, 1.0, x)


def _exprel(x: Term) -> Term:
    zero, safe = _without_zero(x)
    large = f.exp(x - phi.SHIFT) * (phi.EXP_SHIFT / safe)
    value = f.where(x > phi.LARGE, large, f.expm1(safe) / safe)
    return f.where(f.eq(x, math.inf), x, f.where(zero, 1.0, value))


def _phi2(x: Term) -> Term:
    series = _series(x, [1 / math.factorial(k + 2) for k in range(phi.TERMS + 1)])
    large = f.exp(x - phi.SHIFT) * (phi.EXP_SHIFT / x / x)
    value = f.where(x > phi.LARGE, large, (f.expm1(x) - x) / x / x)
    value = f.where(_within(x, phi.LOW, phi.HIGH), series, value)
    return f.where(x > phi.BEYOND, math.inf, f.where(f.eq(x, -math.inf), 0.0, value))


def _bernoulli(x: Term) -> Term:
    zero, safe = _without_zero(x)
    value = f.where(x > phi.LARGE, f.exp(phi.SHIFT - x) * (x * DECAY), safe / f.expm1(safe))
    return f.where(f.eq(x, math.inf), 0.0, f.where(zero, 1.0, value))


def _log1pmx(x: Term) -> Term:
    t = x / (2 + x)
    square = t * t
    total = _series(square, [2.0 / k for k in range(3, small.LAST + 1, 2)]) * square
    far = f.where(f.eq(x, math.inf), -math.inf, f.log1p(x) - x)
    return f.where(_within(x, small.LOW, small.HIGH), t * total - t * x, far)


def _cosm1(x: Term) -> Term:
    sine = f.sin(0.5 * x)
    return -2 * (sine * sine)


def _cardinal(x: Term, sine: Callable[[Term], Term], scale: float) -> Term:
    zero, safe = _without_zero(x)
    value = f.where(zero, 1.0, sine(safe) / (scale * safe))
    return f.where(f.isinf(x), 0.0, value)


def _sine_of_pi(x: Term) -> Term:
    whole = f.rint(x)
    odd = f.abs(whole - 2 * f.rint(0.5 * whole))
    return f.sin(math.pi * (x - whole)) * (1 - 2 * odd)


SMALL_FORMS: dict[str, Callable[..., Term]] = {
    "exprel": _exprel,
    "phi2": _phi2,
    "bernoulli": _bernoulli,
    "log1pmx": _log1pmx,
    "log1pmx_slope": lambda x: f.where(f.isinf(x), -1.0, -x / (1 + x)),
    "cosm1": _cosm1,
    "sqrt1pm1": lambda x: f.where(f.eq(x, math.inf), x, x / (1 + f.sqrt(1 + x))),
    "sinc": lambda x: _cardinal(x, _sine_of_pi, math.pi),
    "sinc_unnormalized": lambda x: _cardinal(x, f.sin, 1.0),
}
