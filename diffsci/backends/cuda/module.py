"""A plan as a program for a device: one source text, and steps whose places are fixed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from diffsci.backends.cuda.gathering import combine_kernel, fill_kernel
from diffsci.backends.cuda.kernels import write_nest
from diffsci.backends.cuda.scattering import SortKeys
from diffsci.backends.cuda.serial import Serial, is_serial, write_serial
from diffsci.backends.cuda.shapes import THREADS
from diffsci.backends.cuda.statements import Kernel
from diffsci.backends.cuda.steps import (
    STATUS,
    Branch,
    CudaProgram,
    Launch,
    Library,
    Place,
    Slot,
    Sort,
    Step,
    Stop,
)
from diffsci.backends.cuda.vocabulary import hosted
from diffsci.backends.expanding import expanded
from diffsci.backends.plan import build_plan
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import (
    BranchStep,
    Buffer,
    CallbackStep,
    CallStep,
    CombineStep,
    FillStep,
    Nest,
    Plan,
    View,
)
from diffsci.backends.plan.repeat import Kept, RepeatStep
from diffsci.backends.plan.specialise import specialise
from diffsci.backends.rolling import rolled
from diffsci.backends.stateless import without_tapes
from diffsci.graph import Graph

__all__ = ["Module", "cuda_program", "plan_of", "program_of_plan"]

_ALIGN = 256


def cuda_program(graph: Graph) -> CudaProgram:
    """Return the program of a graph.

    Parameters
    ----------
    graph : Graph
        float64, float32, int64 and bool arrays.

    Returns
    -------
    CudaProgram
        Kernels and steps. Operations that neither kernels nor `Library` steps do are callbacks.

    Raises
    ------
    UnsupportedError
        For other dtypes, and for operations that have no meaning in Python either.
    """
    return program_of_plan(plan_of(graph))


def plan_of(graph: Graph) -> Plan:
    """Return the plan of a graph as a device runs it."""
    return build_plan(hosted(without_tapes(specialise(expanded(rolled(graph))))))


def program_of_plan(plan: Plan) -> CudaProgram:
    """Return the program of a plan."""
    return Module(plan).program()


@dataclass
class _Frame:
    """Where the buffers of one plan lie while it runs: the outer one's, or those of a call."""

    plan: Plan
    places: dict[Buffer, Place]
    workspace: Place
    status_base: int = 0

    def place(self, buffer: Buffer) -> Place:
        if buffer.kind == "work":
            return self.workspace.shifted(buffer.offset)
        return self.places[buffer]

    def view(self, view: View) -> Place:
        return self.place(view.buffer).shifted(view.offset * view.buffer.dtype.itemsize)


class Module:
    """Writes the program of a plan.

    Attributes
    ----------
    launched : dict
        By the id of a step of the plan, or of one that it calls: the kernels that run it.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self.elementary: set[tuple[str, str]] = set()
        self.functions: dict[str, None] = {}
        self.kernels: dict[str, str] = {}
        self.scratch_bytes = 0
        self.scratch_start = -(-plan.workspace_bytes // _ALIGN) * _ALIGN
        self.guarded = False  # a condition was checked since the status was last looked at
        self.launched: dict[int, list[Launch]] = {}
        self._written: dict[int, list[Kernel | SortKeys]] = {}
        self._serials: dict[int, Serial] = {}

    def program(self) -> CudaProgram:
        """Return the program."""
        plan = self.plan
        places = {
            buffer: Place(buffer.kind, buffer.slot) for buffer in (*plan.inputs, *plan.outputs, *plan.consts)
        }
        steps = self._steps(_Frame(plan, places, Place("work")))
        return CudaProgram(
            key=plan.key,
            texts=(*self.functions, *self.kernels.values()),
            elementary=frozenset(self.elementary),
            inputs=tuple(map(_slot, plan.inputs)),
            outputs=tuple(map(_slot, plan.outputs)),
            consts=tuple(map(_slot, plan.consts)),
            const_values=plan.const_values,
            steps=tuple(steps),
            workspace_bytes=self.scratch_start + self.scratch_bytes,
            guards=plan.guards,
        )

    # ---- steps -----------------------------------------------------------------------------------

    def _steps(self, frame: _Frame) -> list[Step]:
        found: list[Step] = []
        for serial, group in itertools.groupby(frame.plan.steps, is_serial):
            steps = list(group)
            if serial:
                made = [self._serial(steps, frame)]
                self._note(steps[0], made)
                found += made
                continue
            for step in steps:
                made = self._step(step, frame)
                if not isinstance(step, CallStep | RepeatStep | BranchStep):
                    self._note(step, made)
                found += made
        return found

    def _note(self, step, made: list[Step]) -> None:
        self.launched[id(step)] = [launch for launch in made if isinstance(launch, Launch)]

    def _serial(self, steps: list, frame: _Frame) -> Launch:
        kernel = self._serials.get(id(steps[0]))
        if kernel is None:
            kernel = self._serials[id(steps[0])] = write_serial(steps)
        self._add(kernel)
        self.guarded |= kernel.checks
        values = (
            frame.status_base + argument if isinstance(argument, int) else frame.view(argument)
            for argument in kernel.arguments
        )
        return Launch(kernel.name, 1, 1, (*values, *([STATUS] if kernel.status else [])))

    def _add(self, kernel: Kernel | Serial) -> None:
        self.elementary |= kernel.elementary
        self.functions |= dict.fromkeys(kernel.functions)
        self.kernels[kernel.name] = kernel.text

    def _step(self, step, frame: _Frame) -> list[Step]:
        if isinstance(step, Nest):
            known = self._written.get(id(step))
            if known is None:
                known = self._written[id(step)] = write_nest(step)
            return self._launches(known, frame)
        if isinstance(step, CallStep):
            return self._call(step, frame)
        if isinstance(step, RepeatStep):
            return self._repeat(step, frame)
        if isinstance(step, BranchStep):
            return [self._branch(step, frame)]
        if isinstance(step, CombineStep):
            return self._combine(step, frame)
        if isinstance(step, FillStep):
            return self._fill(step, frame)
        return self._library(step, frame)

    def _launches(self, written: list[Kernel | SortKeys], frame: _Frame) -> list[Step]:
        found: list[Step] = []
        for item in written:
            if isinstance(item, SortKeys):
                places = (self._buffer(buffer, frame) for buffer in (item.keys, item.order))
                found.append(Sort(*places, item.count))
                continue
            self._add(item)
            arguments = tuple(self._buffer(buffer, frame) for buffer in item.arguments)
            found.append(Launch(item.name, item.grid, item.block, arguments))
        return found

    def _buffer(self, buffer: Buffer, frame: _Frame) -> Place:
        """Return the place of a buffer; what only the steps of one nest use is shared by all nests."""
        if buffer.kind != "scratch":
            return frame.place(buffer)
        self.scratch_bytes = max(self.scratch_bytes, buffer.offset + buffer.nbytes)
        return Place("work", 0, self.scratch_start + buffer.offset)

    def _combine(self, step: CombineStep, frame: _Frame) -> list[Step]:
        dtype = step.partials.dtype
        name, text, function = combine_kernel(step.op, code_of(dtype))
        self.functions[function] = None
        self.kernels[name] = text
        partials = frame.place(step.partials).shifted(step.start * dtype.itemsize)
        return [Launch(name, 1, THREADS, (partials, step.count, frame.view(step.out)))]

    def _fill(self, step: FillStep, frame: _Frame) -> list[Step]:
        if not step.size:
            return []
        name, text = fill_kernel(step.op, code_of(step.out.buffer.dtype))
        self.kernels[name] = text
        return [Launch(name, -(-step.size // THREADS), THREADS, (frame.view(step.out), step.size))]

    # ---- steps with steps inside -----------------------------------------------------------------

    def _call(self, step: CallStep, frame: _Frame) -> list[Step]:
        callee = step.plan
        views = zip(
            (*callee.inputs, *callee.outputs, *callee.consts),
            (*step.inputs, *step.outputs, *step.consts),
            strict=True,
        )
        places = {buffer: frame.view(view) for buffer, view in views}
        base = frame.status_base + step.status_base
        return self._steps(_Frame(callee, places, frame.place(step.workspace), base))

    def _repeat(self, step: RepeatStep, frame: _Frame) -> list[Step]:
        """Return the steps of all iterations, one after another: their kernels are written once."""
        callee, found = step.call.plan, []
        base = frame.status_base + step.call.status_base
        for k in range(step.count):
            if k == 0:
                carried = list(map(frame.view, step.starts))
            else:
                carried = [_kept(step.kept[output], k - 1, step.count, frame) for output in step.carries]
            walked = [
                frame.view(walk.view).shifted(k * walk.stride * walk.view.buffer.dtype.itemsize)
                for walk in step.walks
            ]
            outputs = [_kept(kept, k, step.count, frame) for kept in step.kept]
            fixed, consts = ([frame.view(view) for view in some] for some in (step.fixed, step.call.consts))
            places = dict(
                zip(
                    (*callee.inputs, *callee.outputs, *callee.consts),
                    (*carried, *walked, *fixed, *outputs, *consts),
                    strict=True,
                )
            )
            found += self._steps(_Frame(callee, places, frame.place(step.call.workspace), base))
        return found

    def _branch(self, step: BranchStep, frame: _Frame) -> Branch:
        before = self.guarded
        true = self._call(step.true, frame)
        after, self.guarded = self.guarded, before
        false = self._call(step.false, frame)
        self.guarded |= after
        return Branch(frame.view(step.predicate), tuple(true), tuple(false))

    def _library(self, step, frame: _Frame) -> list[Step]:
        places = {
            f.name: _placed(value, frame)
            for f in fields(step)
            if isinstance(value := getattr(step, f.name), (Buffer, View, list))
        }
        if not isinstance(step, CallbackStep):
            first = next(place for name, place in _typed(step))
            return [Library(step, places, first)]
        handle = places.pop("handle")
        found: list[Step] = [Stop()] if self.guarded else []
        self.guarded = False
        return [*found, Library(step, places, np.dtype(np.float64), handle.slot)]


def _typed(step) -> list[tuple[str, np.dtype]]:
    """Return the dtypes of the floating buffers of a library step."""
    buffers = ((f.name, getattr(step, f.name)) for f in fields(step))
    found = ((name, v.buffer if isinstance(v, View) else v) for name, v in buffers)
    return [(name, b.dtype) for name, b in found if isinstance(b, Buffer) and b.dtype.kind == "f"]


def _placed(value: Any, frame: _Frame) -> Any:
    if isinstance(value, Buffer):
        return frame.place(value)
    if isinstance(value, View):
        return frame.view(value)
    return tuple(frame.view(view) for view in value)


def _kept(kept: Kept, k: int, count: int, frame: _Frame) -> Place:
    """Return where iteration k of `count` leaves an output."""
    row = kept.size * kept.buffer.dtype.itemsize
    if kept.stacked:
        return frame.view(kept.view).shifted(k * row)
    if kept.ring is None or (k == count - 1 and kept.view is not None):
        return frame.view(kept.view)
    return frame.place(kept.ring).shifted(k % 2 * row)


def _slot(buffer: Buffer) -> Slot:
    return Slot(buffer.dtype, buffer.size)
