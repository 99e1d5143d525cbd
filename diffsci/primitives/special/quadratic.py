"""The real roots of a x**2 + b x + c, and their derivatives of every order, without cancellation.

The derivatives of a root r in the coefficients depend on their number n and on the power m that the moved
coefficients have in sum (2 for a, 1 for b, 0 for c); this is Lagrange's inversion of p(r) = 0:

    R(n, m) = (-1)**n (1 / p' d/dr)**(n-1) (r**m / p')        with p' = 2 a r + b = +-sqrt(D)

so that one primitive is closed under differentiation. The discriminant D = b**2 - 4 a c is computed from
exact products after W. Kahan, "On the cost of floating-point computation without extra-precise arithmetic"
(2004); its relative error is at most 1.5 units (C.-P. Jeannerod, N. Louvet, J.-M. Muller, Math. Comp. 82
(2013)). Powers of two are kept apart: no intermediate result overflows or underflows.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special import doubled as dd
from diffsci.primitives.special.terms import f, row

__all__ = ["quadratic_root"]

Scaled = tuple[np.ndarray, np.ndarray]  # mantissa and exponent of two

ABSENT = -5000  # stands for the exponent of zero


def quadratic_root(a, b, c, *, upper: bool, count: int, power: int):
    """Return the derivative R(count, power) of the lower or the upper root; the root itself for count 0.

    NaN where there is no real root, and where a and b are 0. Where only a is, one root is infinite, as in
    the limit a -> +0 or a -> -0, by the sign of the zero.
    """
    with np.errstate(all="ignore"):
        value = _rounded(_Root(a, b, c, upper).derivative(count, power))
        degenerate = (a == 0) & (b == 0)
        return np.where(degenerate | ~np.isfinite(a) | ~np.isfinite(b) | ~np.isfinite(c), np.nan, value)


def _times(*factors: Scaled) -> Scaled:
    mantissa, exponent = factors[0]
    for other, power in factors[1:]:
        mantissa, exponent = mantissa * other, exponent + power
    return mantissa, exponent


def _over(x: Scaled, y: Scaled) -> Scaled:
    return x[0] / y[0], x[1] - y[1]


def _power(x: Scaled, n: int) -> Scaled:
    return x[0] ** float(n), n * x[1]


def _rounded(x: Scaled) -> np.ndarray:
    return np.ldexp(x[0], np.clip(x[1], -4000, 4000))


def _exponent_and_mantissa(x) -> Scaled:
    mantissa, exponent = np.frexp(np.asarray(x, float))
    return mantissa, exponent.astype(np.int64)


def _product_of_three(factor: float, x, y) -> tuple:
    """An exact product as a sum of doubles, the largest first."""
    high, low = dd.two_product(x, y)
    (first, second), (third, fourth) = dd.two_product(factor, high), dd.two_product(factor, low)
    return first, second, third, fourth


class _Root:
    """One root: its value, the slope p' there, and derivatives.

    Coefficients are scaled so that neither b**2 nor a c is above 1, and the larger of them not much below.
    """

    def __init__(self, a, b, c, upper: bool):
        self.a, self.b, self.c = map(_exponent_and_mantissa, (a, b, c))
        together = self.a[1] + self.c[1]
        size_of_square = np.where(b == 0, ABSENT, 2 * self.b[1])
        size_of_product = np.where((a == 0) | (c == 0), ABSENT, together)
        self.half = (np.maximum(size_of_square, size_of_product) + 1) // 2
        self.scaled_b = np.ldexp(self.b[0], np.clip(self.b[1] - self.half, -2000, 2))
        self.scaled_c = np.ldexp(self.c[0], np.clip(together - 2 * self.half, -2000, 2))
        self.root_of_discriminant = np.sqrt(self._discriminant())
        self.sign_of_b = np.copysign(1.0, self.scaled_b)
        self.sign = np.copysign(1.0, a) if upper else -np.copysign(1.0, a)
        self.slope = self.sign * self.root_of_discriminant, self.half
        self.root = self._value()

    def _discriminant(self):
        """b**2 - 4 a c, scaled, to 1.5 units in the last place."""
        square, square_error = dd.two_product(self.scaled_b, self.scaled_b)
        product, product_error = dd.two_product(4 * self.a[0], self.scaled_c)
        return (square - product) + (square_error - product_error)

    def _difference(self, of_square: float, of_product: float):
        """A multiple of b**2 less one of a c, scaled, with every digit: both are sums of four doubles."""
        total = (0.0, 0.0)
        squares = _product_of_three(of_square, self.scaled_b, self.scaled_b)
        products = _product_of_three(-of_product, self.a[0], self.scaled_c)
        for one, other in zip(squares, products, strict=True):  # the largest first
            total = dd.add(dd.add(total, one), other)
        return total[0]

    def _value(self) -> Scaled:
        """Return q / a or c / q with q = -(b + sign(b) sqrt(D)) / 2, where nothing cancels."""
        q = -0.5 * (self.scaled_b + self.sign_of_b * self.root_of_discriminant)
        far, near = _over((q, self.half), self.a), _over(self.c, (q, self.half))
        is_far = (self.sign != self.sign_of_b) | (q == 0)
        return np.where(is_far, far[0], near[0]), np.where(is_far, far[1], near[1])

    def _slope_and_b(self, k: int) -> Scaled:
        """Return k p' + b; where the two cancel, by the difference of their squares."""
        total = k * self.root_of_discriminant + np.abs(self.scaled_b)
        cancelled = self._difference(k * k - 1.0, 4.0 * k * k) / total
        return self.sign * np.where(self.sign == self.sign_of_b, total, cancelled), self.half

    def derivative(self, count: int, power: int) -> Scaled:
        """Return R(count, power)."""
        if count == 0:
            return self.root
        if count == 1:
            return _over(_times((-1.0, 0), _power(self.root, power)), self.slope)
        if count == 2:
            return _over(self._second(power), _power(self.slope, 3))
        return self._higher(count, power)

    def _second(self, power: int) -> Scaled:
        """Return R(2, power) p'**3, which is r**(m-1) ((m-1) p' + b); r times the other root is c / a."""
        if power == 0:
            return _times((-2.0, 0), self.a)
        if power == 1:
            return self.b
        if power == 2:
            return _times((-2.0, 0), self.c)
        return _times(_power(self.root, power - 1), self._slope_and_b(power - 1))

    def _higher(self, count: int, power: int) -> Scaled:
        """The operator in powers of u = 2 a r / p', on terms r**(i+j) (2 a)**j p'**-(k+j)."""
        coefficients, of_root, of_slope = [1], power, 1
        for _ in range(count - 1):
            higher = [0] * (len(coefficients) + 1)
            for j, coefficient in enumerate(coefficients):
                higher[j] += (of_root + j) * coefficient
                higher[j + 1] -= (of_slope + j) * coefficient
            coefficients, of_root, of_slope = higher, of_root - 1, of_slope + 1
        steepness = _over(_times((2.0, 0), self.a), self.slope)
        missing = max(-of_root, 0)  # the first coefficients are zero there
        total = (-1.0) ** count * self._polynomial(coefficients[missing:], steepness)
        total = _times((total, 0), _power(steepness, missing), _power(self.root, max(of_root, 0)))
        return _over(total, _power(self.slope, of_slope))

    def _polynomial(self, coefficients: list[int], steepness: Scaled):
        """A polynomial in u, expanded about 0, 1 or 2: zeros lie there when r, b or c vanish."""
        others = _over(self.b, self.slope), _over(self.c, _times(self.slope, self.root))
        offsets = (_rounded(_times(steepness, self.root)), -_rounded(others[0]), 2 * _rounded(others[1]))
        values = [_expanded(coefficients, centre, offset) for centre, offset in enumerate(offsets)]
        near = [np.abs(offset) < 0.5 for offset in offsets]
        return np.where(near[1], values[1], np.where(near[2], values[2], values[0]))


def _expanded(coefficients: list[int], centre: int, offset):
    """The value of a polynomial at a centre and an offset, by its expansion about the centre."""
    size, total = len(coefficients), 0.0
    for j in range(size):
        slope = sum(math.comb(i, j) * centre ** (i - j) * coefficients[i] for i in range(j, size))
        total = total + slope * offset**j
    return total


def _slope(power: int):
    def slope(a, b, c, y, upper, count, power, moved=power):
        return f.quadratic_root(a, b, c, upper=upper, count=count + 1, power=power + moved)

    return slope


row("quadratic_root", quadratic_root, *map(_slope, (2, 1, 0)), params=("upper", "count", "power"))
