"""The cardinal sine, sin(x) / x, and NumPy's sinc(x) = sin(pi x) / (pi x), at every order of derivative.

With w = 1 or pi, the derivatives G_n of sin(w x) / (w x) obey x G_n + n G_(n-1) = w**(n-1) sin(w x + n pi/2),
which is Leibniz' rule for x G_0. Taylor's series serves near 0. Near zeros of a derivative the recurrence
cancels: there it runs in double-double arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from diffsci.primitives.special import angles
from diffsci.primitives.special import doubled as dd
from diffsci.primitives.special.formulas import formula_row, on_arrays
from diffsci.primitives.special.terms import Term, f, row, series

__all__ = ["DERIVATIVES"]

NEAR, TERMS = 1.0, 12  # Taylor's series: up to this angle, and how many terms
UNIT = 2.0**-52
LOSS = 2.0**-44  # what the recurrence in double precision may lose, relative to the derivative


class _Kind(NamedTuple):
    """One of the two functions: the scale w, sine and cosine of w x, and the reduction of w x."""

    scale: float
    exact_scale: Callable[[], dd.Doubled]
    sine_cosine: Callable[[Term], tuple[Term, Term]]
    reduced: Callable[[np.ndarray], angles.Reduced]


def _sine_cosine_of_pi(x: Term) -> tuple[Term, Term]:
    """sin(pi x) and cos(pi x); where x is far from a whole number counts its distance from the next half."""
    whole = f.rint(x)
    part = x - whole
    size = f.abs(part)
    sign = 1 - 2 * f.abs(whole - 2 * f.rint(0.5 * whole))
    near = size < 0.25
    angle = math.pi * f.where(near, size, 0.5 - size)
    small, large = f.sin(angle), f.cos(angle)
    sine = f.copysign(f.where(near, small, large), part)
    return sign * sine, sign * f.where(near, large, small)


_KINDS = {
    "sinc": _Kind(math.pi, angles.pi, _sine_cosine_of_pi, angles.half_turns),
    "sinc_unnormalized": _Kind(1.0, lambda: (1.0, 0.0), lambda x: (f.sin(x), f.cos(x)), angles.radians),
}


def _value(kind: _Kind, x: Term) -> Term:
    zero = f.eq(x, 0.0)
    safe = f.where(zero, 1.0, x)
    value = kind.sine_cosine(safe)[0] / (kind.scale * safe)
    return f.where(f.isinf(x), 0.0, f.where(zero, 1.0, value))


def _derivative(kind: _Kind, x: Term, order: int) -> Term:
    """The derivative of that order, even or odd like the order; NaN where too many digits would be lost."""
    size = f.abs(x)
    far, infinite = size * kind.scale > NEAR, f.eq(size, math.inf)
    value, error = _recurrence(kind, f.where(f.logical_and(far, size < math.inf), size, 1.0), order)
    value = f.where(f.le(error, LOSS * f.abs(value)), value, math.nan)
    value = f.where(infinite, 0.0, f.where(far, value, _taylor(kind, size, order)))
    return f.copysign(f.like(x, 1.0), x) * value if order % 2 else value


def _taylor(kind: _Kind, x: Term, order: int) -> Term:
    """The sum of (-1)**j w**(2j) x**(2j-n) / ((2j+1) (2j-n)!)."""
    first = (order + 1) // 2
    angle = kind.scale * x
    coefficients = [
        (-1) ** j / ((2 * j + 1) * math.factorial(2 * j - order)) for j in range(first, first + TERMS + 1)
    ]
    total = series(angle * angle, coefficients)
    return kind.scale**order * (angle * total if order % 2 else total)


def _recurrence(kind: _Kind, x: Term, order: int) -> tuple[Term, Term]:
    """The derivative in double precision, and a bound on its error."""
    sine, cosine = kind.sine_cosine(x)
    value = sine / (kind.scale * x)
    error = 2 * UNIT * f.abs(value)
    for n in range(1, order + 1):
        turned = (kind.scale ** (n - 1) * (1 if n % 4 < 2 else -1)) * (cosine if n % 2 else sine)
        value = (turned - n * value) / x
        error = (2 * n * UNIT * f.abs(turned) + n * error) / x + 2 * UNIT * f.abs(value)
    return value, error


def _repaired(kind: _Kind, formula: Callable, x: np.ndarray, *, order: int) -> np.ndarray:
    """The formula on arrays, and double-double arithmetic where it gives none."""
    x = np.asarray(x, float)
    value = np.array(on_arrays(formula, x, order=order))
    hard = np.isnan(value) & ~np.isnan(x)
    if hard.any():
        value[hard] = _doubled_recurrence(kind, np.abs(x[hard]), order)
        value[hard] *= np.copysign(1.0, x[hard]) ** order
    return value


def _doubled_recurrence(kind: _Kind, x: np.ndarray, order: int) -> np.ndarray:
    sine, cosine = angles.sine_cosine(*kind.reduced(x))
    scale = kind.exact_scale()
    value, power = dd.divide(dd.divide(sine, scale), x), (1.0, 0.0)
    for n in range(1, order + 1):
        turned = dd.multiply(power, cosine if n % 2 else sine)
        turned = turned if n % 4 < 2 else dd.negative(turned)
        value = dd.divide(dd.subtract(turned, dd.multiply(value, float(n))), x)
        power = dd.multiply(power, scale)
    return value[0]


def _continued(scale: float, x: np.ndarray) -> np.ndarray:
    """sin(z) / z of complex numbers; a series near 0, where the tiny imaginary part would be lost."""
    z = scale * x
    near = np.abs(z) < 0.5
    square = np.where(near, z, 0.0) ** 2
    total = 1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110))))
    safe = np.where(near, 1.0, z)
    return np.where(near, total, np.sin(safe) / safe)


# Formulas of the derivatives, which give NaN where they have too few digits.
DERIVATIVES: dict[str, Callable[..., Term]] = {}

for _name, _kind in _KINDS.items():
    _slope = f"{_name}_derivative"
    DERIVATIVES[_slope] = partial(_derivative, _kind)
    formula_row(
        _name,
        partial(_value, _kind),
        lambda x, y, slope=_slope: getattr(f, slope)(x, order=1),
        partial(_continued, _kind.scale),
    )
    row(
        _slope,
        partial(_repaired, _kind, DERIVATIVES[_slope]),
        lambda x, y, order, slope=_slope: getattr(f, slope)(x, order=order + 1),
        params=("order",),
    )
