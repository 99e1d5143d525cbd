"""The cardinal sine, sin(x) / x, and NumPy's sinc(x) = sin(pi x) / (pi x), at every order of derivative.

With w = 1 or pi, the derivatives G_n of sin(w x) / (w x) obey x G_n + n G_(n-1) = w**(n-1) sin(w x + n pi/2),
which is Leibniz' rule for x G_0. Taylor's series serves near 0. Near zeros of a derivative the recurrence
cancels: there it runs in double-double arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from diffsci.primitives.special import angles
from diffsci.primitives.special import doubled as dd
from diffsci.primitives.special.terms import f, row

__all__ = ["sinc", "sinc_unnormalized"]

NEAR, TERMS = 1.0, 12  # Taylor's series: up to this angle, and how many terms
DIGITS = 2.0**-46  # what the recurrence in double precision may lose


class _Kind(NamedTuple):
    """One of the two functions: the scale w, sine and cosine of w x, and the reduction of w x."""

    scale: float
    exact_scale: Callable[[], dd.Doubled]
    sine_cosine: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    reduced: Callable[[np.ndarray], angles.Reduced]


def _sine_cosine_of_pi(x):
    """sin(pi x) and cos(pi x); where x is far from 0 what counts is its distance from the next half."""
    whole = np.rint(x)
    part = x - whole
    size = np.abs(part)
    sign = np.where(whole % 2 == 0, 1.0, -1.0)
    near = size < 0.25
    other = np.pi * np.where(near, size, 0.5 - size)
    small, large = np.sin(other), np.cos(other)
    sine = np.copysign(np.where(near, small, large), part)
    return sign * sine, sign * np.where(near, large, small)


_PLAIN = _Kind(1.0, lambda: (1.0, 0.0), lambda x: (np.sin(x), np.cos(x)), angles.radians)
_OF_PI = _Kind(math.pi, angles.pi, _sine_cosine_of_pi, angles.half_turns)


def _value(kind: _Kind, x):
    x = np.asarray(x, float)
    usable = np.where((x == 0) | np.isinf(x), 1.0, x)
    with np.errstate(all="ignore"):
        value = kind.sine_cosine(usable)[0] / (kind.scale * usable)
    return np.where(x == 0, 1.0, np.where(np.isinf(x), 0.0, value))


def _derivative(kind: _Kind, x, order: int):
    """The derivative of that order, even or odd like the order."""
    x = np.asarray(x, float)
    size = np.abs(x)
    far = size * kind.scale > NEAR
    with np.errstate(all="ignore"):
        value, sure = _recurrence(kind, np.where(far & (size < np.inf), size, 1.0), order)
        hard = far & ~sure
        if not far.all():
            value = np.where(far, value, _taylor(kind, np.where(far, 0.0, size), order))
        if hard.any():
            value = np.array(value)
            value[hard] = _doubled_recurrence(kind, size[hard], order)
    value = np.where(size == np.inf, 0.0, value)
    return np.copysign(1.0, x) * value if order % 2 else value


def _taylor(kind: _Kind, x, order: int):
    """The sum of (-1)**j w**(2j) x**(2j-n) / ((2j+1) (2j-n)!)."""
    first = (order + 1) // 2
    angle, total = kind.scale * x, 0.0
    for j in range(first + TERMS, first - 1, -1):
        total = total * (angle * angle) + (-1) ** j / ((2 * j + 1) * math.factorial(2 * j - order))
    return kind.scale**order * (angle * total if order % 2 else total)


def _recurrence(kind: _Kind, x, order: int):
    """The derivative in double precision, and where its digits are sure."""
    unit = 2.0**-52
    sine, cosine = kind.sine_cosine(x)
    value = sine / (kind.scale * x)
    error = 2 * unit * np.abs(value)
    for n in range(1, order + 1):
        turned = kind.scale ** (n - 1) * (cosine if n % 2 else sine) * (1 if n % 4 < 2 else -1)
        value = (turned - n * value) / x
        error = (2 * n * unit * np.abs(turned) + n * error) / x + 2 * unit * np.abs(value)
    return value, error <= DIGITS * np.abs(value)


def _doubled_recurrence(kind: _Kind, x, order: int):
    sine, cosine = angles.sine_cosine(*kind.reduced(x))
    scale = kind.exact_scale()
    value, power = dd.divide(dd.divide(sine, scale), x), (1.0, 0.0)
    for n in range(1, order + 1):
        turned = dd.multiply(power, cosine if n % 2 else sine)
        turned = turned if n % 4 < 2 else dd.negative(turned)
        value = dd.divide(dd.subtract(turned, dd.multiply(value, float(n))), x)
        power = dd.multiply(power, scale)
    return value[0]


def sinc(x):
    """Return sin(pi x) / (pi x), exactly 0 at whole numbers but 0."""
    return _continued(np.pi * x) if np.iscomplexobj(x) else _value(_OF_PI, x)


def sinc_unnormalized(x):
    """Return sin(x) / x."""
    return _continued(x) if np.iscomplexobj(x) else _value(_PLAIN, x)


def _continued(z):
    """sin(z) / z of complex numbers; a series near 0, where the tiny imaginary part would be lost."""
    near = np.abs(z) < 0.5
    square = np.where(near, z, 0.0) ** 2
    series = 1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110))))
    safe = np.where(near, 1.0, z)
    return np.where(near, series, np.sin(safe) / safe)


for _name, _function, _kind in (("sinc", sinc, _OF_PI), ("sinc_unnormalized", sinc_unnormalized, _PLAIN)):
    row(_name, _function, lambda x, y, name=_name: getattr(f, f"{name}_derivative")(x, order=1))
    row(
        f"{_name}_derivative",
        lambda x, order, kind=_kind: _derivative(kind, x, order),
        lambda x, y, order, name=_name: getattr(f, f"{name}_derivative")(x, order=order + 1),
        params=("order",),
    )
