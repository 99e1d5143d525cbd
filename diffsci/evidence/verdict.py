"""What a gradient check found: comparisons, points, and one verdict with a readable report."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from diffsci.evidence.lines import Scan

__all__ = ["Comparison", "GradCheck", "PointEvidence"]

GOOD = "good"
NOT_FINITE = "not finite"
UNSTABLE = "changes between calls"
MODES = "modes disagree"
WRONG_VALUE = "wrong value"
KINK = "kink"
WRONG = "wrong derivative"
NOISE = "noise floor"
# Ordered from the finding that explains most to the one that explains least.
VERDICTS = (NOT_FINITE, WRONG_VALUE, UNSTABLE, MODES, KINK, WRONG, NOISE, GOOD)

MEANING = {
    GOOD: "the gradient agrees with independent evidence",
    NOT_FINITE: "the objective or its gradient is NaN or infinite here",
    WRONG_VALUE: "the traced function does not return what the plain function returns",
    UNSTABLE: "the same question gets different answers: the function or its gradient has a memory",
    MODES: "forward and reverse mode give different derivatives: <w, J v> is not <J' w, v>",
    KINK: "the slopes from the left and the right differ: there is no derivative at this point",
    WRONG: "independent evidence contradicts the gradient",
    NOISE: "no contradiction, but the objective is too noisy (or too flat) to confirm the gradient",
}


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


@dataclass(frozen=True)
class PointEvidence:
    """Everything seen at one point."""

    label: str
    value: float
    forward: float
    direction: Comparison
    finite: Comparison | None
    scan: Scan | None
    complex_note: str
    entries: tuple[Comparison, ...]
    findings: tuple[tuple[str, str], ...]

    @property
    def verdict(self) -> str:
        """The finding that explains most, or ``good``."""
        return min((kind for kind, _ in self.findings), key=VERDICTS.index, default=GOOD)


@dataclass(frozen=True)
class GradCheck:
    """The result of :func:`diffsci.check_grad`: print it, or ask ``.passed``.

    Attributes
    ----------
    verdict : str
        ``good``, or what is wrong: ``wrong derivative``, ``modes disagree``, ``wrong value``, ``kink``,
        ``noise floor``, ``not finite``, ``changes between calls``.
    offender : str or None
        The parameter (name and index) that the finding is about.
    unused : tuple of str
        Parameters whose gradient is exactly zero because the objective does not use them.
    points : tuple of PointEvidence
        The evidence at the given point and at a nearby one.
    gradient : numpy.ndarray
        The gradient under test at the given point, as a vector.
    """

    function: str
    parameters: int
    verdict: str
    offender: str | None
    unused: tuple[str, ...]
    points: tuple[PointEvidence, ...]
    gradient: np.ndarray = field(repr=False)

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
