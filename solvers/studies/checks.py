"""The checks of a case: published values, differences, Taylor remainders, both modes, complex steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.studies.config import Validate
from solvers.studies.load import Case
from solvers.studies.objectives import Objective
from solvers.studies.probes import value_or_nan
from solvers.studies.results import Agreement, Calibration, Check, ObjectiveResult, Trajectory

if TYPE_CHECKING:
    from solvers.studies.run import Study

MODES_LIMIT = 1e-10  # <J v, w> against <v, J' w>: two sums of the same products
TAYLOR_ORDER = 2.0
TAYLOR_SLACK = 0.1
NEARBY = 1e-2  # relative distance of the second point


def relative(value: float, reference: float) -> float:
    """Return the deviation relative to the reference."""
    return abs(value - reference) / abs(reference) if reference else abs(value)


def reference_checks(case: Case, result: ObjectiveResult) -> Iterator[Check]:
    """Compare with the published values that the case carries."""
    first = not any(item.objective == result.name for item in case.config.validation.reference)
    for item in case.config.validation.reference:
        if item.objective != result.name and not (first and not item.objective):
            continue
        pairs = [("value", result.value, item.value)] if item.value is not None else []
        pairs += [
            (f"d/d {name}", float(result.gradient[name]), published)
            for name, published in item.gradient.items()
        ]
        for quantity, ours, published in pairs:
            deviation = relative(ours, published)
            yield Check(
                result.name,
                "published",
                quantity,
                ours,
                published,
                deviation,
                item.rtol,
                deviation <= item.rtol,
                item.source,
            )


def difference_checks(name: str, agreement: Agreement, settings: Validate) -> Iterator[Check]:
    """Judge one comparison with finite differences, on frozen steps and on free ones."""
    pairs = [("central differences", agreement.difference, settings.rtol)]
    if agreement.free is not None:
        pairs.append(("differences, free steps", agreement.free, settings.free_rtol))
    for kind, difference, limit in pairs:
        deviation = relative(agreement.gradient, difference)
        quantity, good = f"d/d {agreement.probe.label}", deviation <= limit
        yield Check(name, kind, quantity, agreement.gradient, difference, deviation, limit, good)


def calibration_checks(case: Case, fit: Calibration) -> Iterator[Check]:
    """Judge a fit: it converged, and it came near the published estimates."""
    settings = case.config.calibrate
    yield Check(
        fit.objective,
        "calibration",
        "projected gradient",
        fit.gradient_norm,
        0.0,
        fit.gradient_norm,
        settings.gtol,
        fit.success,
        fit.message,
    )
    if settings.expect is not None:
        for name, published in settings.expect.parameters.items():
            deviation = relative(fit.fitted[name], published)
            yield Check(
                fit.objective,
                "calibration",
                name,
                fit.fitted[name],
                published,
                deviation,
                settings.expect.rtol,
                deviation <= settings.expect.rtol,
                settings.expect.source,
            )


def random_direction(free: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return a direction that moves every parameter by about its own size."""
    rng = np.random.default_rng(seed)
    return {
        name: (float(np.max(np.abs(value))) or 1.0)
        * rng.uniform(0.5, 1.0, np.shape(value))
        * rng.choice([-1.0, 1.0], np.shape(value))
        for name, value in free.items()
    }


def moved(free: dict[str, Any], direction: dict[str, Any], step: float) -> dict[str, Any]:
    """Return the parameters after a step along a direction."""
    return {name: value + step * direction[name] for name, value in free.items()}


def point_checks(
    study: Study, objective: Objective, free: dict[str, Any], seed: int, where: str
) -> Iterator[Check]:
    """Compare forward mode, reverse mode and Taylor remainders along a random direction from one point."""
    import diffsci as ds

    direction = random_direction(free, seed)
    _, forward = ds.jvp(objective.function, (free,), (direction,))
    value, gradient = ds.value_and_grad(objective.function)(free)
    terms = [np.asarray(gradient[name]) * direction[name] for name in direction]
    adjoint = float(sum(np.sum(term) for term in terms))
    size = float(sum(np.sum(np.abs(term)) for term in terms)) or 1.0
    deviation = abs(float(forward) - adjoint) / size
    good = deviation <= MODES_LIMIT
    yield Check(
        objective.name, "tangent = adjoint", where, adjoint, float(forward), deviation, MODES_LIMIT, good
    )
    frozen = study.simulation.frozen(objective.function, free)
    yield _taylor_check(objective.name, frozen, free, direction, float(value), adjoint, where)


def _taylor_check(
    name: str,
    function: Callable,
    free: dict[str, Any],
    direction: dict[str, Any],
    value: float,
    slope: float,
    where: str,
) -> Check:
    """Measure the order at which the remainder of the first-order Taylor polynomial falls: two."""
    steps = 10.0 ** -np.arange(1.0, 5.01, 0.5)
    reached = np.array([value_or_nan(function, moved(free, direction, h)) for h in steps])
    rate = _order(steps, np.abs(reached - value - steps * slope), noise=1e-14 * abs(value))
    if rate is None:  # the objective is linear to rounding: no remainder contradicts the gradient
        rate, deviation, note = np.nan, 0.0, "all remainders are rounding"
    else:
        deviation, note = max(TAYLOR_ORDER - rate, 0.0), ""
    good = deviation <= TAYLOR_SLACK
    return Check(name, "Taylor remainder", where, rate, TAYLOR_ORDER, deviation, TAYLOR_SLACK, good, note)


def _order(steps: np.ndarray, remainders: np.ndarray, noise: float) -> float | None:
    """Return the local order of convergence where remainders stand clear of rounding, None if none does."""
    with np.errstate(all="ignore"):
        rates = np.log(remainders[:-1] / remainders[1:]) / np.log(steps[:-1] / steps[1:])
    clear = np.isfinite(rates) & (remainders[1:] > 100.0 * noise)
    return float(np.median(rates[clear][-3:])) if np.any(clear) else None


def complex_step_check(study: Study, trajectory: Trajectory) -> Check:
    """Check the derivative of the right-hand side itself, where nothing but rounding blurs the comparison."""
    import diffsci as ds

    model, times = study.model, trajectory.t
    half = len(times) // 2  # states often start at zero, where products have no derivative to compare
    states = [values[..., half] for values in trajectory.states.values()]
    y = states[0] if model.lone_field else np.stack(states)
    evidence = ds.check_grad(lambda y, theta: np.stack(list(model.rhs(times[half], y, theta))), y, study.free)
    point = evidence.points[0]
    comparison = point.direction
    return Check(
        "right-hand side",
        comparison.source,
        evidence.offender or "random direction",
        comparison.derivative,
        comparison.reference,
        relative(comparison.derivative, comparison.reference),
        comparison.rtol,
        evidence.passed,
        "" if evidence.passed else evidence.verdict,
    )
