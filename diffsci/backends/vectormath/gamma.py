"""The gamma function, log|Gamma| and the digamma function.

From 6 on Stirling's series (DLMF 5.11.1, 5.11.2), below the recurrence down to where a polynomial with the
function's zeros as factors serves (DLMF 5.5.1, 5.5.2), and reflection of negative arguments (DLMF 5.5.3,
5.5.4). Sums of terms that may cancel are kept as sums of two numbers. Between the poles there are zeros near
which that does not suffice: results of negative arguments have an absolute error of about 2**-53, and a
relative one in proportion to the size of the terms. The gamma function itself has no zeros: it is the
power of two whose exponent is a sum of two numbers, times the factors of the recurrence.
"""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import (
    Mask,
    Value,
    absolute,
    constant,
    copysign,
    fma,
    isnan,
    lookup,
    nearest,
    polynomial,
    rarely,
    rint,
    select,
)
from diffsci.backends.vectormath.coefficients import INVERSE_LN2
from diffsci.backends.vectormath.doubled import Doubled, quick_two_sum, two_product, two_sum
from diffsci.backends.vectormath.exponentials import exp2_parts, two_steps
from diffsci.backends.vectormath.logarithms import log_doubled
from diffsci.backends.vectormath.powers import log2_doubled
from diffsci.backends.vectormath.special_coefficients import (
    COTANGENT,
    DIGAMMA,
    DIGAMMA_REST,
    DIGAMMA_ZERO,
    HALF_LOG2_TWO_PI,
    HALF_LOG_TWO_PI,
    LOG_GAMMA,
    SINE_OF_TURN,
    STIRLING,
)

__all__ = ["digamma", "gamma", "log_gamma"]

_FIRST = 6.0  # from here on the series serve
_STEPS = 4  # of the recurrence
_SMALL = {"f8": 2.0**-70, "f4": 2.0**-35}  # only the pole counts up to here
_HUGE = {"f8": 2.0**900, "f4": 2.0**100}  # products beyond might overflow on the way
_WHOLE = {"f8": 23.0, "f4": 14.0}  # integers up to here have values that are numbers of the format
_BEYOND = {"f8": 200.0, "f4": 50.0}  # the gamma function here is beyond the format, and 0 at minus as much


def gamma(x: Value) -> Value:
    """Return Gamma(x); infinity with its sign at zeros, NaN at negative integers, as SciPy has it."""
    code = x.format.code
    size, beyond = absolute(x), _BEYOND[code]
    s = select(size < beyond, size, beyond)
    near, small, m = _down(s, 0.75, 2.5)
    above, above_low = _factors(near, m)
    below = select(m < 0.0, near, 1.0)
    logs = zip(_base_two(*_by_zeros(near, m)), _stirling_base_two(select(small, _FIRST, s)), strict=True)
    high, low = (select(small, *parts) for parts in logs)
    y, n = exp2_parts(high, low)
    value = two_steps(fma(y, above, y * above_low) / below, n)
    value = rarely((s <= _WHOLE[code]) & (rint(s) == s), lambda: _whole(s, value), value)

    def reflected() -> Value:
        # Gamma(-s) = -pi / (s sin(pi s) Gamma(s))
        whole = rint(size)
        t = size - whole
        z = t * t
        sine, sine_low = _base_two(z * polynomial(z, SINE_OF_TURN[code]))
        total, lost = two_sum(-high, -sine)
        y, n = exp2_parts(total, lost - (low + sine_low))
        half = whole * 0.5
        turned = select(rint(half) == half, -t, t)
        product, error = two_product(turned, s)
        factor = product * above
        lost = fma(product, above, -factor) + fma(product, above_low, error * above)
        quotient = y / select(m < 0.0, turned, factor)
        other = two_steps(select(m < 0.0, quotient, fma(-quotient, lost / factor, quotient)), n)
        return select(x < 0.0, select(t == 0.0, math.nan, other), value)

    result = rarely(x < 0.0, reflected, value)
    return select(isnan(x), x, select(size == 0.0, copysign(math.inf, x), result))


def log_gamma(x: Value) -> Value:
    """Return log|Gamma(x)|; of -inf it is -inf, as SciPy has it."""
    size = absolute(x)
    high, low = _log_gamma_of_positive(size)

    def reflected() -> Value:
        return select(x < 0.0, _log_gamma_reflected(size, high, low), high + low)

    value = rarely(x < 0.0, reflected, high + low)
    return select(isnan(x) | (size == math.inf), x, select(size == 0.0, math.inf, value))


def digamma(x: Value) -> Value:
    """Return the derivative of log Gamma(x)."""
    size = absolute(x)
    high, low = _digamma_of_positive(size)

    def reflected() -> Value:
        return select(x < 0.0, _digamma_reflected(size, high, low), high + low)

    value = rarely(x < 0.0, reflected, high + low)
    value = select(size < _SMALL[x.format.code], -1.0 / x, value)
    return select(isnan(x) | (x == -math.inf), math.nan, select(x == math.inf, x, value))


def _down(x: Value, low: float, high: float) -> tuple[Value, Mask, Value]:
    """Return x below `_FIRST`, where it is, and m = -1, 0, ..., with low <= x - m <= high."""
    small = x < _FIRST
    x = select(small, x, 2.0)
    steps = select(x < high, 0.0, rint(x - 2.0))
    return x, small, select(x < low, -1.0, steps)


def _log_gamma_of_positive(x: Value) -> Doubled:
    near, small, m = _down(x, 0.75, 2.5)
    product = select(m < 0.0, near, 1.0)
    for step in range(1, _STEPS + 1):
        product = select(m >= float(step), product * (near - float(step)), product)
    high, low = log_doubled(select(small, product, x))
    value, value_low = _by_zeros(near, m)
    sign = select(m < 0.0, -1.0, 1.0)
    total, rest = two_sum(high * sign, value)
    near_value = total, rest + fma(low, sign, value_low)
    far_value = _stirling(x, high, low)
    return select(small, near_value[0], far_value[0]), select(small, near_value[1], far_value[1])


def _whole(s: Value, value: Value) -> Value:
    """Return factorials where s is an integer from 1 to `_WHOLE`, else the value."""
    last = _WHOLE[s.format.code]
    table = [float(math.factorial(max(k - 1, 0))) for k in range(int(last) + 1)]
    inside = (s >= 1.0) & (s <= last) & (rint(s) == s)
    return select(inside, lookup(table, nearest(select(inside, s, 1.0))[1]), value)


def _base_two(value: Value, low: Value | float = 0.0) -> Doubled:
    """Return (value + low) / ln 2."""
    first, second = INVERSE_LN2[value.format.code]
    product, error = two_product(value, first)
    return product, fma(low, first, fma(value, second, error))


def _stirling_base_two(x: Value) -> Doubled:
    """Return log2 Gamma(x) by Stirling's series: products with log2(x) keep eleven bits more than one has."""
    code = x.format.code
    log, log_low = log2_doubled(x)
    factor, inverse = x - 0.5, 1.0 / x
    product, error = two_product(factor, log)
    error = fma(factor, log_low, error)
    turned, turned_low = _base_two(-x)
    constant, constant_low = HALF_LOG2_TWO_PI[code]
    total, lost = quick_two_sum(product, turned)
    total, more = quick_two_sum(total, constant)
    rest = fma(inverse * polynomial(inverse * inverse, STIRLING[code]), INVERSE_LN2[code][0], constant_low)
    return total, rest + (lost + more + (error + turned_low))


def _factors(near: Value, m: Value) -> Doubled:
    """Return (near - 1) ... (near - m)."""
    product, low = constant(1.0, near), constant(0.0, near)
    for step in range(1, _STEPS + 1):
        counts, factor = m >= float(step), near - float(step)
        more, error = two_product(product, factor)
        low = select(counts, fma(low, factor, error), low)
        product = select(counts, more, product)
    return product, low


def _by_zeros(near: Value, m: Value) -> Doubled:
    """Return log Gamma(near - m), 0.75 <= near - m <= 2.5: a polynomial, whose factors lose nothing."""
    first, second, *others = LOG_GAMMA[near.format.code]
    lower, (upper, upper_low) = near - (m + 1.0), two_sum(near, -(m + 2.0))
    factor, error = two_product(lower, upper)
    error = fma(lower, upper_low, error)
    others, lost = [second, *others[:-2]], others[-2:]
    t = near - (m + 1.625)
    slope = polynomial(t, others)
    p = fma(slope, t, first)
    p_low = fma(slope, t, first - p) + fma(lost[1], t, lost[0])
    value, value_low = two_product(factor, p)
    return value, fma(factor, p_low, fma(error, p, value_low))


def _stirling(x: Value, log: Value, log_low: Value) -> Doubled:
    """Return (x - 1/2) log(x) - x + log(2 pi) / 2 and the series, which is of no use below 6."""
    code = x.format.code
    inverse = 1.0 / x
    constant, constant_low = HALF_LOG_TWO_PI[code]
    factor = x - 0.5
    product, error = two_product(factor, log)
    total, lost = quick_two_sum(product, -x)
    total, more = quick_two_sum(total, constant)
    rest = fma(inverse, polynomial(inverse * inverse, STIRLING[code]), constant_low)
    rest = rest + ((lost + more) + fma(factor, log_low, error))
    huge = x > _HUGE[code]
    return select(huge, x * (log - 1.0), total), select(huge, 0.0, rest)


def _log_gamma_reflected(size: Value, high: Value, low: Value) -> Value:
    """Return log|Gamma(-size)| = -log(size |sin(pi size)| / pi) - log Gamma(size)."""
    code = size.format.code
    distance = absolute(size - rint(size))
    product, error = two_product(size, distance)
    log, log_low = log_doubled(product)
    z = distance * distance
    sine = z * polynomial(z, SINE_OF_TURN[code])
    total, rest = two_sum(log, high)
    total, more = two_sum(total, sine)
    value = -(total + (rest + (more + (low + (log_low + error / product)))))
    value = select(size < _SMALL[code], high + low, value)
    return select(distance == 0.0, math.inf, value)


def _digamma_of_positive(x: Value) -> Doubled:
    code = x.format.code
    near, small, m = _down(x, 1.0, 2.5)
    above, below = select(m < 0.0, -1.0, 0.0), select(m < 0.0, near, 1.0)
    for step in range(1, _STEPS + 1):
        counts, term = m >= float(step), near - float(step)
        above = select(counts, fma(above, term, below), above)
        below = select(counts, below * term, below)
    above, below = select(small, above, -0.5), select(small, below, x)
    inverse = 1.0 / below
    quotient = above * inverse
    quotient_low = fma(-quotient, below, above) * inverse
    # The polynomial.
    first, second, *others = DIGAMMA[code]
    zero, zero_low = DIGAMMA_ZERO[code]
    y = near - m
    others, lost = [second, *others[:-2]], others[-2:]
    t = y - 1.75
    slope = polynomial(t, others)
    p = fma(slope, t, first)
    p_low = fma(slope, t, first - p) + fma(lost[1], t, lost[0])
    factor, factor_low = two_sum(y - zero, -zero_low)
    value, value_low = two_product(factor, p)
    value_low = fma(factor, p_low, fma(factor_low, p, value_low))
    # The series.
    high, low = log_doubled(x)
    w = inverse * inverse
    low = fma(w, polynomial(w, DIGAMMA_REST[code]), low)
    total, rest = two_sum(select(small, value, high), quotient)
    return total, rest + (select(small, value_low, low) + quotient_low)


def _digamma_reflected(size: Value, high: Value, low: Value) -> Value:
    """Return digamma(-size) = digamma(size) + 1 / size + pi cot(pi size)."""
    code = size.format.code
    distance = size - rint(size)
    first, second = 1.0 / size, 1.0 / distance
    lost = fma(-first, size, 1.0) * first + fma(-second, distance, 1.0) * second
    turned = distance * polynomial(distance * distance, COTANGENT[code])
    total, rest = two_sum(high, second)
    total, more = two_sum(total, first)
    total, most = two_sum(total, -turned)
    value = total + (rest + (more + (most + (low + lost))))
    return select(distance == 0.0, math.nan, value)
