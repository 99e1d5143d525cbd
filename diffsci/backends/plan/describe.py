"""A plan in words: its loops, what they move and compute, and its memory."""

from __future__ import annotations

import math

from diffsci.backends.plan.program import (
    BranchStep,
    CallbackStep,
    CallStep,
    CombineStep,
    FillStep,
    GemmStep,
    GuardStep,
    Nest,
    Plan,
    Straight,
)

__all__ = ["describe"]

_SILENT = frozenset({"lit", "load", "gather", "iota", "select", "neg"})


def describe(plan: Plan) -> str:
    """Return one line per step, with totals; programs that are called follow, indented."""
    lines = []
    moved = computed = 0
    for number, step in enumerate(plan.steps):
        text, nbytes, operations = _step(step)
        lines.append(f"{number:4d}  {text}")
        moved += nbytes
        computed += operations
    arguments = [("inputs", plan.inputs), ("outputs", plan.outputs), ("constants", plan.consts)]
    sizes = ", ".join(f"{name} {sum(b.nbytes for b in buffers)}" for name, buffers in arguments)
    lines.append(f"bytes: {sizes}, workspace {plan.workspace_bytes}; moved {moved}; operations {computed}")
    for callee in plan.callees:
        lines.append("called program:")
        lines += ["    " + line for line in describe(callee).splitlines()]
    return "\n".join(lines)


def _step(step) -> tuple[str, int, int]:
    if isinstance(step, Nest):
        return _nest(step)
    if isinstance(step, Straight):
        operations = sum(step.body.ops[s] not in _SILENT for s in step.live)
        nbytes = sum(step.body.ops[s] == "load" for s in step.live) * 8 + len(step.stores) * 8
        names = sorted({store.buffer.name for store in step.stores})
        return f"straight code, {len(step.live)} statements -> {', '.join(names)}", nbytes, operations
    if isinstance(step, GemmStep):
        work = 2 * step.batch * step.m * step.n * step.k
        size = step.batch * (step.m * step.k + step.k * step.n + step.m * step.n)
        return f"matrix product {step.batch} x ({step.m}, {step.k}) @ ({step.k}, {step.n})", 8 * size, work
    if isinstance(step, CallStep):
        names = ", ".join(view.buffer.name for view in step.outputs)
        return f"call -> {names}", 0, 0
    if isinstance(step, BranchStep):
        names = ", ".join(view.buffer.name for view in step.true.outputs)
        return f"call one of two by {step.predicate.buffer.name} -> {names}", 0, 0
    if isinstance(step, CallbackStep):
        names = ", ".join(view.buffer.name for view in step.outputs)
        return f"operation in Python -> {names}", 0, 0
    if isinstance(step, GuardStep):
        return f"guard {step.status}: {step.predicate.buffer.name} is {step.outcome}", 0, 0
    if isinstance(step, CombineStep):
        text = f"combine {step.count} partial results ({step.op}) -> {step.out.buffer.name}"
        return text, 8 * step.count, step.count
    if isinstance(step, FillStep):
        return f"fill {step.out.buffer.name} for {step.op}", step.size * 8, 0
    name = type(step).__name__.removesuffix("Step")
    return f"{name} of {step.batch} x order {step.n}" if hasattr(step, "n") else name, 0, 0


def _nest(nest: Nest) -> tuple[str, int, int]:
    body = nest.body
    volume = math.prod(nest.extents)
    loads = {(body.attrs[s][0], body.attrs[s][1][1:]) for s in nest.live if body.buffer_of(s) is not None}
    operations = sum(body.ops[s] not in _SILENT for s in nest.live) + len(nest.reductions)
    size = sum(_box(nest.extents, coefs) * buffer.dtype.itemsize for buffer, coefs in loads)
    size += sum(_box(nest.extents, s.address[1:]) * s.buffer.dtype.itemsize for s in nest.stores)
    names = [store.buffer.name for store in nest.stores]
    names += [f"{r.buffer.name} ({r.op})" for r in nest.reductions]
    box = " x ".join(map(str, nest.extents)) or "1"
    text = f"loop {box}: {len(nest.live)} statements, reads {len(loads)} streams -> {', '.join(names)}"
    return text, size, operations * volume


def _box(extents: tuple[int, ...], coefs: tuple[int, ...]) -> int:
    """Return how many elements a stream touches."""
    return math.prod(n for n, coef in zip(extents, coefs, strict=True) if coef)
