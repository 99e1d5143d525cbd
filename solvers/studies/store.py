"""One self-describing HDF5 file per run: inputs, results, provenance, units."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.studies.crosscheck import group_name, parse_quantity
from solvers.studies.results import Check, Curve, ObjectiveResult, StudyResult, Trajectory

if TYPE_CHECKING:
    import h5py

    from solvers.studies.run import Study

FORMAT = "diffsci study"
FORMAT_VERSION = 1
LIBRARIES = ("diffsci", "numpy", "scipy", "numba", "llvmlite", "h5py", "pint", "pydantic", "matplotlib")


def write_study(path: Path, study: Study, result: StudyResult) -> None:
    """Write everything about a run to a new file."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["title"] = study.case.config.case.title
        file.attrs["case"] = study.case.name
        _inputs(file.create_group("inputs"), study)
        _provenance(file.create_group("provenance"))
        _trajectory(file.create_group("trajectory"), study, result.trajectory)
        for item in result.objectives:
            _objective(file.create_group(f"objectives/{group_name(item.name)}"), study, item)
        _checks(file.create_group("validation"), result.checks)
        if result.calibration is not None:
            _calibration(file.create_group("calibration"), study, result)


def library_versions() -> dict[str, str]:
    """Return the versions of everything that numbers may depend on."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _inputs(group: h5py.Group, study: Study) -> None:
    case, config = study.case, study.case.config
    group.create_dataset("config", data=case.text).attrs["file"] = case.path.name
    group.attrs["overrides"] = list(case.overrides)
    group.create_dataset("model", data=study.model.text).attrs["file"] = study.model.path.name
    for objective in study.objectives:
        if objective.observations is not None:
            table = objective.observations.table
            if f"data/{table.path.name}" not in group:
                group.create_dataset(f"data/{table.path.name}", data=table.text)
    for name, item in config.parameters.items():
        value = study.free[name] if name in study.free else study.model.fixed[name]
        dataset = _dataset(group, f"parameters/{name}", value, item.unit)
        dataset.attrs["fixed"] = item.fixed
        dataset.attrs["scale"] = item.scale
        dataset.attrs["description"] = item.description
        if item.bounds is not None:
            dataset.attrs["bounds"] = [parse_quantity(bound, item.unit, case.units) for bound in item.bounds]
    initial = np.asarray(study.model.initial(study.free))
    for name, state in config.states.items():
        _dataset(group, f"initial/{name}", study.model.component(initial, name), state.unit)
    solver = group.create_group("solver")
    for name, value in study.simulation.options.items():
        solver.attrs[name] = value


def _provenance(group: h5py.Group) -> None:
    group.attrs["created"] = datetime.now(UTC).isoformat(timespec="seconds")
    group.attrs["system"] = platform.system()
    group.attrs["release"] = platform.release()
    group.attrs["machine"] = platform.machine()
    for name, number in library_versions().items():
        group.attrs[f"version_{name}"] = number


def _trajectory(group: h5py.Group, study: Study, trajectory: Trajectory) -> None:
    _dataset(group, "t", trajectory.t, study.case.config.time.unit)
    for name, values in trajectory.states.items():
        _dataset(group, name, values, study.case.config.states[name].unit).attrs["axes"] = "..., t"
    for name, value in trajectory.statistics.items():
        group.attrs[name] = value


def _objective(group: h5py.Group, study: Study, item: ObjectiveResult) -> None:
    group.attrs["name"] = item.name
    _dataset(group, "value", item.value, item.unit)
    for name, entry in item.gradient.items():
        dataset = _dataset(group, f"gradient/{name}", entry, item.gradient_units[name])
        dataset.attrs["elasticity"] = item.elasticity(name, study.free[name])
        dataset.attrs["used"] = name not in item.unused
    group.create_dataset("finite_differences", data=_agreements(item))
    for curve in item.curves:
        _curve(group.create_group(f"v_curves/{curve.parameter}"), curve)


def _agreements(item: ObjectiveResult) -> np.ndarray:
    rows = [
        {
            "direction": entry.probe.label,
            "unit": item.gradient_units[entry.probe.parameter] if entry.probe.single else item.unit,
            "gradient": entry.gradient,
            "finite_difference": entry.difference,
            "uncertainty": entry.uncertainty,
            "digits": entry.digits,
            "free_steps": np.nan if entry.free is None else entry.free,
        }
        for entry in item.agreements
    ]
    return _records(rows)


def _records(rows: list[dict[str, Any]]) -> np.ndarray:
    """Turn rows of texts, truths and numbers into a table with named columns."""
    import h5py

    columns = rows[0] if rows else {}
    kinds = {str: h5py.string_dtype(), bool: np.dtype(bool)}
    layout = [(name, kinds.get(type(value), np.dtype(float))) for name, value in columns.items()]
    return np.array([tuple(row.values()) for row in rows], dtype=layout)


def _curve(group: h5py.Group, curve: Curve) -> None:
    _dataset(group, "relative_step", curve.steps, "dimensionless")
    _dataset(group, "relative_error", curve.errors, "dimensionless")
    if curve.free is not None:
        _dataset(group, "relative_error_free_steps", curve.free, "dimensionless")


def _checks(group: h5py.Group, checks: list[Check]) -> None:
    if checks:
        group.create_dataset("checks", data=_records([asdict(check) for check in checks]))


def _calibration(group: h5py.Group, study: Study, result: StudyResult) -> None:
    fit = result.calibration
    for name in ("objective", "method", "evaluations", "gradient_norm", "success", "message"):
        group.attrs[name] = getattr(fit, name)
    _dataset(group, "values", fit.values, study.objective(fit.objective).unit)
    for name, value in fit.fitted.items():
        unit = study.case.config.parameters[name].unit
        _dataset(group, f"fitted/{name}", value, unit).attrs["start"] = fit.start[name]
    _trajectory(group.create_group("trajectory"), study, result.fitted)


def _dataset(group: h5py.Group, name: str, value: Any, unit: str) -> h5py.Dataset:
    """Write numbers with their unit; fields are compressed."""
    array = np.asarray(value, dtype=float)
    packing = {"compression": "gzip", "shuffle": True} if array.size > 1000 else {}
    dataset = group.create_dataset(name, data=array, **packing)
    dataset.attrs["unit"] = unit
    return dataset
