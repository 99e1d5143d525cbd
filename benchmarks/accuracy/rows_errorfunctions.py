"""Error functions and the normal distribution."""

from __future__ import annotations

import mpmath as mp

from benchmarks.accuracy.points import around, between, everywhere, extremes, magnitudes, mix
from benchmarks.accuracy.row import Function


def _density(x, rate=1):
    return mp.exp(-rate * x * x) if mp.isfinite(x) else mp.mpf(0)


def _erfc(x):
    if mp.isinf(x):
        return mp.mpf(0 if x > 0 else 2)
    return mp.erfc(x) if x < 1e3 else mp.mpf(0)


def _asymptotic(x, n):
    """The sum of (2k-1)!! (-1)**k / (2**k x**(2k+1)) / sqrt(pi), differentiated n times (DLMF 7.12.1)."""
    total, factor = mp.mpf(0), mp.mpf(1)
    for k in range(150):
        term = factor * (-1) ** n * mp.rf(2 * k + 1, n) / x ** (2 * k + 1 + n)
        total += term
        if abs(term) < abs(total) * mp.eps:
            break
        factor *= -mp.mpf(2 * k + 1) / 2
    return total / mp.sqrt(mp.pi)


def _erfcx(x, n=0):
    """The derivative of order n of exp(x**2) erfc(x)."""
    if mp.isinf(x):
        return mp.mpf(0) if x > 0 else (-1) ** n * mp.inf
    if x > 0 and x * x > 2.4 * mp.mp.dps + 20:  # the series has all digits
        return _asymptotic(x, n)
    with mp.extradps(int(x * x) + 20 if x > 0 else 20):
        if x < -1e3:
            return (-1) ** n * mp.inf
        values = [mp.exp(x * x) * mp.erfc(x)]
        values.append(2 * x * values[0] - 2 / mp.sqrt(mp.pi))
        values.append(2 * (x * values[1] + values[0]))
        return +values[n]


def _ndtr(x):
    return _erfc(-x / mp.sqrt(2)) / 2


def _log_ndtr(x):
    if mp.isinf(x):
        return mp.mpf(0) if x > 0 else -mp.inf
    if x > 0:
        return mp.log1p(-_ndtr(-x))
    return mp.log(_erfcx(-x / mp.sqrt(2)) / 2) - x * x / 2


def _mills(x):
    if mp.isinf(x):
        return mp.mpf(0) if x > 0 else mp.inf
    if x > 1e3:
        return mp.mpf(0)
    return mp.sqrt(2 / mp.pi) / _erfcx(-x / mp.sqrt(2))


def _mills_slope(x):
    if mp.isinf(x) or abs(x) > 1e100:
        return mp.mpf(0 if x > 0 else -1)
    if x > 0:
        return -_mills(x) * (x + _mills(x))
    u = -x / mp.sqrt(2)
    return _mills(x) * _erfcx(u, 1) / _erfcx(u) / mp.sqrt(2)


ROWS = [
    Function(
        name="erfc",
        arguments="x",
        ours="ds.stable.erfc(x)",
        value=_erfc,
        first=(lambda x: -2 / mp.sqrt(mp.pi) * _density(x),),
        second=(lambda x: 4 / mp.sqrt(mp.pi) * x * _density(x) if mp.isfinite(x) else mp.mpf(0),),
        points=mix(
            between(-6.5, 28.0),
            between(-1.0, 1.0),
            between(26.0, 27.3),
            around(0.25),
            everywhere(),
            extremes(),
        ),
        jax="jax.scipy.special.erfc(x)",
        torch="torch.special.erfc(x)",
        autograd="aspecial.erfc(x)",
    ),
    Function(
        name="erfcx",
        arguments="x",
        ours="ds.stable.erfcx(x)",
        value=_erfcx,
        first=(lambda x: _erfcx(x, 1),),
        second=(lambda x: _erfcx(x, 2),),
        points=mix(
            between(-27.0, 30.0),
            between(-1.0, 1.0),
            around(0.25),
            around(0.0),
            magnitudes(1.0, 1e16, 1),
            everywhere(1),
            extremes(),
        ),
        jax="jax.scipy.special.erfcx(x)",
        torch="torch.special.erfcx(x)",
    ),
    Function(
        name="ndtr",
        arguments="x",
        ours="ds.stable.ndtr(x)",
        value=_ndtr,
        first=(lambda x: _density(x, mp.mpf(1) / 2) / mp.sqrt(2 * mp.pi),),
        second=(
            lambda x: -x * _density(x, mp.mpf(1) / 2) / mp.sqrt(2 * mp.pi) if mp.isfinite(x) else mp.mpf(0),
        ),
        points=mix(
            between(-39.0, 10.0),
            between(-1.5, 1.5),
            between(-38.6, -37.0),
            around(-0.35),
            everywhere(),
            extremes(),
        ),
        jax="jax.scipy.special.ndtr(x)",
        torch="torch.special.ndtr(x)",
        autograd="anorm.cdf(x)",
    ),
    Function(
        name="log_ndtr",
        arguments="x",
        ours="ds.stable.log_ndtr(x)",
        value=_log_ndtr,
        first=(_mills,),
        second=(_mills_slope,),
        points=mix(
            between(-40.0, 39.0),
            between(-1.5, 1.5),
            around(-0.35),
            around(-1.0),
            magnitudes(1.0, 1e300, -1),
            everywhere(),
            extremes(),
        ),
        jax="jax.scipy.special.log_ndtr(x)",
        torch="torch.special.log_ndtr(x)",
        autograd="anorm.logcdf(x)",
    ),
]
