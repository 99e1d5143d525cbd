"""Small differences, quotients of exponentials, cardinal sines, x log y."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np

from benchmarks.accuracy.points import (
    around,
    between,
    each,
    everywhere,
    extremes,
    listed,
    magnitudes,
    mix,
)
from benchmarks.accuracy.row import Function


def _with_limits(function, left, right, edge=None, at_edge=None):
    """The function, with its limits at the infinities and what it is at an edge of its domain."""

    def value(x):
        if mp.isinf(x):
            return mp.mpf(right if x > 0 else left)
        return mp.mpf(at_edge) if x == edge else function(x)

    return value


def _above_minus_one(function, right, at_edge):
    """A function on x >= -1, NaN outside."""
    inside = _with_limits(function, mp.nan, right, mp.mpf(-1), at_edge)
    return lambda x: inside(x) if x >= -1 else mp.nan


def _log1pmx(x):
    """log(1 + x) - x; by its series where the difference would cancel."""
    if abs(x) > mp.mpf("1e-10"):
        return mp.log1p(x) - x
    return -x * x * mp.fsum((-x) ** k / (k + 2) for k in range(8))


def _phi(k, n):
    """The derivative of order n of phi_k, by Kummer's function (DLMF 13.4.1) or in closed form far out."""

    def near(x):
        return mp.hyp1f1(n + 1, n + k + 1, x) * mp.factorial(n) / mp.factorial(n + k)

    def far(x):
        # x phi_k = phi_(k-1) - 1 / (k-1)!, differentiated
        below = [mp.exp(x)] * (n + 1)
        for level in range(1, k + 1):
            current = [(below[0] - 1 / mp.factorial(level - 1)) / x]
            for order in range(1, n + 1):
                current.append((below[order] - order * current[-1]) / x)
            below = current
        return below[n]

    return _with_limits(lambda x: near(x) if abs(x) < 1 else far(x), 0, mp.inf)


def _bernoulli(n):
    """Derivatives of x / (exp(x) - 1); from the right ones by symmetry, as x / (exp(x) - 1) + x/2 is even."""
    p = [_phi(1, order) for order in range(3)]
    near = (
        lambda x: 1 / p[0](x),
        lambda x: -p[1](x) / p[0](x) ** 2,
        lambda x: 2 * p[1](x) ** 2 / p[0](x) ** 3 - p[2](x) / p[0](x) ** 2,
    )[n]

    def right(x):
        q = mp.exp(-x)
        s = 1 - q
        return (x * q / s, q / s - x * q / s**2, q * (x * (1 + q) - 2 * s) / s**3)[n]

    def value(x):
        if abs(x) < 1:
            return near(x)
        return right(x) if x > 0 else (right(-x) - x, -1 - right(-x), right(-x))[n]

    return _with_limits(value, (mp.inf, -1, 0)[n], 0)


def _cardinal(scale, n):
    """Derivatives of sin(t) / t with t = scale() x; by Taylor's series near 0."""

    def value(x):
        w = scale()
        t = w * x
        if abs(t) < mp.mpf("1e-10"):
            terms = (
                (-1) ** j * t ** (2 * j - n) / ((2 * j + 1) * math.factorial(2 * j - n))
                for j in range(5)
                if 2 * j >= n
            )
            return w**n * mp.fsum(terms)
        s, c = (mp.sin(x), mp.cos(x)) if w == 1 else (mp.sinpi(x), mp.cospi(x))
        return (s / t, w * (t * c - s) / t**2, w**2 * ((2 - t * t) * s - 2 * t * c) / t**3)[n]

    return _with_limits(value, 0, 0)


def _zeros(scale):
    """Where value, first and second derivative of sin(t) / t vanish, t = scale x, and doubles next to it."""
    numbers = (*range(1, 40), 10**3, 10**6, 10**9)
    roots = [mp.mpf(k) * mp.pi for k in numbers]
    with mp.workdps(40):
        for k in numbers:
            start = (k + mp.mpf(1) / 2) * mp.pi
            roots.append(mp.findroot(lambda t: mp.cos(t) - mp.sin(t) / t, start - 1 / start))
            start += mp.pi / 2
            roots.append(
                mp.findroot(lambda t: (2 / t**2 - 1) * mp.sin(t) - 2 * mp.cos(t) / t, start - 2 / start)
            )
    found = np.array([float(root / scale) for root in roots])
    return np.concatenate([found + k * np.spacing(found) for k in range(-2, 3)])


def _sinc_points(scale):
    zeros = _zeros(scale)
    return mix(
        everywhere(),
        between(-12.0, 12.0),
        magnitudes(1e-12, 1e16),
        around(1 / scale),
        around(4.493409457909064 / scale),
        listed(*zeros, *-zeros),
        listed(*range(-30, 30), *np.arange(-20.5, 20.5)),
        extremes(),
    )


def _product(x, factor):
    return mp.mpf(0) if x == 0 else x * factor


def _x_log(shift):
    """Value and derivatives of x log(y + shift); those without a limit are not judged."""

    def log(y):
        if y + shift == 0:
            return -mp.inf
        return mp.log1p(y) if shift else mp.log(y)

    def inverse(y):
        return mp.nan if y + shift == 0 else mp.mpf(0) if mp.isinf(y) else 1 / (y + shift)

    def times(x, factor):
        return mp.nan if mp.isinf(x) and factor == 0 else x * factor

    return {
        "value": lambda x, y: _product(x, log(y)),
        "first": (lambda x, y: log(y), lambda x, y: times(x, inverse(y))),
        "second": (
            lambda x, y: mp.nan if mp.isinf(x) else mp.mpf(0),
            lambda x, y: inverse(y),
            lambda x, y: times(-x, inverse(y) ** 2),
        ),
    }


_UNIT = mix(everywhere(), around(0.0), extremes())
_RIGHT_OF_MINUS_ONE = mix(
    everywhere(1),
    around(-1.0, 1),
    around(0.0),
    between(-1.0, 5.0),
    around(-0.6),
    around(1.0),
    extremes(),
    where=lambda x: x >= -1,
)
_EXPONENTIAL = mix(
    everywhere(),
    magnitudes(1e-20, 1e3),
    between(-750.0, 780.0),
    between(-5.0, 5.0),
    between(700.0, 730.0),
    *(around(x, width=1.0) for x in (-40.0, -2.5, -1.0, 1.5, 2.5, 40.0, 700.0)),
    extremes(),
)

ROWS = [
    Function(
        name="expm1",
        arguments="x",
        ours="ds.stable.expm1(x)",
        value=_with_limits(mp.expm1, -1, mp.inf),
        first=(mp.exp,),
        second=(mp.exp,),
        points=mix(everywhere(), between(-745.0, 710.0), magnitudes(1e-20, 40.0), extremes()),
        jax="jnp.expm1(x)",
        torch="torch.expm1(x)",
        autograd="anp.expm1(x)",
    ),
    Function(
        name="log1p",
        arguments="x",
        ours="ds.stable.log1p(x)",
        value=_above_minus_one(mp.log1p, mp.inf, -mp.inf),
        first=(_above_minus_one(lambda x: 1 / (1 + x), 0, mp.inf),),
        second=(_above_minus_one(lambda x: -1 / (1 + x) ** 2, 0, -mp.inf),),
        points=_RIGHT_OF_MINUS_ONE,
        jax="jnp.log1p(x)",
        torch="torch.log1p(x)",
        autograd="anp.log1p(x)",
    ),
    Function(
        name="log1pmx",
        arguments="x",
        ours="ds.stable.log1pmx(x)",
        value=_above_minus_one(_log1pmx, -mp.inf, -mp.inf),
        first=(_above_minus_one(lambda x: -x / (1 + x), -1, mp.inf),),
        second=(_above_minus_one(lambda x: -1 / (1 + x) ** 2, 0, -mp.inf),),
        points=_RIGHT_OF_MINUS_ONE,
        jax="jnp.log1p(x) - x",
        torch="torch.log1p(x) - x",
        autograd="anp.log1p(x) - x",
    ),
    Function(
        name="sqrt1pm1",
        arguments="x",
        ours="ds.stable.sqrt1pm1(x)",
        value=_above_minus_one(lambda x: x / (1 + mp.sqrt(1 + x)), mp.inf, -1),
        first=(_above_minus_one(lambda x: 1 / (2 * mp.sqrt(1 + x)), 0, mp.inf),),
        second=(_above_minus_one(lambda x: -1 / (4 * mp.sqrt(1 + x) ** 3), 0, -mp.inf),),
        points=_RIGHT_OF_MINUS_ONE,
        jax="jnp.sqrt(1 + x) - 1",
        torch="torch.sqrt(1 + x) - 1",
        autograd="anp.sqrt(1 + x) - 1",
    ),
    Function(
        name="cosm1",
        arguments="x",
        ours="ds.stable.cosm1(x)",
        value=_with_limits(lambda x: -2 * mp.sin(x / 2) ** 2, mp.nan, mp.nan),
        first=(_with_limits(lambda x: -mp.sin(x), mp.nan, mp.nan),),
        second=(_with_limits(lambda x: -mp.cos(x), mp.nan, mp.nan),),
        points=mix(
            everywhere(),
            between(-20.0, 20.0),
            *(around(k * math.pi / 2) for k in (1, 2, 3, 4, 8, 355, 10**6)),
            extremes(),
        ),
        jax="jnp.cos(x) - 1",
        torch="torch.cos(x) - 1",
        autograd="anp.cos(x) - 1",
    ),
    Function(
        name="exprel",
        arguments="x",
        ours="ds.stable.exprel(x)",
        value=_phi(1, 0),
        first=(_phi(1, 1),),
        second=(_phi(1, 2),),
        points=_EXPONENTIAL,
        jax="jnp.expm1(x) / x",
        torch="torch.expm1(x) / x",
        autograd="anp.expm1(x) / x",
    ),
    Function(
        name="phi2",
        arguments="x",
        ours="ds.stable.phi2(x)",
        value=_phi(2, 0),
        first=(_phi(2, 1),),
        second=(_phi(2, 2),),
        points=_EXPONENTIAL,
        jax="(jnp.expm1(x) - x) / x**2",
        torch="(torch.expm1(x) - x) / x**2",
        autograd="(anp.expm1(x) - x) / x**2",
    ),
    Function(
        name="bernoulli",
        arguments="x",
        ours="ds.stable.bernoulli(x)",
        value=_bernoulli(0),
        first=(_bernoulli(1),),
        second=(_bernoulli(2),),
        points=_EXPONENTIAL,
        jax="x / jnp.expm1(x)",
        torch="x / torch.expm1(x)",
        autograd="x / anp.expm1(x)",
    ),
    Function(
        name="sinc",
        arguments="x",
        ours="ds.stable.sinc(x)",
        value=_cardinal(lambda: +mp.pi, 0),
        first=(_cardinal(lambda: +mp.pi, 1),),
        second=(_cardinal(lambda: +mp.pi, 2),),
        points=_sinc_points(math.pi),
        jax="jnp.sinc(x)",
        torch="torch.sinc(x)",
        autograd="anp.sinc(x)",
    ),
    Function(
        name="sinc_unnormalized",
        arguments="x",
        ours="ds.stable.sinc_unnormalized(x)",
        value=_cardinal(lambda: mp.mpf(1), 0),
        first=(_cardinal(lambda: mp.mpf(1), 1),),
        second=(_cardinal(lambda: mp.mpf(1), 2),),
        points=_sinc_points(1.0),
        jax="jnp.sin(x) / x",
        torch="torch.sin(x) / x",
        autograd="anp.sin(x) / x",
    ),
    Function(
        name="xlogy",
        arguments="x y",
        ours="ds.stable.xlogy(x, y)",
        **_x_log(0),
        points=mix(
            each(_UNIT, everywhere(1)),
            each(between(-3.0, 3.0), around(1.0)),
            each(listed(0.0, 1.0, -2.0, 1e300, 1e-300), extremes(1)),
        ),
        jax="jax.scipy.special.xlogy(x, y)",
        torch="torch.xlogy(x, y)",
    ),
    Function(
        name="xlog1py",
        arguments="x y",
        ours="ds.stable.xlog1py(x, y)",
        **_x_log(1),
        points=mix(
            each(_UNIT, everywhere(1)),
            each(between(-3.0, 3.0), mix(around(0.0), around(-1.0, 1), between(-1.0, 3.0))),
            each(listed(0.0, 1.0, -2.0, 1e300, 1e-300), mix(extremes(1), listed(-1.0))),
        ),
        jax="jax.scipy.special.xlog1py(x, y)",
        torch="torch.special.xlog1py(x, y)",
    ),
]
