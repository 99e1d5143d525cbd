"""From a plan to its report: exact counts of what each step touches and computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from diffsci.backends.plan.banded import BandFactorStep, BandSolveStep
from diffsci.backends.plan.cost import operation_cost
from diffsci.backends.plan.program import (
    BranchStep,
    Buffer,
    CallbackStep,
    CallStep,
    CholeskyStep,
    CombineStep,
    DetStep,
    FillStep,
    GemmStep,
    GuardStep,
    IndexCheckStep,
    LuSolveStep,
    LuStep,
    Nest,
    Plan,
    Straight,
    TriangularStep,
)
from diffsci.backends.plan.repeat import RepeatStep
from diffsci.backends.plan.report import (
    BufferReport,
    KernelReport,
    Machine,
    ProgramReport,
    StepReport,
    Stream,
    called,
)
from diffsci.backends.plan.sparse import SparseFactorStep, SparseSolveStep
from diffsci.backends.plan.traffic import touched
from diffsci.source import at

__all__ = ["buffer_names", "describe"]

# Statements that are no arithmetic in floating point.
_FREE = frozenset(
    "lit load gather iota select neg abs copysign convert isnan isinf isfinite logical_and logical_or "
    "logical_xor logical_not lt le gt ge eq ne".split()
)
_FLOPS = {"fma": 2, "muladd": 2, "fma_error": 2, "product_error": 2}
_FLOATS = ("f8", "f4")
_SHORT = {"input": "in", "output": "out", "const": "c"}


Kernels = Callable[[Any], Sequence[KernelReport]]
"""Gives the kernels of a step."""


def describe(plan: Plan, machine: Machine, kernels: Kernels = lambda step: ()) -> ProgramReport:
    """Return the report of a plan on a machine; `kernels` tells what a device starts for a step."""
    return _Report(plan, machine, kernels).made()


def buffer_names(plan: Plan) -> dict[Buffer, str]:
    """Name the buffers of a program: arguments by their place, the workspace in the order of use."""
    names = {
        buffer: f"{_SHORT[buffer.kind]}{buffer.slot}"
        for buffer in (*plan.inputs, *plan.outputs, *plan.consts)
    }
    return names | {buffer: f"t{number}" for number, buffer in enumerate(plan.work)}


class _Report:
    def __init__(self, plan: Plan, machine: Machine, kernels: Kernels):
        self.plan, self.machine, self.kernels = plan, machine, kernels
        self.names = buffer_names(plan)
        self.callees = {id(callee): describe(callee, machine, kernels) for callee in plan.callees}
        self.numbers = {id(callee): number for number, callee in enumerate(plan.callees)}
        held = sum(b.nbytes for b in (*plan.inputs, *plan.outputs, *plan.consts))
        self.rate = machine.bandwidth(held + plan.workspace_bytes)

    def made(self) -> ProgramReport:
        plan = self.plan
        steps = tuple(self._timed(step) for step in plan.steps)
        callees = tuple(self.callees.values())
        return ProgramReport(steps, tuple(self._buffers()), callees, plan.workspace_bytes, self.machine)

    def _timed(self, step) -> StepReport:
        made = _STEPS[type(step)](self, step)
        kernels = tuple(self.kernels(step))
        made = replace(made, kernels=kernels, launches=made.launches + len(kernels))
        if isinstance(step, CallStep | BranchStep | RepeatStep):
            return made
        memory, arithmetic = made.bytes / self.rate, made.work / self.machine.operations
        bound = "memory" if memory >= arithmetic else "arithmetic"
        return replace(made, seconds=max(memory, arithmetic), bound=bound)

    def stream(self, buffer: Buffer, elements: int) -> Stream:
        """Return elements of a buffer as a stream."""
        return Stream(self.names[buffer], elements, elements * buffer.dtype.itemsize)

    def whole(self, view) -> Stream:
        """Return a whole operand, from the offset of its view."""
        return self.stream(view.buffer, view.buffer.size - view.offset)

    # ---- memory --------------------------------------------------------------------------------

    def _buffers(self):
        born: dict[Buffer, int] = {}
        dies: dict[Buffer, int] = {}
        for time, step in enumerate(self.plan.steps):
            for buffer in step.reads() | step.writes():
                born.setdefault(buffer, time)
                dies[buffer] = time
        work = self.plan.work
        for buffer, name in self.names.items():
            role = {"work": "workspace", "const": "constant"}.get(buffer.kind, buffer.kind)
            shares = ()
            if buffer.kind == "work":
                shares = tuple(self.names[b] for b in work if b is not buffer and _overlap(b, buffer))
            first, last = born.get(buffer, 0), dies.get(buffer, 0)
            dtype = "object" if buffer.dtype.hasobject else buffer.dtype.name
            yield BufferReport(
                name,
                role,
                dtype,
                buffer.label,
                buffer.size,
                buffer.nbytes,
                buffer.offset,
                first,
                last,
                shares,
            )


def _overlap(a: Buffer, b: Buffer) -> bool:
    return a.offset < b.offset + b.nbytes and b.offset < a.offset + a.nbytes


def _step(kind: str, text: str, reads=(), writes=(), **more: Any) -> StepReport:
    reads, writes = tuple(reads), tuple(writes)
    moved = sum(s.bytes for s in (*reads, *writes))
    return StepReport(kind, text, reads=reads, writes=writes, bytes=moved, **more)


# ---- loops ---------------------------------------------------------------------------------------


def _nest(report: _Report, nest: Nest) -> StepReport:
    reads = [report.stream(buffer, n) for buffer, n in _read(nest).items()]
    writes = [report.stream(buffer, n) for buffer, n in _written(nest).items()]
    flops = work = 0
    for s in nest.live:
        times = math.prod(nest.extents[: nest.body.deps[s].bit_length()])
        flops += times * _flops(nest.body, s)
        work += times * _work(nest.body, s)
    for r in nest.reductions:
        times = math.prod(nest.extents)
        flops += times * (nest.body.codes[r.stmt] in _FLOATS and r.payload < 0)
        work += times
    box = " x ".join(map(str, nest.extents)) or "1"
    kinds = sorted({r.op for r in nest.reductions})
    text = f"loop {box}: {len(nest.live)} statements" + (f", {', '.join(kinds)}" if kinds else "")
    if nest.sweep is not None:
        text += f", {nest.sweep.chunk} of {nest.units} rows at a time with its neighbours"
    origins = tuple(f"{node.name} {node.type}{at(node.location)}" for node in nest.origins)
    return _step(
        "loop",
        text,
        reads,
        writes,
        box=nest.extents,
        statements=len(nest.live),
        flops=flops,
        work=work,
        origins=origins,
    )


def _read(nest: Nest) -> dict[Buffer, int]:
    """Return how many elements of each buffer a nest reads."""
    body, affine, counts = nest.body, {}, {}
    for s in nest.live:
        if body.ops[s] == "load":
            affine.setdefault(body.attrs[s][0], []).append(body.attrs[s][1])
        elif body.ops[s] == "gather":
            buffer = body.attrs[s][0]
            times = math.prod(n for loop, n in enumerate(nest.extents) if body.deps[s] >> loop & 1)
            counts[buffer] = min(counts.get(buffer, 0) + times, buffer.size)
    for store in nest.stores:
        if store.mode == "add":
            counts[store.buffer] = min(math.prod(nest.extents), store.buffer.size)
    for r in nest.reductions:
        if r.accumulate:
            affine.setdefault(r.buffer, []).append(r.address)
    for buffer, addresses in affine.items():
        found = touched(addresses, nest.extents, buffer.size)
        counts[buffer] = min(counts.get(buffer, 0) + found, buffer.size)
    return counts


def _written(nest: Nest) -> dict[Buffer, int]:
    """Return how many elements of each buffer a nest writes."""
    affine, counts = {}, {}
    for store in nest.stores:
        if store.index >= 0:
            counts[store.buffer] = min(math.prod(nest.extents), store.buffer.size)
        else:
            affine.setdefault(store.buffer, []).append(store.address)
    for r in nest.reductions:
        if r.whole:
            counts[r.buffer] = counts.get(r.buffer, 0) + nest.blocks
        else:
            affine.setdefault(r.buffer, []).append(r.address)
    for buffer, addresses in affine.items():
        found = touched(addresses, nest.extents, buffer.size)
        counts[buffer] = min(counts.get(buffer, 0) + found, buffer.size)
    return counts


def _flops(body, s: int) -> int:
    op, code = body.ops[s], body.codes[s]
    return 0 if op in _FREE or code not in _FLOATS else _FLOPS.get(op, 1)


def _work(body, s: int) -> int:
    return 0 if body.ops[s] in ("lit", "load", "gather", "iota") else operation_cost(body.ops[s])


def _straight(report: _Report, block: Straight) -> StepReport:
    body = block.body
    places: dict[Buffer, set] = {}
    for s in (*block.live, *block.again):
        if body.ops[s] == "load":
            places.setdefault(body.attrs[s][0], set()).add(body.attrs[s][1][0])
    reads = [report.stream(buffer, len(found)) for buffer, found in places.items()]
    targets: dict[Buffer, set] = {}
    for store in block.stores:
        targets.setdefault(store.buffer, set()).add(store.address[0])
    writes = [report.stream(buffer, len(found)) for buffer, found in targets.items()]
    if block.restored:
        reads.append(report.stream(block.spill, len(block.restored)))
    if block.saved:
        writes.append(report.stream(block.spill, len(block.saved)))
    flops = sum(_flops(body, s) for s in (*block.live, *block.again))
    # Straight code is not vectorised.
    work = 8 * sum(_work(body, s) for s in (*block.live, *block.again))
    text = f"straight code: {len(block.live)} statements"
    return _step("straight", text, reads, writes, statements=len(block.live), flops=flops, work=work)


# ---- library steps -------------------------------------------------------------------------------


def _gemm(report: _Report, step: GemmStep) -> StepReport:
    m, n, k, batch = step.m, step.n, step.k, step.batch
    reads = [report.stream(step.a.buffer, batch * m * k), report.stream(step.b.buffer, batch * k * n)]
    writes = [report.stream(step.out.buffer, batch * m * n)]
    flops = 2 * batch * m * n * k
    text = f"matrix product: {batch} x ({m}, {k}) @ ({k}, {n})"
    return _step("matrix product", text, reads, writes, flops=flops, work=flops / 2)


def _squares(report: _Report, buffer: Buffer, step) -> Stream:
    return report.stream(buffer, step.batch * step.n**2)


def _factor(report: _Report, step: LuStep) -> StepReport:
    flops = step.batch * (2 * step.n**3 // 3)
    writes = [_squares(report, step.lu, step), report.stream(step.pivots, step.batch * step.n)]
    text = f"factors: {step.batch} x order {step.n}"
    return _step("factor", text, [_squares(report, step.a.buffer, step)], writes, flops=flops, work=flops / 2)


def _cholesky(report: _Report, step: CholeskyStep) -> StepReport:
    flops = step.batch * (step.n**3 // 3)
    reads = [report.stream(step.a.buffer, step.batch * step.n * (step.n + 1) // 2)]
    writes = [_squares(report, step.out.buffer, step)]
    text = f"Cholesky factors: {step.batch} x order {step.n}"
    return _step("factor", text, reads, writes, flops=flops, work=flops / 2)


def _solve(report: _Report, step: LuSolveStep) -> StepReport:
    flops = 2 * step.batch * step.n**2 * step.columns
    size = step.batch * step.n * step.columns
    reads = [_squares(report, step.lu, step), report.stream(step.b.buffer, size)]
    text = f"solve: {step.batch} x order {step.n}, {step.columns} right-hand sides"
    writes = [report.stream(step.x.buffer, size)]
    return _step("solve", text, reads, writes, flops=flops, work=flops / 2)


def _sparse_factor(report: _Report, step: SparseFactorStep) -> StepReport:
    fronts, flops = step.fronts, int(step.fronts.flops)
    reads = [report.whole(step.data), report.whole(step.table)]
    writes = [report.whole(step.factors), report.whole(step.pivots)]
    text = f"sparse factors: order {fronts.n}, {len(fronts.heads()) - 1} fronts up to {fronts.largest}"
    return _step("factor", text, reads, writes, flops=flops, work=flops / 2)


def _sparse_solve(report: _Report, step: SparseSolveStep) -> StepReport:
    flops = 2 * step.size * step.columns
    reads = [report.whole(view) for view in (step.factors, step.pivots, step.table, step.b)]
    text = f"sparse solve: order {step.n}, {step.columns} right-hand sides"
    return _step("solve", text, reads, [report.whole(step.x)], flops=flops, work=flops / 2)


def _band_factor(report: _Report, step: BandFactorStep) -> StepReport:
    band = step.band
    rows = band.batch * band.n
    flops = 2 * rows * band.lower * band.width
    writes = [report.stream(step.factors, band.batch * band.size), report.stream(step.pivots, rows)]
    text = f"banded factors: {_band(step)}"
    reads = [report.stream(step.ab.buffer, rows * band.width)]
    return _step("factor", text, reads, writes, flops=flops, work=flops / 2)


def _band_solve(report: _Report, step: BandSolveStep) -> StepReport:
    band = step.band
    size = band.batch * band.n * step.columns
    flops = 2 * size * (band.lower + band.width)
    reads = [report.stream(step.factors, band.batch * band.size), report.stream(step.b.buffer, size)]
    text = f"banded solve: {_band(step)}, {step.columns} right-hand sides"
    return _step("solve", text, reads, [report.stream(step.x.buffer, size)], flops=flops, work=flops / 2)


def _band(step: BandFactorStep | BandSolveStep) -> str:
    band = step.band
    return f"{band.batch} x order {band.n}, diagonals {-band.lower} to {band.upper}"


def _triangular(report: _Report, step: TriangularStep) -> StepReport:
    flops = step.batch * step.n**2 * step.columns
    size = step.batch * step.n * step.columns
    triangle = report.stream(step.matrix.buffer, step.batch * step.n * (step.n + 1) // 2)
    reads, writes = [triangle, report.stream(step.b.buffer, size)], [report.stream(step.x.buffer, size)]
    text = f"triangular solve: {step.batch} x order {step.n}, {step.columns} right-hand sides"
    return _step("solve", text, reads, writes, flops=flops, work=flops / 2)


def _det(report: _Report, step: DetStep) -> StepReport:
    flops = step.batch * step.n
    writes = [report.stream(step.out.buffer, step.batch)]
    text = f"determinants: {step.batch} x order {step.n}"
    return _step("determinant", text, [report.stream(step.lu, flops)], writes, flops=flops, work=flops)


def _combine(report: _Report, step: CombineStep) -> StepReport:
    text = f"combine {step.count} partial results, {step.op}"
    reads, writes = [report.stream(step.partials, step.count)], [report.stream(step.out.buffer, 1)]
    flops = (step.count - 1) * (step.partials.dtype.kind == "f")
    return _step("combine", text, reads, writes, flops=flops, work=step.count - 1)


def _fill(report: _Report, step: FillStep) -> StepReport:
    return _step("fill", f"fill for {step.op}", (), [report.stream(step.out.buffer, step.size)])


def _guard(report: _Report, step: GuardStep) -> StepReport:
    text = f"guard {step.status}: leave unless {report.names[step.predicate.buffer]} is {step.outcome}"
    return _step("guard", text, [report.stream(step.predicate.buffer, 1)])


def _index_check(report: _Report, step: IndexCheckStep) -> StepReport:
    return _step("check", "indices are in range", [report.stream(step.flag.buffer, 1)])


def _callback(report: _Report, step: CallbackStep) -> StepReport:
    reads, writes = map(report.whole, step.inputs), map(report.whole, step.outputs)
    return _step("callback", f"operation in Python {step.handle.buffer.label}".rstrip(), reads, writes)


def _call(report: _Report, step: CallStep) -> StepReport:
    callee = report.callees[id(step.plan)]
    return called(f"call program {report.numbers[id(step.plan)]} -> {_targets(report, step)}", callee)


def _branch(report: _Report, step: BranchStep) -> StepReport:
    sides = [report.callees[id(call.plan)] for call in (step.true, step.false)]
    numbers = [report.numbers[id(call.plan)] for call in (step.true, step.false)]
    cheaper = min(sides, key=lambda side: (side.seconds, side.flops))
    name = report.names[step.predicate.buffer]
    text = f"if {name}, call program {numbers[0]}, else {numbers[1]} -> {_targets(report, step.true)}"
    return called(text, cheaper)


def _repeat(report: _Report, step: RepeatStep) -> StepReport:
    callee = report.callees[id(step.call.plan)]
    targets = ", ".join(dict.fromkeys(report.names[kept.buffer] for kept in step.kept))
    number = report.numbers[id(step.call.plan)]
    made = called(f"{step.count} times: call program {number} -> {targets}", callee)
    return replace(
        made,
        bytes=step.count * made.bytes,
        flops=step.count * made.flops,
        work=step.count * made.work,
        seconds=step.count * made.seconds,
        launches=step.count * made.launches,
    )


def _targets(report: _Report, step: CallStep) -> str:
    return ", ".join(dict.fromkeys(report.names[view.buffer] for view in step.outputs))


_STEPS: dict[type, Callable[[_Report, Any], StepReport]] = {
    Nest: _nest,
    Straight: _straight,
    GemmStep: _gemm,
    LuStep: _factor,
    CholeskyStep: _cholesky,
    LuSolveStep: _solve,
    TriangularStep: _triangular,
    SparseFactorStep: _sparse_factor,
    SparseSolveStep: _sparse_solve,
    BandFactorStep: _band_factor,
    BandSolveStep: _band_solve,
    DetStep: _det,
    CombineStep: _combine,
    FillStep: _fill,
    GuardStep: _guard,
    IndexCheckStep: _index_check,
    CallbackStep: _callback,
    CallStep: _call,
    BranchStep: _branch,
    RepeatStep: _repeat,
}
