"""Differences of a function along a straight line: quotients, extrapolation, remainders, kinks and noise.

Everything here works on ``phi(t)``, a function of one real number whose value is a number or an array; the
derivative wanted is the one at ``t = 0``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Line = Callable[[float], "np.ndarray | float"]
EPS = float(np.finfo(np.float64).eps)
SHRINK = 10.0**0.5  # half a decade per row, so that tables of steps read well
LARGEST_STEP = 0.1
SMALLEST_STEP = 1e-10


@dataclass(frozen=True)
class Estimate:
    """A derivative, an estimate of its error, and the step it was taken from."""

    value: np.ndarray
    error: np.ndarray
    step: np.ndarray


def default_steps(largest: float = LARGEST_STEP, smallest: float = SMALLEST_STEP) -> np.ndarray:
    """Decreasing steps, half a decade apart."""
    rows = round(2.0 * math.log10(largest / smallest)) + 1
    return largest * SHRINK ** -np.arange(rows)


def evaluate(phi: Line, t: float) -> np.ndarray:
    """``phi(t)``, or NaN where the model refuses the point (a large step may leave its domain)."""
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(phi(t))
            return value.astype(np.complex128 if value.dtype.kind == "c" else np.float64)
    except (ArithmeticError, ValueError):
        return np.asarray(np.nan)


class Extrapolation:
    """Ridders' table: central differences at shrinking steps, extrapolated to step zero row by row.

    C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4
    (1982). For every component the entry with the smallest estimated error is kept; the estimate contains the
    roundoff of the quotient, so a lucky coincidence of two rows is not taken for accuracy.
    """

    def __init__(self, noise: np.ndarray | float):
        self.noise = noise
        self.row: list[np.ndarray] = []
        self.best: Estimate | None = None

    def add(self, step: float, quotient: np.ndarray) -> bool:
        """Add the central difference at ``step``; tell whether any component's estimate got better."""
        row, improved = [quotient], False
        for k, above in enumerate(self.row):
            power = SHRINK ** (2 * (k + 1))
            row.append((power * row[k] - above) / (power - 1.0))
            error = np.maximum(np.abs(row[k + 1] - row[k]), np.abs(row[k + 1] - above)) + self.noise / step
            improved |= self._keep(row[k + 1], error, step)
        self.row = row
        return improved

    def _keep(self, value: np.ndarray, error: np.ndarray, step: float) -> bool:
        if self.best is None:
            unknown = np.full(np.shape(value), np.inf)
            self.best = Estimate(value, unknown, unknown)
        better = error < self.best.error  # False for NaN
        self.best = Estimate(
            np.where(better, value, self.best.value),
            np.where(better, error, self.best.error),
            np.where(better, step, self.best.step),
        )
        return bool(np.any(better))


def ridders(
    phi: Line, largest: float = LARGEST_STEP, smallest: float = SMALLEST_STEP, goal: float = 1e-10
) -> Estimate:
    """The derivative of ``phi`` at 0 by extrapolated central differences with automatic steps.

    Steps shrink until every component has reached ``goal`` (relative), or has not improved over three
    decades.
    """
    centre = evaluate(phi, 0.0)
    table = Extrapolation(EPS * np.abs(centre))
    stale = 0
    for step in default_steps(largest, smallest):
        improved = table.add(step, (evaluate(phi, step) - evaluate(phi, -step)) / (2.0 * step))
        if table.best is None:
            continue
        reached = table.best.error <= goal * np.abs(table.best.value)
        stale = 0 if improved else stale + 1
        if np.all(reached) or (stale >= 6 and np.all(np.isfinite(table.best.error))):
            break
    return table.best


@dataclass(frozen=True)
class Scan:
    """A scalar function seen along a line, on both sides of 0, at steps half a decade apart."""

    steps: np.ndarray
    centre: float
    plus: np.ndarray
    minus: np.ndarray

    @cached_property
    def central(self) -> np.ndarray:
        """Central difference quotients, one per step."""
        return (self.plus - self.minus) / (2.0 * self.steps)

    @cached_property
    def noise(self) -> float:
        """How much evaluations scatter: the second difference at steps too small to see curvature."""
        second = np.abs(self.plus - 2.0 * self.centre + self.minus)[-5:]
        scatter = float(np.nanmedian(second)) if np.any(np.isfinite(second)) else np.nan
        return max(scatter, EPS * abs(self.centre), np.finfo(float).tiny)

    @cached_property
    def estimate(self) -> Estimate:
        """The best extrapolated derivative in the table."""
        table = Extrapolation(self.noise)
        for step, quotient in zip(self.steps, self.central, strict=True):
            table.add(step, np.asarray(quotient))
        return table.best

    def remainders(self, slope: float) -> np.ndarray:
        """``|phi(h) - phi(0) - h slope|``: falls with h**2 exactly when ``slope`` is the derivative."""
        with np.errstate(invalid="ignore"):
            return np.abs(self.plus - self.centre - self.steps * slope)

    def taylor_rate(self, slope: float) -> float | None:
        """The observed order of the Taylor remainder (2 for a right slope), or None if it is all rounding."""
        remainders = self.remainders(slope)
        clean = remainders > 50.0 * self.noise
        with np.errstate(all="ignore"):
            rates = np.log(remainders[:-1] / remainders[1:]) / np.log(SHRINK)
        usable = rates[clean[:-1] & clean[1:] & (self.steps[1:] < 2e-2) & np.isfinite(rates)]
        return float(np.median(usable[-4:])) if usable.size >= 2 else None

    def one_sided(self) -> tuple[float, float] | None:
        """The slopes from the left and the right when they differ in the limit (a kink), else None.

        The gap of a smooth function falls in proportion to the step; a kink's gap stays.
        """
        right = (self.plus - self.centre) / self.steps
        left = (self.centre - self.minus) / self.steps
        gap = np.abs(right - left)
        size = np.maximum(np.abs(right), np.abs(left))
        clear = np.isfinite(gap) & (gap > 30.0 * self.noise / self.steps) & (gap > 1e-5 * size)
        if not np.any(clear):
            return None
        last = int(np.max(np.nonzero(clear)))
        before = last - 4  # two decades of half-decade steps
        if before < 0 or self.steps[last] > 1e-4 or gap[last] < 0.5 * gap[before]:
            return None
        return float(left[last]), float(right[last])


def scan(phi: Line) -> Scan:
    """Evaluate ``phi`` at 0 and at plus and minus every step."""
    steps = default_steps()
    plus = np.array([float(evaluate(phi, step)) for step in steps])
    minus = np.array([float(evaluate(phi, -step)) for step in steps])
    return Scan(steps, float(evaluate(phi, 0.0)), plus, minus)
