"""The gamma and beta functions.

Formulas: NIST Digital Library of Mathematical Functions (DLMF), chapter 5.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special import gamma_values
from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.special.terms import Data, f, row

SHIFTED = 16.0  # the asymptotic series of the polygamma functions serve from here
TINY, SCALE = 1e-290, 2.0**200  # quotients that may have lost digits, and what brings these back
BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]  # B2, B4, ...


def _power_difference(x, d, power: int):
    """Return (x + d)**-power - x**-power for positive x and x + d, also where the powers overflow."""
    subnormal = np.abs(d / x) < TINY
    linear = -power * (d * SCALE / x / x) / SCALE  # of such a quotient
    value = np.where(subnormal, linear, np.expm1(-power * _log_ratio(x, d)) / x)
    for _ in range(power - 1):
        value = value / x
    return value


def _log_ratio(x, d):
    """Return log((x + d) / x) for positive x and x + d."""
    return np.where(d < -0.5 * x, np.log((x + d) / x), np.log1p(d / x))


def polygamma_difference(x, d, *, order: int):
    """Return polygamma(order, x + d) - polygamma(order, x), also where the two are nearly equal."""
    x, d = np.asarray(x, float), np.asarray(d, float)
    with np.errstate(all="ignore"):
        regular = (x > 0) & (x + d > 0)
        accurate = _difference_of_positive(np.where(regular, x, 1.0), np.where(regular, d, 0.0), order)
        plain = gamma_values.polygamma(order, x + d) - gamma_values.polygamma(order, x)
        return np.where(regular, accurate, plain)


def _difference_of_positive(x, d, order: int):
    """Shift both arguments up by the recurrence (DLMF 5.5.2), then the asymptotic series (DLMF 5.15.8)."""
    sign, total = (-1) ** order * math.factorial(order), 0.0
    for _ in range(int(SHIFTED)):
        low = np.minimum(x, x + d) < SHIFTED
        total = total - np.where(low, sign * _power_difference(x, d, order + 1), 0.0)
        x = np.where(low, x + 1, x)
    if order == 0:
        series = _log_ratio(x, d) - _power_difference(x, d, 1) / 2
        for k, number in enumerate(BERNOULLI, 1):
            series = series - number / (2 * k) * _power_difference(x, d, 2 * k)
        return total + series
    series = math.factorial(order - 1) * _power_difference(x, d, order)
    series = series + math.factorial(order) / 2 * _power_difference(x, d, order + 1)
    for k, number in enumerate(BERNOULLI, 1):
        factor = number * math.factorial(2 * k + order - 1) / math.factorial(2 * k)
        series = series + factor * _power_difference(x, d, 2 * k + order)
    return total - (-1) ** order * series


def _rgamma_slope(x, y):
    """Return -psi(x) / Gamma(x), by reflection (DLMF 5.5.3) where psi has its poles."""
    other = 1 - x
    reflected = f.gamma(other) * (f.cos(math.pi * x) - f.psi(other) * f.sin(math.pi * x) / math.pi)
    return f.where(x < 0.5, reflected, -f.psi(x) * y)


row("gammaln", gamma_values.gammaln, lambda x, y: f.psi(x))
# The same, but that native code has fewer digits of them near zeros between the poles.
row("rough_gammaln", gamma_values.gammaln, lambda x, y: f.psi(x))
row("rough_psi", gamma_values.psi, lambda x, y: f.polygamma(f.like(x, 1.0), x), continued=special.psi)

row("gamma", gamma_values.gamma, lambda x, y: y * f.psi(x))
row("rgamma", special.rgamma, _rgamma_slope)
row("gammasgn", special.gammasgn, None)
row("psi", gamma_values.psi, lambda x, y: f.polygamma(f.like(x, 1.0), x), continued=special.psi)
row("polygamma", gamma_values.polygamma, Data("n"), lambda n, x, y: f.polygamma(n + 1, x))
row(
    "polygamma_difference",
    polygamma_difference,
    lambda x, d, y, order: f.polygamma_difference(x, d, order=order + 1),
    lambda x, d, y, order: f.polygamma(f.like(x, order + 1.0), x + d),
    params=("order",),
)
row(
    "poch",
    special.poch,
    lambda z, m, y: y * f.polygamma_difference(z, m, order=0),
    lambda z, m, y: y * f.psi(z + m),
)
row(
    "beta",
    special.beta,
    lambda a, b, y: -y * f.polygamma_difference(a, b, order=0),
    lambda a, b, y: -y * f.polygamma_difference(b, a, order=0),
)
row(
    "betaln",
    gamma_values.betaln,
    lambda a, b, y: -f.polygamma_difference(a, b, order=0),
    lambda a, b, y: -f.polygamma_difference(b, a, order=0),
)
row(
    "binom",
    special.binom,
    lambda n, k, y: y * f.polygamma_difference(n - k + 1, k, order=0),
    lambda n, k, y: y * f.polygamma_difference(k + 1, n - 2 * k, order=0),
)
