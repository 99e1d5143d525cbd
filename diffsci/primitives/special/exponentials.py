"""Quotients of exp(x) - 1 and x, and their relatives, at every order of derivative.

The phi-functions of exponential integrators (M. Hochbruck and A. Ostermann, Acta Numerica 19 (2010),
section 2) are integrals with a positive kernel, and so are their derivatives:

    phi_k(x) = integral of (1 - t)**(k-1) / (k-1)! exp(x t) over 0 < t < 1

phi_1 is `exprel`, (exp(x) - 1) / x; phi_2 is (exp(x) - 1 - x) / x**2. The reciprocal of phi_1 is the function
of Bernoulli's numbers, x / (exp(x) - 1).
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from diffsci.primitives.special.terms import f, row

__all__ = ["bernoulli", "exprel", "phi2", "phi_derivative"]

SHIFT = 64.0  # exp(x) is computed as exp(64) exp(x - 64) where it overflows before the result does
EXP_SHIFT = math.exp(SHIFT)
LARGE = 700.0  # from here on
BEYOND = 770.0  # exp(x) over any small power of x overflows, x exp(-x) underflows
SERIES_REACH = 40.0  # Kummer's series of phi_k and its derivatives
LOW, HIGH, TERMS = -1.0, 1.5, 20  # the series of phi_2: where, and how long


def exprel(x):
    """Return expm1(x) / x."""
    x = np.asarray(x, float)
    safe = np.where(x == 0, 1.0, x)
    with np.errstate(all="ignore"):
        value = np.where(x > LARGE, np.exp(x - SHIFT) * (EXP_SHIFT / safe), np.expm1(safe) / safe)
    return np.where(x == 0, 1.0, np.where(x == np.inf, np.inf, value))


def phi2(x):
    """Return (expm1(x) - x) / x**2: Taylor's series where the difference would cancel."""
    x = np.asarray(x, float)
    near = np.clip(x, LOW, HIGH)
    series = 0.0
    for k in range(TERMS, -1, -1):
        series = series * near + 1 / math.factorial(k + 2)
    with np.errstate(all="ignore"):
        far = np.where(x > LARGE, np.exp(x - SHIFT) * (EXP_SHIFT / x / x), (np.expm1(x) - x) / x / x)
    value = np.where(near == x, series, far)
    return np.where(x > BEYOND, np.inf, np.where(x == -np.inf, 0.0, value))


def phi_derivative(x, *, k: int, order: int):
    """Return the derivative of that order of phi_k, the integral of t**n (1 - t)**(k-1) exp(x t) / (k-1)!.

    It is n! / (n+k)! M(n+1, n+k+1, x) (DLMF 13.4.1). Kummer's series has terms of one sign: in x for x > 0,
    in -x behind exp(x) for x < 0 (DLMF 13.2.39). Far out the derivative of x phi_k = phi_(k-1) - 1 / (k-1)!
    goes up in k and n without cancellation.
    """
    x = np.asarray(x, float)
    near = np.clip(x, -SERIES_REACH, SERIES_REACH)
    total, term = 0.0, np.full_like(x, math.factorial(order) / math.factorial(order + k))
    upper = np.where(near < 0, float(k), float(order + 1))
    size = np.abs(near)
    for j in range(160):
        total = total + term
        term = term * (size * (upper + j) / ((order + k + 1 + j) * (j + 1)))
    series = np.where(near < 0, np.exp(near) * total, total)
    return np.where(near == x, series, _far_phi(x, k, order))


def _far_phi(x, k: int, order: int):
    """The recurrences for large |x|; for x > 0 scaled, lest exp(x) overflow before the result does."""
    with np.errstate(all="ignore"):
        high = x > 0
        scale = np.where(high, EXP_SHIFT, 1.0)
        below = [np.exp(np.where(high, x - SHIFT, x))] * (order + 1)
        for level in range(1, k + 1):
            constant = 1 / math.factorial(level - 1) / scale
            current = [(below[0] - constant) / x]
            for n in range(1, order + 1):
                current.append((below[n] - n * current[-1]) / x)
            below = current
        value = below[order] * scale
    return np.where(x > BEYOND, np.inf, np.where(x == -np.inf, 0.0, value))


def bernoulli(x):
    """Return x / expm1(x)."""
    x = np.asarray(x, float)
    safe = np.where(x == 0, 1.0, x)
    with np.errstate(all="ignore"):
        value = np.where(x > LARGE, _decayed(safe, safe), safe / np.expm1(safe))
    return np.where(x == 0, 1.0, np.where(x == np.inf, 0.0, value))


def _decayed(factor, x):
    """Return factor * exp(-x) for large x, where exp(-x) alone underflows before the product does."""
    return np.exp(SHIFT - x) * (factor * math.exp(-SHIFT))


def _bernoulli_numbers(count: int) -> list[Fraction]:
    """B_0, B_1 = -1/2, B_2, ... exactly (DLMF 24.5.3)."""
    numbers: list[Fraction] = [Fraction(1)]
    for n in range(1, count):
        numbers.append(-sum(math.comb(n + 1, j) * b for j, b in enumerate(numbers)) / (n + 1))
    return numbers


_COEFFICIENTS = [b / math.factorial(n) for n, b in enumerate(_bernoulli_numbers(60))]
_SPLIT = 2.5  # the series in x, of radius 2 pi, serves below


def _bernoulli_derivative(x, *, order: int):
    """The derivative of that order of x / expm1(x).

    As x / expm1(x) + x / 2 is even, derivatives are even or odd from the second on. For small |x| Taylor's
    series (DLMF 24.2.1), for large x the derivatives of the sum of x exp(-j x) over j > 0.
    """
    x = np.asarray(x, float)
    size = np.abs(x)
    near, far = np.minimum(size, _SPLIT), np.clip(size, _SPLIT, BEYOND)
    series = 0.0
    for n in range(len(_COEFFICIENTS) - 1, order - 1, -1):
        series = series * near + float(_COEFFICIENTS[n] * math.perm(n, order))
    with np.errstate(all="ignore"):
        total = np.where(size > LARGE, _decayed(order - far, far), (order - far) * np.exp(-far))
        for j in range(2, 30):
            total = total + float(j ** (order - 1)) * (order - j * far) * np.exp(-j * far)
    value = np.where(size < _SPLIT, series, (-1) ** (order - 1) * total)
    if order == 1:
        return np.where(x < 0, -1 - value, value)
    return np.where(x < 0, (-1) ** order * value, value)


row("exprel", exprel, lambda x, y: f.phi_derivative(x, k=1, order=1), continued=lambda x: np.expm1(x) / x)
row(
    "phi2",
    phi2,
    lambda x, y: f.phi_derivative(x, k=2, order=1),
    continued=lambda x: (np.expm1(x) - x) / x / x,
)
row(
    "phi_derivative",
    phi_derivative,
    lambda x, y, k, order: f.phi_derivative(x, k=k, order=order + 1),
    params=("k", "order"),
)
row(
    "bernoulli",
    bernoulli,
    lambda x, y: f.bernoulli_derivative(x, order=1),
    continued=lambda x: x / np.expm1(x),
)
row(
    "bernoulli_derivative",
    _bernoulli_derivative,
    lambda x, y, order: f.bernoulli_derivative(x, order=order + 1),
    params=("order",),
)
