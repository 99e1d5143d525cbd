"""Functions x log y and the entropies, power transformations, Lambert's W, functions in degrees."""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special.formulas import by_formula
from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.special.terms import Data, f, row

LOG_TEN = math.log(10.0)
DEGREE = math.pi / 180
TINY, SHIFT = 2.0**-900, 2.0**100


def _real_lambertw(k, x):
    """The real branches of W: k = 0 for x >= -1/e, k = -1 for -1/e <= x < 0; NaN where W is not real."""
    value = special.lambertw(x, np.asarray(k).astype(np.int64))
    return np.where(value.imag == 0, value.real, np.nan)


def _unless_both_zero(x, y, slope):
    """The convention 0 log 0 = 0: where both are zero, y may move without effect."""
    return f.where(f.logical_and(f.eq(x, 0.0), f.eq(y, 0.0)), 0.0, slope)


def _over_square(x, y):
    """Return x / y**2, with every digit where x is subnormal, and x / y, too, but not the result."""
    shifted = (x * SHIFT / y) / (y * SHIFT)
    return f.where(f.logical_and(f.abs(x) < TINY, f.abs(y) < 1.0), shifted, x / y / y)


def _log_quotient(x, y):
    """log(x / y), with every digit where x and y are nearly equal; NaN for negative ones."""
    gap = (x - y) / y
    logarithm = f.where(f.abs(gap) < 0.5, f.log1p(gap), f.log(x / y))
    return f.where(y < 0.0, math.nan, logarithm)


def _pseudo_huber_in_delta(delta, r, y):
    """(h - delta)**2 / h with h = hypot(delta, r), where h - delta = r**2 / (h + delta)."""
    h = f.hypot(delta, r)
    excess = r * (r / (h + delta))
    return excess * (excess / h)


def _cosine(x, y):
    """X / hypot(x, y)."""
    return f.hypot_term(x, y, powers=(1, 0, 1))


def _inv_boxcox_in_lambda(y, lam, x):
    """The logarithm of the result is y log(1 + u) / u with u = lam y."""
    return x * y * y * f.log1p_ratio(lam * y, order=1)


row("exp10", special.exp10, lambda x, y: LOG_TEN * y, continued=lambda x: 10.0**x)
row(
    "ratio",
    by_formula("ratio", lambda x, y: x / y, np.divide),
    lambda x, y, z: 1 / y,
    lambda x, y, z: -_over_square(x, y),
    continued=np.divide,
)
row(
    "xlogy",
    special.xlogy,
    lambda x, y, z: f.log(y),
    lambda x, y, z: _unless_both_zero(x, y, f.ratio(x, y)),
)
row(
    "xlog1py",
    special.xlog1py,
    lambda x, y, z: f.log1p(y),
    lambda x, y, z: _unless_both_zero(x, y + 1, f.ratio(x, y + 1)),
)
row("entr", special.entr, lambda x, y: -f.log(x) - 1)
row(
    "rel_entr",
    special.rel_entr,
    lambda x, y, z: _log_quotient(x, y) + 1,
    lambda x, y, z: f.where(y < 0.0, math.nan, _unless_both_zero(x, y, -x / y)),
)
row(
    "kl_div",
    special.kl_div,
    lambda x, y, z: _log_quotient(x, y),
    lambda x, y, z: f.where(y < 0.0, math.nan, (y - x) / y),
)
row(
    "pseudo_huber",
    special.pseudo_huber,
    _pseudo_huber_in_delta,
    lambda delta, r, y: f.where(f.abs(r) < delta, r * _cosine(delta, r), delta * _cosine(r, delta)),
)
row(
    "boxcox",
    special.boxcox,
    lambda x, lam, y: f.exp((lam - 1) * f.log(x)),
    lambda x, lam, y: f.power_integral(f.log(x), lam, order=1),
)
row(
    "boxcox1p",
    special.boxcox1p,
    lambda x, lam, y: f.exp((lam - 1) * f.log1p(x)),
    lambda x, lam, y: f.power_integral(f.log1p(x), lam, order=1),
)
row("inv_boxcox", special.inv_boxcox, lambda y, lam, x: x / (1 + lam * y), _inv_boxcox_in_lambda)
row(
    "inv_boxcox1p",
    special.inv_boxcox1p,
    lambda y, lam, x: f.inv_boxcox(y, lam) / (1 + lam * y),
    lambda y, lam, x: _inv_boxcox_in_lambda(y, lam, f.inv_boxcox(y, lam)),
)
row("lambertw", _real_lambertw, Data("the branch k"), lambda k, x, y: f.exp(-y) / (1 + y))
row("wrightomega", special.wrightomega, lambda x, y: y / (1 + y))
row("sindg", special.sindg, lambda x, y: DEGREE * f.cosdg(x), continued=lambda x: np.sin(DEGREE * x))
row("cosdg", special.cosdg, lambda x, y: -DEGREE * f.sindg(x), continued=lambda x: np.cos(DEGREE * x))
row("tandg", special.tandg, lambda x, y: DEGREE * (1 + y * y), continued=lambda x: np.tan(DEGREE * x))
row("cotdg", special.cotdg, lambda x, y: -DEGREE * (1 + y * y), continued=lambda x: 1 / np.tan(DEGREE * x))
