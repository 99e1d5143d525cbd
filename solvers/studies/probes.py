"""Finite differences of an objective: along single parameters, and along samples of a field's directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.studies.config import Validate
from solvers.studies.results import Agreement, Curve, Probe

if TYPE_CHECKING:
    from solvers.studies.objectives import Objective
    from solvers.studies.run import Study

STEPS = 10.0 ** -np.arange(1.0, 11.0)  # relative steps of the V-curve


def choose_probes(free: dict[str, Any], gradient: dict[str, Any], settings: Validate) -> list[Probe]:
    """Return the directions to try: single parameters; for a field, random directions and entries.

    Entries are drawn with probability proportional to their gradient: where it vanishes there is nothing
    to see.
    """
    rng = np.random.default_rng(settings.seed)
    probes: list[Probe] = []
    for name, value in free.items():
        if np.ndim(value) == 0:
            size = abs(float(value)) or 1.0
            probes.append(Probe(name, name, size, scale=size, whole=True))
            continue
        size = float(np.max(np.abs(value))) or 1.0
        for number in range(settings.directions):
            direction = size * rng.uniform(-1.0, 1.0, np.shape(value))
            probes.append(Probe(f"{name}, random direction {number + 1}", name, direction))
        weights = np.abs(gradient[name]).ravel()
        count = min(settings.entries, int(np.count_nonzero(weights)))
        for flat in (
            rng.choice(weights.size, count, replace=False, p=weights / weights.sum()) if count else ()
        ):
            place = np.unravel_index(flat, np.shape(value))
            direction = np.zeros(np.shape(value))
            direction[place] = size
            label = f"{name}[{', '.join(str(int(i)) for i in place)}]"
            probes.append(Probe(label, name, direction, scale=size))
    return probes


def count_probes(free: dict[str, Any], settings: Validate) -> int:
    """Return how many probes there will be, unless a gradient vanishes."""
    return sum(
        1 if np.ndim(value) == 0 else settings.directions + settings.entries for value in free.values()
    )


def value_or_nan(function: Callable, values: dict[str, Any]) -> float:
    """Return an objective, NaN where the simulation fails or the model is not defined."""
    try:
        with np.errstate(all="ignore"):
            return float(function(values))
    except (ArithmeticError, ValueError):
        return np.nan


class Line:
    """An objective along a probe; values are kept, because all kinds of differences visit the same points."""

    def __init__(self, objective: Callable, free: dict[str, Any], probe: Probe):
        self.objective, self.free, self.probe = objective, free, probe
        self._values: dict[str, float] = {}

    def __call__(self, s: float) -> float:
        """Return the objective after ``s`` steps of the probe."""
        key = f"{s:.12e}"  # steps come from different formulas and differ in their last bits
        if key not in self._values:
            name = self.probe.parameter
            moved = {**self.free, name: self.free[name] + s * self.probe.step}
            self._values[key] = value_or_nan(self.objective, moved)
        return self._values[key]

    @classmethod
    def pair(
        cls, study: Study, objective: Objective, frozen: Callable, probe: Probe
    ) -> tuple[Line, Line | None]:
        """Return the line on frozen steps, and the one on free steps where those are adaptive."""
        free = cls(objective.function, study.free, probe) if study.simulation.adaptive else None
        return cls(frozen, study.free, probe), free

    def slope(self, gradient: dict[str, Any]) -> float:
        """Return the derivative along the probe that the gradient says."""
        return float(np.sum(gradient[self.probe.parameter] * self.probe.step))


def compare(frozen: Line, free: Line | None, gradient: dict[str, Any]) -> Agreement:
    """Hold the gradient along a probe against extrapolated central differences."""
    import diffsci as ds

    scale = frozen.probe.scale
    slope, error = ds.finite_difference(frozen, 0.0, return_error=True)
    moving = None if free is None else float(ds.finite_difference(free, 0.0)) / scale
    exact = frozen.slope(gradient)
    return Agreement(frozen.probe, exact / scale, float(slope) / scale, float(error) / scale, moving)


def v_curve(frozen: Line, free: Line | None, gradient: dict[str, Any]) -> Curve:
    """Return the error of plain central differences for steps from large to tiny."""
    exact = frozen.slope(gradient)
    errors = [None if line is None else _errors(line, exact) for line in (frozen, free)]
    return Curve(frozen.probe.parameter, STEPS.copy(), *errors)


def _errors(line: Line, exact: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        slopes = np.array([(line(step) - line(-step)) / (2.0 * step) for step in STEPS])
        return np.abs(slopes - exact) / (abs(exact) or 1.0)
