"""Replays of a frozen integration: tangents forward, adjoints backward over a checkpoint schedule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffsci.checkpoint import Load, Reverse, Schedule
from solvers.ode import codes
from solvers.ode.binding import Bound, Unbound, Workspace, address, copy_at
from solvers.ode.chunks import first_chunk, run_chunks
from solvers.ode.nested import real_flags
from solvers.ode.programs import DENSE, DENSE_VJP, STEP, VJP, Programs

MOST_PATHS = 64


class Replay:
    """The steps of `times`, taken again at some level of differentiation.

    Parameters
    ----------
    programs : Programs
        Of the problem.
    level : int
        See `nested`: a state has ``2**level`` components.
    times : numpy.ndarray
        The initial time and all step ends.
    initial : list of numpy.ndarray
        Components of the initial state.
    parameters : list of numpy.ndarray
        All parameters of the level.
    evals : numpy.ndarray
        Output times in order of integration.
    report : callable, optional
        Called now and then with the time reached.

    Attributes
    ----------
    advanced, reversed : int
        Steps taken forward and backward so far.
    """

    def __init__(
        self,
        programs: Programs,
        level: int,
        times: np.ndarray,
        initial: list[np.ndarray],
        parameters: list[np.ndarray],
        evals: np.ndarray,
        report: Callable[[float], None] | None = None,
    ):
        self.programs, self.level, self.times, self.evals = programs, level, times, evals
        self.parameters, self.report = parameters, report
        self.components, n, dtype = 2**level, programs.size, programs.dtype
        # A single component stays where it is: the initial state is the first checkpoint without a copy.
        self.initial = initial[0] if level == 0 else np.stack(initial)
        self.t_h = np.array([times[0], times[min(1, len(times) - 1)] - times[0]])
        self.counts = np.zeros(codes.R_N_COUNTS, np.int64)
        self.counts[codes.CURRENT] = address(self.initial)
        self.blocks = [np.empty((self.components, n), dtype) for _ in range(3)]
        backward = bool(times[-1] < times[0])
        ends, points = (-times, -evals) if backward else (times, evals)
        self.first = np.searchsorted(points, ends, side="right").astype(np.int64)
        self.inside = bool(np.any(~np.isin(evals, times)))
        self.curve = self._curve_memory()
        self.curve_bar = self.curve[:, :0]
        self.weights = np.empty(programs.method.n_dense)
        self.parameter_step = np.empty(0)
        self.parameter_sum = np.empty(0)
        self.slot_memory = np.empty((0, self.components * n), dtype)
        self.slot_addresses = np.array([address(self.initial)])
        self.bound: dict[str, Bound] = {}
        self.workspace = Workspace()

    @property
    def advanced(self) -> int:
        """Steps taken forward so far."""
        return int(self.counts[codes.ADVANCED])

    @property
    def reversed(self) -> int:
        """Steps reversed so far."""
        return int(self.counts[codes.REVERSED])

    def forward(self, first_component: int = 0, check: bool = False) -> tuple[int, np.ndarray]:
        """Take all steps; return the code and components ``first_component:`` at the output times.

        With `check` the replay stops where the state stops being finite.
        """
        return self._first_sweep(np.array([[0, 0, len(self.times) - 1]]), first_component, check)

    def forward_storing(self, schedule: Schedule, check: bool = False) -> tuple[int, np.ndarray]:
        """Take all steps and store the schedule's checkpoints on the way; `reverse_stored` continues from them."""
        self.schedule = schedule
        self._allocate_slots(schedule)
        actions = schedule.encoded()
        self.first_reverse = int(np.argmax(actions[:, 0] == Reverse.code))
        last = [codes.FINISH, len(self.times) - 2, -1]
        return self._first_sweep(np.concatenate([actions[: self.first_reverse], [last]]), 0, check)

    def reverse_stored(self, cotangents: np.ndarray) -> tuple[int, np.ndarray, list[np.ndarray]]:
        """Reverse the steps taken by `forward_storing`; see `reverse`."""
        self.counts[codes.POSITION] = self.first_reverse
        return self._reverse(self.schedule.encoded(), cotangents)

    def reverse(self, schedule: Schedule, cotangents: np.ndarray) -> tuple[int, np.ndarray, list[np.ndarray]]:
        """Advance and reverse all steps as the schedule says.

        Parameters
        ----------
        schedule : Schedule
            For the number of steps.
        cotangents : numpy.ndarray
            Of all components at the output times, shape (components, times, n).

        Returns
        -------
        code : int
            DONE, or why the sweep failed.
        initial_bar : numpy.ndarray
            Cotangents of the components of the initial state.
        parameters_bar : list of numpy.ndarray
            Cotangents of the real parameters of the level.
        """
        self._allocate_slots(schedule)
        self.counts[codes.HIGH] = len(self.times) - 1  # the outputs are known: only states are wanted
        return self._reverse(schedule.encoded(), cotangents)

    def reverse_recorded(self, states: list[np.ndarray], cotangents: np.ndarray):
        """Reverse all steps from their recorded states (blocks of those behind the initial one); see `reverse`."""
        steps, row = len(self.times) - 1, self.programs.size * self.programs.dtype.itemsize
        starts = [address(block) + row * np.arange(len(block)) for block in states]
        self.slot_addresses = np.concatenate([self.slot_addresses, *starts])
        order = np.arange(steps - 1, -1, -1)
        actions = np.empty((2 * steps, 3), np.int64)
        actions[0::2] = np.stack([np.full(steps, Load.code), order, order], axis=1)
        actions[1::2] = np.stack([np.full(steps, Reverse.code), order, np.full(steps, -1)], axis=1)
        return self._reverse(actions, cotangents)

    def rebind(self, initial: np.ndarray, parameters: list[np.ndarray]) -> None:
        """Go on with equal values that live elsewhere."""
        if self.counts[codes.CURRENT] == address(self.initial):
            self.counts[codes.CURRENT] = address(initial)
        self.initial, self.parameters = initial, parameters
        self.slot_addresses[0] = address(initial)
        self.bound.clear()
        self.workspace.forget()

    def first_bad_component(self) -> int | None:
        """Index of the first component that is not finite after the step that failed."""
        shape = (self.programs.size,)
        after = copy_at(int(self.bound[STEP].slots[0, self.bound[STEP].layout.first_output]), shape, self.programs.dtype)
        bad = np.flatnonzero(~np.isfinite(after))
        return int(bad[0]) if len(bad) else None

    def message(self) -> str:
        """What the program that failed says."""
        return self.bound[STEP].message(int(self.counts[codes.R_STATUS]))

    # memory ----------------------------------------------------------------------------------------

    def _curve_memory(self) -> np.ndarray:
        size = self.programs.method.n_dense * self.programs.size if self.inside else 0
        return np.empty((self.components, size), self.programs.dtype)

    def _allocate_slots(self, schedule: Schedule) -> None:
        size = self.components * self.programs.size
        self.slot_memory = np.empty((max(schedule.slots - 1, 0), size), self.programs.dtype)
        row = size * self.programs.dtype.itemsize
        others = address(self.slot_memory) + row * np.arange(len(self.slot_memory))
        self.slot_addresses = np.concatenate([self.slot_addresses[:1], others])

    def _reals(self) -> list[np.ndarray]:
        flags = real_flags(self.programs.flags, self.level)
        return [p for p, real in zip(self.parameters, flags, strict=True) if real]

    def _bind(self, kind: str, new_path: bool = False) -> None:
        """Bind a program to this replay's memory, compiled for the path at the current point if need be."""
        choose = self.programs.add if new_path else self.programs.need
        t, h = float(self.t_h[0]), float(self.t_h[1])
        shape = (self.components, *self.programs.shape)
        state = copy_at(int(self.counts[codes.CURRENT]), shape, self.programs.dtype)
        variants = choose(kind, self.level, t, h, list(state), self.parameters)
        layout = self.programs.layout(kind, self.level)
        bound = self.workspace.serve(Bound(variants, layout, self.t_h, self.parameters))
        self.bound[kind] = bound
        out = layout.first_output
        if kind == STEP and self.level == 0 and self.programs.method.n_errors:
            self.errors = np.empty(self.programs.method.n_errors * self.programs.size, self.programs.dtype)
            bound.point(out + 1, [address(self.errors)])
        if kind == DENSE:
            bound.point(out, [address(row) for row in self.curve])
        if kind in (VJP, DENSE_VJP):
            ends = np.cumsum([p.size for p in self._reals()], dtype=np.int64)
            starts = address(self.parameter_step) + 8 * (ends - [p.size for p in self._reals()])
            bound.point(out + self.components, [int(start) for start in starts])
        if kind == DENSE_VJP:
            bound.point(layout.states + 2 * self.components, [address(row) for row in self.curve_bar])

    # the loop --------------------------------------------------------------------------------------

    def _first_sweep(self, actions: np.ndarray, first_component: int, check: bool) -> tuple[int, np.ndarray]:
        n = self.programs.size
        shape = (self.components - first_component, len(self.evals), n)
        outputs = np.full(shape, np.nan, self.programs.dtype)
        outputs[:, : self.first[0]] = self.initial.reshape(self.components, 1, n)[first_component:]
        if len(self.times) == 1:
            return codes.DONE, outputs
        kinds = (STEP, DENSE) if self.inside else (STEP,)
        return self._execute(actions, kinds, outputs, outputs[:0], first_component, check), outputs

    def _reverse(self, actions: np.ndarray, cotangents: np.ndarray):
        n, reals = self.programs.size, self._reals()
        if self.inside:
            self.curve_bar = self._curve_memory()
        self.parameter_step = np.zeros(sum(p.size for p in reals))
        self.parameter_sum = np.zeros_like(self.parameter_step)
        current = self.counts[codes.CURRENT]
        adjoint = next(block for block in self.blocks if address(block) != current)
        adjoint[:] = 0.0
        self.counts[codes.LAMBDA] = address(adjoint)
        code = codes.DONE
        if len(self.times) > 1:
            kinds = (STEP, VJP, DENSE_VJP) if self.inside else (STEP, VJP)
            code = self._execute(actions, kinds, cotangents[:, :0], cotangents, 0, False)
        result = next(block for block in self.blocks if address(block) == self.counts[codes.LAMBDA])
        for e in range(self.first[0]):
            result += cotangents[:, e]
        ends = np.cumsum([p.size for p in reals])[:-1] if reals else []
        pieces = np.split(self.parameter_sum, ends) if reals else []
        bars = [piece.reshape(p.shape).astype(p.dtype) for piece, p in zip(pieces, reals, strict=True)]
        return code, result.reshape(self.components, *self.programs.shape), bars

    def _settings(self, first_component: int, check: bool) -> np.ndarray:
        settings = np.zeros(codes.R_N_SETTINGS, np.int64)
        settings[codes.R_SIZE] = self.programs.size
        settings[codes.R_COMPONENTS] = self.components
        settings[codes.R_FIRST_OUT] = first_component
        settings[codes.R_CHECK] = check
        places = {
            codes.R_STEP_OUT: STEP,
            codes.R_DENSE_OUT: DENSE,
            codes.R_VJP_OUT: VJP,
            codes.R_DENSE_VJP_OUT: DENSE_VJP,
        }
        for place, kind in places.items():
            settings[place] = self.programs.layout(kind, self.level).first_output
        return settings

    def _execute(self, actions, kinds, outputs, cotangents, first_component, check) -> int:
        from solvers.ode.replay import replay

        settings = self._settings(first_component, check)
        blocks = np.array([address(block) for block in self.blocks])
        for kind in kinds:
            if kind not in self.bound:
                self._bind(kind)

        def advance(budget):
            step, dense, vjp, dense_vjp = (
                self.bound.get(kind, Unbound) for kind in (STEP, DENSE, VJP, DENSE_VJP)
            )
            return replay(
                actions, self.slot_addresses, blocks, settings, self.counts, self.times, self.t_h,
                step.addresses, step.slots, dense.addresses, dense.slots,
                vjp.addresses, vjp.slots, dense_vjp.addresses, dense_vjp.slots,
                self.curve, self.weights, self.evals, self.first, outputs, cotangents, self.curve_bar,
                self.parameter_step, self.parameter_sum, budget,
            )  # fmt: skip

        notify = None if self.report is None else lambda: self.report(float(self.t_h[0]))
        chunk = first_chunk(1e-6 + 2e-8 * self.programs.size)
        while True:
            code, chunk = run_chunks(advance, chunk, notify)
            if code != codes.NEED_PATH:
                return code
            reversing = actions[self.counts[codes.POSITION], 0] == Reverse.code
            for kind in kinds:
                if (kind in (VJP, DENSE_VJP)) == reversing:
                    if len(self.bound[kind].variants) >= MOST_PATHS:
                        return code
                    self._bind(kind, new_path=True)
