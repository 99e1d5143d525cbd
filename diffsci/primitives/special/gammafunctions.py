"""The gamma and beta functions, and the incomplete ones with their inverses.

Formulas: NIST Digital Library of Mathematical Functions (DLMF), chapters 5 and 8. The densities of the
gamma and the beta distribution follow C. Loader, "Fast and accurate computation of binomial
probabilities" (2000): deviations from the mode instead of differences of large logarithms.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.special.terms import Data, f, row

SHIFTED = 16.0  # the asymptotic series of the polygamma functions serve from here
BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]  # B2, B4, ...
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def log1pmx(x):
    """Return log(1 + x) - x without cancellation: the series in x / (2 + x) for small x."""
    x = np.asarray(x, float)
    small = np.abs(x) < 0.5
    t = np.where(small, x, 0.0) / (2 + np.where(small, x, 0.0))
    square, total = t * t, 0.0
    for k in range(41, 1, -2):
        total = (total + 2.0 / k) * square
    series = t * total - t * np.where(small, x, 0.0)  # 2 artanh(t) - x, where 2 t - x = -t x
    return np.where(small, series, np.log1p(x) - x)


def _power_difference(x, d, power: int):
    """Return (x + d)**-power - x**-power for positive x and x + d."""
    return np.expm1(-power * _log_ratio(x, d)) * x ** (-float(power))


def _log_ratio(x, d):
    """Return log((x + d) / x) for positive x and x + d."""
    return np.where(d < -0.5 * x, np.log((x + d) / x), np.log1p(d / x))


def _polygamma_difference(x, d, *, order: int):
    """Return polygamma(order, x + d) - polygamma(order, x), also where the two are nearly equal."""
    x, d = np.asarray(x, float), np.asarray(d, float)
    with np.errstate(all="ignore"):
        regular = (x > 0) & (x + d > 0)
        accurate = _difference_of_positive(np.where(regular, x, 1.0), np.where(regular, d, 0.0), order)
        plain = special.polygamma(order, x + d) - special.polygamma(order, x)
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


def _log_gamma_correction(a):
    """Return log(Gamma(a) / (sqrt(2 pi / a) (a / e)**a)), positive and small for large a (DLMF 5.11.1)."""
    a = np.asarray(a, float)
    high = np.maximum(a, 10.0)
    series = sum(
        number / (2 * k * (2 * k - 1)) * high ** (1.0 - 2 * k) for k, number in enumerate(BERNOULLI, 1)
    )
    low = np.minimum(a, 10.0)
    return np.where(
        a > 10.0, series, special.gammaln(low) - (low - 0.5) * np.log(low) + low - HALF_LOG_TWO_PI
    )


def _deviance(ratio, excess):
    """Return log(ratio) - excess, where excess = ratio - 1."""
    return np.where(np.abs(excess) < 0.5, log1pmx(excess), np.log(ratio) - excess)


def _gamma_density(a, x):
    """Return x**(a-1) exp(-x) / Gamma(a)."""
    a, x = np.asarray(a, float), np.asarray(x, float)
    with np.errstate(all="ignore"):
        exponent = a * _deviance(x / a, (x - a) / a) - _log_gamma_correction(a)
        inside = np.sqrt(a / (2 * np.pi)) * np.exp(exponent) / x
        at_zero = np.where(a < 1, np.inf, np.where(a == 1, 1.0, 0.0))
        return np.where((x < 0) | ~(a > 0), np.nan, np.where(x == 0, at_zero, inside))


def _beta_density(a, b, x):
    """Return x**(a-1) (1 - x)**(b-1) / B(a, b)."""
    a, b, x = (np.asarray(value, float) for value in (a, b, x))
    with np.errstate(all="ignore"):
        total = a + b
        mean, rest = a / total, b / total
        # (x - mean) / mean and the like; b x - a (1 - x) has no cancellation that x itself does not have.
        gap = (b * x - a * (1 - x)) / total
        exponent = a * _deviance(x / mean, gap / mean) + b * _deviance((1 - x) / rest, -gap / rest)
        correction = _log_gamma_correction(total) - _log_gamma_correction(a) - _log_gamma_correction(b)
        inside = np.sqrt(a * rest / (2 * np.pi)) * np.exp(exponent + correction) / (x * (1 - x))
        edge = np.where(x == 0, a, b)
        at_edge = np.where(edge < 1, np.inf, np.where(edge == 1, np.where(x == 0, b, a), 0.0))
        valid = (x >= 0) & (x <= 1) & (a > 0) & (b > 0)
        return np.where(valid, np.where((x == 0) | (x == 1), at_edge, inside), np.nan)


def _rgamma_slope(x, y):
    """Return -psi(x) / Gamma(x), by reflection (DLMF 5.5.3) where psi has its poles."""
    other = 1 - x
    reflected = f.gamma(other) * (f.cos(math.pi * x) - f.psi(other) * f.sin(math.pi * x) / math.pi)
    return f.where(x < 0.5, reflected, -f.psi(x) * y)


row("gammaln", special.gammaln, lambda x, y: f.psi(x))
row("gamma", special.gamma, lambda x, y: y * f.psi(x))
row("rgamma", special.rgamma, _rgamma_slope)
row("gammasgn", special.gammasgn, None)
row("psi", special.psi, lambda x, y: f.polygamma(f.like(x, 1.0), x))
row("polygamma", special.polygamma, Data("n"), lambda n, x, y: f.polygamma(n + 1, x))
row(
    "polygamma_difference",
    _polygamma_difference,
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
    special.betaln,
    lambda a, b, y: -f.polygamma_difference(a, b, order=0),
    lambda a, b, y: -f.polygamma_difference(b, a, order=0),
)
row(
    "binom",
    special.binom,
    lambda n, k, y: y * f.polygamma_difference(n - k + 1, k, order=0),
    lambda n, k, y: y * f.polygamma_difference(k + 1, n - 2 * k, order=0),
)

row(
    "gamma_density",
    _gamma_density,
    lambda a, x, y: y * (f.log(x) - f.psi(a)),
    lambda a, x, y: y * ((a - 1 - x) / x),
)
row("gammainc", special.gammainc, Data("a"), lambda a, x, y: f.gamma_density(a, x))
row("gammaincc", special.gammaincc, Data("a"), lambda a, x, y: -f.gamma_density(a, x))
row("gammaincinv", special.gammaincinv, Data("a"), lambda a, p, y: 1 / f.gamma_density(a, y))
row("gammainccinv", special.gammainccinv, Data("a"), lambda a, p, y: -1 / f.gamma_density(a, y))

row(
    "beta_density",
    _beta_density,
    lambda a, b, x, y: y * (f.log(x) + f.polygamma_difference(a, b, order=0)),
    lambda a, b, x, y: y * (f.log1p(-x) + f.polygamma_difference(b, a, order=0)),
    lambda a, b, x, y: y * ((a - 1) / x - (b - 1) / (1 - x)),
)
row("betainc", special.betainc, Data("a"), Data("b"), lambda a, b, x, y: f.beta_density(a, b, x))
row("betaincc", special.betaincc, Data("a"), Data("b"), lambda a, b, x, y: -f.beta_density(a, b, x))
row("betaincinv", special.betaincinv, Data("a"), Data("b"), lambda a, b, p, y: 1 / f.beta_density(a, b, y))
row("betainccinv", special.betainccinv, Data("a"), Data("b"), lambda a, b, p, y: -1 / f.beta_density(a, b, y))


def _student_density(df, t):
    """The density of Student's distribution, the normal one for many degrees of freedom."""
    df, t = np.asarray(df, float), np.asarray(t, float)
    scale = np.exp(_log_gamma_correction((df + 1) / 2) - _log_gamma_correction(df / 2))
    scale = scale * np.exp(0.5 * df * np.log1p(1 / df) - 0.5) / np.sqrt(2 * np.pi)
    return scale * np.exp(-(df + 1) / 2 * np.log1p(t * t / df))


row("student_density", _student_density, Data("df"), lambda df, t, y: -y * t * (df + 1) / (df + t * t))
row("stdtr", special.stdtr, Data("df"), lambda df, t, y: f.student_density(df, t))
row("stdtrit", special.stdtrit, Data("df"), lambda df, p, y: 1 / f.student_density(df, y))
