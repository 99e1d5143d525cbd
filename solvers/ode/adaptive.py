"""One adaptive integration: it prepares memory, drives the compiled loop, and returns the tape."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from solvers.ode import codes
from solvers.ode.binding import Bound, Unbound, Workspace
from solvers.ode.chunks import first_chunk, run_chunks
from solvers.ode.failures import Failure, worst_component
from solvers.ode.programs import DENSE, RHS, STEP, Programs
from solvers.ode.recording import Recording
from solvers.ode.tape import Controls, Tape

MOST_PATHS = 64


class Adaptive:
    """The memory and the bound programs of adaptive integrations, one after the other."""

    def __init__(self, programs: Programs):
        method, n, dtype, machine = programs.method, programs.size, programs.dtype, programs.machine
        self.programs, self.machine = programs, machine
        self.t_h = machine.times()
        self.reals = _controller(programs)
        self.settings = _settings(programs)
        self.counts = np.zeros(codes.N_COUNTS, np.int64)
        self.state = np.zeros(codes.N_STATE)
        self.errors = machine.empty(method.n_errors * n, dtype)
        self.coefficients = machine.empty(method.n_dense * n, dtype)
        self.weights = np.empty(method.n_dense)
        self.start = machine.empty((3, n), dtype)
        self.flags = np.array([0, programs.layout(RHS, 0).first_output])
        self.workspace = Workspace(machine)
        self.initial_step = machine.loop("initial_step", dtype)
        self.integrate = machine.loop("integrate", dtype)
        self._bound: dict[str, Bound] = {}

    def run(
        self,
        controls: Controls,
        y0: np.ndarray,
        parameters: list[np.ndarray],
        evals: np.ndarray,
        record: bool,
        record_curves: bool,
        report: Callable | None,
    ) -> tuple[np.ndarray, Tape]:
        """Integrate; return the states at the output times (NaN where not reached) and the tape."""
        self._prepare(controls, y0, parameters)
        t0, t1 = controls.t0, controls.t1
        self.evals = evals
        self.outputs = self.machine.empty((len(evals), self.programs.size), self.programs.dtype)
        self.outputs[...] = np.nan
        reached = 0
        while reached < len(evals) and evals[reached] == t0:
            self.outputs[reached] = y0.reshape(-1)
            reached += 1
        self.counts[codes.NEXT_EVAL] = reached
        if t0 == t1:
            return self.outputs, Tape(np.array([t0]))
        seconds, failure = self._starting_step()
        if failure is not None:
            return self.outputs, Tape(np.array([t0]), failure=failure)
        inside = len(evals) - reached > (1 if len(evals) and evals[-1] == t1 else 0)
        return self.outputs, self._integrate(seconds, record, record_curves, inside, report)

    def _prepare(self, controls: Controls, y0: np.ndarray, parameters: list[np.ndarray]) -> None:
        self.controls, self.y0, self.parameters = controls, y0, parameters
        self.addresses = [self.machine.address(p) for p in parameters]
        self.atol = self.machine.tolerances(controls.atol, controls.rtol)
        self.reals[codes.T_END] = controls.t1
        self.reals[codes.DIRECTION] = 1.0 if controls.t1 >= controls.t0 else -1.0
        self.reals[codes.RTOL] = controls.rtol
        self.reals[codes.MAX_STEP] = controls.max_step
        self.t_h[:] = controls.t0, 0.0
        self.counts[:] = 0
        self.counts[codes.Y_ADDRESS] = self.machine.address(y0)
        self.state[codes.TIME] = controls.t0
        self.state[codes.ERROR_BEFORE] = 1.0

    def _bind(self, kind: str, t: float, h: float, state: np.ndarray, new_path: bool = False) -> Bound:
        """A program bound to this memory, compiled for the path at the given point if need be."""
        programs, layout = self.programs, self.programs.layout(kind, 0)
        if new_path:
            programs.add(kind, 0, t, h, [state], self.parameters)
        variants = programs.need(kind, 0, t, h, [state], self.parameters)
        bound = self._bound.get(kind)
        if bound is None or len(bound.variants) != len(variants):
            t_h = self.machine.address(self.t_h)
            bound = self._bound[kind] = self.workspace.serve(Bound(variants, layout, t_h, self.machine))
            if kind == STEP:
                bound.point(layout.first_output + 1, [self.machine.address(self.errors)])
        bound.point(layout.parameters, self.addresses)
        return bound

    def _starting_step(self) -> tuple[float, Failure | None]:
        """Set the first step size; return about how long a step takes."""
        t0 = self.controls.t0
        rhs = self._bind(RHS, t0, 0.0, self.y0)
        start = perf_counter()
        while True:
            size = self.initial_step(
                rhs.addresses, rhs.slots, self.y0.reshape(-1), self.start, self.t_h, self.reals,
                self.atol, self.programs.method.tableau.error_order, self.flags,
            )  # fmt: skip
            if self.flags[0] <= 0:
                break
            rhs = self._bind(RHS, t0, 0.0, self.y0, new_path=True)
        seconds = 0.5 * (perf_counter() - start) * self.programs.method.evaluations
        if self.flags[0] < 0:
            return seconds, Failure(codes.PROGRAM_FAILED, t0, 0, detail=rhs.message(int(self.flags[0])))
        if np.isnan(size):
            bad = int(np.flatnonzero(~np.isfinite(self.machine.host(self.start[0])))[0])
            return seconds, Failure(codes.NON_FINITE, t0, 0, component=bad)
        first = self.controls.first_step
        self.state[codes.STEP_SIZE] = size if first is None else first
        return seconds, None

    def _integrate(self, seconds: float, record: bool, record_curves: bool, inside: bool, report) -> Tape:
        method, settings = self.programs.method, self.settings
        settings[codes.MAX_STEPS] = self.controls.max_steps
        settings[codes.RECORD] = record
        settings[codes.RECORD_DENSE] = record_curves
        first = self.state[codes.STEP_SIZE] * self.reals[codes.DIRECTION]
        step = self._bind(STEP, self.controls.t0, first, self.y0)
        curved = inside or record_curves
        dense = self._bind(DENSE, self.controls.t0, first, self.y0) if curved else Unbound
        recording = Recording(
            self.programs.size,
            self.programs.dtype,
            method.n_dense if record_curves else 0,
            record,
            self.machine,
        )
        notify = None if report is None else lambda: report(float(self.state[codes.TIME]))

        def advance(steps):
            return self.integrate(
                step.addresses, step.slots, dense.addresses, dense.slots, settings, self.reals,
                self.atol, self.counts, self.state, self.t_h, self.errors, self.coefficients,
                self.weights, recording.rows, recording.curves, recording.times, self.evals, self.outputs,
                steps,
            )  # fmt: skip

        chunk = first_chunk(seconds)
        while True:
            code, chunk = run_chunks(advance, chunk, notify)
            if code == codes.GROW:
                recording.grow(self.counts)
            elif code == codes.NEED_PATH and len(step.variants) < MOST_PATHS:
                t, h = self.t_h
                y = self._current_state()
                step = self._bind(STEP, t, h, y, new_path=True)
                dense = self._bind(DENSE, t, h, y, new_path=True) if curved else dense
            else:
                break
        recording.finish(self.counts)
        return Tape(
            times=recording.times_from(self.controls.t0),
            states=recording.finished_rows,
            curves=recording.finished_curves,
            failure=None if code == codes.DONE else self._failure(code, step, recording),
            attempts=int(self.counts[codes.ATTEMPTS]),
            rejected=int(self.counts[codes.REJECTED]),
        )

    def _current_state(self) -> np.ndarray:
        return self.machine.copy_at(
            int(self.counts[codes.Y_ADDRESS]), self.programs.shape, self.programs.dtype
        )

    def _failure(self, code: int, step: Bound, recording: Recording) -> Failure:
        t, h = float(self.state[codes.TIME]), float(self.state[codes.TRIED])
        steps = int(self.counts[codes.STEPS])
        if code in (codes.NEED_PATH, codes.PROGRAM_FAILED):
            detail = step.message(int(self.counts[codes.STATUS]))
            return Failure(codes.PROGRAM_FAILED, t, steps, h, detail=detail)
        if code == codes.TOO_MANY_STEPS:
            return Failure(code, t, steps, h)
        host = self.machine.host
        tried = host(recording.rows[self.counts[codes.ROW]])
        errors = host(self.errors[: self.programs.size])
        y = self._current_state().reshape(-1)
        component, share = worst_component(errors, y, tried, self.controls.rtol, self.controls.atol)
        return Failure(code, t, steps, h, component, share)


def integrate_adaptively(programs: Programs, *arguments) -> tuple[np.ndarray, Tape]:
    """Run an integration (see `Adaptive.run`) in memory that is kept for the next one."""
    engine = programs.borrow(Adaptive)
    result = engine.run(*arguments)
    programs.give_back(engine, Adaptive)
    return result


def _settings(programs: Programs) -> np.ndarray:
    settings = np.zeros(codes.N_SETTINGS, np.int64)
    settings[codes.SIZE] = programs.size
    settings[codes.N_ERRORS] = programs.method.n_errors
    settings[codes.N_DENSE] = programs.method.n_dense
    settings[codes.STEP_OUT] = programs.layout(STEP, 0).first_output
    settings[codes.DENSE_OUT] = programs.layout(DENSE, 0).first_output
    return settings


def _controller(programs: Programs) -> np.ndarray:
    """Settings of the step-size control: Hairer's PI controller with beta = 0.2 / k (section IV.2)."""
    k = programs.method.tableau.error_order + 1.0
    reals = np.zeros(codes.N_REALS)
    reals[codes.SAFETY] = 0.9
    reals[codes.MIN_FACTOR] = 0.2
    reals[codes.MAX_FACTOR] = programs.method.max_factor
    reals[codes.BETA] = 0.2 / k
    reals[codes.ALPHA] = -(1.0 - 0.75 * 0.2) / k
    reals[codes.SHRINK] = -1.0 / k
    return reals
