"""One point of a gradient check: compare with references, parameter by parameter, and name what is wrong."""

from __future__ import annotations

import numpy as np

from diffsci.evidence.analytic import NotAnalytic
from diffsci.evidence.complex_step import ComplexLine
from diffsci.evidence.lines import EPS, Estimate, Scan, ridders, scan
from diffsci.evidence.objective import Objective, Reverse
from diffsci.evidence.verdict import (
    GOOD,
    KINK,
    MODES,
    NOISE,
    NOT_FINITE,
    UNSTABLE,
    WRONG,
    WRONG_VALUE,
    Comparison,
    PointEvidence,
)

__all__ = ["Judge", "Options"]

MOST_ENTRIES_COMPLEX = 200
MOST_ENTRIES_DIFFERENCES = 12
EXACT, DIFFERENCES = "complex step", "finite differences"


class Options:
    """What the caller of a gradient check asked for."""

    def __init__(self, rtol: float | None, complex_step: bool, entries: bool | None):
        self.rtol, self.complex_step, self.entries = rtol, complex_step, entries

    def tolerance(self, source: str, precision: float) -> float:
        """Relative agreement asked for: what the reference can deliver, loosened for single precision."""
        default = 1e-9 if source == EXACT else 1e-5
        return max(default if self.rtol is None else self.rtol, 1e4 * precision if precision > EPS else 0.0)


class Judge:
    """Collects the evidence at one point; afterwards ``findings``, ``offender`` and ``unused`` say what it
    means.
    """

    def __init__(self, objective: Objective, options: Options, label: str, vector: np.ndarray, rng):
        self.objective, self.options, self.label, self.vector = objective, options, label, vector
        self.parameters = objective.parameters
        self.findings: list[tuple[str, str]] = []
        self.offender: str | None = None
        self.unused: list[str] = []
        self.direction = objective.direction(rng)
        self.reverse: Reverse = objective.reverse(vector)
        terms = self.reverse.gradient * self.direction
        self.slope, self.magnitude = float(np.sum(terms)), float(np.sum(np.abs(terms)))
        self.exact: ComplexLine | None = None
        self.note = ""

    def evidence(self) -> PointEvidence:
        """All the evidence; later comparisons are skipped once a plainer finding explains them."""
        self._value()
        forward = self.objective.forward(self.vector, self.direction)
        self._modes(forward)
        seen = scan(self.objective.line(self.vector, self.direction))
        self._prepare_complex_step()
        finite = self._comparison(
            "random direction", self.slope, seen.estimate, DIFFERENCES, noise=seen.noise
        )
        chosen = finite
        if self.exact is not None:
            chosen = self._comparison("random direction", self.slope, self._exact(self.direction), EXACT)
        entries: tuple[Comparison, ...] = ()
        if not self.findings:
            self._kink(seen)
            entries = self._entries()
            self._judge(chosen, entries)
        return PointEvidence(
            self.label,
            self.reverse.value,
            forward,
            chosen,
            finite,
            seen,
            self.note,
            entries,
            tuple(self.findings),
        )

    # findings ---------------------------------------------------------------------------------------

    def _find(self, kind: str, text: str, offender: str | None = None) -> None:
        self.findings.append((kind, text))
        self.offender = self.offender or offender

    def _value(self) -> None:
        value, gradient = self.reverse.value, self.reverse.gradient
        plain, again = (self.objective.quiet_number(self.vector) for _ in range(2))
        if not np.isfinite(value):
            self._find(NOT_FINITE, f"the objective is {value}")
        elif plain != again:
            self._find(UNSTABLE, f"the plain function returned {plain!r}, then {again!r} at the same point")
        elif not self.objective.same_value(value, plain):
            self._find(WRONG_VALUE, f"traced {value!r}, plain NumPy {plain!r}")
        bad = np.nonzero(~np.isfinite(gradient))[0]
        if bad.size:
            name = self.parameters.name(int(bad[0]))
            self._find(NOT_FINITE, f"the gradient with respect to {name} is {gradient[bad[0]]}", name)

    def _modes(self, forward: float) -> None:
        # Rounding differs between the modes and grows with the length of the program: 1e-10, not 1e-16.
        allowed = max(1e-10, 1e4 * self.parameters.precision) * max(self.magnitude, abs(forward))
        if np.isfinite(self.slope) and not abs(forward - self.slope) <= allowed:
            self._find(MODES, f"forward mode {forward:.15g}, reverse mode {self.slope:.15g}")

    def _kink(self, seen: Scan) -> None:
        sides = seen.one_sided()
        if sides is not None:
            text = f"slope {sides[0]:.6g} from the left, {sides[1]:.6g} from the right"
            self._find(KINK, f"{text}, gradient {self.slope:.6g}", self._kinked_parameter())

    def _kinked_parameter(self) -> str:
        """The parameter whose own line has the kink (the first of them)."""
        for i in range(min(self.parameters.size, MOST_ENTRIES_DIFFERENCES)):
            if scan(self.objective.line(self.vector, self._unit(i))).one_sided() is not None:
                return self.parameters.name(i)
        return "a combination of parameters"

    def _judge(self, chosen: Comparison, entries: tuple[Comparison, ...]) -> None:
        for kind in (NOT_FINITE, WRONG, NOISE):
            found = next((entry for entry in entries if entry.verdict == kind), None)
            if found is not None:
                name = self._inside(found.name) if kind == WRONG else found.name
                text = f"gradient {found.derivative:.10g}, {found.source} {found.reference:.10g}"
                self._find(
                    kind,
                    f"{name}: {text}" if name == found.name else f"{name} (in {found.name}: {text})",
                    name,
                )
                return
        if chosen.verdict != GOOD:
            text = f"gradient {chosen.derivative:.10g}, {chosen.source} {chosen.reference:.10g}"
            self._find(chosen.verdict, f"along a random direction: {text}")

    def _inside(self, name: str) -> str:
        """Narrow a wrong leaf down to one of its entries by bisection."""
        leaf = next((leaf for leaf in self.parameters.leaves if leaf.name == name), None)
        if leaf is None:
            return name
        start, stop = leaf.start, leaf.stop
        while stop - start > 1:
            middle = (start + stop) // 2
            left, right = (self._along(name, self._part(*ends)) for ends in ((start, middle), (middle, stop)))
            if abs(left.derivative - left.reference) >= abs(right.derivative - right.reference):
                stop = middle
            else:
                start = middle
        return self.parameters.name(start)

    # references -------------------------------------------------------------------------------------

    def _prepare_complex_step(self) -> None:
        if not self.options.complex_step:
            self.note = "switched off"
            return
        try:
            line = ComplexLine(self.objective.f, self.parameters, self.vector, self.objective.weigh)
            line.derivative(self.direction)
        except NotAnalytic as reason:
            self.note = str(reason)
        else:
            self.exact = line

    def _exact(self, direction: np.ndarray) -> Estimate:
        magnitude = float(np.sum(np.abs(self.reverse.gradient * direction)))
        return Estimate(
            np.asarray(self.exact.derivative(direction)), np.asarray(EPS * magnitude), np.asarray(0.0)
        )

    def _comparison(
        self, name: str, derivative: float, estimate: Estimate, source: str, noise: float = 0.0
    ) -> Comparison:
        tolerance = self.options.tolerance(source, self.parameters.precision)
        value, error = float(estimate.value), float(estimate.error)
        return Comparison(name, derivative, value, error, source, tolerance, self.magnitude, noise)

    def _entries(self) -> tuple[Comparison, ...]:
        """Every parameter alone if there are few, else every leaf as a whole."""
        size = self.parameters.size
        most = MOST_ENTRIES_COMPLEX if self.exact is not None else MOST_ENTRIES_DIFFERENCES
        if size <= most if self.options.entries is None else self.options.entries:
            return tuple(
                self._along(self.parameters.name(i), self._unit(i), single=True) for i in range(size)
            )
        return tuple(
            self._along(leaf.name, self._part(leaf.start, leaf.stop)) for leaf in self.parameters.leaves
        )

    def _along(self, name: str, direction: np.ndarray, single: bool = False) -> Comparison:
        """Compare along one direction; for a single parameter, per unit of that parameter."""
        derivative = float(np.sum(self.reverse.gradient * direction))
        unit = float(np.max(np.abs(direction))) if single else 1.0
        if self.exact is not None:
            source, estimate = EXACT, self._exact(direction)
        else:
            source, estimate = DIFFERENCES, ridders(self.objective.line(self.vector, direction))
        if derivative == 0.0 and self._no_effect(direction):
            self.unused.append(name)
        return Comparison(
            name,
            derivative / unit,
            float(estimate.value) / unit,
            float(estimate.error) / unit,
            source,
            self.options.tolerance(source, self.parameters.precision),
            float(np.sum(self._terms() * np.abs(direction))) / unit,
            negligible=1e-9 * self.magnitude / unit,
        )

    def _terms(self) -> np.ndarray:
        """The size of what was added up to each entry of the gradient: both parts of a complex number."""
        terms = np.abs(self.reverse.gradient)
        for leaf in self.parameters.leaves:
            if leaf.whole:
                part = slice(leaf.start, leaf.stop)
                terms[part] = np.repeat(terms[part].reshape(-1, 2).max(axis=1), 2)
        return terms

    def _no_effect(self, direction: np.ndarray) -> bool:
        """Whether a large change along a direction leaves the objective exactly as it is."""
        line = self.objective.line(self.vector, direction)
        with np.errstate(all="ignore"):
            return all(_same(line, t, self.objective.quiet_number(self.vector)) for t in (0.1, -0.1))

    def _unit(self, index: int) -> np.ndarray:
        unit = np.zeros(self.parameters.size)
        unit[index] = self.parameters.scale()[index]
        return unit

    def _part(self, start: int, stop: int) -> np.ndarray:
        part = np.zeros_like(self.direction)
        part[start:stop] = self.direction[start:stop]
        return part


def _same(line, t: float, value: float) -> bool:
    try:
        return line(t) == value
    except (ArithmeticError, ValueError):
        return False
