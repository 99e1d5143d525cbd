"""Incomplete gamma and beta functions, their inverses, and Student's distribution.

Formulas: NIST Digital Library of Mathematical Functions (DLMF), chapter 8. The densities follow C. Loader,
"Fast and accurate computation of binomial probabilities" (2000): deviations from the mode instead of
differences of large logarithms. Derivatives in the parameters are integrals of the density's, over the
side of x on which the first one does not change its sign.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special.gammafunctions import BERNOULLI, SHIFTED, polygamma_difference
from diffsci.primitives.special.quadrature import gauss_rule, integral
from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.special.small_differences import log1pmx
from diffsci.primitives.special.terms import f, row

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
DEPTH = 42.0  # integrands are followed until they have fallen by exp(-DEPTH)


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


def moment(cumulant, i: int, j: int = 0):
    """The derivative of orders (i, j) of exp(k), over exp(k), from the derivatives cumulant(i, j) of k."""
    if i == j == 0:
        return 1.0
    first = (i - 1, j) if i else (0, j - 1)
    total = None
    for k in range(first[0] + 1):
        for m in range(first[1] + 1):
            lead = cumulant(k + 1, m) if i else cumulant(k, m + 1)
            count = math.comb(first[0], k) * math.comb(first[1], m)
            term = count * (lead * moment(cumulant, first[0] - k, first[1] - m))
            total = term if total is None else total + term
    return total


def _log_excess(a, x):
    """log(x) - psi(a), also where both are large and nearly equal."""
    high = np.maximum(a, SHIFTED)
    series = 1 / (2 * high) + sum(b / (2 * k * high ** (2 * k)) for k, b in enumerate(BERNOULLI, 1))
    gap = (x - a) / a
    logarithm = np.where(np.abs(gap) < 0.5, np.log1p(gap), np.log(x / a))
    return np.where(a > SHIFTED, logarithm + series, np.log(x) - special.psi(a))


def _depth(fall, end):
    """Where the increasing function `fall` of s reaches DEPTH, by bisection below `end`."""
    low, high = np.zeros_like(end), end
    for _ in range(40):
        middle = (low + high) / 2
        far = fall(middle) > DEPTH
        low, high = np.where(far, low, middle), np.where(far, middle, high)
    return high


def _gammainc_in_a(a, x, *, order: int):
    """The derivative of that order of P(a, x) in a."""
    a, x = np.asarray(a, float), np.asarray(x, float)
    with np.errstate(all="ignore"):
        inside = (x > 0) & (a > 0) & np.isfinite(x) & np.isfinite(a)
        a, x = np.where(inside, a, 1.0), np.where(inside, x, 1.0)
        below = _log_excess(a, x) < 0
        total = _gamma_side(a[..., None], x[..., None], below[..., None], order)
        value = np.where(below, 1.0, -1.0) * x * _gamma_density(a, x) * total
        return np.where(inside, value, np.nan)


def _gamma_side(a, x, below, order: int):
    """The integral over t < x or t > x, t = x exp(-s) or x exp(s), over x and the density at x."""
    side = np.where(below, -1.0, 1.0)
    excess = _log_excess(a, x)
    higher = {k: -special.polygamma(k - 1, a) for k in range(2, order + 1)}

    def fall(s):
        return x * np.expm1(side * s) - side * a * s

    def integrand(start, width):
        def value(point):
            s = start + point * width
            cumulants = {1: excess + side * s} | higher
            return width * np.exp(-fall(s)) * moment(lambda k, _: cumulants[k], order)

        return value

    length = _depth(fall, np.where(below, (DEPTH + x) / a, np.log(4 * (x + a + DEPTH) / x)))
    # The far end of the upper side falls like exp(-exp(s)): a panel of its own.
    cut = np.where(below, 0.0, np.maximum(length - 8.0, 0.0))
    panels = ((0.0, cut), (cut, length - cut))
    return sum(integral(integrand(*panel), gauss_rule(80), x.size) for panel in panels)


def _gamma_cumulant(a, x):
    """Derivatives in a of the logarithm of the density."""
    return lambda k, _: f.log(x) - f.psi(a) if k == 1 else -f.polygamma(f.like(a, k - 1.0), a)


row(
    "gamma_density",
    _gamma_density,
    lambda a, x, y: y * (f.log(x) - f.psi(a)),
    lambda a, x, y: y * ((a - 1 - x) / x),
)
row(
    "gammainc_in_a",
    _gammainc_in_a,
    lambda a, x, y, order: f.gammainc_in_a(a, x, order=order + 1),
    lambda a, x, y, order: f.gamma_density(a, x) * moment(_gamma_cumulant(a, x), order),
    params=("order",),
)


def _in_a(a, x):
    return f.gammainc_in_a(a, x, order=1)


row("gammainc", special.gammainc, lambda a, x, y: _in_a(a, x), lambda a, x, y: f.gamma_density(a, x))
row("gammaincc", special.gammaincc, lambda a, x, y: -_in_a(a, x), lambda a, x, y: -f.gamma_density(a, x))
for _name, _sign in (("gammaincinv", 1), ("gammainccinv", -1)):
    row(
        _name,
        getattr(special, _name),
        lambda a, p, y: -_in_a(a, y) / f.gamma_density(a, y),
        lambda a, p, y, sign=_sign: sign / f.gamma_density(a, y),
    )

row(
    "beta_density",
    _beta_density,
    lambda a, b, x, y: y * (f.log(x) + f.polygamma_difference(a, b, order=0)),
    lambda a, b, x, y: y * (f.log1p(-x) + f.polygamma_difference(b, a, order=0)),
    lambda a, b, x, y: y * ((a - 1) / x - (b - 1) / (1 - x)),
)


def _betainc_in_ab(a, b, x, *, orders: tuple[int, int]):
    """The derivative of these orders of I_x(a, b) in a and b."""
    a, b, x = (np.asarray(value, float) for value in (a, b, x))
    with np.errstate(all="ignore"):
        inside = (x > 0) & (x < 1) & (a > 0) & (b > 0) & np.isfinite(a) & np.isfinite(b)
        a, b, x = (np.where(inside, value, 0.5) for value in (a, b, x))
        in_a = np.log(x) + polygamma_difference(a, b, order=0)
        in_b = np.log1p(-x) + polygamma_difference(b, a, order=0)
        below = in_a < 0 if orders[0] else in_b > 0
        operands = [value[..., None] for value in (a, b, x, 1 - x, in_a, in_b)]
        value = np.where(below, _beta_side(*operands, orders), 0.0)
        operands = [value[..., None] for value in (b, a, 1 - x, x, in_b, in_a)]
        value = np.where(below, value, -_beta_side(*operands, orders[::-1]))
        return np.where(inside, x * (1 - x) * _beta_density(a, b, x) * value, np.nan)


def _beta_side(a, b, x, rest, in_a, in_b, orders: tuple[int, int]):
    """The integral over 0 < t < x, t = x exp(-s), over x (1 - x) and the density at x."""

    def rise(s):  # of log(1 - t)
        return np.log1p(-x * np.expm1(-s) / rest)

    def fall(s):
        return a * s - (b - 1) * rise(s)

    def own(k, m):
        return 0.0 if k and m else special.polygamma(k + m - 1, a if k else b)

    length = _depth(fall, (DEPTH + np.maximum(1 - b, b - 1) * -np.log(rest)) / a)
    higher = {
        (k, m): special.polygamma(k + m - 1, a + b) - own(k, m)
        for k in range(orders[0] + 1)
        for m in range(orders[1] + 1)
        if k + m > 1
    }
    # The integrand changes on the scale (1 - x) / x first and of 1 / a last: s = nearest expm1(stretch u).
    nearest = np.minimum(rest / x, 1.0)
    stretch = np.log1p(length / nearest)

    def integrand(point):
        s = nearest * np.expm1(stretch * point)
        cumulants = {(1, 0): in_a - s, (0, 1): in_b + rise(s)} | higher
        return stretch * (s + nearest) * np.exp(-fall(s)) * moment(lambda k, m: cumulants[k, m], *orders)

    return integral(integrand, gauss_rule(120), x.size) / rest[..., 0]


def _beta_cumulant(a, b, x):
    """Derivatives in a and b of the logarithm of the density."""

    def cumulant(k, m):
        if (k, m) == (1, 0):
            return f.log(x) + f.polygamma_difference(a, b, order=0)
        if (k, m) == (0, 1):
            return f.log1p(-x) + f.polygamma_difference(b, a, order=0)
        if m == 0:
            return f.polygamma_difference(a, b, order=k - 1)
        if k == 0:
            return f.polygamma_difference(b, a, order=m - 1)
        return f.polygamma(f.like(a, k + m - 1.0), a + b)

    return cumulant


row(
    "betainc_in_ab",
    _betainc_in_ab,
    lambda a, b, x, y, orders: f.betainc_in_ab(a, b, x, orders=(orders[0] + 1, orders[1])),
    lambda a, b, x, y, orders: f.betainc_in_ab(a, b, x, orders=(orders[0], orders[1] + 1)),
    lambda a, b, x, y, orders: f.beta_density(a, b, x) * moment(_beta_cumulant(a, b, x), *orders),
    params=("orders",),
)
for _name, _sign in (("betainc", 1), ("betaincc", -1)):
    row(
        _name,
        getattr(special, _name),
        lambda a, b, x, y, sign=_sign: sign * f.betainc_in_ab(a, b, x, orders=(1, 0)),
        lambda a, b, x, y, sign=_sign: sign * f.betainc_in_ab(a, b, x, orders=(0, 1)),
        lambda a, b, x, y, sign=_sign: sign * f.beta_density(a, b, x),
    )
for _name, _sign in (("betaincinv", 1), ("betainccinv", -1)):
    row(
        _name,
        getattr(special, _name),
        lambda a, b, p, y: -f.betainc_in_ab(a, b, y, orders=(1, 0)) / f.beta_density(a, b, y),
        lambda a, b, p, y: -f.betainc_in_ab(a, b, y, orders=(0, 1)) / f.beta_density(a, b, y),
        lambda a, b, p, y, sign=_sign: sign / f.beta_density(a, b, y),
    )


def _student_density(df, t):
    """The density of Student's distribution, the normal one for many degrees of freedom."""
    df, t = np.asarray(df, float), np.asarray(t, float)
    scale = np.exp(_log_gamma_correction((df + 1) / 2) - _log_gamma_correction(df / 2))
    scale = scale * np.exp(0.5 * df * np.log1p(1 / df) - 0.5) / np.sqrt(2 * np.pi)
    return scale * np.exp(-(df + 1) / 2 * np.log1p(t * t / df))


def _student_density_in_df(df, t, y):
    square = t * t
    half = f.polygamma_difference(0.5 * df, f.like(df, 0.5), order=0) - 1 / df
    return 0.5 * y * (half - f.log1p(square / df) + (df + 1) / df * (square / (df + square)))


def _stdtr_in_df(df, t):
    """From F(t) = (1 + sign(t) I_w(1/2, df/2)) / 2, w = t**2 / (df + t**2), by the smaller of w and 1 - w."""
    square, half, other = t * t, f.like(df, 0.5), 0.5 * df
    total = df + square
    w, rest = square / total, df / total
    inner = 0.5 * f.betainc_in_ab(half, other, w, orders=(0, 1))
    inner = inner - f.beta_density(half, other, w) * w / total
    outer = 0.5 * f.betainc_in_ab(other, half, rest, orders=(1, 0))
    outer = -outer - f.beta_density(other, half, rest) * w / total
    slope = 0.5 * f.sign(t) * f.where(square < df, inner, outer)
    return f.where(f.eq(t, 0.0), 0.0, slope)


row(
    "student_density",
    _student_density,
    _student_density_in_df,
    lambda df, t, y: -y * t * (df + 1) / (df + t * t),
)
row(
    "stdtr",
    special.stdtr,
    lambda df, t, y: _stdtr_in_df(df, t),
    lambda df, t, y: f.student_density(df, t),
)
row(
    "stdtrit",
    special.stdtrit,
    lambda df, p, y: -_stdtr_in_df(df, y) / f.student_density(df, y),
    lambda df, p, y: 1 / f.student_density(df, y),
)
