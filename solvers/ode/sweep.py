"""Replays of a frozen integration: tangents forward, adjoints backward over a checkpoint schedule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffsci.schedules import Load, Reverse, Schedule
from solvers.ode import codes
from solvers.ode.binding import Bound, Unbound, Workspace
from solvers.ode.chunks import first_chunk, run_chunks
from solvers.ode.nested import real_flags
from solvers.ode.programs import DENSE, DENSE_VJP, STEP, VJP, Programs

MOST_PATHS = 64
_KINDS = (STEP, DENSE, VJP, DENSE_VJP)
_FIRST_OUTPUTS = {codes.R_STEP_OUT: STEP, codes.R_VJP_OUT: VJP, codes.R_DENSE_VJP_OUT: DENSE_VJP}


class Replay:
    """Memory and bound programs for taking frozen steps again, at some level of differentiation.

    Parameters
    ----------
    programs : Programs
        Of the problem.
    level : int
        See `nested`: a state has ``2**level`` components.
    """

    def __init__(self, programs: Programs, level: int):
        self.programs, self.level = programs, level
        self.components, n, dtype = 2**level, programs.size, programs.dtype
        self.machine = machine = programs.machine
        flags = real_flags(programs.flags, level)
        self._real_places = [k for k, real in enumerate(flags) if real]
        self.t_h = machine.times()
        self.counts = np.zeros(codes.R_N_COUNTS, np.int64)
        self.settings = np.zeros(codes.R_N_SETTINGS, np.int64)
        self.settings[codes.R_SIZE] = n
        self.settings[codes.R_COMPONENTS] = self.components
        for place, kind in _FIRST_OUTPUTS.items():
            self.settings[place] = programs.layout(kind, level).first_output
        self.blocks = [machine.empty((self.components, n), dtype) for _ in range(3)]
        self.block_addresses = np.array([machine.address(block) for block in self.blocks])
        self.weights = np.empty(programs.method.n_dense)
        self.no_outputs = machine.empty((self.components, 0, n), dtype)
        self.no_curve = machine.empty((self.components, 0), dtype)
        self.parameter_step = machine.empty(0, float)
        self.workspace = Workspace(machine)
        self.replay = machine.loop("replay", dtype)
        self._bound: dict[str, Bound] = {}

    def start(
        self,
        times: np.ndarray,
        initial: list[np.ndarray],
        parameters: list[np.ndarray],
        evals: np.ndarray,
        report: Callable[[float], None] | None = None,
    ) -> Replay:
        """Set the steps, the initial state, the parameters of the level and the output times."""
        self.times, self.evals, self.report = times, evals, report
        # A single component stays where it is: the initial state is the first checkpoint without a copy.
        self.initial = initial[0] if self.level == 0 else self.machine.xp.stack(initial)
        self._take(parameters)
        self.t_h[:] = times[0], times[min(1, len(times) - 1)] - times[0]
        self.counts[:] = 0
        self.counts[codes.CURRENT] = self.machine.address(self.initial)
        self.slot_addresses = np.array([self.machine.address(self.initial)])
        ends, points = (-times, -evals) if times[-1] < times[0] else (times, evals)
        self.first = np.searchsorted(points, ends, side="right")
        self.inside = bool((ends[np.searchsorted(ends, points)] != points).any())
        self.curve = self.no_curve
        if self.inside:
            width = self.programs.method.n_dense * self.programs.size
            self.curve = self.machine.empty((self.components, width), self.programs.dtype)
        self.curve_bar = self.no_curve
        self.slot_memory = self.no_curve
        return self

    def _take(self, parameters: list[np.ndarray]) -> None:
        self.parameters = parameters
        self.parameter_addresses = [self.machine.address(p) for p in parameters]

    @property
    def advanced(self) -> int:
        """Steps taken forward so far."""
        return int(self.counts[codes.ADVANCED])

    @property
    def reversed(self) -> int:
        """Steps taken backward so far."""
        return int(self.counts[codes.REVERSED])

    def forward(self, first_component: int = 0, check: bool = False) -> tuple[int, np.ndarray]:
        """Take all steps; return the code and components ``first_component:`` at the output times.

        With `check` the replay stops where the state stops being finite.
        """
        return self._first_sweep(np.array([[0, 0, len(self.times) - 1]]), first_component, check)

    def forward_storing(self, schedule: Schedule, check: bool = False) -> tuple[int, np.ndarray]:
        """Take all steps and store the schedule's checkpoints on the way, for `reverse_stored`."""
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

    def reverse_recorded(
        self, states: list[np.ndarray], cotangents: np.ndarray
    ) -> tuple[int, np.ndarray, list[np.ndarray]]:
        """Reverse all steps from recorded states (blocks of those behind the initial one); see `reverse`."""
        steps, row = len(self.times) - 1, self.programs.size * self.programs.dtype.itemsize
        starts = [self.machine.address(block) + row * np.arange(len(block)) for block in states]
        self.slot_addresses = np.concatenate([self.slot_addresses, *starts])
        order = np.arange(steps - 1, -1, -1)
        actions = np.empty((2 * steps, 3), np.int64)
        actions[0::2, 0], actions[1::2, 0] = Load.code, Reverse.code
        actions[0::2, 1] = actions[0::2, 2] = actions[1::2, 1] = order
        actions[1::2, 2] = -1
        return self._reverse(actions, cotangents)

    def rebind(self, initial: np.ndarray, parameters: list[np.ndarray]) -> None:
        """Go on with equal values that live elsewhere."""
        if self.counts[codes.CURRENT] == self.machine.address(self.initial):
            self.counts[codes.CURRENT] = self.machine.address(initial)
        self.initial = initial
        self.slot_addresses[0] = self.machine.address(initial)
        self._take(parameters)

    def first_bad_component(self) -> int | None:
        """Index of the first component that is not finite after the step that failed."""
        step = self._bound[STEP]
        where = int(step.slots[0, step.layout.first_output])
        after = self.machine.copy_at(where, (self.programs.size,), self.programs.dtype)
        bad = np.flatnonzero(~np.isfinite(after))
        return int(bad[0]) if len(bad) else None

    def message(self) -> str:
        """What the program that failed says."""
        return self._bound[STEP].message(int(self.counts[codes.R_STATUS]))

    def forget_states(self) -> None:
        """Let go of all arrays that belong to others."""
        self.initial, self.parameters = self.no_outputs, []
        self.curve = self.curve_bar = self.slot_memory = self.no_curve

    # memory ----------------------------------------------------------------------------------------

    def _allocate_slots(self, schedule: Schedule) -> None:
        size = self.components * self.programs.size
        self.slot_memory = self.machine.empty((max(schedule.slots - 1, 0), size), self.programs.dtype)
        row = size * self.programs.dtype.itemsize
        others = self.machine.address(self.slot_memory) + row * np.arange(len(self.slot_memory))
        self.slot_addresses = np.concatenate([self.slot_addresses[:1], others])

    def _bind(self, kind: str, new_path: bool = False) -> Bound:
        """Bind a program to this memory, compiled for the path at the current point if need be."""
        programs, layout = self.programs, self.programs.layout(kind, self.level)
        variants = programs.variants(kind, self.level)
        if new_path or not variants:
            shape = (self.components, *programs.shape)
            state = list(self.machine.copy_at(int(self.counts[codes.CURRENT]), shape, programs.dtype))
            t, h = float(self.t_h[0]), float(self.t_h[1])
            choose = programs.add if new_path else programs.need
            variants = choose(kind, self.level, t, h, state, self.parameters)
        bound = self._bound.get(kind)
        if bound is None or len(bound.variants) != len(variants):
            t_h = self.machine.address(self.t_h)
            bound = self._bound[kind] = self.workspace.serve(Bound(variants, layout, t_h, self.machine))
            if kind == STEP and self.level == 0 and programs.method.n_errors:
                self.errors = self.machine.empty(programs.method.n_errors * programs.size, programs.dtype)
                bound.point(layout.first_output + 1, [self.machine.address(self.errors)])
        bound.point(layout.parameters, self.parameter_addresses)
        if kind == DENSE:
            bound.point(layout.first_output, [self.machine.address(row) for row in self.curve])
        if kind in (VJP, DENSE_VJP):
            bound.point(layout.first_output + self.components, self.parameter_targets)
        if kind == DENSE_VJP:
            curves = layout.states + 2 * self.components
            bound.point(curves, [self.machine.address(row) for row in self.curve_bar])
        return bound

    # the loop --------------------------------------------------------------------------------------

    def _first_sweep(self, actions: np.ndarray, first: int, check: bool) -> tuple[int, np.ndarray]:
        n = self.programs.size
        outputs = self.machine.empty((self.components - first, len(self.evals), n), self.programs.dtype)
        outputs[...] = np.nan
        if self.first[0]:
            outputs[:, : self.first[0]] = self.initial.reshape(self.components, 1, n)[first:]
        if len(self.times) == 1:
            return codes.DONE, outputs
        self.settings[codes.R_FIRST_OUT] = first
        self.settings[codes.R_CHECK] = check
        kinds = (STEP, DENSE) if self.inside else (STEP,)
        self.parameter_sum = self.parameter_step[:0]
        return self._execute(actions, kinds, outputs, self.no_outputs), outputs

    def _reverse(self, actions: np.ndarray, cotangents: np.ndarray):
        reals = [self.parameters[k] for k in self._real_places]
        self.settings[codes.R_CHECK] = False
        if self.inside:
            self.curve_bar = self.machine.empty(self.curve.shape, self.curve.dtype)
        sizes = [p.size for p in reals]
        if self.parameter_step.size != sum(sizes):
            self.parameter_step = self.machine.empty(sum(sizes), float)
        self.parameter_sum = self.machine.empty(sum(sizes), float)
        self.parameter_sum[...] = 0.0
        ends = np.cumsum(sizes, dtype=np.int64)
        self.parameter_targets = (self.machine.address(self.parameter_step) + 8 * (ends - sizes)).tolist()
        current = self.counts[codes.CURRENT]
        adjoint = next(k for k, where in enumerate(self.block_addresses) if where != current)
        self.blocks[adjoint][:] = 0.0
        self.counts[codes.LAMBDA] = self.block_addresses[adjoint]
        code = codes.DONE
        if len(self.times) > 1:
            # The schedule may advance, unless it only loads recorded states.
            forward = () if actions[0, 0] == Load.code else (STEP,)
            kinds = (*forward, VJP, DENSE_VJP) if self.inside else (*forward, VJP)
            code = self._execute(actions, kinds, self.no_outputs, cotangents)
        self.slot_memory = self.slot_memory[:0].copy()  # before anybody allocates for the results
        place = next(k for k, where in enumerate(self.block_addresses) if where == self.counts[codes.LAMBDA])
        result = self.blocks[place]
        for e in range(self.first[0]):
            result += cotangents[:, e]
        bars = [
            self.parameter_sum[end - p.size : end].reshape(p.shape).astype(p.dtype, copy=False)
            for end, p in zip(ends, reals, strict=True)
        ]
        return code, result.reshape(self.components, *self.programs.shape), bars

    def _execute(self, actions, kinds: tuple[str, ...], outputs, cotangents) -> int:
        bound = {kind: self._bind(kind) for kind in kinds}

        def advance(budget):
            step, dense, vjp, dense_vjp = (bound.get(kind, Unbound) for kind in _KINDS)
            return self.replay(
                actions, self.slot_addresses, self.block_addresses, self.settings, self.counts, self.times,
                self.t_h, step.addresses, step.slots, dense.addresses, dense.slots,
                vjp.addresses, vjp.slots, dense_vjp.addresses, dense_vjp.slots,
                self.curve, self.weights, self.evals, self.first, outputs, cotangents, self.curve_bar,
                self.parameter_step, self.parameter_sum, budget,
            )  # fmt: skip

        notify = None if self.report is None else lambda: self.report(float(self.t_h[0]))
        chunk = min(1000, first_chunk(1e-6 + 2e-8 * self.programs.size))
        while True:
            code, chunk = run_chunks(advance, chunk, notify)
            if code != codes.NEED_PATH:
                return code
            reversing = actions[self.counts[codes.POSITION], 0] == Reverse.code
            for kind in kinds:
                if (kind in (VJP, DENSE_VJP)) == reversing:
                    if len(bound[kind].variants) >= MOST_PATHS:
                        return code
                    bound[kind] = self._bind(kind, new_path=True)
