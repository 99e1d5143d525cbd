"""log|Gamma| and the digamma function.

From 6 on Stirling's series (DLMF 5.11.1, 5.11.2), below the recurrence down to where a polynomial with the
function's zeros as factors serves (DLMF 5.5.1, 5.5.2), and reflection of negative arguments (DLMF 5.5.3,
5.5.4). Sums of terms that may cancel are kept as sums of two numbers. Between the poles there are zeros near
which that does not suffice: results of negative arguments have an absolute error of about 2**-53, and a
relative one in proportion to the size of the terms.
"""

from __future__ import annotations

import math

from diffsci.backends.vectormath.algebra import (
    Mask,
    Value,
    absolute,
    fma,
    isnan,
    polynomial,
    rarely,
    rint,
    select,
)
from diffsci.backends.vectormath.doubled import Doubled, quick_two_sum, two_product, two_sum
from diffsci.backends.vectormath.logarithms import log_doubled
from diffsci.backends.vectormath.special_coefficients import (
    COTANGENT,
    DIGAMMA,
    DIGAMMA_REST,
    DIGAMMA_ZERO,
    HALF_LOG_TWO_PI,
    LOG_GAMMA,
    SINE_OF_TURN,
    STIRLING,
)

__all__ = ["digamma", "log_gamma"]

_FIRST = 6.0  # from here on the series serve
_STEPS = 4  # of the recurrence
_SMALL = {"f8": 2.0**-70, "f4": 2.0**-35}  # only the pole counts up to here
_HUGE = {"f8": 2.0**900, "f4": 2.0**100}  # products beyond might overflow on the way


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
    code = x.format.code
    near, small, m = _down(x, 0.75, 2.5)
    product = select(m < 0.0, near, 1.0)
    for step in range(1, _STEPS + 1):
        product = select(m >= float(step), product * (near - float(step)), product)
    high, low = log_doubled(select(small, product, x))
    # The polynomial: its factors lose nothing.
    first, second, *others = LOG_GAMMA[code]
    lower, (upper, upper_low) = near - (m + 1.0), two_sum(near, -(m + 2.0))
    factor, error = two_product(lower, upper)
    error = fma(lower, upper_low, error)
    others, lost = [second, *others[:-2]], others[-2:]
    t = near - (m + 1.625)
    slope = polynomial(t, others)
    p = fma(slope, t, first)
    p_low = fma(slope, t, first - p) + fma(lost[1], t, lost[0])
    value, value_low = two_product(factor, p)
    value_low = fma(factor, p_low, fma(error, p, value_low))
    sign = select(m < 0.0, -1.0, 1.0)
    total, rest = two_sum(high * sign, value)
    near_value = total, rest + fma(low, sign, value_low)
    far_value = _stirling(x, high, low)
    return select(small, near_value[0], far_value[0]), select(small, near_value[1], far_value[1])


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
