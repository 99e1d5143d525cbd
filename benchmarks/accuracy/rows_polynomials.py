"""Polynomials near multiple and clustered roots; roots of quadratics."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import mpmath as mp
import numpy as np

from benchmarks.accuracy.points import around, between, each, everywhere, listed, magnitudes, mapped, mix
from benchmarks.accuracy.row import Function

FIFTH = (1.0, -5.0, 10.0, -10.0, 5.0, -1.0)  # (x - 1)**5
WILKINSON = tuple(np.poly(np.arange(1.0, 9.0)))  # whole numbers, exact in single precision too


def _polynomial(coefficients, order) -> Callable:
    """The derivative of that order, in fractions; the leading term decides at infinity."""
    factors = [math.perm(power, order) for power in range(len(coefficients) - 1, order - 1, -1)]
    weighted = [Fraction(c) * w for c, w in zip(coefficients, factors, strict=False)]

    def value(x):
        if mp.isinf(x):
            return mp.sign(x) ** (len(weighted) - 1) * mp.inf * mp.sign(coefficients[0])
        total, point = Fraction(0), Fraction(float(x))
        for coefficient in weighted:
            total = total * point + coefficient
        return mp.mpf(total.numerator) / total.denominator

    return value


def _row_of(name, coefficients, roots) -> Function:
    """A polynomial with given coefficients, looked at near roots of it and of its derivatives."""
    hard = [roots]
    for order in (1, 2):
        hard.append(np.roots(np.polyder(coefficients, order)).real)
    listing = ", ".join(map(repr, map(float, coefficients)))
    return Function(
        name=name,
        arguments="x",
        ours=f"ds.stable.polyval(np.array([{listing}], x.dtype), x)",
        value=_polynomial(coefficients, 0),
        first=(_polynomial(coefficients, 1),),
        second=(_polynomial(coefficients, 2),),
        points=mix(
            everywhere(),
            between(-2.0, 2.0 * float(np.max(roots))),
            magnitudes(1e-5, 1e5),
            *(around(float(root)) for root in np.unique(np.round(np.concatenate(hard), 8))),
            listed(0.0, np.inf, -np.inf),
        ),
        jax=f"jnp.polyval(jnp.array([{listing}]), x)",
    )


class _Root:
    """The lower or upper root, and its derivatives by Lagrange's inversion of p(r) = 0."""

    def __init__(self, upper: bool):
        self.upper = upper

    def parts(self, a, b, c):
        discriminant = b * b - 4 * a * c
        if discriminant < 0 or a == 0 or any(map(mp.isinf, (a, b, c))):
            return mp.nan, mp.nan
        sign = mp.sign(a) if self.upper else -mp.sign(a)
        root = mp.sqrt(discriminant)
        q = -(b + (root if b >= 0 else -root)) / 2
        far = sign != (1 if b >= 0 else -1)
        return (q / a if far or q == 0 else c / q), sign * root

    def value(self, a, b, c):
        return self.parts(a, b, c)[0]

    def first(self, power):
        def partial(a, b, c):
            r, slope = self.parts(a, b, c)
            return -(r**power) / slope if slope else mp.nan

        return partial

    def second(self, power):
        def partial(a, b, c):
            r, slope = self.parts(a, b, c)
            if not slope or mp.isnan(slope):
                return mp.nan
            if power < 3:
                return (-2 * a, b, -2 * c)[power] / slope**3
            return r ** (power - 1) * ((power - 1) * slope + b) / slope**3

        return partial


def _near(ratio: float):
    """Put c next to ratio * b**2 / a, where the discriminant or a second derivative vanishes."""
    return lambda a, b, steps: (a, b, ratio * b * b / a * (1 + steps))


_COEFFICIENTS = mix(
    each(everywhere(), everywhere(), everywhere()),
    each(between(-2.0, 2.0), between(-2.0, 2.0), between(-2.0, 2.0)),
    each(between(-2.0, 2.0), magnitudes(1.0, 1e9), between(-2.0, 2.0)),
    each(magnitudes(1e-200, 1e200), magnitudes(1e-200, 1e200), listed(0.0, 1e-250, 1.0, 1e250)),
    *(
        mapped(each(magnitudes(0.1, 10.0), magnitudes(0.1, 10.0), around(0.0, width=1e-2)), _near(ratio))
        for ratio in (0.25, 3 / 16, 2 / 9)
    ),
    where=lambda a, b, c: a != 0,
)


def _quadratic(name, upper, sign) -> Function:
    root = _Root(upper)
    formula = f"(-b {sign} {{0}}.sqrt(b * b - 4 * a * c)) / (2 * a)"
    return Function(
        name=name,
        arguments="a b c",
        ours=f"ds.stable.quadratic_roots(a, b, c)[..., {int(upper)}]",
        value=root.value,
        first=tuple(map(root.first, (2, 1, 0))),
        second=tuple(map(root.second, (4, 3, 2, 2, 1, 0))),
        points=_COEFFICIENTS,
        jax=formula.format("jnp"),
        torch=formula.format("torch"),
        autograd=formula.format("anp"),
        digits=120,
    )


ROWS = [
    _row_of("polyval (x-1)^5", FIFTH, np.array([1.0])),
    _row_of("polyval Wilkinson", WILKINSON, np.arange(1.0, 9.0)),
    _quadratic("lower root", False, "-"),
    _quadratic("upper root", True, "+"),
]
