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

from diffsci.primitives.special.formulas import formula_row
from diffsci.primitives.special.terms import Term, f, series

__all__ = ["phi_derivative"]

SHIFT = 64.0  # exp(x) is computed as exp(64) exp(x - 64) where it overflows before the result does
EXP_SHIFT, DECAY = math.exp(SHIFT), math.exp(-SHIFT)
LARGE = 700.0  # from here on
BEYOND = 770.0  # exp(x) over any small power of x overflows, x exp(-x) underflows
NEGLIGIBLE = 2.0**-60  # terms of series that are left out
LOW, HIGH, TERMS = -1.0, 1.5, 20  # the series of phi_2: where, and how long


def _without_zero(x: Term) -> tuple[Term, Term]:
    """Where x is zero, and x with ones there."""
    zero = f.eq(x, 0.0)
    return zero, f.where(zero, 1.0, x)


def _exprel(x: Term) -> Term:
    zero, safe = _without_zero(x)
    large = f.exp(x - SHIFT) * (EXP_SHIFT / safe)
    value = f.where(x > LARGE, large, f.expm1(safe) / safe)
    return f.where(f.eq(x, math.inf), x, f.where(zero, 1.0, value))


def _phi2(x: Term) -> Term:
    """(expm1(x) - x) / x**2: Taylor's series where the difference would cancel."""
    near = f.logical_and(f.ge(x, LOW), f.le(x, HIGH))
    large = f.exp(x - SHIFT) * (EXP_SHIFT / x / x)
    value = f.where(x > LARGE, large, (f.expm1(x) - x) / x / x)
    value = f.where(near, series(x, [1 / math.factorial(k + 2) for k in range(TERMS + 1)]), value)
    return f.where(x > BEYOND, math.inf, f.where(f.eq(x, -math.inf), 0.0, value))


def _bernoulli(x: Term) -> Term:
    zero, safe = _without_zero(x)
    value = f.where(x > LARGE, f.exp(SHIFT - x) * (x * DECAY), safe / f.expm1(safe))
    return f.where(f.eq(x, math.inf), 0.0, f.where(zero, 1.0, value))


def _phi_derivative(x: Term, k: int, order: int) -> Term:
    """The derivative of that order of phi_k, the integral of t**n (1 - t)**(k-1) exp(x t) / (k-1)!.

    It is n! / (n+k)! M(n+1, n+k+1, x) (DLMF 13.4.1). Kummer's series has terms of one sign: in x for x > 0,
    in -x behind exp(x) for x < 0 (DLMF 13.2.39). Far out the derivative of x phi_k = phi_(k-1) - 1 / (k-1)!
    goes up in k and n without cancellation.
    """
    reach = 3.0 + k + order
    size = f.abs(f.minimum(f.maximum(x, -reach), reach))
    right = series(size, _kummer(order + 1, k, order, reach))
    left = f.exp(-size) * series(size, _kummer(k, k, order, reach))
    near = f.where(x < 0, left, right)
    return f.where(f.gt(f.abs(x), reach), _far_phi(x, k, order), near + 0 * x)


def _kummer(upper: int, k: int, order: int, reach: float) -> list[float]:
    """The coefficients of n! / (n+k)! M(upper, n+k+1, x), as many as count for 0 < x < reach."""
    term = Fraction(math.factorial(order), math.factorial(order + k))
    coefficients, total = [], 0.0
    while not coefficients or float(term) * reach ** len(coefficients) > NEGLIGIBLE * total:
        j = len(coefficients)
        coefficients.append(float(term))
        total += coefficients[-1] * reach**j
        term *= Fraction(upper + j, (order + k + 1 + j) * (j + 1))
    return coefficients


def _far_phi(x: Term, k: int, order: int) -> Term:
    """The recurrences for large |x|; for the largest x scaled: exp(x) overflows before the result does."""
    high = x > LARGE
    scale, inverse = f.where(high, f.like(x, EXP_SHIFT), 1.0), f.where(high, f.like(x, DECAY), 1.0)
    below = [f.exp(f.where(high, x - SHIFT, x))] * (order + 1)
    for level in range(1, k + 1):
        current = [(below[0] - inverse / math.factorial(level - 1)) / x]
        for n in range(1, order + 1):
            current.append((below[n] - n * current[-1]) / x)
        below = current
    return f.where(x > BEYOND, math.inf, f.where(f.eq(x, -math.inf), 0.0, below[order] * scale))


def _bernoulli_numbers(count: int) -> list[Fraction]:
    """B_0, B_1 = -1/2, B_2, ... exactly (DLMF 24.5.3)."""
    numbers: list[Fraction] = [Fraction(1)]
    for n in range(1, count):
        numbers.append(-sum(math.comb(n + 1, j) * b for j, b in enumerate(numbers)) / (n + 1))
    return numbers


COEFFICIENTS = [b / math.factorial(n) for n, b in enumerate(_bernoulli_numbers(46))]
SPLIT, LAST = 2.5, 18  # the series in x, of radius 2 pi, serves below; the sum of exponentials above


def _bernoulli_derivative(x: Term, order: int) -> Term:
    """The derivative of that order of x / expm1(x).

    As x / expm1(x) + x / 2 is even, derivatives are even or odd from the second on. For small |x| Taylor's
    series (DLMF 24.2.1), for large x the derivatives of the sum of x exp(-j x) over j > 0.
    """
    size = f.abs(x)
    powers = range(max(order + order % 2, 2), len(COEFFICIENTS), 2)
    near = series(size * size, [float(COEFFICIENTS[n] * math.perm(n, order)) for n in powers])
    near = near * size if order % 2 else near
    near = near - 0.5 if order == 1 else near
    far = f.minimum(size, BEYOND)
    exponential = f.exp(-far)
    total = f.like(x, 0.0)
    for j in range(LAST, 1, -1):
        total = total * exponential + float(j ** (order - 1)) * (order - j * far)
    first = f.where(far > LARGE, f.exp(SHIFT - far) * ((order - far) * DECAY), (order - far) * exponential)
    total = (-1.0) ** (order - 1) * (first + total * (exponential * exponential))
    value = f.where(size < SPLIT, near, total)
    return f.where(x < 0, -1 - value if order == 1 else (-1.0) ** order * value, value)


formula_row("exprel", _exprel, lambda x, y: f.phi_derivative(x, k=1, order=1), lambda x: np.expm1(x) / x)
formula_row(
    "phi2", _phi2, lambda x, y: f.phi_derivative(x, k=2, order=1), lambda x: (np.expm1(x) - x) / x / x
)
phi_derivative = formula_row(
    "phi_derivative",
    _phi_derivative,
    lambda x, y, k, order: f.phi_derivative(x, k=k, order=order + 1),
    None,
    params=("k", "order"),
)
formula_row(
    "bernoulli",
    _bernoulli,
    lambda x, y: f.bernoulli_derivative(x, order=1),
    lambda x: x / np.expm1(x),
)
formula_row(
    "bernoulli_derivative",
    _bernoulli_derivative,
    lambda x, y, order: f.bernoulli_derivative(x, order=order + 1),
    None,
    params=("order",),
)
