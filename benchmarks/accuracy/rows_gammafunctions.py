"""The gamma family."""

from __future__ import annotations

import mpmath as mp
import numpy as np

from benchmarks.accuracy.points import around, between, each, everywhere, extremes, magnitudes, mapped, mix
from benchmarks.accuracy.row import Function

LARGE = 1e30  # Stirling's series is enough from here
ZEROS = (1.0, 2.0, -2.4570247382208006, -2.747682646727412, -3.1435808883499798, -7.0001965168488)
ROOTS = (1.4616321449683623, -0.5040830082644554, -2.610720868444145, -9.702672540001864)


def _is_pole(x):
    return mp.isfinite(x) and x <= 0 and mp.isint(x)


def _polygamma(n, pole):
    """The derivative of order n of the digamma function; `pole` at the poles."""

    def value(x):
        if _is_pole(x) or x == -mp.inf:
            return pole(x)
        if x > LARGE:  # the first two terms
            if n == 0:
                return mp.inf if mp.isinf(x) else mp.log(x) - 1 / (2 * x)
            if mp.isinf(x):
                return mp.mpf(0)
            return (-1) ** (n + 1) * (mp.factorial(n - 1) / x**n + mp.factorial(n) / (2 * x ** (n + 1)))
        if x > 0:
            return mp.polygamma(n, x)
        with mp.extradps(40):
            near = x - mp.nint(x)
            c = mp.cospi(near) / mp.sinpi(near)
            slopes = (c, -(1 + c * c), 2 * c * (1 + c * c), -2 * (1 + c * c) * (1 + 3 * c * c))
            return +((-1) ** n * value(1 - x) - mp.pi ** (n + 1) * slopes[n])

    return value


def _unjudged(x):
    return mp.nan


def _log_gamma(x):
    if _is_pole(x) or x == mp.inf:
        return mp.inf
    if x == -mp.inf:
        return -mp.inf
    with mp.extradps(40):
        if x < 0:
            return +(mp.log(mp.pi / abs(x * mp.sinpi(x - mp.nint(x)))) - _log_gamma(-x))
        if x > LARGE:
            return +(
                (x - mp.mpf(1) / 2) * mp.log(x) - x + mp.log(2 * mp.pi) / 2 + 1 / (12 * x) - 1 / (360 * x**3)
            )
        return +mp.re(mp.loggamma(x))


def _digamma_at_pole(x):
    return -mp.inf if x == 0 else mp.nan


def _log_beta(a, b):
    a, b = max(a, b), min(a, b)
    with mp.extradps(10):
        other = _log_gamma(b)
        with mp.extradps(int(max(mp.log10(a), 0))):
            grown = _log_gamma(a) - _log_gamma(a + b)
        return +(other + grown)


def _polygamma_less(n):
    """The derivative of order n of the digamma function at a, less that at a + b."""

    def value(a, b):
        if b < a * mp.mpf(10) ** -40:  # two terms of Taylor's series
            return -b * _polygamma(n + 1, _unjudged)(a) - b * b / 2 * _polygamma(n + 2, _unjudged)(a)
        with mp.extradps(20 + int(max(mp.log10(a) - mp.log10(b), 0))):
            return +(_polygamma(n, _unjudged)(a) - _polygamma(n, _unjudged)(a + b))

    return value


_digamma_less, _trigamma_less = _polygamma_less(0), _polygamma_less(1)


def _one(log_a):
    """Pairs (a, b) near B(a, b) = 1: two steps of Newton's method on tabulated logarithms."""
    from scipy import special

    a = np.exp(log_a)
    b = np.full_like(a, 1.0)
    for _ in range(60):
        slope = special.psi(b) - special.psi(a + b)
        b = b * np.exp(np.clip(-special.betaln(a, b) / (b * slope), -0.5, 0.5))
    return a, b


ROWS = [
    Function(
        name="gammaln",
        arguments="x",
        ours="ds.stable.gammaln(x)",
        value=_log_gamma,
        first=(_polygamma(0, _unjudged),),
        second=(_polygamma(1, _unjudged),),
        points=mix(
            between(0.0, 4.0),
            between(-20.0, 20.0),
            *map(around, ZEROS),
            magnitudes(1.0, 1e16),
            everywhere(),
            extremes(),
        ),
        jax="jax.scipy.special.gammaln(x)",
        torch="torch.special.gammaln(x)",
        autograd="aspecial.gammaln(x)",
        peers_from=-1e4,  # their polygamma functions sum over all poles
        ulps=8.0,
    ),
    Function(
        name="digamma",
        arguments="x",
        ours="ds.stable.digamma(x)",
        value=_polygamma(0, _digamma_at_pole),
        first=(_polygamma(1, _unjudged),),
        second=(_polygamma(2, _unjudged),),
        points=mix(
            between(0.0, 4.0),
            between(-20.0, 20.0),
            *map(around, ROOTS),
            magnitudes(1.0, 1e16),
            everywhere(),
            extremes(),
            where=lambda x: x != 0,  # the sign of zero is lost in mpmath: infinite with either sign
        ),
        jax="jax.scipy.special.digamma(x)",
        torch="torch.special.digamma(x)",
        autograd="aspecial.digamma(x)",
        peers_from=-1e4,  # their polygamma functions sum over all poles
        ulps=8.0,
    ),
    Function(
        name="betaln",
        arguments="a b",
        ours="ds.stable.betaln(a, b)",
        value=_log_beta,
        first=(_digamma_less, lambda a, b: _digamma_less(b, a)),
        second=(
            _trigamma_less,
            lambda a, b: -_polygamma(1, _unjudged)(a + b),
            lambda a, b: _trigamma_less(b, a),
        ),
        points=mix(
            each(between(0.0, 15.0), between(0.0, 15.0)),
            each(magnitudes(0.05, 20.0, 1), magnitudes(0.05, 20.0, 1)),
            each(magnitudes(1e-13, 1e13, 1), magnitudes(1e-13, 1e13, 1)),
            mapped(between(-3.0, 5.0), _one),
            mapped(each(between(-3.0, 5.0), around(1.0)), lambda t, r: (_one(t)[0], _one(t)[1] * r)),
            each(everywhere(1), everywhere(1)),
            where=lambda a, b: (a > 0) & (b > 0) & np.isfinite(a + b),
        ),
        jax="jax.scipy.special.betaln(a, b)",
        torch="torch.special.gammaln(a) + torch.special.gammaln(b) - torch.special.gammaln(a + b)",
        autograd="aspecial.betaln(a, b)",
        ulps=8.0,
    ),
]
