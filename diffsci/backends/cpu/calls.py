"""Steps that run other programs: a call, one of two, many times."""

from __future__ import annotations

from diffsci.backends.callbacks import FAILED
from diffsci.backends.cpu.function import Function
from diffsci.backends.plan.program import BranchStep, CallStep
from diffsci.backends.plan.repeat import Kept, RepeatStep

__all__ = ["CALLS", "leave_unless", "table"]


def leave_unless(f: Function, good: str, status: str) -> None:
    """Write a return with a status where a condition does not hold."""
    stop, go = f.label(), f.label()
    f.branch(good, go, stop)
    f.start(stop)
    f.do(f"ret i64 {status}")
    f.start(go)


def table(f: Function, pointers: list[str]) -> str:
    """Write an array of addresses."""
    table = f.set(f"alloca [{len(pointers)} x ptr]")
    for i, pointer in enumerate(pointers):
        place = f.set(f"getelementptr ptr, ptr {table}, i64 {i}")
        f.do(f"store ptr {pointer}, ptr {place}")
    return table


def _call(module, f: Function, step: CallStep, failed: str) -> None:
    arrays = [module.place(f, view) for view in (*step.inputs, *step.outputs)]
    _run(module, f, step, table(f, [*arrays, *_surroundings(module, f, step)]), failed)


def _surroundings(module, f: Function, step: CallStep) -> list[str]:
    """Return what a program is given besides its arguments: constants, workspace, settings."""
    pointers = [module.place(f, view) for view in step.consts]
    settings = f.set(f"getelementptr ptr, ptr %slots, i64 {module.plan.slot_count - 1}")
    return [*pointers, module.base(f, step.workspace), f.set(f"load ptr, ptr {settings}")]


def _run(module, f: Function, step: CallStep, slots: str, failed: str) -> None:
    """Call the program and act on its status."""
    status = f.set(f"call i64 @{module.program_name(step.plan)}(ptr {slots})")
    if step.plan.has_callbacks:
        leave_unless(f, f.set(f"icmp ne i64 {status}, {FAILED}"), str(FAILED))

    def remember() -> list[str]:
        f.do(f"store i64 {status}, ptr {failed}")
        return []

    f.when(f.set(f"icmp slt i64 {status}, 0"), [], remember)
    if step.plan.guards:
        own = f.set(f"add i64 {status}, {step.status_base}")
        leave_unless(f, f.set(f"icmp sle i64 {status}, 0"), own)


def _branch(module, f: Function, step: BranchStep, failed: str) -> None:
    chosen = f.set(f"icmp ne i8 {f.set(f'load i8, ptr {module.place(f, step.predicate)}')}, 0")
    for condition, call in ((chosen, step.true), (f.set(f"xor i1 {chosen}, true"), step.false)):
        f.when(condition, [], lambda call=call: _call(module, f, call, failed) or [])


def _repeat(module, f: Function, step: RepeatStep, failed: str) -> None:
    """Write the loop; a carried value is read where the iteration before has written it."""
    starts = [module.place(f, view) for view in step.starts]
    walks = [module.place(f, walk.view) for walk in step.walks]
    fixed = [module.place(f, view) for view in step.fixed]
    homes = [_Home(module, f, kept, step) for kept in step.kept]
    slots = table(
        f, [*starts, *walks, *fixed, *("null" for _ in homes), *_surroundings(module, f, step.call)]
    )

    def fill(number: int, pointer: str) -> None:
        f.do(f"store ptr {pointer}, ptr {f.set(f'getelementptr ptr, ptr {slots}, i64 {number}')}")

    def iteration(k: str, _) -> list[str]:
        is_first = f.set(f"icmp eq i64 {k}, 0")
        before = f.set(f"sub i64 {k}, 1")
        for number, (start, output) in enumerate(zip(starts, step.carries, strict=True)):
            carried = homes[output].of(before, "false")
            fill(number, f.set(f"select i1 {is_first}, ptr {start}, ptr {carried}"))
        for number, (base, walk) in enumerate(zip(walks, step.walks, strict=True), len(starts)):
            if walk.stride:
                nbytes = walk.stride * walk.view.buffer.dtype.itemsize
                fill(number, _moved(f, base, k, nbytes))
        is_last = f.set(f"icmp eq i64 {k}, {step.count - 1}")
        for number, home in enumerate(homes, len(starts) + len(walks) + len(fixed)):
            fill(number, home.of(k, is_last))
        _run(module, f, step.call, slots, failed)
        return []

    f.loop("0", str(step.count), 1, [], iteration, True)


class _Home:
    """Where an output of an iteration is written."""

    def __init__(self, module, f: Function, kept: Kept, step: RepeatStep):
        self.f, self.kept = f, kept
        self.view = None if kept.view is None else module.place(f, kept.view)
        self.ring = None if kept.ring is None else module.base(f, kept.ring)
        self.nbytes = kept.size * kept.buffer.dtype.itemsize

    def of(self, k: str, is_last: str) -> str:
        """Return the address in iteration k."""
        if self.kept.stacked:
            return _moved(self.f, self.view, k, self.nbytes)
        if self.ring is None:
            return self.view
        place = _moved(self.f, self.ring, self.f.set(f"and i64 {k}, 1"), self.nbytes)
        if self.view is None:
            return place
        return self.f.set(f"select i1 {is_last}, ptr {self.view}, ptr {place}")


def _moved(f: Function, base: str, k: str, nbytes: int) -> str:
    return f.set(f"getelementptr i8, ptr {base}, i64 {f.set(f'mul i64 {k}, {nbytes}')}")


CALLS = {CallStep: _call, BranchStep: _branch, RepeatStep: _repeat}
