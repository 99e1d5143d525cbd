"""What a gradient check found: comparisons, points, and one verdict with a readable report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diffsci.evidence.lines import Scan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Comparison", "Finding", "GradCheck", "PointEvidence", "worst"]

GOOD = "good"
FAILS = "fails"
NO_NUMBER = "no number"
RANDOM = "random"
UNSTABLE = "changes between calls"
NOT_FINITE = "not finite"
WRONG_VALUE = "wrong value"
MODES = "modes disagree"
JUMP = "jump"
KINK = "kink"
WRONG = "wrong derivative"
CURVATURE = "wrong second derivative"
NOISE = "noise floor"

# Ordered from the finding that explains most to the one that explains least.
MEANING = {
    FAILS: "the function, or a derivative of it, raises an exception",
    NO_NUMBER: "the function returns nothing that could be differentiated",
    RANDOM: "the function draws random numbers: two calls at the same point differ",
    UNSTABLE: "non-deterministic: the function or its gradient has a memory, equal calls differ",
    NOT_FINITE: "the objective or its gradient is NaN or infinite here",
    WRONG_VALUE: "the traced function does not return what the plain function returns",
    MODES: "forward and reverse mode give different derivatives: <w, J v> is not <J' w, v>",
    JUMP: "the value jumps at this point: there is no derivative",
    KINK: "the slopes from the left and the right differ: there is no derivative at this point",
    WRONG: "independent evidence contradicts the gradient",
    CURVATURE: "the gradient is right, but the Hessian-vector product is not",
    NOISE: "no contradiction, but the objective is too noisy (or too flat) to confirm the gradient",
    GOOD: "the gradient agrees with independent evidence",
}
VERDICTS = tuple(MEANING)


def digits(value: float, reference: float) -> float:
    """Decimal digits on which two numbers agree, at most 16."""
    size = max(abs(value), abs(reference))
    if value == reference or size == 0.0:
        return 16.0
    difference = abs(value - reference)
    return float(np.clip(-np.log10(difference / size), 0.0, 16.0)) if np.isfinite(difference) else 0.0


@dataclass(frozen=True)
class Comparison:
    """One directional derivative of the gradient under test beside an independent reference.

    ``magnitude`` is the sum of the absolute terms that make up ``derivative``: rounding is relative to it.
    ``negligible`` is the size under which a parameter's effect drowns in the effect of the others.
    """

    name: str
    derivative: float
    reference: float
    error: float
    source: str
    rtol: float
    magnitude: float
    negligible: float = 0.0

    @property
    def digits(self) -> float:
        """Decimal digits on which the gradient and the reference agree."""
        return digits(self.derivative, self.reference)

    @property
    def verdict(self) -> str:
        """``good``, ``wrong derivative``, ``noise floor`` or ``not finite``."""
        if not (np.isfinite(self.derivative) and np.isfinite(self.reference)):
            return NOT_FINITE
        difference = abs(self.derivative - self.reference)
        size = max(abs(self.derivative), abs(self.reference))
        if difference <= self.rtol * size + 1e-3 * self.rtol * self.magnitude:
            return GOOD
        if difference > 10.0 * self.error:
            return WRONG
        return (
            GOOD
            if size <= max(10.0 * self.error, self.negligible) and size <= 1e-6 * self.magnitude
            else NOISE
        )


Finding = tuple[str, str]


def worst(findings: Iterable[Finding]) -> str:
    """The verdict that explains most among findings; ``good`` without any."""
    return min((kind for kind, _ in findings), key=VERDICTS.index, default=GOOD)


@dataclass(frozen=True)
class PointEvidence:
    """Everything seen at one point; ``findings`` are pairs of a verdict and the reason for it.

    ``direction`` is the comparison along a random direction, ``finite`` the one with differences there,
    ``second`` that of the second derivative along it.
    """

    label: str
    value: float
    forward: float
    direction: Comparison
    finite: Comparison
    scan: Scan
    complex_note: str
    second: Comparison | None = None
    second_note: str = ""
    entries: tuple[Comparison, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The finding that explains most, or ``good``."""
        return worst(self.findings)


@dataclass(frozen=True)
class GradCheck:
    """The result of :func:`diffsci.check_grad`: print it, or ask ``.passed``.

    Attributes
    ----------
    verdict : str
        ``good``, or what is wrong: one of the keys of ``diffsci.evidence.verdict.MEANING``.
    offender : str or None
        The parameter (name and index) that the finding is about.
    unused : tuple of str
        Parameters whose gradient is exactly zero because the objective does not use them.
    points : tuple of PointEvidence
        The evidence at the given point and at a nearby one; none where calling the function showed enough.
    gradient : numpy.ndarray
        The gradient under test at the given point, as a vector; NaN where there is none.
    findings : tuple of (str, str)
        All verdicts met, each with its reason.
    notes : tuple of str
        What else a reader should know: an output that is not one number, noise, steps, fine structure.
    error : Exception or None
        What the function raised, where the verdict is ``fails``.
    """

    function: str
    parameters: int
    verdict: str
    offender: str | None
    unused: tuple[str, ...]
    points: tuple[PointEvidence, ...]
    gradient: np.ndarray = field(repr=False)
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    error: Exception | None = None

    @property
    def passed(self) -> bool:
        """Whether the verdict is ``good``."""
        return self.verdict == GOOD

    def __bool__(self) -> bool:
        raise TypeError(
            "a gradient check is not true or false by itself: ask result.passed (and print(result))"
        )

    def __str__(self) -> str:
        from diffsci.evidence.report import grad_report

        return grad_report(self)

    def v_curve(self, point: int = 0) -> str:
        """The error of central differences against their step at one of the points, as text."""
        from diffsci.evidence.drawing import v_curve

        return v_curve(self.points[point])

    def plot(self, path: str | Path | None = None) -> Figure:
        """Draw the V-curve and the Taylor remainders at every point with matplotlib.

        Parameters
        ----------
        path : str or path, optional
            Where to save the picture; its suffix chooses the format.

        Returns
        -------
        matplotlib.figure.Figure
            Made without pyplot: no window, no state left behind.

        Raises
        ------
        ValueError
            If the check has no points: the function failed, or changes between calls.
        """
        from diffsci.evidence.drawing import plot

        return plot(self, path)
