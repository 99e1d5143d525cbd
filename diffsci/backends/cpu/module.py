"""A plan as the text of one LLVM module: a function per loop nest and per program."""

from __future__ import annotations

import math

from diffsci.backends.cpu import library
from diffsci.backends.cpu.calls import CALLS
from diffsci.backends.cpu.function import LANES, MEMORY, Function, StraightFunction, vector_type
from diffsci.backends.cpu.nest_functions import write_nest, write_rows
from diffsci.backends.cpu.straight import StraightBlock
from diffsci.backends.cpu.texts import Text, divided
from diffsci.backends.cpu.threads import PARALLEL
from diffsci.backends.cpu.vectorized import vector_loop
from diffsci.backends.cpu.vectors import call_scalar, call_wide
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.cost import operation_cost
from diffsci.backends.plan.program import (
    Buffer,
    CombineStep,
    FillStep,
    GuardStep,
    IndexCheckStep,
    Nest,
    Plan,
    Straight,
)

__all__ = ["ENTRY", "Module"]

ENTRY = "program"
_FORK_NANOSECONDS = 40_000  # sharing out a loop takes about a microsecond, waking a sleeping thread ten
_BYTES_PER_NANOSECOND = 40.0
_BRIEF_NANOSECONDS = 20_000
_BRIEF = (CombineStep, FillStep, GuardStep, IndexCheckStep)


class Module:
    """Collects the functions of a program and of the programs it calls."""

    def __init__(self, plan: Plan, fused: bool = False):
        self.fused = fused  # the processor has fused multiply-add
        self._declared: dict[str, None] = {}
        self._functions: dict[str, str] = {}
        self._programs: dict[int, str] = {}
        self._count = 0
        self.plan = plan
        self._blocks: dict[str, str] = {}
        self._sizes = [0, 0]  # statements in functions, and in blocks
        self._nanoseconds = 0.0
        self._write_program(plan, ENTRY)

    def text(self) -> str:
        """Return the text of the module, for people."""
        return "\n".join(text for text, _ in self.texts())

    def texts(self) -> list[Text]:
        """Return what is compiled: texts and their levels of optimisation."""
        defined = {text.split("@", 1)[1].split("(", 1)[0] for text in self._functions.values()}
        declared = [d for d in self._declared if d.split("@", 1)[1].split("(", 1)[0] not in defined]
        return divided(declared, [*self._functions.values()], [*self._blocks.values()], tuple(self._sizes))

    @property
    def is_brief(self) -> bool:
        """Whether it surely runs so short a time that no other Python thread should wait less."""
        return self._nanoseconds < _BRIEF_NANOSECONDS

    @property
    def names(self) -> set[str]:
        """Names of the functions that are defined."""
        return {name.removeprefix("@") for name in (*self._functions, *self._blocks)}

    # ---- services for the writers ----------------------------------------------------------------

    def declare(self, line: str) -> None:
        """Declare a function that the module calls."""
        self._declared[line] = None

    def define(self, name: str, write) -> None:
        """Write a helper function once; `write()` returns its text."""
        if name not in self._functions:
            self._functions[name] = ""
            self._functions[name] = write()

    def base(self, f: Function, buffer: Buffer) -> str:
        """Return a pointer to the first element of a buffer."""
        if buffer.kind == "work":
            space = self._slot(f, self.plan.slot_count - 2)
            return f.set(f"getelementptr i8, ptr {space}, i64 {buffer.offset}") if buffer.offset else space
        return self._slot(f, self.plan.buffer_slot(buffer))

    def place(self, f: Function, view) -> str:
        """Return a pointer to the first element of a view."""
        base = self.base(f, view.buffer)
        if not view.offset:
            return base
        return f.set(f"getelementptr {MEMORY[code_of(view.buffer.dtype)]}, ptr {base}, i64 {view.offset}")

    def _slot(self, f: Function, number: int) -> str:
        place = f.set(f"getelementptr ptr, ptr %slots, i64 {number}") if number else "%slots"
        return f.set(f"load ptr, ptr {place}")

    def math(self, f: Function, op: str, code: str, args: list[str], wide: bool, in_loop: bool) -> str:
        """Call an elementary function."""
        return call_wide(self, f, op, code, args) if wide else call_scalar(self, f, op, code, args, in_loop)

    def integer_power(self, f: Function, args: list[str], wide: bool) -> str:
        """Write an integer power of integers."""
        self.define("integer_power", library.write_integer_power)
        if not wide:
            return f.set(f"call i64 @integer_power(i64 {args[0]}, i64 {args[1]})")
        kind, result = vector_type("i8"), "poison"
        for lane in range(LANES):
            x, n = (f.set(f"extractelement {kind} {arg}, i64 {lane}") for arg in args)
            value = f.set(f"call i64 @integer_power(i64 {x}, i64 {n})")
            result = f.set(f"insertelement {kind} {result}, i64 {value}, i64 {lane}")
        return result

    # ---- programs --------------------------------------------------------------------------------

    def program_name(self, plan: Plan) -> str:
        """Return the name of the function of a called program, writing it first if need be."""
        name = self._programs.get(id(plan))
        if name is None:
            name = f"callee{len(self._programs)}"
            self._programs[id(plan)] = name
            outer = self.plan
            self._write_program(plan, name)
            self.plan = outer
        return name

    def _write_program(self, plan: Plan, name: str) -> None:
        for callee in plan.callees:
            self.program_name(callee)
        self.plan = plan
        linkage = "" if name == ENTRY else "internal "
        f = Function(f"{linkage}i64 @{name}(ptr %slots)")
        failed = ""
        if any(isinstance(step, (*CALLS, IndexCheckStep)) for step in plan.steps):
            failed = f.set("alloca i64")
            f.do(f"store i64 0, ptr {failed}")
        inline = sum(isinstance(step, Straight) for step in plan.steps) == 1
        for steps in _together(plan.steps):
            step = steps[0]
            if isinstance(step, Straight):
                self._straight(f, step, inline)
            elif isinstance(step, Nest):
                self._nests(f, steps)
            else:
                self._nanoseconds += 0 if isinstance(step, _BRIEF) else math.inf
                library.WRITERS[type(step)](self, f, step, failed)
        status = f.set(f"load i64, ptr {failed}") if failed else "0"
        self._functions[name] = f.finish(f"ret i64 {status}")

    def _fresh(self, stem: str) -> str:
        self._count += 1
        return f"@{stem}{self._count}"

    def _nests(self, f: Function, nests: list[Nest]) -> None:
        """Write a nest, nests that share their first loop, or a sweep."""
        name, nest = self._fresh("nest"), nests[0]
        self._sizes[0] += sum(len(nest.live) * (2 if nest.extents else 1) for nest in nests)
        if nest.sweep is not None:
            self._functions[name] = self._sweep(nests, name)
        elif len(nests) > 1:
            self._functions[name] = write_rows(self, nests, name)
        else:
            self._functions[name] = write_nest(self, nest, name)
        nanoseconds = sum(nest_nanoseconds(nest) for nest in nests)
        self._nanoseconds += nanoseconds
        if nest.divisible and nest.units > 1 and nanoseconds > _FORK_NANOSECONDS:
            self.declare(f"declare void @{PARALLEL}(ptr, ptr, i64, i64, i64)")
            settings = self._slot(f, self.plan.slot_count - 1)
            threads = f.set(f"load i64, ptr {settings}")
            along = any(vector_loop(nest) == nest.range_loop and nest.blocks == 1 for nest in nests)
            align = 64 if along and nest.rows < 0 else 1
            arguments = f"ptr {name}, ptr %slots, i64 {nest.units}, i64 {align}, i64 {threads}"
            f.do(f"call void @{PARALLEL}({arguments})")
        else:
            f.do(f"call void {name}(ptr %slots, i64 0, i64 {nest.units})")

    def _sweep(self, nests: list[Nest], name: str) -> str:
        """Return the function ``name(slots, low, high)`` that runs nests in turn on parts of the range."""
        names = [self._fresh("nest") for _ in nests]
        for nest, own in zip(nests, names, strict=True):
            self._functions[own] = write_nest(self, nest, own)
        chunk = nests[0].sweep.chunk
        f = Function(f"internal void {name}(ptr %slots, i64 %low, i64 %high)")

        def part(low: str, _) -> list[str]:
            top = f.set(f"add i64 {low}, {chunk}")
            over = f.set(f"icmp sgt i64 {top}, %high")
            high = f.set(f"select i1 {over}, i64 %high, i64 {top}")
            for own in names:
                f.do(f"call void {own}(ptr %slots, i64 {low}, i64 {high})")
            return []

        f.loop("%low", "%high", chunk, [], part)
        return f.finish()

    def _straight(self, f: Function, block: Straight, inline: bool) -> None:
        self._nanoseconds += len(block.live)
        self._sizes[not inline] += len(block.live)
        if inline:
            StraightBlock(self, block, f).write()
            return
        name = self._fresh("block")
        inner = StraightFunction(f"internal void {name}(ptr %slots)")
        StraightBlock(self, block, inner).write()
        self._blocks[name] = inner.finish()
        f.do(f"call void {name}(ptr %slots)")


def _together(steps: list) -> list[list]:
    """Return the steps in order, with the nests that go together in one list."""
    found: list[list] = []
    for step in steps:
        if isinstance(step, Nest) and found and step.goes_with(found[-1][-1]):
            found[-1].append(step)
        else:
            found.append([step])
    return found


def nest_nanoseconds(nest: Nest) -> float:
    """Estimate the run time of a nest on one thread."""
    body = nest.body
    loads = [s for s in nest.live if body.ops[s] in ("load", "gather")]
    streams = len({(body.attrs[s][0], body.attrs[s][1][1:]) for s in loads}) + len(nest.stores)
    work = sum(operation_cost(body.ops[s]) for s in nest.live if body.ops[s] != "lit") / LANES * 0.4
    return math.prod(nest.extents) * max(8 * streams / _BYTES_PER_NANOSECOND, work)
