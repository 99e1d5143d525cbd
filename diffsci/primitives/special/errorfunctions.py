"""Error functions and the normal distribution.

The derivatives of the scaled functions erfcx and dawsn would lose their digits by cancellation for large
arguments if they were written by the functions themselves; they are functions of their own here.
Formulas: NIST Digital Library of Mathematical Functions (DLMF), chapter 7.
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special import error_values
from diffsci.primitives.special.gaussian import ARRAYS
from diffsci.primitives.special.quadrature import exponential_rule, integral
from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.special.terms import f, row

ROOT_PI = math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2 * math.pi)
TWO_OVER_ROOT_PI = 2 / ROOT_PI
ROOT_HALF = math.sqrt(0.5)
LARGEST = 1e307  # of the arguments of the integral
FAR_OUT = 1e10  # where limits serve
BLOCK = 4096  # numbers whose intermediate results stay in the cache


def _on_arrays(formula):
    """A formula of `error_values` as a function of arrays, in double precision, block by block."""

    def value(x):
        x = np.asarray(x, float)
        with np.errstate(all="ignore"):
            if x.size <= BLOCK:
                return formula(ARRAYS, x)
            flat = x.ravel()
            blocks = [formula(ARRAYS, flat[k : k + BLOCK]) for k in range(0, x.size, BLOCK)]
            return np.concatenate(blocks).reshape(x.shape)

    return value


def _erfcx_derivative(x, *, order: int):
    """The derivative of that order of exp(x**2) erfc(x)."""
    x = np.asarray(x, float)
    with np.errstate(all="ignore"):
        if order <= 2:
            return error_values.erfcx_derivative(ARRAYS, x, order)
        left = _erfcx_recurrence(np.minimum(x, 0.25), order)
        right = _erfcx_integral(np.clip(x, 0.25, LARGEST), order)
        return np.where(x < 0.25, left, np.where(x == np.inf, 0.0, right))


def _erfcx_recurrence(x, order: int):
    """The recurrence of the derivatives, which does not cancel for x < 0, and near 0."""
    previous, current = (error_values.erfcx_derivative(ARRAYS, x, k) for k in (1, 2))
    for k in range(2, order):
        previous, current = current, 2 * (x * current + k * previous)
    return current


def _erfcx_integral(x, order: int):
    """(-2)**n times the integral of t**n exp(-t**2 - 2 x t) 2 / sqrt(pi) over t > 0 (DLMF 7.7.1, 7.18.4).

    All of it has one sign.
    """
    scale = 1 / (1 + 2 * x)

    def integrand(node):
        t = node * scale[..., None]
        return node**order * np.exp(-t * (t + 2 * x[..., None]))

    total = integral(integrand, exponential_rule(), x.size)
    return (-2.0) ** order * TWO_OVER_ROOT_PI * total * scale ** (order + 1)


def _dawsn_derivative(x, *, order: int):
    """The derivative of that order of Dawson's integral: series, sampling, asymptotic series."""
    x = np.asarray(x, float)
    size = np.abs(x)
    middle = _dawsn_sampled(np.clip(size, 0.5, 9.0), order)
    value = np.where(size < 0.5, _dawsn_series(np.minimum(size, 0.5), order), middle)
    value = np.where(size > 9.0, _dawsn_asymptotic(np.maximum(size, 9.0), order), value)
    return value if order % 2 else np.copysign(1.0, x) * value


def _dawsn_series(x, order: int):
    """Sum of (-2)**k x**(2k+1) / (2k+1)!!, differentiated term by term (DLMF 7.6.2)."""
    total, factor = 0.0, 1.0
    for k in range(24 + order):
        power = 2 * k + 1
        if power >= order:
            falling = math.perm(power, order)
            total = total + factor * falling * x ** (power - order)
        factor *= -2.0 / (power + 2)
    return total


def _dawsn_sampled(x, order: int, step: float = 0.2):
    """G. Rybicki, Computers in Physics 3 (1989): the sum of exp(-(x - n h)**2) / n over odd n, / sqrt(pi)."""
    centre = 2 * np.rint(x / (2 * step))
    total = 0.0
    for shift in range(-37, 38, 2):
        n = centre + shift
        distance = x - n * step
        total = total + special.eval_hermite(order, distance) * np.exp(-(distance**2)) / n
    return (-1) ** order * total / ROOT_PI


def _dawsn_asymptotic(x, order: int):
    """Sum of (2k-1)!! / (2**(k+1) x**(2k+1)), differentiated term by term (DLMF 7.12.1)."""
    total, factor = 0.0, 0.5
    for k in range(30):
        power = 2 * k + 1
        rising = math.prod(range(power, power + order))
        total = total + factor * rising * x ** (-power - order)
        factor *= (2 * k + 1) / 2
    return (-1) ** order * total


def _inverse_mills_slope(x, y):
    """-y (x + y), by the logarithmic derivative of erfcx where x + y would cancel, and its limits far out."""
    u = -ROOT_HALF * x
    ratio = ROOT_HALF * y * f.erfcx_derivative(u, order=1) / f.erfcx(u)
    left = f.where(x < -FAR_OUT, -1.0, ratio)
    return f.where(x > FAR_OUT, -y, f.where(x > -1.0, -y * (x + y), left))


row("erf", special.erf, lambda x, y: TWO_OVER_ROOT_PI * f.gaussian(x, rate=-1.0, order=0))
row(
    "erfc",
    _on_arrays(error_values.erfc),
    lambda x, y: -TWO_OVER_ROOT_PI * f.gaussian(x, rate=-1.0, order=0),
    continued=special.erfc,
)
row("erfi", special.erfi, lambda x, y: TWO_OVER_ROOT_PI * f.gaussian(x, rate=1.0, order=0))
row(
    "erfcx",
    _on_arrays(error_values.erfcx),
    lambda x, y: f.erfcx_derivative(x, order=1),
    continued=special.erfcx,
)
row(
    "erfcx_derivative",
    _erfcx_derivative,
    lambda x, y, order: f.erfcx_derivative(x, order=order + 1),
    params=("order",),
)
row("dawsn", special.dawsn, lambda x, y: f.dawsn_derivative(x, order=1))
row(
    "dawsn_derivative",
    _dawsn_derivative,
    lambda x, y, order: f.dawsn_derivative(x, order=order + 1),
    params=("order",),
)
row("erfinv", special.erfinv, lambda x, y: ROOT_PI / 2 * f.gaussian(y, rate=1.0, order=0))
row("erfcinv", special.erfcinv, lambda x, y: -ROOT_PI / 2 * f.gaussian(y, rate=1.0, order=0))
row("fresnel_s", lambda x: special.fresnel(x)[0], lambda x, y: f.sin(math.pi / 2 * (x * x)))
row("fresnel_c", lambda x: special.fresnel(x)[1], lambda x, y: f.cos(math.pi / 2 * (x * x)))

# The normal distribution.
row(
    "ndtr",
    _on_arrays(error_values.ndtr),
    lambda x, y: f.gaussian(x, rate=-0.5, order=0) / ROOT_TWO_PI,
    continued=special.ndtr,
)
row(
    "log_ndtr",
    _on_arrays(error_values.log_ndtr),
    lambda x, y: f.inverse_mills(x),
    continued=special.log_ndtr,
)
row(
    "inverse_mills",
    _on_arrays(error_values.inverse_mills),
    _inverse_mills_slope,
    continued=lambda x: math.sqrt(2 / math.pi) / special.erfcx(-ROOT_HALF * x),
)
row("ndtri", special.ndtri, lambda x, y: ROOT_TWO_PI * f.gaussian(y, rate=0.5, order=0))
row("ndtri_exp", special.ndtri_exp, lambda x, y: math.sqrt(math.pi / 2) * f.erfcx(-ROOT_HALF * y))
row(
    "owens_t",
    special.owens_t,
    lambda h, a, y: -0.5 / ROOT_TWO_PI * f.exp(-0.5 * (h * h)) * f.erf(ROOT_HALF * (a * h)),
    lambda h, a, y: f.exp(-0.5 * (h * h) * (1 + a * a)) / (2 * math.pi * (1 + a * a)),
)
