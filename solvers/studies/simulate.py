"""The simulation of a case: `solve_ivp` with the settings of the case file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from solvers.ode.methods import METHODS
from solvers.studies.crosscheck import parse_quantity
from solvers.studies.load import Case
from solvers.studies.model import Model, Values
from solvers.studies.problems import StudyFailedError
from solvers.studies.results import Trajectory

STATISTICS = ("nsteps", "nrejected", "nfev", "njev", "nlu")


class Simulation:
    """Solves the model of a case for given values of its free parameters."""

    def __init__(self, case: Case, model: Model):
        self.case, self.model = case, model
        time, solver = case.config.time, case.config.solver
        self.start, self.end = (parse_quantity(bound, time.unit, case.units) for bound in time.span)
        self.options: dict[str, Any] = {"method": solver.method}
        if METHODS[solver.method].adaptive:
            self.options |= {"rtol": solver.rtol, "atol": self._atol()}
        for name in ("steps", "max_steps", "checkpoints"):
            if getattr(solver, name) is not None:
                self.options[name] = getattr(solver, name)

    def _atol(self) -> Any:
        atol = self.case.config.solver.atol
        if not isinstance(atol, dict):
            return atol
        shape = np.shape(self.model.initial(self.model.free))
        each = np.array([atol[name] for name in self.model.names])
        return np.broadcast_to(each.reshape(-1, *[1] * (len(shape) - 1)), shape).copy()

    def solve(self, theta: Values, end: float, times: Sequence[float]) -> Any:
        """Return the solution at ``times``."""
        from solvers import solve_ivp

        rhs = self.model.rhs
        return solve_ivp(
            rhs.function,
            (self.start, end),
            self.model.initial(theta),
            t_eval=np.asarray(times),
            args=rhs.args(theta),
            **self.options,
        )

    def integral(self, theta: Values, end: float, integrand: Callable, names: tuple[str, ...]) -> Any:
        """Return the integral of ``integrand(t, y, *parameters)`` over time."""
        raise NotImplementedError

    def times(self) -> np.ndarray:
        """Return the times that are stored."""
        time = self.case.config.time
        if time.spacing == "linear":
            return np.linspace(self.start, self.end, time.samples)
        first = self.start if time.first is None else time.first
        spaced = np.geomspace(first, self.end, time.samples - (first != self.start))
        spaced[-1] = self.end
        return spaced if first == self.start else np.concatenate([[self.start], spaced])

    def trajectory(self, theta: Values) -> Trajectory:
        """Solve once and keep the stored times; a failed solve raises with the solver's own explanation."""
        sol = self.solve(theta, self.end, self.times())
        if not sol.success:
            raise StudyFailedError(f"the simulation failed: {sol.message}")
        states = {name: np.asarray(self.model.component(sol.y, name)) for name in self.model.names}
        return Trajectory(np.asarray(sol.t), states, self.statistics(sol))

    def statistics(self, sol: Any) -> dict[str, Any]:
        """Return what the solver counted."""
        counted = {name: int(sol[name]) for name in STATISTICS if sol.get(name) is not None}
        return {"method": self.options["method"], **counted}
