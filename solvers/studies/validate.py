"""Validate a case: every check, at the values of the case and at a nearby point."""

from __future__ import annotations

import numpy as np

from solvers.studies.calibrate import calibrate
from solvers.studies.checks import (
    NEARBY,
    calibration_checks,
    complex_step_check,
    difference_checks,
    moved,
    point_checks,
    random_direction,
    reference_checks,
)
from solvers.studies.load import Case
from solvers.studies.objectives import Objective
from solvers.studies.probes import Line, choose_probes, compare, count_probes
from solvers.studies.progress import Progress, progress_bar
from solvers.studies.results import Check
from solvers.studies.run import Study


def validate_case(case: Case) -> list[Check]:
    """Carry out all checks of a case."""
    study = Study(case)
    settings = case.config.validation
    probes = count_probes(study.free, settings)
    total = settings.complex_step + (3 + probes) * len(study.objectives) + (case.config.calibrate is not None)
    with progress_bar(total, f"validate {case.name}") as progress, study.model.blamed():
        trajectory = study.simulation.trajectory(study.free)  # a failed solve explains itself here
        checks = []
        if settings.complex_step:
            progress.working_on("complex step")
            checks.append(complex_step_check(study, trajectory))
            progress.advance()
        for objective in study.objectives:
            checks += _check_objective(study, objective, progress)
        if case.config.calibrate is not None:
            progress.working_on("calibration")
            checks += calibration_checks(case, calibrate(study))
            progress.advance()
    return checks


def _check_objective(study: Study, objective: Objective, progress: Progress) -> list[Check]:
    settings, free = study.case.config.validation, study.free
    progress.working_on(f"gradient of {objective.name}")
    result = study.differentiate(objective)
    checks = list(reference_checks(study.case, result))
    progress.advance()
    frozen = study.simulation.frozen(objective.function, free)
    for probe in choose_probes(free, result.gradient, settings):
        progress.working_on(f"central differences of {objective.name}: {probe.label}")
        agreement = compare(*Line.pair(study, objective, frozen, probe), result.gradient)
        checks += difference_checks(objective.name, agreement, settings)
        progress.advance()
    nearby = moved(free, random_direction(free, settings.seed + 1), NEARBY)
    for point, where in ((free, "at the given point"), (nearby, "at a nearby point")):
        progress.working_on(f"both modes and Taylor remainders of {objective.name} {where}")
        checks += point_checks(study, objective, point, settings.seed, where)
        progress.advance()
    return checks


def all_passed(checks: list[Check]) -> bool:
    """Tell whether every check passed (and there was at least one)."""
    return bool(checks) and bool(np.all([check.passed for check in checks]))
