"""Bessel, spherical Bessel, Airy and Struve functions. Orders are data.

Formulas: NIST Digital Library of Mathematical Functions (DLMF), chapters 9 to 11.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.special.terms import Data, f, row

ASYMPTOTIC = 30.0  # the large-argument series of the scaled functions serve from here (and from order**2)
ORDER = Data("the order")


def _central_difference(function, v, x, order: int):
    """2**-n times the difference of order 2 n in steps of one of the order v of the function."""
    terms = ((-1) ** j * math.comb(2 * order, j) * function(v + (order - j), x) for j in range(2 * order + 1))
    return sum(terms) / 2.0**order


def _asymptotic(v, x, order: int, sign: float):
    """The sum of sign**k a_k(v) x**(-k-1/2), differentiated term by term (DLMF 10.40.1, 10.40.2)."""
    total, factor = 0.0, 1.0
    power = x ** (-0.5 - order)
    for k in range(25):
        slope = math.prod(-0.5 - k - i for i in range(order))
        total = total + slope * factor * power
        factor = factor * sign * (4 * v * v - (2 * k + 1) ** 2) / (8 * (k + 1))
        power = power / x
    return total


def _scaled(function, sign: float, scale: float):
    """The derivative of some order of a scaled modified Bessel function.

    Each derivative of exp(-x) I_v is half a second difference in v (DLMF 10.29.1), and so, up to the sign,
    for exp(x) K_v. For large x that difference cancels, and the asymptotic series is differentiated.
    """

    def value(v, x, *, order: int):
        v, x = np.asarray(v, float), np.asarray(x, float)
        far = x > np.maximum(ASYMPTOTIC, v * v)
        with np.errstate(all="ignore"):
            near = (-sign) ** order * _central_difference(function, v, x, order)
            series = scale * _asymptotic(v, np.where(far, x, np.inf), order, sign)
        return np.where(far, series, near)

    return value


_ive_of_positive = _scaled(special.ive, -1.0, 1 / math.sqrt(2 * math.pi))
_kve_of_positive = _scaled(special.kve, 1.0, math.sqrt(math.pi / 2))


def _ive_derivative(v, x, *, order: int):
    """The derivative of that order of exp(-|x|) I_v(x); at its kink x = 0 the mean of both sides."""
    v, x = np.asarray(v, float), np.asarray(x, float)
    right = _ive_of_positive(v, np.abs(x), order=order)
    whole = v == np.rint(v)
    left = np.where(whole, np.cos(np.pi * (v + order)), np.nan) * right
    return np.where(x > 0, right, np.where(x < 0, left, np.where(whole, (left + right) / 2, right)))


def _two_neighbours(name: str, first: float, second: float):
    """Half of a signed sum of the functions of the next lower and the next higher order."""

    def slope(v, x, y):
        return 0.5 * (first * getattr(f, name)(v - 1, x) + second * getattr(f, name)(v + 1, x))

    return slope


row("jv", special.jv, ORDER, _two_neighbours("jv", 1, -1))
row("yv", special.yv, ORDER, _two_neighbours("yv", 1, -1))
row("iv", special.iv, ORDER, _two_neighbours("iv", 1, 1))
row("kv", special.kv, ORDER, _two_neighbours("kv", -1, -1))
row("ive", special.ive, ORDER, lambda v, x, y: f.ive_derivative(v, x, order=1))
row("kve", special.kve, ORDER, lambda v, x, y: f.kve_derivative(v, x, order=1))
for _name, _value in (("ive_derivative", _ive_derivative), ("kve_derivative", _kve_of_positive)):
    row(
        _name,
        _value,
        ORDER,
        lambda v, x, y, order, name=_name: getattr(f, name)(v, x, order=order + 1),
        params=("order",),
    )

# The orders 0 and 1 have functions of their own, which are faster.
for _name, _general, _sign in (("j", "jv", -1), ("y", "yv", -1), ("i", "iv", 1), ("k", "kv", 1)):
    _outer = -1 if _name in "jyk" else 1  # f0' = +-f1
    _half = -0.5 if _name == "k" else 0.5  # f1' = +-(f0 +- f2) / 2

    def _first_slope(x, y, name=_name, general=_general, sign=_sign, half=_half):
        return half * (getattr(f, name + "0")(x) + sign * getattr(f, general)(f.like(x, 2.0), x))

    row(
        _name + "0",
        getattr(special, _name + "0"),
        lambda x, y, name=_name, outer=_outer: outer * getattr(f, name + "1")(x),
    )
    row(_name + "1", getattr(special, _name + "1"), _first_slope)

row("i0e", special.i0e, lambda x, y: f.ive_derivative(f.like(x, 0.0), x, order=1))
row("i1e", special.i1e, lambda x, y: f.ive_derivative(f.like(x, 1.0), x, order=1))
row("k0e", special.k0e, lambda x, y: f.kve_derivative(f.like(x, 0.0), x, order=1))
row("k1e", special.k1e, lambda x, y: f.kve_derivative(f.like(x, 1.0), x, order=1))


def _spherical(function):
    return lambda n, x: function(np.asarray(n).astype(np.int64), x)


def _spherical_slope(name: str, lower: float, upper: float):
    """(n f_(n-1) + (n+1) f_(n+1)) / (2n+1) with signs (DLMF 10.51.2, 10.51.5); at n = 0 only the second."""

    def slope(n, x, y):
        function = getattr(f, name)
        below = function(f.maximum(n - 1, 0.0), x)
        return (lower * n * below + upper * (n + 1) * function(n + 1, x)) / (2 * n + 1)

    return slope


row("spherical_jn", _spherical(special.spherical_jn), ORDER, _spherical_slope("spherical_jn", 1, -1))
row("spherical_yn", _spherical(special.spherical_yn), ORDER, _spherical_slope("spherical_yn", 1, -1))
row("spherical_in", _spherical(special.spherical_in), ORDER, _spherical_slope("spherical_in", 1, 1))
row("spherical_kn", _spherical(special.spherical_kn), ORDER, _spherical_slope("spherical_kn", -1, -1))


def _component(function, index: int):
    return lambda *operands: function(*operands)[index]


row("airy_ai", _component(special.airy, 0), lambda x, y: f.airy_aip(x))
row("airy_aip", _component(special.airy, 1), lambda x, y: x * f.airy_ai(x))
row("airy_bi", _component(special.airy, 2), lambda x, y: f.airy_bip(x))
row("airy_bip", _component(special.airy, 3), lambda x, y: x * f.airy_bi(x))


def _struve_slope(name: str, sign: float):
    """The slope of a Struve function (DLMF 11.4.29, 11.4.30)."""

    def slope(v, x, y):
        function = getattr(f, name)
        extra = f.pow(0.5 * x, v) * f.rgamma(v + 1.5) / math.sqrt(math.pi)
        return 0.5 * (function(v - 1, x) + sign * function(v + 1, x) + extra)

    return slope


row("struve", special.struve, ORDER, _struve_slope("struve", -1))
row("modstruve", special.modstruve, ORDER, _struve_slope("modstruve", 1))
