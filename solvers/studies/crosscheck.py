"""Checks that need more than one key: names that refer to each other, units that fit, files that exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from solvers.ode.methods import METHODS
from solvers.studies.config import (
    CaseConfig,
    Final,
    FromFile,
    Integral,
    LeastSquares,
    State,
)
from solvers.studies.locate import Path as KeyPath
from solvers.studies.problems import nearest
from solvers.studies.units import UnitError, Units

Finding = tuple[KeyPath, str]


def crosscheck(config: CaseConfig, folder: Path) -> tuple[Units, list[Finding]]:
    """Return the units of the case and everything that does not fit together."""
    try:
        units = Units(config.units)
    except UnitError as error:
        return Units(), [(("units",), str(error))]
    findings = list(_units(config, units))
    findings += _parameters(config, units)
    findings += _states(config, units)
    findings += _time(config, units)
    findings += _solver(config)
    findings += _objectives(config)
    findings += _validation(config)
    findings += _plot(config)
    findings += _calibrate(config, units)
    findings += _files(config, folder)
    return units, findings


def objective_names(config: CaseConfig) -> list[str]:
    """Return the label of each objective: its own name, or its kind and what it measures."""
    return [
        item.name
        or " ".join(
            filter(None, (item.kind, getattr(item, "component", None) or getattr(item, "function", None)))
        )
        for item in config.objective
    ]


def picture_name(name: str) -> str:
    """Return an objective's name as part of a file name."""
    return re.sub(r"[^\w.]+", "_", name).strip("_.")


def group_name(name: str) -> str:
    """Return an objective's name as that of a group of the result file."""
    return name.replace("/", "_per_")


def parse_quantity(value: float | str, unit: str, units: Units) -> float:
    """Return a quantity of the file as a number of ``unit``."""
    return units.quantity(value, unit) if isinstance(value, str) else float(value)


def _number(value: object, unit: str, units: Units) -> float | None:
    """Return a quantity of the file as a number of ``unit``; None if it is none (reported elsewhere)."""
    try:
        return parse_quantity(value, unit, units) if isinstance(value, float | str) else None
    except UnitError:
        return None


def _unknown(kind: str, name: str, valid: Iterable[str]) -> str:
    return f'unknown {kind} "{name}"; {nearest(name, valid)}'


def _units(config: CaseConfig, units: Units) -> Iterator[Finding]:
    places: list[tuple[KeyPath, str]] = [(("time", "unit"), config.time.unit)]
    places += [(("states", name, "unit"), state.unit) for name, state in config.states.items()]
    places += [(("parameters", name, "unit"), item.unit) for name, item in config.parameters.items()]
    places += [
        (("objective", index, "unit"), item.unit)
        for index, item in enumerate(config.objective)
        if hasattr(item, "unit")
    ]
    for path, unit in places:
        try:
            units.check(unit)
        except UnitError as error:
            yield path, str(error)


def _quantity(path: KeyPath, value: object, unit: str, units: Units) -> Iterator[Finding]:
    """Check a quantity that may carry its own unit (an unknown unit was reported where it stands)."""
    if isinstance(value, str) and units.known(unit):
        try:
            units.quantity(value, unit)
        except UnitError as error:
            yield path, str(error)


def _parameters(config: CaseConfig, units: Units) -> Iterator[Finding]:
    if all(item.fixed for item in config.parameters.values()):
        yield ("parameters",), "there is nothing to differentiate: give a parameter that is not fixed"
    for name, item in config.parameters.items():
        path: KeyPath = ("parameters", name)
        yield from _quantity((*path, "value"), item.value, item.unit, units)
        if name in config.states:
            yield path, f'"{name}" is also a state; names must differ'
        if item.bounds is None or not units.known(item.unit):
            continue
        faults = [
            fault
            for index, bound in enumerate(item.bounds)
            for fault in _quantity((*path, "bounds", index), bound, item.unit, units)
        ]
        yield from faults
        if faults:
            continue
        low, high = (parse_quantity(bound, item.unit, units) for bound in item.bounds)
        number = _number(item.value, item.unit, units)
        if not low < high:
            yield (*path, "bounds"), f"lowest bound {low:g} is not below the highest bound {high:g}"
        elif number is not None and not low <= number <= high:
            yield (*path, "value"), f"value {number:g} is outside its bounds [{low:g}, {high:g}]"
        if item.scale == "log" and low < 0:
            yield (*path, "bounds"), f'scale = "log" needs bounds that are not negative, got {low:g}'
    for name, item in config.parameters.items():
        number = _number(item.value, item.unit, units)
        if item.scale == "log" and number is not None and number <= 0:
            yield ("parameters", name, "value"), f'scale = "log" needs a positive value, got {number:g}'


def names_parameter(state: State) -> bool:
    """Tell whether the initial value of a state is the name of a parameter."""
    return isinstance(state.initial, str) and state.initial.isidentifier()


def _states(config: CaseConfig, units: Units) -> Iterator[Finding]:
    for name, state in config.states.items():
        path: KeyPath = ("states", name, "initial")
        if name == "t":
            yield ("states", name), 'a state cannot be called "t": that is the time'
        if not names_parameter(state):
            yield from _quantity(path, state.initial, state.unit, units)
        elif state.initial not in config.parameters:
            yield path, _unknown("parameter", state.initial, config.parameters)
        else:
            unit = config.parameters[state.initial].unit
            if not (units.known(unit) and units.known(state.unit)):
                continue
            try:
                if abs(units.factor(unit, state.unit) - 1) > 1e-12:
                    yield (
                        path,
                        (
                            f'parameter "{state.initial}" has unit "{unit}", '
                            f'the state has "{state.unit}"; give both the same unit'
                        ),
                    )
            except UnitError as error:
                yield path, f'parameter "{state.initial}": {error}'


def _time(config: CaseConfig, units: Units) -> Iterator[Finding]:
    time = config.time
    if not units.known(time.unit):
        return
    if not units.of_time(time.unit):
        yield ("time", "unit"), f'"{time.unit}" is not a unit of time (or "dimensionless")'
        return
    faults = [
        fault
        for index, bound in enumerate(time.span)
        for fault in _quantity(("time", "span", index), bound, time.unit, units)
    ]
    for index, item in enumerate(config.objective):
        places = [(("objective", index, "end"), item.end)]
        places += [
            (("objective", index, "times", k), t) for k, t in enumerate(getattr(item, "times", 0) or [])
        ]
        for path, value in places:
            faults += _quantity(path, value, time.unit, units)
    yield from faults
    if faults:
        return
    start, end = (parse_quantity(bound, time.unit, units) for bound in time.span)
    if not start < end:
        yield ("time", "span"), f"end {end:g} is not after start {start:g}"
        return
    if time.spacing == "log" and time.first is None and start <= 0:
        yield ("time", "spacing"), 'spacing = "log" needs the key first (a time after the start)'
    if time.spacing == "log" and time.first is not None and time.first <= 0:
        yield ("time", "first"), f'spacing = "log" needs a positive first time, got {time.first:g}'
    elif time.first is not None and not start < time.first < end:
        yield ("time", "first"), f"{time.first:g} is not inside the span ({start:g}, {end:g})"
    for index, item in enumerate(config.objective):
        horizon = end if item.end is None else parse_quantity(item.end, time.unit, units)
        if not start < horizon <= end:
            yield ("objective", index, "end"), f"{horizon:g} is not inside the span ({start:g}, {end:g}]"
        if getattr(item, "times", None) is None:
            continue
        times = [parse_quantity(t, time.unit, units) for t in item.times]
        if not times or (sorted(set(times)) != times or times[0] < start or times[-1] > horizon):
            yield ("objective", index, "times"), f"expected increasing times in [{start:g}, {horizon:g}]"


def _solver(config: CaseConfig) -> Iterator[Finding]:
    solver, path = config.solver, ("solver",)
    if solver.method not in METHODS:
        yield (*path, "method"), _unknown("method", solver.method, METHODS)
    elif solver.n_steps is None and not METHODS[solver.method].adaptive:
        yield path, f'method "{solver.method}" has no error estimate: give the number of steps, n_steps'
    atol = solver.atol
    if isinstance(atol, dict):
        for name in atol:
            if name not in config.states:
                yield (*path, "atol", name), _unknown("state", name, config.states)
        missing = [name for name in config.states if name not in atol]
        if missing and set(atol) <= set(config.states):
            yield (*path, "atol"), f"no tolerance for {', '.join(missing)}"
    for value in atol.values() if isinstance(atol, dict) else [atol]:
        if value <= 0:
            yield (*path, "atol"), f"expected a number > 0, got {value:g}"


def _objectives(config: CaseConfig) -> Iterator[Finding]:
    names = objective_names(config)
    for index, item in enumerate(config.objective):
        path: KeyPath = ("objective", index)
        if names[index] in names[:index]:
            yield (*path, "name"), f'two objectives are called "{names[index]}"; give each its own name'
        elif not picture_name(names[index]) or not names[index].isprintable():
            yield (*path, "name"), "expected a name with a letter or a digit and no control characters"
        else:
            yield from _same_files((*path, "name"), names[index], names[:index])
        if isinstance(item, Integral) and (item.component is None) == (item.function is None):
            yield path, "an integral needs either component or function"
        component = item.component if isinstance(item, Final | Integral) else None
        if component is not None and component not in config.states:
            yield (*path, "component"), _unknown("state", component, config.states)
        if isinstance(item, LeastSquares):
            yield from _least_squares(item, path, config)


def _same_files(path: KeyPath, name: str, earlier: list[str]) -> Iterator[Finding]:
    for other in earlier:
        if picture_name(other) == picture_name(name) or group_name(other) == group_name(name):
            yield path, f'"{name}" and "{other}" give the same file names; rename one of them'


def _least_squares(item: LeastSquares, path: KeyPath, config: CaseConfig) -> Iterator[Finding]:
    for name in item.columns:
        if name not in config.states:
            yield (*path, "columns", name), _unknown("state", name, config.states)
    sigmas = item.sigma if isinstance(item.sigma, dict) else dict.fromkeys(item.columns, item.sigma)
    for name, sigma in sigmas.items():
        if name not in item.columns:
            yield (*path, "sigma", name), _unknown("observed state", name, item.columns)
        elif not isinstance(sigma, str) and sigma <= 0:
            yield (*path, "sigma"), f"expected a number > 0, got {sigma:g}"
    missing = [name for name in item.columns if name not in sigmas]
    if missing:
        yield (*path, "sigma"), f"no standard deviation for {', '.join(missing)}"
    if item.end is not None:
        yield (*path, "end"), "least squares takes its times from the data; remove end"


def _validation(config: CaseConfig) -> Iterator[Finding]:
    names = objective_names(config)
    for index, item in enumerate(config.validation.reference):
        path: KeyPath = ("validate", "reference", index)
        if item.objective and item.objective not in names:
            yield (*path, "objective"), _unknown("objective", item.objective, names)
        if item.value is None and not item.gradient:
            yield path, "a reference needs a value, a gradient, or both"
        for name in item.gradient:
            yield from _free_parameter((*path, "gradient", name), name, config)


def _free_parameter(path: KeyPath, name: str, config: CaseConfig) -> Iterator[Finding]:
    if name not in config.parameters:
        yield path, _unknown("parameter", name, config.parameters)
    elif config.parameters[name].fixed:
        yield path, f'parameter "{name}" is fixed'


def _plot(config: CaseConfig) -> Iterator[Finding]:
    for index, name in enumerate(config.plot.states or []):
        if name not in config.states:
            yield ("plot", "states", index), _unknown("state", name, config.states)
    for name in config.plot.magnify:
        if name not in config.states:
            yield ("plot", "magnify", name), _unknown("state", name, config.states)


def _calibrate(config: CaseConfig, units: Units) -> Iterator[Finding]:
    calibrate = config.calibrate
    if calibrate is None:
        return
    names = objective_names(config)
    if calibrate.objective and calibrate.objective not in names:
        yield ("calibrate", "objective"), _unknown("objective", calibrate.objective, names)
    for name, start in calibrate.start.items():
        path: KeyPath = ("calibrate", "start", name)
        yield from _free_parameter(path, name, config)
        item = config.parameters.get(name)
        if item is None or not units.known(item.unit):
            continue
        faults = list(_quantity(path, start, item.unit, units))
        yield from faults
        if faults:
            continue
        number = parse_quantity(start, item.unit, units)
        low, high = (_number(bound, item.unit, units) for bound in item.bounds or (-np.inf, np.inf))
        if item.scale == "log" and number <= 0:
            yield path, f'scale = "log" needs a positive start, got {number:g}'
        elif low is not None and high is not None and not low <= number <= high:
            yield path, f"start {number:g} is outside the bounds [{low:g}, {high:g}]"
    for name in calibrate.expect.parameters if calibrate.expect else ():
        if name not in calibrate.start:
            yield (
                ("calibrate", "expect", "parameters", name),
                _unknown("fitted parameter", name, calibrate.start),
            )


def _files(config: CaseConfig, folder: Path) -> Iterator[Finding]:
    places: list[tuple[KeyPath, str]] = [(("model", "file"), config.model.file)]
    places += [
        (("parameters", name, "value", "file"), item.value.file)
        for name, item in config.parameters.items()
        if isinstance(item.value, FromFile)
    ]
    places += [
        (("states", name, "initial", "file"), state.initial.file)
        for name, state in config.states.items()
        if isinstance(state.initial, FromFile)
    ]
    places += [
        (("objective", index, "data"), item.data)
        for index, item in enumerate(config.objective)
        if isinstance(item, LeastSquares)
    ]
    for path, name in places:
        if not (folder / name).is_file():
            if name and (folder / name).is_dir():
                yield path, f'"{name}" is a folder; expected a file'
                continue
            ending = ".py" if path == ("model", "file") else Path(name).suffix
            beside = [entry.name for entry in folder.iterdir() if entry.suffix == ending and entry.is_file()]
            yield path, f'no file "{name}" beside the case; {nearest(name, beside)}'
        elif path == ("model", "file") and not name.endswith(".py"):
            yield path, f'expected a Python file, its name ending in ".py", got "{name}"'
