"""Run a study: simulate, differentiate, compare with finite differences, calibrate."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from solvers.studies.calibrate import calibrate
from solvers.studies.checks import calibration_checks, difference_checks, reference_checks
from solvers.studies.load import Case
from solvers.studies.model import Model
from solvers.studies.objectives import Objective, build_objectives
from solvers.studies.probes import Line, choose_probes, compare, count_probes, v_curve
from solvers.studies.problems import StudyFailedError
from solvers.studies.progress import Progress, progress_bar
from solvers.studies.results import Check, ObjectiveResult, StudyResult
from solvers.studies.simulate import Simulation


class Study:
    """A case made ready: its model, its simulation and its objectives."""

    def __init__(self, case: Case):
        self.case = case
        self.model = Model(case)
        self.simulation = Simulation(case, self.model)
        self.objectives = build_objectives(case, self.model, self.simulation)

    @property
    def free(self) -> dict[str, Any]:
        """Values of the parameters that are differentiated."""
        return self.model.free

    def objective(self, name: str) -> Objective:
        """Return an objective by name; the first when the name is empty."""
        return next(item for item in self.objectives if not name or item.name == name)

    def differentiate(self, objective: Objective) -> ObjectiveResult:
        """Return value and gradient of an objective at the values of the case."""
        import diffsci as ds

        started = time.perf_counter()
        value, gradient = ds.value_and_grad(objective.function)(self.free)
        seconds = time.perf_counter() - started
        gradient = {name: np.asarray(entry)[()] for name, entry in gradient.items()}
        _require_finite(objective, float(value), gradient)
        parameters, units = self.case.config.parameters, self.case.units
        gradient_units = {name: units.ratio(objective.unit, parameters[name].unit) for name in gradient}
        return ObjectiveResult(
            objective.name, objective.unit, float(value), gradient, gradient_units, seconds
        )


def run_study(case: Case) -> tuple[Study, StudyResult]:
    """Carry out everything that a case asks for."""
    study = Study(case)
    probes = count_probes(study.free, case.config.validation)
    total = 1 + len(study.objectives) * (1 + probes) + (case.config.calibrate is not None)
    with progress_bar(total, case.name) as progress, study.model.blamed():
        progress.working_on("simulation")
        trajectory = study.simulation.trajectory(study.free)
        progress.advance()
        results = [_examine(study, objective, progress) for objective in study.objectives]
        checks = [check for result in results for check in reference_checks(case, result)]
        checks += [check for result in results for check in _deviations(case, result)]
        fit, fitted = None, None
        if case.config.calibrate is not None:
            progress.working_on("calibration")
            fit = calibrate(study)
            checks += calibration_checks(case, fit)
            fitted = study.simulation.trajectory({**study.free, **fit.fitted})
            progress.advance()
    return study, StudyResult(trajectory, results, checks, fit, fitted)


def _examine(study: Study, objective: Objective, progress: Progress) -> ObjectiveResult:
    """Differentiate one objective and hold its gradient against finite differences."""
    progress.working_on(f"gradient of {objective.name}")
    result = study.differentiate(objective)
    progress.advance()
    frozen = study.simulation.frozen(objective.function, study.free)
    for probe in choose_probes(study.free, result.gradient, study.case.config.validation):
        progress.working_on(f"finite differences of {objective.name}: {probe.label}")
        lines = Line.pair(study, objective, frozen, probe)
        result.agreements.append(compare(*lines, result.gradient))
        if probe.whole:
            result.curves.append(v_curve(*lines, result.gradient))
        progress.advance()
    return result


def _deviations(case: Case, result: ObjectiveResult) -> list[Check]:
    """Return the comparisons with finite differences that failed: a run never keeps quiet about them."""
    compared = (difference_checks(result.name, entry, case.config.validation) for entry in result.agreements)
    return [check for checks in compared for check in checks if not check.passed]


def _require_finite(objective: Objective, value: float, gradient: dict[str, Any]) -> None:
    if not np.isfinite(value) and objective.written is not None:
        name = objective.written.function.__name__
        raise objective.written.fault(f'{name} returned {value} for objective "{objective.name}"')
    if not np.isfinite(value):
        raise StudyFailedError(f'objective "{objective.name}" is {value}')
    bad = [name for name, entry in gradient.items() if not np.all(np.isfinite(entry))]
    if bad:
        raise StudyFailedError(f'the gradient of "{objective.name}" is not finite for {", ".join(bad)}')
