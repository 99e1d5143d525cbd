"""The simulation of a case: `solve_ivp` with the settings of the case file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from solvers.studies.crosscheck import parse_quantity
from solvers.studies.load import Case
from solvers.studies.model import BoundFunction, Model, Values
from solvers.studies.problems import BadInputError, Problem, SimulationFailedError
from solvers.studies.results import Trajectory

STATISTICS = ("nsteps", "nrejected", "nfev", "njev", "nlu")


class Simulation:
    """Solves the model of a case for given values of its free parameters."""

    def __init__(self, case: Case, model: Model):
        self.case, self.model = case, model
        time, solver = case.config.time, case.config.solver
        self.start, self.end = (parse_quantity(bound, time.unit, case.units) for bound in time.span)
        self.options: dict[str, Any] = {"method": solver.method}
        if solver.n_steps is None:
            self.options |= {"rtol": solver.rtol, "atol": self._atol()}
        if model.scalar_states:
            self.options["names"] = model.names
        for name in ("n_steps", "max_steps", "checkpoints"):
            if getattr(solver, name) is not None:
                self.options[name] = getattr(solver, name)
        self._last: Any = None

    def _atol(self) -> Any:
        atol = self.case.config.solver.atol
        if not isinstance(atol, dict):
            return atol
        shape = np.shape(self.model.initial(self.model.free))
        each = np.array([atol[name] for name in self.model.names])
        return np.broadcast_to(each.reshape(-1, *[1] * (len(shape) - 1)), shape).copy()

    def solve(self, theta: Values, end: float, times: Sequence[float]) -> Any:
        """Return the solution at ``times``."""
        return self._solve(self.model.rhs.function, self.model.rhs.args(theta), theta, end, times)

    def _solve(
        self, fun: Callable, args: tuple, theta: Values, end: float, times: Sequence[float], **more: Any
    ) -> Any:
        from solvers import solve_ivp

        span, y0 = (self.start, end), self.model.initial(theta)
        try:
            self._last = solve_ivp(fun, span, y0, t_eval=np.asarray(times), args=args, **self.options, **more)
        except ValueError as error:
            if str(error).startswith("the right-hand side returned"):  # a shape, on a path not tried before
                raise self.model.rhs.fault(str(error)) from None
            raise
        if self._last.get("success") is False:  # not known under differentiation: the values are NaN there
            raise SimulationFailedError(f"the simulation failed: {self._last.message}")
        return self._last

    @property
    def adaptive(self) -> bool:
        """Whether steps follow the tolerances, and so move with the parameters."""
        return "rtol" in self.options

    def frozen(self, function: Callable[[Values], Any], theta: Values) -> Callable[[Values], Any]:
        """Return an objective on the very steps that it takes at ``theta``.

        This is what its gradient differentiates: step sizes are data. Finite differences of the objective
        itself move the steps, too, and see the tolerances as noise.
        """
        if not self.adaptive:
            return function
        function(theta)
        ends = self.start + np.concatenate([[0.0], np.cumsum(self._last.h)])
        ends[-1] = self._last.t[-1]
        given = {name: value for name, value in self.options.items() if name not in ("rtol", "atol")}

        def on_frozen_steps(values: Values) -> Any:
            free, self.options = self.options, {**given, "step": ends}
            try:
                return function(values)
            finally:
                self.options = free

        return on_frozen_steps

    def integral(self, integrand: Callable, names: tuple[str, ...]) -> Callable[[Values, float], Any]:
        """Return the integral of ``integrand(t, y, *parameters)``, a function of parameters and end."""
        rhs = self.model.rhs
        further = tuple(name for name in names if name not in rhs.names)
        own = len(rhs.names)
        places = [(*rhs.names, *further).index(name) for name in names]
        arguments = BoundFunction(rhs.function, (*rhs.names, *further), self.model)

        def slope(t, y, *values):
            return rhs.function(t, y, *values[:own])

        def density(t, y, *values):
            return integrand(t, y, *[values[place] for place in places])

        def integral(theta: Values, end: float) -> Any:
            sol = self._solve(slope, arguments.args(theta), theta, end, [end], quadrature=density)
            return sol.q[-1]

        return integral

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
        try:
            sol = self.solve(theta, self.end, self.times())
        except SimulationFailedError as error:
            if "not finite" in str(error):  # the model's fault, not the method's
                raise BadInputError(Problem(str(error), str(self.model.path), self.model.rhs.line)) from None
            raise
        states = {name: np.asarray(self.model.component(sol.y, name)) for name in self.model.names}
        return Trajectory(np.asarray(sol.t), states, self.statistics(sol))

    def statistics(self, sol: Any) -> dict[str, Any]:
        """Return what the solver counted."""
        counted = {name: int(sol[name]) for name in STATISTICS if sol.get(name) is not None}
        return {"method": self.options["method"], **counted}
