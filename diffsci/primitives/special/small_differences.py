"""Small where the terms of their definition are not: log(1 + x) - x, cos(x) - 1, sqrt(1 + x) - 1."""

from __future__ import annotations

import math

import numpy as np

from diffsci.primitives.special.formulas import formula_row
from diffsci.primitives.special.terms import Term, f, series

__all__ = ["log1pmx"]

LOW, HIGH, LAST = -0.6, 1.0, 51  # the series of log1pmx: where, and its last power


def _log1pmx(x: Term) -> Term:
    """log(1 + x) - x: for small x 2 artanh(t) - x with t = x / (2 + x), where 2 t - x = -t x."""
    t = x / (2 + x)
    square = t * t
    total = series(square, [2.0 / k for k in range(3, LAST + 1, 2)]) * square
    near = f.logical_and(f.ge(x, LOW), f.le(x, HIGH))
    far = f.where(f.eq(x, math.inf), -math.inf, f.log1p(x) - x)
    return f.where(near, t * total - t * x, far)


def _log1pmx_slope(x: Term) -> Term:
    return f.where(f.isinf(x), -1.0, -x / (1 + x))


def _cosm1(x: Term) -> Term:
    """cos(x) - 1 as -2 sin(x/2)**2, right also near the zeros at multiples of 2 pi."""
    sine = f.sin(0.5 * x)
    return -2 * (sine * sine)


def _sqrt1pm1(x: Term) -> Term:
    return f.where(f.eq(x, math.inf), x, x / (1 + f.sqrt(1 + x)))


log1pmx = formula_row("log1pmx", _log1pmx, lambda x, y: f.log1pmx_slope(x), lambda x: np.log1p(x) - x)
formula_row("log1pmx_slope", _log1pmx_slope, lambda x, y: -((1 / (1 + x)) ** 2), lambda x: -x / (1 + x))
formula_row("cosm1", _cosm1, lambda x, y: -f.sin(x), lambda x: -2 * np.sin(x / 2) ** 2)
formula_row("sqrt1pm1", _sqrt1pm1, lambda x, y: 0.5 / f.sqrt(1 + x), lambda x: x / (1 + np.sqrt(1 + x)))
