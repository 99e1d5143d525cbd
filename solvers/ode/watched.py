"""An integration whose steps are shown one by one, for explanations of values that are not finite."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffsci.low_level import first_broken_guard, trace_function, without_locations
from solvers.ode import codes
from solvers.ode.loop import IvpLoop
from solvers.ode.programs import STEP, VJP, Programs
from solvers.ode.tape import Tape

MOST_LONGER = 30  # how often the size of a step that failed is doubled


class WatchedIvpLoop(IvpLoop):
    """The same loop; it shows its accepted steps, and the one that failed, to ``show(graph, inputs, place)``.

    Steps backward are shown with cotangents of one: where these spoil a step, almost all others do.
    """

    def __init__(self, loop: IvpLoop, show: Callable):
        super().__init__(
            loop.programs, loop.controls, loop.n_evals, loop.evals, loop.level, loop.report, loop.model
        )
        own = loop.programs
        self._sources = Programs(own.method, loop.model or own.rhs, own.shape, own.dtype, own.flags)
        self._show = show
        self._graphs: dict[tuple[str, int], list] = {}

    def pushforward(self) -> WatchedIvpLoop:
        """See `CustomLoop`."""
        return WatchedIvpLoop(super().pushforward(), self._show)

    def run(self, x: list[np.ndarray]) -> tuple[list[np.ndarray], Tape]:
        """Integrate, then show the steps."""
        outputs, tape = super().run(x)
        self._steps(x, tape)
        return outputs, tape

    def tangent(self, x: list[np.ndarray], tape: Tape, dx: list[np.ndarray | None]) -> list[np.ndarray]:
        """Show the steps with their tangents."""
        if tape.failure is None:
            above = IvpLoop.pushforward(self)
            states, parameters, _ = above._split(
                [*x, *(d for d, real in zip(dx, self._real, strict=True) if real)]
            )
            self._states_before(above.level, tape, states, parameters)
        else:
            self._steps(x, tape)
        return super().tangent(x, tape, dx)

    def pullback(self, x: list[np.ndarray], tape: Tape, ct: list[np.ndarray]) -> list[np.ndarray | None]:
        """Show the steps forward, then backward."""
        states, parameters, _ = self._split(x)
        if tape.failure is None:
            passed = self._states_before(self.level, tape, states, parameters)
            ones = [np.ones(self.programs.shape, self.programs.dtype)] * len(states)
            for k in reversed(range(tape.n_steps)):
                self._shown(VJP, self.level, k, tape, passed[k], ones, parameters)
        else:
            self._steps(x, tape)
        return super().pullback(x, tape, ct)

    def _steps(self, x: list[np.ndarray], tape: Tape) -> None:
        """Show the steps of the state itself, and the one that failed."""
        states, parameters, _ = self._split(x)
        parameters = parameters[: len(self.programs.flags)]
        passed = self._states_before(0, tape, states[:1], parameters)
        if tape.failure is not None and tape.failure.code == codes.NON_FINITE:
            self._failed(tape, passed[-1], parameters)

    def _states_before(self, level: int, tape: Tape, states: list, parameters: list) -> list[list]:
        """Show all accepted steps; return the states before each of them, and those in the end."""
        recorded = (
            np.concatenate(tape.states)
            if level == 0 and self.controls.n_steps is None and tape.states
            else ()
        )
        passed = [states]
        for k in range(tape.n_steps):
            outputs = self._shown(STEP, level, k, tape, states, [], parameters)
            states = outputs[: 2**level]
            if k < len(recorded):
                states = [recorded[k].reshape(self.programs.shape)]
            passed.append(states)
        return passed

    def _failed(self, tape: Tape, states: list, parameters: list) -> None:
        """Show the step that failed: it was shortened before that was given up, so longer ones as well."""
        failure = tape.failure
        h = failure.h or 1e-9 * (self.controls.t1 - self.controls.t0)
        for k in range(MOST_LONGER):
            self._shown_at(STEP, 0, failure.step, failure.t, h * 2.0**k, states, [], parameters)

    def _shown(self, kind: str, level: int, k: int, tape: Tape, states, cotangents, parameters) -> list:
        t = float(tape.times[k])
        return self._shown_at(kind, level, k, t, float(tape.times[k + 1]) - t, states, cotangents, parameters)

    def _shown_at(
        self,
        kind: str,
        level: int,
        k: int,
        t: float,
        h: float,
        states: list,
        cotangents: list,
        parameters: list,
    ) -> list:
        inputs = [np.asarray(t), np.asarray(h), *states, *cotangents, *parameters]
        graph = self._graph(kind, level, inputs)
        return self._show(graph, inputs, f"step {k + 1}, which begins at t = {t:.9g},")

    def _graph(self, kind: str, level: int, inputs: list[np.ndarray]):
        """Return the program of a step on the path that the model takes there."""
        known = self._graphs.setdefault((kind, level), [])
        for graph in known:
            if first_broken_guard(graph, inputs) is None:
                return graph
        function, _ = self._sources._function(kind, level)
        traced = trace_function(function, (float(inputs[0]), float(inputs[1]), *inputs[2:]))
        known.append(without_locations(traced.graph))
        return known[-1]
