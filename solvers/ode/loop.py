"""The whole integration as one differentiable function of the initial state and the parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import diffsci as ds
from diffsci.low_level import CARRY, CONST, Repeated
from diffsci.schedules import StoreAll, for_slots
from solvers.ode import codes
from solvers.ode.adaptive import integrate_adaptively
from solvers.ode.failures import Failure
from solvers.ode.jumps import warn_of_jumps
from solvers.ode.nested import real_flags, tangent_system
from solvers.ode.options import check_times
from solvers.ode.programs import Programs
from solvers.ode.sweep import Replay
from solvers.ode.tape import Controls, Tape


def integrate_once(
    programs: Programs,
    controls: Controls,
    y0: np.ndarray,
    parameters: list[np.ndarray],
    evals: np.ndarray,
    *,
    record: bool = False,
    curves: bool = False,
    keep: bool = False,
    report: Callable | None = None,
) -> tuple[np.ndarray, Tape]:
    """Integrate; return the states at the output times, shape (times, n), and the tape.

    `record` keeps the states of adaptive steps, `curves` their interpolants; `keep` makes the tape ready
    for a reverse sweep of fixed steps: all states, or the checkpoints.
    """
    if controls.n_steps is None:
        return integrate_adaptively(programs, controls, y0, parameters, evals, record, curves, report)
    grid = controls.grid()
    replay = programs.borrow(Replay, 0).start(grid, [y0], parameters, evals, report)
    steps = len(grid) - 1
    schedule = for_slots(steps, controls.checkpoints) if keep and steps else None
    if schedule is None:
        code, outputs = replay.forward(check=True)
    else:
        code, outputs = replay.forward_storing(schedule, check=True)
    tape = Tape(grid, attempts=replay.advanced)
    if code != codes.DONE:
        tape.failure = _fixed_failure(code, replay)
        outputs[0, replay.first[replay.advanced + 1] :] = np.nan
    elif isinstance(schedule, StoreAll):
        tape.states = [replay.slot_memory]
    elif schedule is not None:
        tape.sweeps.append(replay)
        return outputs[0], tape
    programs.give_back(replay, Replay, 0)
    return outputs[0], tape


def _fixed_failure(code: int, replay: Replay) -> Failure:
    t, h = (float(value) for value in replay.t_h)
    step = replay.advanced
    if code != codes.NON_FINITE:
        return Failure(codes.PROGRAM_FAILED, t, step, h, detail=replay.message())
    return Failure(code, t, step, h, component=replay.first_bad_component())


class IvpLoop(ds.CustomLoop):
    """F: (y0, parameters[, times]) -> states at the output times; at level k of the k-th tangent system.

    Parameters
    ----------
    programs : Programs
        Of the problem.
    controls : Controls
        Of the integration.
    n_evals : int
        Number of output times.
    evals : numpy.ndarray or None
        Output times in order of integration. None: the last input holds the time span and the output times,
        for times that are known only when the integration runs. Derivatives with respect to them are
        refused.
    level : int
        Order of the pushforward (see `nested`).
    report : callable or None
        Called now and then with the time reached.
    model : callable or None
        The right-hand side of this call, with its lines; `programs` may be those of an equal one.

    Attributes
    ----------
    last : Tape or None
        What the last run left behind, for statistics and messages.
    """

    label = "solve_ivp"

    def __init__(
        self,
        programs: Programs,
        controls: Controls,
        n_evals: int,
        evals: np.ndarray | None,
        level: int = 0,
        report: Callable | None = None,
        model: Callable | None = None,
    ):
        self.programs, self.controls = programs, controls
        self.n_evals, self.evals = n_evals, evals
        self.level, self.report, self.model = level, report, model
        self.last: Tape | None = None
        # A level repeats the inputs of the level below, then has the tangents of the real ones.
        flags = [True, *programs.flags] + ([True] if evals is None else [])
        self._states, self._times = [0], [] if evals is not None else [len(flags) - 1]
        for _ in range(level):
            self._states = self._states + [len(flags) + sum(flags[:place]) for place in self._states]
            self._times = self._times + [len(flags) + sum(flags[:place]) for place in self._times]
            flags = real_flags(flags, 1)
        self._real = flags

    def output_types(self, input_types: list) -> list:
        """Types of the outputs: of each component the states at the output times."""
        kind = type(input_types[0])
        shape = (self.n_evals, *self.programs.shape)
        return [kind(shape, self.programs.dtype)] * 2**self.level

    def run(self, x: list[np.ndarray]) -> tuple[list[np.ndarray], Tape]:
        """Integrate, keeping what the reverse sweep needs."""
        states, parameters, times = self._split(x)
        controls, evals = self.controls, self.evals
        if times:
            given = self.programs.machine.host(times[0])
            check_times(given)
            controls, evals = controls.over(float(given[0]), float(given[1])), given[2:].copy()
        outputs, tape = integrate_once(
            self.programs, controls, states[0], parameters, evals,
            record=controls.checkpoints is None, keep=True, report=self.report,
        )  # fmt: skip
        tape.evals = evals
        self.last = tape
        if tape.failure is not None:
            outputs[:] = np.nan  # a number from a failed run would look like an answer
        return [outputs.reshape(self.n_evals, *self.programs.shape)], tape

    def tangent(self, x: list[np.ndarray], tape: Tape, dx: list[np.ndarray | None]) -> list[np.ndarray]:
        """Derivative along dx on the frozen steps."""
        half = 2**self.level
        shape = (half, self.n_evals, *self.programs.shape)
        if tape.failure is not None:
            return list(self.programs.machine.xp.full(shape, np.nan, self.programs.dtype))
        self._look_for_jumps(x, tape)
        above = self.pushforward()
        inputs = [*x, *(d for d, real in zip(dx, self._real, strict=True) if real)]
        states, parameters, times = above._split(inputs)
        if any(self.programs.machine.host(moved).any() for moved in times[half:]):
            raise ds.UnsupportedError(
                "derivatives of solve_ivp with respect to t_span and t_eval are not supported: for the end "
                "time, integrate over (0, 1) and multiply the right-hand side by the length of the interval"
            )
        replay = self.programs.borrow(Replay, self.level + 1)
        replay.start(tape.times, states, parameters, tape.evals, self.report)
        code, outputs = replay.forward(first_component=half)
        self.programs.give_back(replay, Replay, self.level + 1)
        if code != codes.DONE:
            outputs[:] = np.nan
        return list(outputs.reshape(shape))

    def pullback(self, x: list[np.ndarray], tape: Tape, ct: list[np.ndarray]) -> list[np.ndarray | None]:
        """Discrete adjoint of the frozen steps."""
        states, parameters, _ = self._split(x)
        if tape.failure is not None:
            return self._arranged(x, None, None)
        self._look_for_jumps(x, tape)
        cotangents = ct[0][None] if self.level == 0 else self.programs.machine.xp.stack(ct)
        cotangents = cotangents.reshape(len(states), self.n_evals, self.programs.size)
        replay = self._stored(tape, states, parameters)
        if replay is not None:
            code, states_bar, parameters_bar = replay.reverse_stored(cotangents)
        else:
            replay = self.programs.borrow(Replay, self.level)
            replay.start(tape.times, states, parameters, tape.evals, self.report)
            if self.level == 0 and tape.states:
                code, states_bar, parameters_bar = replay.reverse_recorded(tape.states, cotangents)
            else:
                schedule = for_slots(tape.n_steps, self.controls.checkpoints)
                code, states_bar, parameters_bar = replay.reverse(schedule, cotangents)
        tape.advanced, tape.reversed = replay.advanced, replay.reversed
        if code != codes.DONE:
            return self._arranged(x, None, None)
        result = self._arranged(x, self.programs.keepable(states_bar), parameters_bar)
        replay.forget_states()
        self.programs.give_back(replay, Replay, self.level)
        return result

    def repeated(self, tape: Tape) -> IvpLoop | None:
        """See `diffsci.CustomLoop`: the integration with the steps that were taken."""
        if self.controls.n_steps is not None or tape.failure is not None:
            return None
        controls = replace(self.controls, n_steps=tape.n_steps, ends=tape.times)
        return IvpLoop(self.programs, controls, self.n_evals, self.evals, self.level, self.report, self.model)

    def _look_for_jumps(self, x: list[np.ndarray], tape: Tape) -> None:
        if self.level or not self.programs.rhs.branches:
            return
        host = self.programs.machine.host
        states, parameters, _ = self._split(x)
        seen = replace(tape, states=[host(block) for block in tape.states])
        warn_of_jumps(self.programs.rhs, seen, host(states[0]), [host(p) for p in parameters])

    def pushforward(self) -> IvpLoop:
        """The loop of one level more."""
        return IvpLoop(
            self.programs, self.controls, self.n_evals, self.evals, self.level + 1, self.report, self.model
        )

    def on_device(self, machine: Any) -> IvpLoop:
        """See `CustomLoop`."""
        from solvers.ode.device import Cuda

        programs = self.programs.on(machine, Cuda)
        return IvpLoop(programs, self.controls, self.n_evals, self.evals, self.level, self.report, self.model)

    def watched(self, evaluate: Callable) -> IvpLoop:
        """See `CustomLoop`."""
        from solvers.ode.watched import WatchedIvpLoop

        return WatchedIvpLoop(self, evaluate)

    def failure(self, tape: Tape) -> str:
        """See `CustomLoop`."""
        return "" if tape.failure is None else tape.failure.message(self.programs.shape)

    def repeats(self, input_types: list) -> Repeated | None:
        """See `CustomLoop`: a step couples what right-hand sides of right-hand sides do."""
        if self.programs.rhs.text is None:  # the path that it takes somewhere is not yet known
            return None
        graph = self.programs.coupling(self.level, input_types, self._coupling)
        roles = tuple(CARRY if k in self._states else CONST for k in range(len(input_types)))
        at_start = 0 if self.evals is None else int(np.count_nonzero(self.evals == self.controls.t0))
        return Repeated(
            graph, roles, (CARRY,) * len(self._states), None, False, (0,) * len(roles), 0,
            rows=(at_start, self.n_evals - at_start),
        )  # fmt: skip

    def _coupling(self, t: Any, *x: Any) -> list:
        """The right-hand side; times count, too, so that nobody takes derivatives by them for zeros."""
        states, parameters, times = self._split(list(x))
        rhs = tangent_system(
            lambda t, h, y, ps: self.programs.rhs(t, y, *ps), self.programs.flags, self.level
        )
        late = sum(np.sum(moved) for moved in times)
        return [(value + late).astype(self.programs.dtype) for value in rhs(t, None, states, parameters)]

    def _split(self, x: list[np.ndarray]) -> tuple[list, list, list]:
        """Components of the initial state, the parameters, components of the times, of a level's inputs."""
        special = {*self._states, *self._times}
        parameters = [value for k, value in enumerate(x) if k not in special]
        return [x[k] for k in self._states], parameters, [x[k] for k in self._times]

    def _stored(self, tape: Tape, states: list[np.ndarray], parameters: list[np.ndarray]) -> Replay | None:
        """Take the checkpoints that the run has stored, if they are still there."""
        if self.level:
            return None
        try:
            replay = tape.sweeps.pop()
        except IndexError:
            return None
        replay.rebind(states[0], parameters)
        return replay

    def _arranged(self, x, states_bar, parameters_bar) -> list[np.ndarray | None]:
        """One cotangent per input, None for integers; NaN for times, and where there is no result."""
        states = {} if states_bar is None else dict(zip(self._states, states_bar, strict=True))
        pending = iter(parameters_bar or ())
        found: list[np.ndarray | None] = []
        for place, real in enumerate(self._real):
            if place in states:
                found.append(states[place])
            elif not real:
                found.append(None)
            elif place in self._times or states_bar is None:
                found.append(self.programs.machine.xp.full_like(x[place], np.nan))
            else:
                found.append(next(pending))
        return found
