"""From a case to plain functions of its free parameters, ready to be differentiated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.studies.config import Final, Integral, LeastSquares, UserFunction
from solvers.studies.crosscheck import objective_names, parse_quantity
from solvers.studies.data import DataTable, read_table
from solvers.studies.load import Case
from solvers.studies.locate import Path as KeyPath
from solvers.studies.model import BoundFunction, Model, Values
from solvers.studies.problems import BadInputError
from solvers.studies.simulate import Simulation


@dataclass(frozen=True)
class Objective:
    """A number computed from a simulation, as a function of the dictionary of free parameters."""

    name: str
    unit: str
    function: Callable[[Values], Any]
    observations: Observations | None = None
    written: BoundFunction | None = None  # the function of the model file that computes it


@dataclass(frozen=True)
class Observations:
    """A data table, cut to what the objective compares."""

    table: DataTable
    times: np.ndarray
    values: dict[str, np.ndarray]
    sigmas: dict[str, np.ndarray]


def build_objectives(case: Case, model: Model, simulation: Simulation) -> list[Objective]:
    """Return the objectives of a case in the order of its file."""
    builders = {
        "final": _final,
        "integral": _integral,
        "least_squares": _least_squares,
        "function": _function,
    }
    found = []
    for index, (item, name) in enumerate(
        zip(case.config.objective, objective_names(case.config), strict=True)
    ):
        found.append(builders[item.kind](_Context(case, model, simulation, ("objective", index), item, name)))
    return found


@dataclass(frozen=True)
class _Context:
    """What every builder needs."""

    case: Case
    model: Model
    simulation: Simulation
    path: KeyPath
    item: Any
    name: str

    @property
    def end(self) -> float:
        time = self.case.config.time
        return parse_quantity(
            time.span[1] if self.item.end is None else self.item.end, time.unit, self.case.units
        )

    def single(self, state: str, key: str) -> int:
        """Return the index of a state that must be a single number."""
        if not self.model.scalar_states:
            raise self.case.error(
                (*self.path, key),
                f'state "{state}" is a field of shape {self.model.shape}; this kind of objective '
                'needs a single number: use kind = "function"',
            )
        return self.model.index(state)


def _final(context: _Context) -> Objective:
    item: Final = context.item
    index, end, simulation = context.single(item.component, "component"), context.end, context.simulation

    def final(theta: Values) -> Any:
        return simulation.solve(theta, end, [end]).y[index, -1]

    return Objective(context.name, context.case.config.states[item.component].unit, final)


def _integral(context: _Context) -> Objective:
    item: Integral = context.item
    end, simulation, units = context.end, context.simulation, context.case.units
    if item.component is not None:
        index = context.single(item.component, "component")
        unit = context.case.config.states[item.component].unit
        names: tuple[str, ...] = ()

        def integrand(t, y):
            return y[index]
    else:
        bound = context.model.function(item.function, (*context.path, "function"), ("t", "y"))
        names, unit = bound.names, item.unit

        def integrand(t, y, *values):
            return _one_number(bound, bound.function(t, y, *values))

    accumulated = simulation.integral(integrand, names)

    def integral(theta: Values) -> Any:
        return accumulated(theta, end)

    return Objective(context.name, units.product(unit, context.case.config.time.unit), integral)


def _least_squares(context: _Context) -> Objective:
    item: LeastSquares = context.item
    data = _observations(context)
    times = data.times
    targets = {
        name: np.log(values) if item.noise == "lognormal" else values for name, values in data.values.items()
    }
    pairs = [(context.single(name, "columns"), targets[name], data.sigmas[name]) for name in targets]
    transform = np.log if item.noise == "lognormal" else _identity

    def misfit(theta: Values) -> Any:
        y = context.simulation.solve(theta, times[-1], times).y
        total = 0.0
        for index, target, sigma in pairs:
            total = total + 0.5 * np.sum(((transform(y[index]) - target) / sigma) ** 2)
        return total

    return Objective(context.name, "dimensionless", misfit, data)


def _identity(values: Any) -> Any:
    return values


def _function(context: _Context) -> Objective:
    item: UserFunction = context.item
    bound = context.model.function(item.function, (*context.path, "function"), ("sol",))
    time, end, simulation = context.case.config.time, context.end, context.simulation
    times = (
        [end]
        if item.times is None
        else [parse_quantity(t, time.unit, context.case.units) for t in item.times]
    )

    def function(theta: Values) -> Any:
        return _one_number(bound, bound(simulation.solve(theta, end, times), theta))

    return Objective(context.name, item.unit, function, written=bound)


def _one_number(bound: BoundFunction, value: Any) -> Any:
    """Insist that a function of the model file returned a number."""
    shape = getattr(value, "shape", () if isinstance(value, int | float) else None)
    if shape == ():
        return value
    what = type(value).__name__ if shape is None else f"an array of shape {shape}"
    name = bound.function.__name__
    raise bound.fault(f"{name} must return a single number; it returned {what}")


def _observations(context: _Context) -> Observations:
    """Read the data of a least-squares objective and check every number that it uses."""
    item: LeastSquares = context.item
    case, time = context.case, context.case.config.time
    table = read_table(case.beside(item.data))
    start, end = (parse_quantity(bound, time.unit, case.units) for bound in time.span)
    times = table.column(item.time)
    problems = [
        table.problem(row, item.time, f"time {t:g} is not inside the span [{start:g}, {end:g}]")
        for row, t in enumerate(times)
        if not start <= t <= end
    ]
    if not problems and times[-1] == start:
        problems.append(
            table.problem(len(times) - 1, item.time, "expected a time after the start of the span")
        )
    problems += [
        table.problem(row + 1, item.time, f"time {times[row + 1]:g} does not come after {times[row]:g}")
        for row in np.nonzero(np.diff(times) <= 0)[0]
    ]
    values = {state: table.column(column) for state, column in item.columns.items()}
    if item.noise == "lognormal":
        problems += [
            table.problem(row, item.columns[state], f"log-normal noise needs positive values, got {v:g}")
            for state, column in values.items()
            for row, v in enumerate(column)
            if v <= 0
        ]
    sigma = item.sigma if isinstance(item.sigma, dict) else dict.fromkeys(values, item.sigma)
    sigmas = {
        state: table.column(sigma[state])
        if isinstance(sigma[state], str)
        else np.full(times.shape, sigma[state])
        for state in values
    }
    problems += [
        table.problem(row, str(sigma[state]), f"expected a standard deviation > 0, got {s:g}")
        for state, column in sigmas.items()
        for row, s in enumerate(column)
        if s <= 0
    ]
    if problems:
        raise BadInputError(problems)
    return Observations(table, times, values, sigmas)
