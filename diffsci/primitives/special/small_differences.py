"""Small where the terms of their definition are not: log(1 + x) - x, cos(x) - 1, sqrt(1 + x) - 1."""

from __future__ import annotations

import numpy as np

from diffsci.primitives.special.terms import f, row

__all__ = ["cosm1", "log1pmx", "sqrt1pm1"]

LOW, HIGH, LAST = -0.6, 1.0, 51  # the series of log1pmx: where, and its last power


def log1pmx(x):
    """Return log(1 + x) - x: for small x 2 artanh(t) - x with t = x / (2 + x), where 2 t - x = -t x."""
    x = np.asarray(x, float)
    near = np.clip(x, LOW, HIGH)
    t = near / (2 + near)
    square, total = t * t, 0.0
    for k in range(LAST, 1, -2):
        total = (total + 2.0 / k) * square
    with np.errstate(all="ignore"):
        far = np.where(x == np.inf, -np.inf, np.log1p(x) - x)
    return np.where(near == x, t * total - t * near, far)


def _log1pmx_slope(x):
    """Return -x / (1 + x)."""
    x = np.asarray(x, float)
    with np.errstate(all="ignore"):
        return np.where(np.isinf(x), -1.0, -x / (1 + x))


def cosm1(x):
    """Return cos(x) - 1 as -2 sin(x/2)**2, right also near the zeros at multiples of 2 pi."""
    with np.errstate(all="ignore"):
        sine = np.sin(np.asarray(x, float) / 2)
    return -2 * (sine * sine)


def sqrt1pm1(x):
    """Return sqrt(1 + x) - 1 as x / (1 + sqrt(1 + x))."""
    x = np.asarray(x, float)
    with np.errstate(all="ignore"):
        return np.where(x == np.inf, x, x / (1 + np.sqrt(1 + x)))


row("log1pmx", log1pmx, lambda x, y: f.log1pmx_slope(x), continued=lambda x: np.log1p(x) - x)
row(
    "log1pmx_slope",
    _log1pmx_slope,
    lambda x, y: -((1 / (1 + x)) ** 2),
    continued=lambda x: -x / (1 + x),
)
row("cosm1", cosm1, lambda x, y: -f.sin(x), continued=lambda x: -2 * np.sin(x / 2) ** 2)
row("sqrt1pm1", sqrt1pm1, lambda x, y: 0.5 / f.sqrt(1 + x), continued=lambda x: x / (1 + np.sqrt(1 + x)))
