"""Elliptic integrals and Jacobi's elliptic functions.

Their derivatives are integrals of B. C. Carlson's form, which have no removable singularities at m = 0 or
at m = 1 and no cancellation (DLMF 19.18, 19.25):

    C[i, j, k](x, y, z) = 1/2 integral over t > 0 of (t+x)**(-1/2-i) (t+y)**(-1/2-j) (t+z)**(-1/2-k)

C[0,0,0] is R_F, C[0,0,1] is R_D / 3, and the derivative in x is -(1/2 + i) C[i+1, j, k].
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special.quadrature import integral
from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.special.terms import f, row

STEP = 0.5  # of the trapezoidal rule in log t; its error is about exp(-2 pi**2 / STEP)
LOG_EPS = 38.0


def _carlson(x, y, z, *, powers: tuple[int, int, int]):
    total = sum(powers)
    if total == 0:
        return special.elliprf(x, y, z)
    if total == 1:
        last = powers.index(1)
        order = [axis for axis in range(3) if axis != last] + [last]
        return special.elliprd(*((x, y, z)[axis] for axis in order)) / 3
    arguments = [np.asarray(value, float) for value in (x, y, z)]
    with np.errstate(all="ignore"):
        divergent = (
            sum((value == 0) * (0.5 + power) for value, power in zip(arguments, powers, strict=True)) >= 1
        )
        invalid = sum(value == 0 for value in arguments) > 1
        invalid = invalid | np.any([~(value >= 0) for value in arguments], axis=0)
        usable = [np.where(divergent | invalid | np.isinf(value), 1.0, value) for value in arguments]
        result = _carlson_integral(usable, powers)
        result = np.where(np.any([np.isinf(value) for value in arguments], axis=0), 0.0, result)
    return np.where(invalid, np.nan, np.where(divergent, np.inf, result))


def _carlson_integral(arguments, powers):
    """The trapezoidal rule in log t, from where t is negligible to where it is all of every factor."""
    positive = [np.where(value > 0, value, np.inf) for value in arguments]
    slow = np.any(np.equal(arguments, 0), axis=0)  # only the root of t vanishes on the left
    low = np.log(np.minimum.reduce(positive)) - LOG_EPS * np.where(slow, 2, 1)
    high = np.log(np.maximum.reduce(arguments)) + LOG_EPS / (0.5 + sum(powers))
    count = max(int(np.ceil(np.max(high - low, initial=1.0) / STEP)), 1)
    span, low = (high - low)[..., None], low[..., None]

    def integrand(node):
        t = np.exp(low + node * span)
        product = t
        for value, power in zip(arguments, powers, strict=True):
            shifted = t + value[..., None]
            product = product / (shifted**power * np.sqrt(shifted))
        return span * product

    rule = (np.arange(count + 1) / count, np.full(count + 1, 1 / count))
    return 0.5 * integral(integrand, rule, low.size)


def _carlson_slope(axis: int):
    def slope(x, y, z, value, powers):
        raised = tuple(power + (k == axis) for k, power in enumerate(powers))
        return -(0.5 + powers[axis]) * f.carlson(x, y, z, powers=raised)

    return slope


row("carlson", _carlson, *map(_carlson_slope, range(3)), params=("powers",))
row(
    "elliprc",
    special.elliprc,
    lambda x, y, value: -0.5 * f.carlson(x, y, y, powers=(1, 0, 0)),
    lambda x, y, value: -f.carlson(x, y, y, powers=(0, 1, 0)),
)


def _complete(p, powers):
    """C over (0, p, 1) with p = 1 - m: the derivatives of the complete integrals."""
    return f.carlson(f.like(p, 0.0), p, f.like(p, 1.0), powers=powers)


row("ellipkm1", special.ellipkm1, lambda p, y: -0.5 * _complete(p, (0, 1, 0)))
row("ellipe", special.ellipe, lambda m, y: -0.5 * _complete(1 - m, (0, 0, 1)))


def _delta_squared(phi, m):
    """1 - m sin(phi)**2, without cancellation in values for m near 1, nor in derivatives for m near 0."""
    sine, cosine = f.sin(phi), f.cos(phi)
    square = sine * sine
    return f.where(m > 0.5, cosine * cosine + (1 - m) * square, 1 - m * square)


def _incomplete(phi, m, powers):
    """The integral of sin**2 / Delta**p from 0 to phi: half periods, and the rest in Carlson's form."""
    sine, cosine = f.sin(phi), f.cos(phi)
    rest = sine * f.copysign(1.0, cosine)
    delta = _delta_squared(phi, m)
    partial = rest**3 * f.carlson(cosine * cosine, delta, f.like(phi, 1.0), powers=powers)
    halves = 2 * f.rint(phi / math.pi)
    whole = halves * _complete(1 - m, powers)
    return partial + f.where(f.eq(halves, 0.0), 0.0, whole)


def _first_kind_in_m(phi, m):
    return 0.5 * _incomplete(phi, m, (0, 1, 0))


row(
    "ellipkinc",
    special.ellipkinc,
    lambda phi, m, y: 1 / f.sqrt(_delta_squared(phi, m)),
    lambda phi, m, y: _first_kind_in_m(phi, m),
)
row(
    "ellipeinc",
    special.ellipeinc,
    lambda phi, m, y: f.sqrt(_delta_squared(phi, m)),
    lambda phi, m, y: -0.5 * _incomplete(phi, m, (0, 0, 1)),
)


def _jacobi(index: int):
    return lambda u, m: special.ellipj(u, m)[index]


def _amplitude_in_m(u, m):
    """F(phi, m) = u gives dphi / dm = -dn dF / dm."""
    return -f.ellipj_dn(u, m) * _first_kind_in_m(f.ellipj_ph(u, m), m)


def _dn_in_m(u, m, dn):
    sn, cn = f.ellipj_sn(u, m), f.ellipj_cn(u, m)
    return -sn * (0.5 * sn + m * cn * _amplitude_in_m(u, m)) / dn


row(
    "ellipj_sn",
    _jacobi(0),
    lambda u, m, y: f.ellipj_cn(u, m) * f.ellipj_dn(u, m),
    lambda u, m, y: f.ellipj_cn(u, m) * _amplitude_in_m(u, m),
)
row(
    "ellipj_cn",
    _jacobi(1),
    lambda u, m, y: -f.ellipj_sn(u, m) * f.ellipj_dn(u, m),
    lambda u, m, y: -f.ellipj_sn(u, m) * _amplitude_in_m(u, m),
)
row("ellipj_dn", _jacobi(2), lambda u, m, y: -m * f.ellipj_sn(u, m) * f.ellipj_cn(u, m), _dn_in_m)
row("ellipj_ph", _jacobi(3), lambda u, m, y: f.ellipj_dn(u, m), lambda u, m, y: _amplitude_in_m(u, m))
