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

    def __init__(self) -> None:
        self.row: list[np.ndarray] = []
        self.best: Estimate | None = None

    def add(self, step: float, quotient: np.ndarray, rounding: np.ndarray | float) -> bool:
        """Add the difference quotient at ``step``, with the error that rounding may have put into it; tell
        whether any component's estimate got better.
        """
        row, improved = [quotient], False
        for k, above in enumerate(self.row):
            power = SHRINK ** (2 * (k + 1))
            row.append((power * row[k] - above) / (power - 1.0))
            error = np.maximum(np.abs(row[k + 1] - row[k]), np.abs(row[k + 1] - above)) + rounding
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


def forward(phi: Line, step: float) -> np.ndarray:
    """The forward difference quotient."""
    return (evaluate(phi, step) - evaluate(phi, 0.0)) / step


def central(phi: Line, step: float) -> np.ndarray:
    """The central difference quotient."""
    return (evaluate(phi, step) - evaluate(phi, -step)) / (2.0 * step)


def extrapolated(
    quotient: Callable[[float], np.ndarray],
    rounding: Callable[[float], np.ndarray],
    largest: float = LARGEST_STEP,
    smallest: float = SMALLEST_STEP,
    goal: float = 1e-10,
) -> Estimate:
    """The limit at step 0 of a quotient whose error is a series in the square of the step.

    Steps shrink until every component has reached ``goal`` (relative), or has not improved over three
    decades. ``rounding`` is the error of the quotient at a step that no extrapolation removes.
    """
    table = Extrapolation()
    stale = 0
    for step in default_steps(largest, smallest):
        improved = table.add(step, quotient(step), rounding(step))
        if table.best is None:
            continue
        reached = table.best.error <= goal * np.abs(table.best.value)
        stale = 0 if improved else stale + 1
        if np.all(reached) or (stale >= 6 and np.all(np.isfinite(table.best.error))):
            break
    return table.best


def ridders(phi: Line, largest: float = LARGEST_STEP, goal: float = 1e-10) -> Estimate:
    """The derivative of ``phi`` at 0 by extrapolated central differences with automatic steps."""
    size = EPS * np.abs(evaluate(phi, 0.0))
    return extrapolated(lambda step: central(phi, step), lambda step: size / step, largest, goal=goal)


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
        scatter = float(np.nanmedian(second)) if np.any(np.isfinite(second)) else 0.0
        return max(scatter, EPS * np.nan_to_num(abs(self.centre)), np.finfo(float).tiny)

    @cached_property
    def estimate(self) -> Estimate:
        """The best extrapolated derivative in the table."""
        return self._limit(self.central, self.noise / self.steps)

    @cached_property
    def curvature(self) -> Estimate:
        """The best extrapolated second derivative in the table, from second differences."""
        second = (self.plus - 2.0 * self.centre + self.minus) / self.steps**2
        return self._limit(second, 4.0 * self.noise / self.steps**2)

    def _limit(self, quotients: np.ndarray, rounding: np.ndarray) -> Estimate:
        table = Extrapolation()
        for step, quotient, error in zip(self.steps, quotients, rounding, strict=True):
            table.add(step, np.asarray(quotient), error)
        return table.best

    def remainders(self, slope: float, curvature: float = 0.0) -> np.ndarray:
        """``|phi(h) - phi(0) - h slope - h**2 curvature / 2|``, one per step.

        It falls with h**2 exactly when ``slope`` is the first derivative, and with h**3 exactly when
        ``curvature`` is the second one, too.
        """
        with np.errstate(invalid="ignore"):
            return np.abs(self.plus - self.centre - self.steps * slope - 0.5 * self.steps**2 * curvature)

    def taylor_rate(self, slope: float, curvature: float = 0.0) -> float | None:
        """The observed order of the Taylor remainder (2 for a right slope, 3 for a right curvature as well),
        or None if it is all rounding.
        """
        remainders = self.remainders(slope, curvature)
        clean = remainders > 50.0 * self.noise
        with np.errstate(all="ignore"):
            rates = np.log(remainders[:-1] / remainders[1:]) / np.log(SHRINK)
        usable = rates[clean[:-1] & clean[1:] & (self.steps[1:] < 2e-2) & np.isfinite(rates)]
        return float(np.median(usable[-4:])) if usable.size >= 2 else None

    def jump(self) -> tuple[float, float] | None:
        """By how much the value jumps on the left and on the right of 0, if it does so at all, else None.

        The change of a continuous function falls with the step; a jump's stays as it is.
        """
        sides = []
        for side in (self.centre - self.minus, self.plus - self.centre):
            near = side[-6:]
            stays = np.all(np.abs(near - near[-1]) <= 0.01 * np.abs(near[-1]))
            sides.append(float(near[-1]) if stays and abs(near[-1]) > 1e3 * EPS * abs(self.centre) else 0.0)
        return (sides[0], sides[1]) if any(sides) else None

    def one_sided(self) -> tuple[float, float] | None:
        """The slopes from the left and the right when they differ in the limit (a kink), else None.

        The gap of a smooth function falls in proportion to the step; a kink's gap stays.
        """
        right = (self.plus - self.centre) / self.steps
        left = (self.centre - self.minus) / self.steps
        gap, rounding = np.abs(right - left), 30.0 * self.noise / self.steps
        size = np.maximum(np.abs(right), np.abs(left))
        clear = np.isfinite(gap) & (gap > rounding) & (gap > 1e-5 * size)
        if not np.any(clear):
            return None
        last = int(np.max(np.nonzero(clear)))
        before = last - 4  # two decades of half-decade steps
        if before < 0 or not np.all(clear[before:last]):
            return None
        if self.steps[last] > 1e-4 or gap[last] < 0.5 * gap[before]:
            return None
        if np.any(np.abs(np.diff(np.log(gap[before : last + 1]))) > 1.0):
            return None  # it stays as it is, or grows like a root: else it is an oscillation
        if last + 1 < gap.size and rounding[last + 1] < 0.3 * gap[last]:
            return None  # the gap ends where rounding does not hide it: steps, not a kink
        return float(left[last]), float(right[last])

    def step_inside(self, slope: float) -> tuple[float, float] | None:
        """Between which steps the function has a jump or a kink away from 0; None if it is smooth.

        What is left of ``phi(h) - phi(-h)`` without the slope falls with h**3 (h**5 where that term
        vanishes, and so on). A jump between two steps makes it fall at once to where it would be without.
        """
        with np.errstate(all="ignore"):
            rest = np.abs(self.plus - self.minus - 2.0 * self.steps * slope)
            falls = rest[:-1] / rest[1:]
        seen = rest > 1e3 * max(self.noise, EPS * abs(self.centre)) + self._rounded_moves
        for k in range(falls.size - 2):
            usual = max(falls[k + 1], SHRINK**3) if seen[k + 1] and seen[k + 2] else SHRINK**5
            if seen[k] and falls[k] > 8.0 * usual:
                return float(self.steps[k + 1]), float(self.steps[k])
        return None

    @property
    def _rounded_moves(self) -> np.ndarray:
        """What rounding of the moved points may change in the values there."""
        return 1e2 * EPS / self.steps * (np.abs(self.plus - self.centre) + np.abs(self.minus - self.centre))

    def validity(self, slope: float, coarse: float = 1e-2) -> float:
        """The largest step under which quotients agree with a slope to a tenth; 0 if rounding hides all that
        might. A tenth of the slope, or of the quotient over the coarse step.
        """
        rounding = (10.0 * self.noise + self._rounded_moves) / self.steps
        scale = max(abs(slope), abs(self.central[int(np.argmin(np.abs(self.steps - coarse)))]))
        wrong = np.nonzero(np.abs(self.central - slope) > 0.1 * scale + rounding)[0]
        if wrong.size == 0:
            return float(self.steps[0])
        last = int(wrong[-1])
        return float(self.steps[last + 1]) if np.any(rounding[last + 1 :] < 0.1 * scale) else 0.0


def scan(phi: Line) -> Scan:
    """Evaluate ``phi`` at 0 and at plus and minus every step."""
    steps = default_steps()
    plus = np.array([float(evaluate(phi, step)) for step in steps])
    minus = np.array([float(evaluate(phi, -step)) for step in steps])
    return Scan(steps, float(evaluate(phi, 0.0)), plus, minus)
