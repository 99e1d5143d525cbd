"""sin, cos and tan: reduction to |r| <= pi / 4, then short polynomials.

Sources: W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), ch. 8 and 9, with
the reduction by fused multiply-adds of J.-M. Muller, Elementary Functions, 3rd ed. (2016), ch. 11; for large
angles M. H. Payne and R. N. Hanek, ACM SIGNUM Newsletter 18 (1983): as many digits of 2 / pi are multiplied
as matter, in floating-point numbers that stand for stretches of its digits.
"""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import (
    Bits,
    Mask,
    Value,
    absolute,
    bits,
    float_from,
    fma,
    lookup,
    nearest,
    polynomial,
    rarely,
    select,
    shift_right,
)
from diffsci.backends.vectormath.coefficients import COSINE, HALF_PI, INVERSE_HALF_PI, SINE
from diffsci.backends.vectormath.doubled import distilled, quick_two_sum, two_product

__all__ = ["cos", "sin", "sin_cos", "tan"]

_LARGE = {"f8": 2.0**30, "f4": 2.0**15}  # multiples of pi / 2 fit into the reduction up to here
_TINY = {"f8": 2.0**-30, "f4": 2.0**-15}  # sin(x) and tan(x) are x here, their signs those of zeros
_GROUP = {"f8": 5, "f4": 3}  # logarithm of how many exponents share the digits of 2 / pi
_COARSE = {"f8": 1.5 * 2.0**92, "f4": 1.5 * 2.0**39}  # adding it rounds to multiples of 2**40 or 2**16


def sin(x: Value) -> Value:
    """Return the sine."""
    return _sine(x, *_parts(x))


def cos(x: Value) -> Value:
    """Return the cosine."""
    return _cosine(*_parts(x))


def sin_cos(x: Value) -> tuple[Value, Value]:
    """Return the sine and the cosine, for little more than one of them costs."""
    parts = _parts(x)
    return _sine(x, *parts), _cosine(*parts)


def tan(x: Value) -> Value:
    """Return the tangent: sine by cosine, both with what their last rounding lost."""
    code = x.format.code
    r, low, n = _reduced_doubled(x)
    z = r * r
    low_part = fma(z * -0.5, low, low)
    sine_rest = fma(r * z, polynomial(z, SINE[code]), low_part)
    cosine_rest = fma(z * z, polynomial(z, COSINE[code]), fma(r, -low, z * -0.5))
    odd = (n & 1) == 1
    top, top_rest = select(odd, -1.0, r), select(odd, -cosine_rest, sine_rest)
    below, below_rest = select(odd, r, 1.0), select(odd, sine_rest, cosine_rest)
    numerator, denominator = top + top_rest, below + below_rest
    numerator_lost = (top - numerator) + top_rest
    denominator_lost = (below - denominator) + below_rest
    inverse = 1.0 / denominator
    quotient = numerator * inverse
    rest = fma(-quotient, denominator, numerator)
    rest = rest + fma(-quotient, denominator_lost, numerator_lost)
    return select(absolute(x) < _TINY[code], x, fma(rest, inverse, quotient))


def _parts(x: Value) -> tuple[Value, Value, Bits]:
    """Return sine and cosine of x less the nearest n pi / 2, and n."""
    code = x.format.code
    r, n = _reduced(x)
    z = r * r
    sine = fma(r * z, polynomial(z, SINE[code]), r)
    half = z * 0.5
    whole = 1.0 - half
    cosine = whole + fma(z * z, polynomial(z, COSINE[code]), (1.0 - whole) - half)
    return sine, cosine, n


def _sine(x: Value, sine: Value, cosine: Value, n: Bits) -> Value:
    value = _turned(select((n & 1) == 1, cosine, sine), n)
    return select(absolute(x) < _TINY[x.format.code], x, value)


def _cosine(sine: Value, cosine: Value, n: Bits) -> Value:
    return _turned(select((n & 1) == 1, sine, cosine), n + 1)


def _turned(value: Value, n: Bits) -> Value:
    """Change the sign where n is 2 or 3 modulo 4."""
    return float_from(bits(value) ^ ((n & 2) << (value.format.width - 2)))


def _reduced(x: Value) -> tuple[Value, Bits]:
    """Return r and n modulo 4, with x = n pi / 2 + r."""
    whole, n = nearest(x * (2 / math.pi))
    r = x
    for part in HALF_PI[x.format.code]:
        r = fma(whole, -part, r)
    return rarely(_is_large(x), lambda: _reduced_large(x)[1:], r, n)


def _reduced_doubled(x: Value) -> tuple[Value, Value, Bits]:
    """Return r, what its rounding lost, and n modulo 4."""
    first, second, third = HALF_PI[x.format.code]
    whole, n = nearest(x * (2 / math.pi))
    exact = fma(whole, -first, x)  # no digit is lost: its unit is that of the first constant
    product, error = two_product(whole, second)
    near = exact - product
    low = fma(whole, -third, ((exact - near) - product) - error)
    r, low = quick_two_sum(near, low)
    low, r, n = rarely(_is_large(x), lambda: _reduced_large(x), low, r, n)
    return r, low, n


def _is_large(x: Value) -> Mask:
    return ~(absolute(x) < _LARGE[x.format.code])


def _reduced_large(x: Value) -> tuple[Value, Value, Bits]:
    """Return what the rounding of r lost, r and n, by those digits of 2 / pi that matter for the exponent.

    The angle is an integer of few bits times a power of two, of which the product with 2 / pi is known
    modulo 4 (see `INVERSE_HALF_PI`).
    """
    fmt = x.format
    exponent = shift_right(bits(absolute(x)), fmt.fraction) - (fmt.bias + fmt.fraction)
    group = exponent >> _GROUP[fmt.code]
    group = select(group < 0, 0, group)  # of small angles, which share the block with large ones
    integer = x * float_from((fmt.bias - (group << _GROUP[fmt.code])) << fmt.fraction)
    products = [two_product(integer, lookup(part, group)) for part in INVERSE_HALF_PI[fmt.code]]
    first, *others = (part for product in products for part in product)
    first = first - ((first + _COARSE[fmt.code]) - _COARSE[fmt.code])
    turns, n = [], None
    for part in (first, *others[:2]):  # the others are smaller than one
        whole, count = nearest(part)
        turns.append(part - whole)
        n = count if n is None else n + count
    whole, count = nearest(turns[0] + turns[1] + turns[2])
    turn, turn_low = distilled([-whole, *turns, *others[2:]])
    first, second, _ = HALF_PI[fmt.code]
    product, error = two_product(turn, first)
    low = fma(turn_low, first, fma(turn, second, error))
    r, low = quick_two_sum(product, low)
    return low, select(absolute(x) < math.inf, r, x - x), n + count
