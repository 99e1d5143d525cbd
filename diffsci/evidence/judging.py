"""One point of a gradient check: compare with references, parameter by parameter, and name what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np

from diffsci.evidence.analytic import NotAnalytic
from diffsci.evidence.complex_step import STEP, ComplexLine
from diffsci.evidence.failing import attempt, described_failure
from diffsci.evidence.lines import EPS, Estimate, Scan, ridders, scan
from diffsci.evidence.objective import Objective, Reverse
from diffsci.evidence.programs import repeating, single_precision_inside
from diffsci.evidence.verdict import (
    CURVATURE,
    GOOD,
    JUMP,
    KINK,
    MODES,
    NOISE,
    NOT_FINITE,
    UNSTABLE,
    WRONG,
    WRONG_VALUE,
    Comparison,
    Finding,
    PointEvidence,
    digits,
)
from diffsci.graph import Graph
from diffsci.source import at
from diffsci.tracing import trace_function

__all__ = ["Judge", "Options"]

MOST_ENTRIES_COMPLEX = 200
MOST_ENTRIES_DIFFERENCES = 12
NOISY = 1e4  # times rounding: then it is worth a note
SHORT_REACH = 1e-4  # relative steps over which any sane objective is nearly straight
COARSE = 1e-2
SINGLE = float(np.finfo(np.float32).eps)
EXACT, DIFFERENCES = "complex step", "finite differences"


class Options:
    """What the caller of a gradient check asked for."""

    def __init__(self, rtol: float | None, complex_step: bool, entries: bool | None, order: int):
        self.rtol, self.complex_step, self.entries, self.order = rtol, complex_step, entries, order

    def tolerance(self, source: str, precision: float) -> float:
        """Relative agreement asked for: what the reference can deliver, loosened for single precision."""
        default = 1e-9 if source == EXACT else 1e-5
        return max(default if self.rtol is None else self.rtol, 1e4 * precision if precision > EPS else 0.0)


class Judge:
    """Collects the evidence at one point; afterwards ``findings``, ``offender`` and ``unused`` say what it
    means.

    Raises :class:`~diffsci.evidence.failing.Failed` where a derivative of the function raises.
    """

    def __init__(self, objective: Objective, options: Options, label: str, vector: np.ndarray, rng):
        self.objective, self.options, self.label, self.vector = objective, options, label, vector
        self.parameters = objective.parameters
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.offender: str | None = None
        self.unused: list[str] = []
        self.direction = objective.direction(rng)
        self.reverse: Reverse = attempt(f"in reverse mode {label}", lambda: objective.reverse(vector))
        self.repeating = attempt(
            f"when it is traced {label}", lambda: repeating(objective.f, self.parameters.fill(vector))
        )
        terms = self.reverse.gradient * self.direction
        self.slope, self.magnitude = float(np.sum(terms)), float(np.sum(np.abs(terms)))
        self.exact: ComplexLine | None = None
        self.note, self.second_note = "", ""

    def evidence(self) -> PointEvidence:
        """All the evidence; later comparisons are skipped once a plainer finding explains them."""
        self._prepare_complex_step()
        self._value()
        forward = self._forward(self.direction)
        self._modes(forward)
        seen = scan(self._line(self.direction))
        finite = self._comparison(
            "random direction", self.slope, seen.estimate, DIFFERENCES, noise=seen.noise
        )
        chosen = finite
        if self.exact is not None:
            chosen = self._comparison("random direction", self.slope, self._exact(self.direction), EXACT)
        entries: tuple[Comparison, ...] = ()
        if not self.findings:
            self._broken(seen)
        if not self.findings:
            entries = self._entries()
            self._judge(chosen, entries, seen)
            self._scales(chosen, finite, seen)
        second = None
        if not self.findings and self.options.order == 2:
            second = self._second_order(seen, resolved=finite.verdict == GOOD)
        return PointEvidence(
            self.label,
            self.reverse.value,
            forward,
            chosen,
            finite,
            seen,
            self.note,
            second,
            self.second_note,
            entries,
            tuple(self.findings),
            tuple(self.notes),
        )

    # findings ---------------------------------------------------------------------------------------

    def _find(self, kind: str, text: str, offender: str | None = None) -> None:
        self.findings.append((kind, text))
        self.offender = self.offender or offender

    def _value(self) -> None:
        value, gradient = self.reverse.value, self.reverse.gradient
        plain, again = (self.plain() for _ in range(2))
        if not np.isfinite(value):
            self._find(NOT_FINITE, f"the objective is {value}")
        elif plain != again and not (np.isnan(plain) and np.isnan(again)):
            self._find(UNSTABLE, f"the plain function returned {plain!r}, then {again!r} at the same point")
        elif not self.objective.same_value(value, plain):
            self._find(WRONG_VALUE, f"traced {value!r}, plain NumPy {plain!r}")
        bad = np.nonzero(~np.isfinite(gradient))[0]
        if bad.size:
            name = self.parameters.name(int(bad[0]))
            self._find(NOT_FINITE, f"the gradient with respect to {name} is {gradient[bad[0]]}", name)

    def _line(self, direction: np.ndarray) -> Callable[[float], float]:
        """The function along a direction, with what its loops chose at the point."""
        return self.objective.line(self.vector, direction, self.repeating)

    def plain(self) -> float:
        """The plain function's value at the point."""
        return self.objective.quiet_number(self.vector)

    def _forward(self, direction: np.ndarray) -> float:
        return attempt(
            f"in forward mode {self.label}", lambda: self.objective.forward(self.vector, direction)
        )

    def _modes(self, forward: float) -> None:
        if not np.isfinite(self.slope) or self._disagreement(forward, self.slope, self.magnitude) <= 1.0:
            return
        if self._disagreement(forward, self.slope, self.magnitude + 1e-2 * self._bend) <= 1.0:
            return
        text = f"<w, J v> is {forward:.15g} in forward mode, <J' w, v> is {self.slope:.15g} in reverse mode"
        self._find(MODES, text, self._name_of_modes())

    def _disagreement(self, forward: float, reverse: float, magnitude: float) -> float:
        # Rounding differs between the modes and grows with the length of the program: 1e-10, not 1e-16.
        allowed = max(1e-10, 1e4 * self.objective.precision) * max(magnitude, abs(forward))
        return abs(forward - reverse) / allowed if forward != reverse else 0.0

    @cached_property
    def _bend(self) -> float:
        """How far the gradient changes along the direction: so large were its terms where it vanishes."""
        try:
            product = self.objective.hessian_vector(self.vector, self.direction)
        except Exception:  # a program without second derivatives: nothing is known
            return 0.0
        bend = float(np.sum(np.abs(product * self.direction)))
        return bend if np.isfinite(bend) else 0.0

    def _by_its_terms(self, compared: Comparison, unit: float = 1.0) -> Comparison:
        """A contradiction to the complex step, measured by the terms that cancel in the gradient."""
        if compared.verdict != WRONG or compared.source != EXACT:
            return compared
        return replace(compared, magnitude=compared.magnitude + self._bend / unit)

    def _name_of_modes(self) -> str:
        """The parameter on which the modes disagree most."""

        def gap(part: np.ndarray) -> float:
            gap = abs(self._forward(part) - float(np.sum(self.reverse.gradient * part)))
            return gap if np.isfinite(gap) else np.inf

        return self._narrowed(0, self.parameters.size, gap)

    def _broken(self, seen: Scan) -> None:
        """Jumps and kinks at the point itself, seen along the random direction."""
        jump = seen.jump()
        if jump is not None:
            text = f"the value jumps by {jump[0]:.6g} on the left, {jump[1]:.6g} on the right"
            self._find(JUMP, text, self._parameter_with(Scan.jump))
            return
        sides = seen.one_sided()
        if sides is not None:
            text = f"slope {sides[0]:.6g} from the left, {sides[1]:.6g} from the right"
            self._find(KINK, f"{text}, gradient {self.slope:.6g}", self._parameter_with(Scan.one_sided))

    def _parameter_with(self, fault: Callable[[Scan], object]) -> str:
        """The parameter whose own line has the fault (the first of them)."""
        for i in range(min(self.parameters.size, MOST_ENTRIES_DIFFERENCES)):
            if fault(scan(self._line(self._unit(i)))) is not None:
                return self.parameters.name(i)
        return "a combination of parameters"

    def _judge(self, chosen: Comparison, entries: tuple[Comparison, ...], seen: Scan) -> None:
        for kind in (NOT_FINITE, WRONG, NOISE):
            found = next((entry for entry in entries if entry.verdict == kind), None)
            if found is not None:
                kind = self._unless_rough(kind, found.source, seen)
                name = self._inside(found.name) if kind == WRONG else found.name
                text = f"gradient {found.derivative:.10g}, {found.source} {found.reference:.10g}"
                text = f"{name}: {text}" if name == found.name else f"{name} (in {found.name}: {text})"
                self._find(kind, text + self._noise_source(kind, seen), name)
                return
        if chosen.verdict != GOOD:
            kind = self._unless_rough(chosen.verdict, chosen.source, seen)
            text = f"gradient {chosen.derivative:.10g}, {chosen.source} {chosen.reference:.10g}"
            self._find(kind, f"along a random direction: {text}{self._noise_source(kind, seen)}")

    def _relative(self, seen: Scan) -> float:
        """The scatter of values relative to their size, or to that of their changes."""
        size = max(abs(seen.centre), self.magnitude)
        return seen.noise / size if size else 0.0

    def _unless_rough(self, kind: str, source: str, seen: Scan) -> str:
        """A contradiction with differences proves nothing where derivatives scatter themselves: noise."""
        if kind != WRONG or source == EXACT:
            return kind
        slopes = self._slopes_nearby(float(seen.steps[-1]))
        gap = abs(float(np.mean(slopes)) - float(seen.estimate.value))
        return NOISE if gap <= 3.0 * float(np.std(slopes)) else WRONG

    def _noise_source(self, kind: str, seen: Scan) -> str:
        if kind != NOISE:
            return ""
        if self.single is not None:
            return f"; computed in float32{at(self.single.location)}"
        return f"; values scatter by {self._relative(seen):.1g} of their size"

    def _scales(self, chosen: Comparison, finite: Comparison, seen: Scan) -> None:
        """Noise, steps and fine structure: what a derivative that holds at the point does not show."""
        if self.repeating is not None:
            self.notes.append(self._with_free_choices())
        if self.single is not None:
            self.notes.append(f"noisy: computed in float32{at(self.single.location)}")
        noise = self._relative(seen)
        if noise > NOISY * max(EPS, self.objective.precision):
            self.notes.append(
                f"noisy: values scatter by {noise:.1g} of their size, rounding is {EPS:.0e}; differences "
                f"confirm no more than {max(finite.digits, 0.0):.0f} digits"
            )
        if self.objective.precision > EPS:
            return  # single precision is made of steps
        inside = seen.step_inside(self.slope)
        if inside is not None:
            self.notes.append(
                f"not smooth nearby: a jump or a kink between steps {inside[0]:.0e} and {inside[1]:.0e} "
                "(a branch, a rounding, a loop that stops early); the derivative is that of one piece"
            )
        reach = seen.validity(self.slope)
        if chosen.verdict == GOOD and not self.findings and reach < SHORT_REACH:
            self._short_reach(finite, seen, reach)

    def _with_free_choices(self) -> str:
        """How derivatives and differences agree where every run chooses its steps anew."""
        free = float(ridders(self.objective.line(self.vector, self.direction)).value)
        agree = digits(self.slope, free)
        return (
            "adaptive steps: differences repeat those of the run at the point, as derivatives do; with steps "
            f"chosen anew the slope is {free:.6g}, which agrees to {agree:.1f} digits"
        )

    def _short_reach(self, finite: Comparison, seen: Scan, reach: float) -> None:
        """The derivative holds on a tiny interval only: fine structure, steps, or a wrong program."""
        step = next(row for row, h in enumerate(seen.steps) if h <= COARSE)
        coarse, slopes = float(seen.central[step]), self._slopes_nearby(COARSE)
        holds = f"relative steps under {reach:.0e} only" if reach else "no step seen"
        text = (
            f"the derivative {self.slope:.6g} along a random direction holds for {holds}; over {COARSE:g} "
            f"the slope is {coarse:.6g}"
        )
        if abs(float(np.mean(slopes)) - coarse) <= 3.0 * float(np.std(slopes)):
            if reach == 0.0:
                self._find(NOISE, f"{text}: structure too fine for differences")
            else:
                self.notes.append(f"fine structure: {text}")
        elif finite.verdict != GOOD and abs(finite.reference - coarse) > 0.3 * abs(coarse):
            self._find(NOISE, f"{text}, over tiny steps {finite.reference:.6g}: its own values scatter")
        elif finite.verdict == GOOD:
            self._find(NOISE, f"{text}: the function is made of steps, and the derivative is that of one")
        else:
            self._find(WRONG, f"{text}: the plain function does not follow the traced program")

    def _slopes_nearby(self, reach: float) -> np.ndarray:
        """Derivatives at points along the random direction, up to a relative distance."""
        places = reach * np.linspace(-0.97, 0.91, 8)
        points = [self.vector + t * self.direction for t in places]
        return np.array(
            [
                attempt(
                    f"in forward mode near the point {self.label}",
                    lambda point=point: self.objective.forward(point, self.direction),
                )
                for point in points
            ]
        )

    def _inside(self, name: str) -> str:
        """Narrow a wrong leaf down to one of its entries by bisection."""
        leaf = next((leaf for leaf in self.parameters.leaves if leaf.name == name), None)
        if leaf is None:
            return name

        def gap(part: np.ndarray) -> float:
            compared = self._along(name, part)
            return abs(compared.derivative - compared.reference)

        return self._narrowed(leaf.start, leaf.stop, gap)

    def _narrowed(self, start: int, stop: int, gap: Callable[[np.ndarray], float]) -> str:
        """The entry of the vector at which a gap is largest, by bisection along parts of the direction."""
        while stop - start > 1:
            middle = (start + stop) // 2
            if gap(self._part(start, middle)) >= gap(self._part(middle, stop)):
                stop = middle
            else:
                start = middle
        return self.parameters.name(start)

    def _second_order(self, seen: Scan, resolved: bool) -> Comparison | None:
        """The second derivative along the direction by a Hessian-vector product, beside second differences.

        A wrong curvature leaves a remainder of second order; that is believed where differences resolve the
        function, so that they confirm its gradient.
        """
        try:
            product = self.objective.hessian_vector(self.vector, self.direction)
        except Exception as error:  # a program without second derivatives still has a gradient to check
            self.second_note = described_failure(error)
            return None
        terms = product * self.direction
        curvature, estimate = float(np.sum(terms)), seen.curvature
        second = Comparison(
            "second derivative along the random direction",
            curvature,
            float(estimate.value),
            float(estimate.error),
            DIFFERENCES,
            max(1e-4, self.options.tolerance(DIFFERENCES, self.objective.precision)),
            float(np.sum(np.abs(terms))),
        )
        rate = seen.taylor_rate(self.slope, curvature)
        if second.verdict == WRONG and resolved and rate is not None and 1.7 < rate < 2.3:
            text = f"<v, H v> is {curvature:.10g}, second differences {second.reference:.10g}"
            self._find(CURVATURE, f"{text}; the Taylor remainder falls with order {rate:.2f}, not 3")
        return second

    # references -------------------------------------------------------------------------------------

    def _prepare_complex_step(self) -> None:
        traced = attempt(f"when it is traced {self.label}", self._traced)
        self.single = single_precision_inside(traced)
        if self.single is not None:
            self.objective.precision = SINGLE
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

    def _traced(self) -> Graph:
        return trace_function(self.objective.f, self.parameters.fill(self.vector)).graph

    def _exact(self, direction: np.ndarray) -> Estimate:
        magnitude = float(np.sum(np.abs(self.reverse.gradient * direction)))
        rounding = EPS if self.single is None else 1e2 * SINGLE
        value = self.exact.derivative(direction)
        if magnitude == 0.0 and abs(value) < STEP**1.5:
            value = 0.0  # what the third derivative leaves: the square of the step
        return Estimate(np.asarray(value), np.asarray(rounding * magnitude), np.asarray(0.0))

    def _comparison(
        self, name: str, derivative: float, estimate: Estimate, source: str, noise: float = 0.0
    ) -> Comparison:
        tolerance = self.options.tolerance(source, self.parameters.precision)
        value, error = float(estimate.value), float(estimate.error)
        return self._by_its_terms(
            Comparison(name, derivative, value, error, source, tolerance, self.magnitude, noise)
        )

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
            source, estimate = DIFFERENCES, ridders(self._line(direction))
        if derivative == 0.0 and self._no_effect(direction):
            self.unused.append(name)
        compared = Comparison(
            name,
            derivative / unit,
            float(estimate.value) / unit,
            float(estimate.error) / unit,
            source,
            self.options.tolerance(source, self.parameters.precision),
            float(np.sum(self._terms() * np.abs(direction))) / unit,
            negligible=1e-9 * self.magnitude / unit,
        )
        return self._by_its_terms(compared, unit)

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
        line, here = self.objective.line(self.vector, direction), self.plain()
        return all(line(t) == here for t in (0.1, -0.1))

    def _unit(self, index: int) -> np.ndarray:
        unit = np.zeros(self.parameters.size)
        unit[index] = self.parameters.scale()[index]
        return unit

    def _part(self, start: int, stop: int) -> np.ndarray:
        part = np.zeros_like(self.direction)
        part[start:stop] = self.direction[start:stop]
        return part
