"""Finite differences of an objective: along single parameters, and along samples of a field's directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from solvers.studies.config import Validate
from solvers.studies.results import Agreement, Curve, Probe

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


def line(objective: Callable, free: dict[str, Any], probe: Probe) -> Callable[[float], float]:
    """Return the objective along a probe."""
    origin = free[probe.parameter]
    return lambda s: float(objective({**free, probe.parameter: origin + s * probe.step}))


def compare(objective: Callable, free: dict[str, Any], gradient: dict[str, Any], probe: Probe) -> Agreement:
    """Hold the gradient along a probe against extrapolated central differences."""
    import diffsci as ds

    slope, error = ds.finite_difference(line(objective, free, probe), 0.0, return_error=True)
    exact = float(np.sum(gradient[probe.parameter] * probe.step))
    return Agreement(probe, exact / probe.scale, float(slope) / probe.scale, float(error) / probe.scale)


def v_curve(objective: Callable, free: dict[str, Any], gradient: dict[str, Any], probe: Probe) -> Curve:
    """Return the error of plain central differences for steps from large to tiny."""
    phi = line(objective, free, probe)
    exact = float(np.sum(gradient[probe.parameter] * probe.step))
    with np.errstate(all="ignore"):
        slopes = np.array([(phi(step) - phi(-step)) / (2.0 * step) for step in STEPS])
        errors = np.abs(slopes - exact) / (abs(exact) or 1.0)
    return Curve(probe.parameter, STEPS.copy(), errors)
