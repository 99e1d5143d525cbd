"""Values of the error function's relatives within a few units in the last place, tails included.

Everything is made of two functions without cancellation: exp(x**2) erfc(x) for x >= 0, by one polynomial in
(x - 3) / (x + 3) after M. M. Shepherd and J. G. Laframboise, Mathematics of Computation 36 (1981), and
exp(-x**2), see `gaussian`. Near 0 the series of erf serves (DLMF 7.6.1). Formulas take an `arithmetic`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["TAILS", "erfc", "erfcx", "erfcx_derivative", "inverse_mills", "log_ndtr", "ndtr"]

from diffsci.primitives.special.doubled import two_sum
from diffsci.primitives.special.gaussian import horner, split_gaussian


@dataclass(frozen=True)
class Tail:
    """How the tail of one rate is written as a polynomial."""

    centre: float
    shift: float
    coefficients: tuple[float, ...]


# By rate and order n: the derivative of order n of exp(rate x**2) erfc(sqrt(rate) x), times
# (-1)**n (x + shift)**(n+1), as a polynomial in (x - centre) / (x + centre), lowest coefficient first:
# Chebyshev series cut at 1e-17, which tests/stable/test_errorfunctions.py computes again.
TAILS = {
    (1.0, 0): Tail(
        centre=3.0,
        shift=0.5,
        coefficients=(
            0.6265040291348648, -0.0678105530622906, -0.023781147176725546, 0.06482257935138237,
            -0.059636831707640114, 0.03415401367192258, -0.011885257459753426, 0.0012646959090237334,
            0.0009443451858453814, -0.0003899161442411542, -5.2579950543649244e-05, 6.25497177856406e-05,
            2.4749943311321735e-06, -1.0050421547422363e-05, -3.665716298717985e-07, 1.7365120839207664e-06,
            1.8019554628563854e-07, -3.0878088394961617e-07, -7.341587747060292e-08, 5.138998744135529e-08,
            2.3475473345807367e-08, -6.953072895865497e-09, -5.8672320688948285e-09, 6.009859720067896e-10,
            1.0313161479916228e-09, -1.725748743832164e-11, -9.40968315472429e-11,
        ),
    ),
    (0.5, 0): Tail(
        centre=4.0,
        shift=1.0,
        coefficients=(
            0.9441064130196893, -0.19340695465305155, 0.02799926944884891, 0.05720072810709396,
            -0.06439567485605775, 0.035872194959616625, -0.010004757184721413, -0.000571246200468027,
            0.001389794240368064, -0.00018886046408913456, -0.00017570658445928414, 4.2499831458898694e-05,
            2.7254688301596458e-05, -6.863312537725139e-06, -5.22852140084708e-06, 8.059824855148804e-07,
            1.1090702114972587e-06, 8.484688836910488e-09, -2.2811639335122134e-07, -4.6630976323988575e-08,
            3.9755180173231154e-08, 1.7717077686825447e-08, -4.7819517121909214e-09, -3.813620868559061e-09,
            1.9951680563351655e-10, 3.937547882314512e-10, 2.4300630585159473e-11,
        ),
    ),
    (1.0, 1): Tail(
        centre=3.0,
        shift=0.5,
        coefficients=(
            0.6660601850878677, -0.051367640199826356, -0.17340210720983462, 0.2165688536976838,
            -0.11798236853363767, 0.004819373326310583, 0.042219505276412224, -0.03137991334798536,
            0.007939228167686059, 0.0024797429994620544, -0.0020037588071519217, -5.918210835907166e-05,
            0.0003703241438809187, -1.646457511197685e-05, -7.084810070305e-05, 2.2758392868819026e-06,
            1.4559751528036311e-05, 7.550349588172291e-07, -3.0279946737483592e-06, -5.676420036205546e-07,
            5.728198635744365e-07, 2.024878762094706e-07, -8.370546973172969e-08, -4.433996041100522e-08,
            6.7650494862554956e-09, 4.714607542997468e-09,
        ),
    ),
    (1.0, 2): Tail(
        centre=3.0,
        shift=0.5,
        coefficients=(
            1.3620848269589672, 0.09100590464518994, -0.8050035942103909, 0.6722125714803949,
            -0.057965087841908035, -0.33075065823885946, 0.2648335232381579, -0.030870694293000978,
            -0.07807930589510662, 0.0468317913898391, 0.002331685866540579, -0.011168151421519437,
            0.0013348360728560466, 0.0023616970188492063, -0.0004158868146030222, -0.0005391537307164083,
            7.417414080979874e-05, 0.00013291295861832497, -2.666522417325052e-06, -3.28355380998351e-05,
            -4.881546700597348e-06, 7.3996124501795755e-06, 2.6560037875429074e-06,
            -1.3656739064198547e-06, -8.499641945700469e-07, 1.7705956953080598e-07,
            1.7071698421505693e-07, -1.1721052380833636e-08, -1.6655025840602757e-08,
        ),
    ),
}  # fmt: skip
NEAR = 0.25  # of erf, and 1.4 times as much of the normal distribution: the series up to here
SERIES_TERMS = 11
HUGE = 1e150  # squares are not taken beyond
ROOT_HALF = math.sqrt(0.5)


def _scaled_tail(m: Any, x: Any, rate: float, correction: Any = 0.0) -> Any:
    """Return exp(rate x**2) erfc(sqrt(rate) x) for x >= 0, times 1 + correction, which is tiny.

    What is lost in the denominator x + shift is put back with it.
    """
    tail = TAILS[rate, 0]
    bounded = m.minimum(x, HUGE)
    t = (bounded - tail.centre) / (bounded + tail.centre)
    slope = horner(tail.coefficients[1:], t)
    denominator, lost = two_sum(bounded, tail.shift)
    value = slope * t + tail.coefficients[0]
    value = (slope * t + value * (correction - lost / denominator)) + tail.coefficients[0]
    return value / (x + tail.shift)


def _series(m: Any, x: Any, rate: float) -> Any:
    """2 sqrt(rate / pi) times the integral of exp(-rate t**2) from 0 to x, for small x."""
    scale = 2 * math.sqrt(rate / math.pi)
    coefficients = [scale * (-rate) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(SERIES_TERMS + 1)]
    x = m.minimum(m.maximum(x, -1.0), 1.0)
    return x * horner(coefficients, x * x)


def _tail(m: Any, size: Any, rate: float) -> Any:
    """erfc(sqrt(rate) size) for size >= 0."""
    high, low, error = split_gaussian(m, size, -rate)
    return (_scaled_tail(m, size, rate, error) * low) * high


def erfc(m: Any, x: Any) -> Any:
    """1 - erf(x)."""
    tail = _tail(m, m.abs(x), 1.0)
    far = m.where(m.lt(x, 0.0), 2.0 - tail, tail)
    return m.where(m.lt(m.abs(x), NEAR), 1.0 - _series(m, x, 1.0), far)


def erfcx(m: Any, x: Any) -> Any:
    """exp(x**2) erfc(x)."""
    high, low, error = split_gaussian(m, m.minimum(x, NEAR), 1.0)
    right = _scaled_tail(m, m.abs(x), 1.0)
    left = 2.0 * high * (low * (1.0 + error)) - right
    far = m.where(m.lt(x, 0.0), left, right)
    return m.where(m.lt(m.abs(x), NEAR), high * (1.0 - _series(m, x, 1.0)), far)


def erfcx_derivative(m: Any, x: Any, order: int) -> Any:
    """The first or second derivative of exp(x**2) erfc(x).

    For x < 0, and near 0, 2 x y - 2 / sqrt(pi) and what follows from it have no cancellation.
    """
    near = m.minimum(x, NEAR)
    value = erfcx(m, near)
    left = 2.0 * near * value - 2 / math.sqrt(math.pi)
    if order == 2:
        left = 2.0 * (near * left + value)
    tail, size = TAILS[1.0, order], m.maximum(x, NEAR)
    bounded = m.minimum(size, HUGE)
    right = (-1) ** order * horner(tail.coefficients, (bounded - tail.centre) / (bounded + tail.centre))
    for _ in range(order + 1):
        right = right / (size + tail.shift)
    return m.where(m.lt(x, NEAR), left, right)


def ndtr(m: Any, x: Any) -> Any:
    """The normal distribution: erfc(-x / sqrt(2)) / 2."""
    tail = 0.5 * _tail(m, m.abs(x), 0.5)
    far = m.where(m.gt(x, 0.0), 1.0 - tail, tail)
    return m.where(m.lt(m.abs(x), NEAR / ROOT_HALF), 0.5 + 0.5 * _series(m, x, 0.5), far)


def log_ndtr(m: Any, x: Any) -> Any:
    """The logarithm of the normal distribution: -x**2 / 2 never passes through an exponential."""
    size = m.minimum(m.abs(x), HUGE)
    logarithm = m.log(0.5 * _scaled_tail(m, size, 0.5))
    left = (logarithm - 0.5 * m.product_error(size, size)) - 0.5 * (size * size)
    left = m.where(m.lt(x, -HUGE), -0.5 * x * x, left)
    q = ndtr(m, -m.abs(x))
    right = m.where(m.lt(x, 0.0), m.log(q), m.log1p(-q))
    return m.where(m.lt(x, -NEAR / ROOT_HALF), left, right)


def inverse_mills(m: Any, x: Any) -> Any:
    """The density of the normal distribution divided by the distribution: the slope of its logarithm."""
    left = math.sqrt(2 / math.pi) / _scaled_tail(m, m.maximum(-x, 0.0), 0.5)
    high, low, error = split_gaussian(m, x, -0.5)
    right = (low * (1.0 + error) / math.sqrt(2 * math.pi) / ndtr(m, x)) * high
    return m.where(m.lt(x, -HUGE), -x, m.where(m.lt(x, 0.0), left, right))
