"""What a study found: plain values that tables, files and plots are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


def digits(value: float, reference: float) -> float:
    """Return the number of decimal digits on which two numbers agree, between 0 and 16.

    Examples
    --------
    >>> digits(1.0001, 1.0)
    4.0
    >>> digits(2.0, 2.0)
    16.0
    """
    if value == reference:
        return 16.0
    size = max(abs(value), abs(reference))
    difference = abs(value - reference) / size
    return float(np.clip(-np.log10(difference), 0.0, 16.0)) if np.isfinite(difference) else 0.0


@dataclass(frozen=True)
class Trajectory:
    """The simulation at the stored times, and what the solver had to do for it."""

    t: np.ndarray
    states: dict[str, np.ndarray]  # last axis: time
    statistics: dict[str, Any]


@dataclass(frozen=True)
class Probe:
    """A direction in which the gradient is compared with finite differences.

    ``step`` is the change of the parameter per unit along the line; ``scale`` divides derivatives along the
    line, so that they are per unit of the parameter where it is a single number.
    """

    label: str
    parameter: str
    step: Any
    scale: float = 1.0
    whole: bool = False  # the parameter is a single number and this is its derivative

    @property
    def single(self) -> bool:
        """Whether this is the derivative with respect to one number: the parameter or an entry of it."""
        return self.whole or np.count_nonzero(self.step) == 1


@dataclass(frozen=True)
class Agreement:
    """A directional derivative of the gradient beside its finite-difference value.

    ``difference`` is taken on frozen steps; ``free`` lets the steps follow the tolerances (None where they
    cannot).
    """

    probe: Probe
    gradient: float
    difference: float
    uncertainty: float
    free: float | None = None

    @property
    def digits(self) -> float:
        """Decimal digits on which gradient and difference agree."""
        return digits(self.gradient, self.difference)

    @property
    def free_digits(self) -> float | None:
        """Decimal digits on which the gradient agrees with the difference on free steps."""
        return None if self.free is None else digits(self.gradient, self.free)


@dataclass(frozen=True)
class Curve:
    """Relative error of central differences by relative step; ``free`` as in `Agreement`."""

    parameter: str
    steps: np.ndarray
    errors: np.ndarray
    free: np.ndarray | None = None


@dataclass(frozen=True)
class ObjectiveResult:
    """Value and gradient of one objective, and their finite-difference evidence."""

    name: str
    unit: str
    value: float
    gradient: dict[str, Any]
    gradient_units: dict[str, str]
    seconds: float
    agreements: list[Agreement] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    @property
    def unused(self) -> list[str]:
        """Parameters whose gradient is exactly zero."""
        return [name for name, entry in self.gradient.items() if not np.any(entry)]

    def elasticity(self, name: str, value: Any) -> float:
        """Return the relative change of the objective per relative change of a parameter."""
        return float(np.sum(np.asarray(value) * self.gradient[name])) / self.value if self.value else np.nan


@dataclass(frozen=True)
class Check:
    """One line of evidence: a number, what it is held against, and the verdict."""

    objective: str
    kind: str
    quantity: str
    value: float
    reference: float
    deviation: float
    limit: float
    passed: bool
    source: str = ""


@dataclass(frozen=True)
class Calibration:
    """A fit: where it started, where it ended, and how it got there."""

    objective: str
    method: str
    start: dict[str, float]
    fitted: dict[str, float]
    values: np.ndarray  # objective after each iteration, the start first
    evaluations: int
    gradient_norm: float
    success: bool
    message: str


@dataclass(frozen=True)
class StudyResult:
    """Everything that a run found."""

    trajectory: Trajectory
    objectives: list[ObjectiveResult]
    checks: list[Check]
    calibration: Calibration | None = None
    fitted: Trajectory | None = None
