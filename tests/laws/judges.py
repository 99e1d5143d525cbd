"""Derivatives of plain NumPy functions that owe nothing to diffsci: complex step and Cauchy's integral."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STEP = 1e-30
RADIUS = 0.05
NODES = 32


def flat(value: Any) -> np.ndarray:
    """All numbers in a nested result, as one vector."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        parts = [flat(part) for part in value]
        return np.concatenate(parts) if parts else np.zeros(0)
    return np.ravel(np.asarray(value))


def first_derivative(f: Callable, args: tuple, directions: tuple) -> np.ndarray:
    """``d/dt f(x + t v)`` at 0 by the complex step."""
    moved = (x + 1j * STEP * v for x, v in zip(args, directions, strict=True))
    with np.errstate(all="ignore"):
        return np.imag(flat(f(*moved))) / STEP


def second_derivative(f: Callable, args: tuple, directions: tuple) -> np.ndarray:
    """``d2/dt2 f(x + t v)`` at 0 by Cauchy's integral on a circle: the trapezoidal rule is spectrally
    accurate.
    """
    total = 0.0
    with np.errstate(all="ignore"):
        for k in range(NODES):
            turn = np.exp(2j * np.pi * (k + 0.5) / NODES)
            value = flat(f(*(x + RADIUS * turn * v for x, v in zip(args, directions, strict=True))))
            total = total + value / turn**2
    return 2.0 * np.real(total) / (NODES * RADIUS**2)


def close(found: Any, expected: Any, rtol: float, scale: float | None = None) -> bool:
    """Whether two nested results agree to ``rtol`` of their largest entry (of ``scale``, if larger)."""
    a, b = flat(found), flat(expected)
    if a.shape != b.shape:
        return False
    if a.size == 0:
        return True
    size = max(float(np.max(np.abs(b))), scale or 0.0, 1e-300)
    return bool(np.all(np.abs(a - b) <= rtol * size))
