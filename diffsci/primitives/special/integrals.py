"""Exponential, trigonometric and hyperbolic integrals, the dilogarithm, zeta, and removable singularities.

Formulas: NIST Digital Library of Mathematical Functions (DLMF), chapters 6, 8.19 and 25.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special.exponentials import phi_derivative
from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.special.terms import Data, f, row


def _expn(n, x):
    """E_n also for n <= 0, where it is elementary: n E_(n+1) = exp(-x) - x E_n (DLMF 8.19.12)."""
    n, x = np.asarray(n, float), np.asarray(x, float)
    with np.errstate(all="ignore"):
        value = special.expn(np.maximum(n, 0).astype(np.int64), x)
        lower = np.exp(-x) / x
        for k in range(1, int(-np.min(n, initial=0.0)) + 1):
            lower = (np.exp(-x) + k * lower) / x
            value = np.where(n == -k, lower, value)
    return value


row("exp1", special.exp1, lambda x, y: f.defined(y, -f.exp(-x) / x))
row("expi", special.expi, lambda x, y: f.exp(x) / x)
row("expn", _expn, Data("n"), lambda n, x, y: -f.expn(n - 1, x))


def _component(function, index: int):
    return lambda x: function(x)[index]


row("sine_integral", _component(special.sici, 0), lambda x, y: f.sinc_unnormalized(x))
row("cosine_integral", _component(special.sici, 1), lambda x, y: f.defined(y, f.cos(x) / x))
row("sinh_integral", _component(special.shichi, 0), lambda x, y: f.spherical_in(f.like(x, 0.0), x))
row("cosh_integral", _component(special.shichi, 1), lambda x, y: f.defined(y, f.cosh(x) / x))


def _power_integral(length, rate, *, order: int):
    """The integral of t**n exp(rate t) over 0 < t < length."""
    return np.asarray(length, float) ** (order + 1) * phi_derivative(rate * length, k=1, order=order)


row(
    "power_integral",
    _power_integral,
    lambda length, rate, y, order: length**order * f.exp(rate * length),
    lambda length, rate, y, order: f.power_integral(length, rate, order=order + 1),
    params=("order",),
)


def _log1p_ratio(x, *, order: int):
    """The derivative of that order of log(1 + x) / x: a series, or the quotient rule."""
    x = np.asarray(x, float)
    near = np.clip(x, -0.25, 0.25)
    series = 0.0
    for k in range(30, -1, -1):
        series = series * -near + math.prod(range(k + 1, k + order + 1)) / (k + order + 1)
    series = (-1) ** order * series
    with np.errstate(all="ignore"):
        far = np.log1p(x) / x
        for k in range(1, order + 1):
            known = (-1) ** (k - 1) * math.factorial(k - 1) * (1 + x) ** (-float(k))
            far = (known - k * far) / x
    return np.where(np.abs(x) <= 0.25, series, far)


row(
    "log1p_ratio",
    _log1p_ratio,
    lambda x, y, order: f.log1p_ratio(x, order=order + 1),
    params=("order",),
)
row(
    "spence",
    special.spence,
    lambda z, y: f.where(z < 0.5, f.log(z) / (1 - z), -f.log1p_ratio(z - 1, order=0)),
)


def _zeta_derivative(x, q, *, order: int):
    """The derivative of that order in x of the sum of (k + q)**-x by Euler and Maclaurin (DLMF 25.11.28).

    Each term is a power series in e of (k + q)**-(x + e) times a polynomial; its coefficient is read off.
    """
    x, q = np.asarray(x, float), np.asarray(q, float)
    with np.errstate(all="ignore"):
        total = 0.0
        for k in range(24):
            total = total + (-np.log(q + k)) ** order * (q + k) ** -x
        end = q + 24
        tail = _shifted_exponential(x, end, order)
        pole = [(-1.0) ** k / (x - 1) ** (k + 1) for k in range(order + 1)]  # 1 / (x + e - 1)
        total = total + math.factorial(order) * end * _product(tail, pole)[order]
        total = total + 0.5 * math.factorial(order) * tail[order]
        factor = [x, np.ones_like(x)] + [np.zeros_like(x)] * order  # x + e
        bernoulli = special.bernoulli(26)
        for k in range(1, 14):
            number = bernoulli[2 * k] / math.factorial(2 * k)
            total = (
                total + math.factorial(order) * number * end ** (1.0 - 2 * k) * _product(tail, factor)[order]
            )
            for shift in (2 * k - 1, 2 * k):
                factor = _product(factor, [x + shift, np.ones_like(x)])
        return np.where((q > 0) & (x > -4), total, np.nan)


def _shifted_exponential(x, a, order: int):
    """Coefficients in e of a**-(x + e)."""
    logarithm = -np.log(a)
    return [a**-x * logarithm**k / math.factorial(k) for k in range(order + 1)]


def _product(one, other):
    """Product of two series, as long as the first."""
    return [sum(one[i] * other[k - i] for i in range(k + 1) if k - i < len(other)) for k in range(len(one))]


def _riemann_slope(x, y):
    """For x < -1/2 by the functional equation zeta(x) = R(x) zeta(1 - x) (DLMF 25.4.2)."""
    one = f.like(x, 1.0)
    other, angle = 1 - x, math.pi / 2 * x
    scale = 2 * f.exp((x - 1) * math.log(2 * math.pi)) * f.gamma(other)
    mirrored = f.riemann_zeta(other)
    slope = f.sin(angle) * ((math.log(2 * math.pi) - f.psi(other)) * mirrored)
    slope = slope - f.sin(angle) * f.zeta_derivative(other, one, order=1)
    slope = scale * (slope + math.pi / 2 * f.cos(angle) * mirrored)
    return f.where(x < -0.5, slope, f.zeta_derivative(x, one, order=1))


row(
    "zeta",
    special.zeta,
    lambda x, q, y: f.zeta_derivative(x, q, order=1),
    lambda x, q, y: -x * f.zeta(x + 1, q),
)
row(
    "zeta_derivative",
    _zeta_derivative,
    lambda x, q, y, order: f.zeta_derivative(x, q, order=order + 1),
    lambda x, q, y, order: -x * f.zeta_derivative(x + 1, q, order=order) - order * _lower(x + 1, q, order),
    params=("order",),
)


def _lower(x, q, order: int):
    """The derivative of one order less; d/dq of the derivatives of zeta in x follows Leibniz."""
    return f.zeta(x, q) if order == 1 else f.zeta_derivative(x, q, order=order - 1)


row("riemann_zeta", special.zeta, _riemann_slope)
row("zetac", special.zetac, _riemann_slope)
