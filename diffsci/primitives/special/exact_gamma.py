"""The gamma function's logarithm and its derivatives with as many digits as asked for, in decimal arithmetic.

Where terms cancel, doubles are refined by these functions, a number at a time. The argument is shifted up by
the recurrence, then Stirling's series serves (DLMF 5.5.1, 5.11.1, 5.15.8); negative ones are reflected (DLMF
5.5.3, 5.15.6). The precision is that of the current context of `decimal`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

__all__ = ["cotangent_derivative", "log_beta", "log_gamma", "polygamma", "rounded"]

DIGITS = 50  # of results, beyond what cancels
ZERO = Decimal(10) ** -DIGITS  # no double but a zero has a result as small
ONE = Decimal(1)


def rounded(function: Callable[..., Decimal], *operands: float) -> float:
    """Return the function of doubles as a double.

    The digits grow with what may cancel: the size of the operands and that of the result.
    """
    largest = max(abs(x) for x in operands)
    with localcontext(prec=DIGITS + 16 + max(0, math.ceil(math.log10(largest + 1)))):
        value = function(*map(Decimal, operands))
    return float(value) if abs(value) > ZERO else 0.0


@functools.cache
def _bernoulli(n: int) -> Fraction:
    """B(2 n) by the recurrence of DLMF 24.5.3."""
    index = 2 * n
    rest = sum((math.comb(index + 1, 2 * k) * _bernoulli(k) for k in range(1, n)), Fraction(0))
    return Fraction(1, 2) - Fraction(1 + rest, index + 1)


@functools.cache
def _coefficient(n: int | None, k: int, digits: int) -> Decimal:
    """Of x**-(2 k) in the asymptotic series of the function of order n, None for the logarithm itself."""
    last = 2 * k + 2
    whole = last * (last - 1) if n is None else Fraction(math.factorial(last), math.factorial(last + n - 1))
    number = _bernoulli(k + 1) / whole
    with localcontext(prec=digits):
        return Decimal(number.numerator) / number.denominator


@functools.cache
def _pi(digits: int) -> Decimal:
    """16 arctan(1/5) - 4 arctan(1/239), J. Machin's formula, in integers."""
    one = 10 ** (digits + 10)

    def arctangent_of_inverse(n: int) -> int:
        total, power, k = 0, one // n, 0
        while power:
            total += (-power if k % 2 else power) // (2 * k + 1)
            power //= n * n
            k += 1
        return total

    scaled = 16 * arctangent_of_inverse(5) - 4 * arctangent_of_inverse(239)
    with localcontext(prec=digits + 10):
        return Decimal(scaled) / one


def _current_pi() -> Decimal:
    return _pi(getcontext().prec)


@functools.cache
def _log_of_two_pi(digits: int) -> Decimal:
    with localcontext(prec=digits):
        return (2 * _pi(digits)).ln()


def _enough() -> int:
    """Stirling's series has all the digits from here: its error is about exp(-2 pi x)."""
    return getcontext().prec // 2


def _series(n: int | None, first: Decimal, x: Decimal) -> Decimal:
    """The asymptotic series of that order, whose first power is given, as far as the digits go."""
    digits = getcontext().prec
    total, power, square = Decimal(0), first, x * x
    limit = abs(first) * Decimal(10) ** -digits
    for k in range(digits):
        term = _coefficient(n, k, digits) * power
        total += term
        if abs(term) < limit:
            break
        power /= square
    return total


def _log_gamma_of_positive(x: Decimal) -> Decimal:
    product = ONE
    while x < _enough():
        product *= x
        x += 1
    series = _series(None, ONE / x, x)
    half = Decimal("0.5")
    return (x - half) * x.ln() - x + half * _log_of_two_pi(getcontext().prec) + series - product.ln()


def log_gamma(x: Decimal) -> Decimal:
    """Return log|Gamma(x)|."""
    if x > 0:
        return _log_gamma_of_positive(x)
    pi = _current_pi()
    return (pi / abs(_sine_cosine(x)[0])).ln() - _log_gamma_of_positive(1 - x)


def log_beta(a: Decimal, b: Decimal) -> Decimal:
    """Return log B(a, b) for positive a and b."""
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)


def _sine_cosine(x: Decimal) -> tuple[Decimal, Decimal]:
    """sin(pi x) and cos(pi x), up to a common sign."""
    angle = _current_pi() * (x - x.to_integral_value())
    limit = Decimal(10) ** -getcontext().prec
    sums, term, k = [Decimal(0), Decimal(0)], ONE, 0  # of cosine and sine
    while abs(term) > limit * abs(angle) or k < 2:
        sums[k % 2] += term if k % 4 < 2 else -term
        k += 1
        term *= angle / k
    return sums[1], sums[0]


@functools.cache
def cotangent_derivative(n: int) -> tuple[int, ...]:
    """The derivative of order n of the cotangent as a polynomial in it, lowest coefficient first."""
    if n == 0:
        return (0, 1)
    inner = [k * c for k, c in enumerate(cotangent_derivative(n - 1))][1:]
    return tuple(-c for c in (a + b for a, b in zip([*inner, 0, 0], [0, 0, *inner], strict=True)))


def polygamma(n: int, x: Decimal) -> Decimal:
    """Return the derivative of order n of the digamma function."""
    if x > 0:
        return _polygamma_of_positive(n, x)
    pi, (sine, cosine) = _current_pi(), _sine_cosine(x)
    cotangent, total = cosine / sine, Decimal(0)
    for coefficient in reversed(cotangent_derivative(n)):
        total = total * cotangent + coefficient
    return (-1) ** n * _polygamma_of_positive(n, 1 - x) - pi ** (n + 1) * total


def _polygamma_of_positive(n: int, x: Decimal) -> Decimal:
    shifted = Decimal(0)
    while x < _enough() + n:
        shifted += x ** -(n + 1)
        x += 1
    sign, whole = -((-1) ** n), math.factorial(n)
    series = _series(n, x ** -(n + 2), x)
    start = -x.ln() if n == 0 else math.factorial(n - 1) * x**-n
    return sign * (start + whole * x ** -(n + 1) / 2 + series + whole * shifted)
