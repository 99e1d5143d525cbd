"""A plan for people and for programs: what its steps read, write and compute, and how fast that can be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = [
    "BufferReport",
    "KernelReport",
    "Machine",
    "ProgramReport",
    "StepReport",
    "Stream",
    "called",
    "in_bytes",
    "joined",
]


@dataclass(frozen=True, slots=True)
class Machine:
    """What bounds a program.

    Attributes
    ----------
    bandwidths : tuple of (int, float)
        Working sets in bytes, growing, and the bytes per second (read plus written) of a copy within each;
        the last one holds for everything larger.
    operations : float
        Additions per second in double precision, of all threads together.
    threads : int
    name : str
    """

    bandwidths: tuple[tuple[int, float], ...]
    operations: float
    threads: int
    name: str

    def bandwidth(self, working_set: int) -> float:
        """Return the bytes per second of programs that touch so many bytes in all."""
        return next((rate for size, rate in self.bandwidths if working_set <= size), self.bandwidths[-1][1])


NOWHERE = Machine(((0, math.inf),), math.inf, 1, "no machine")


@dataclass(frozen=True, slots=True)
class Stream:
    """Elements of one buffer that a step reads or writes, each counted once."""

    buffer: str
    elements: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.buffer}[{self.elements}]"


@dataclass(frozen=True, slots=True)
class KernelReport:
    """A kernel that a device starts for a step: so many blocks of so many threads."""

    name: str
    grid: int
    block: int

    def __str__(self) -> str:
        return f"{self.name}: {self.grid} x {self.block} threads"


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step of a program.

    Attributes
    ----------
    kind : str
        ``loop``, ``straight``, ``matrix product``, ``call``, ...
    text : str
        What it does, in words.
    box : tuple of int
        Extents of its loops.
    statements : int
        Length of the body of its loops.
    reads, writes : tuple of Stream
    bytes, flops : int
        Moved and computed by it; see `ProgramReport`.
    work : float
        The operations in units of an addition, by what each of them costs.
    origins : tuple of str
        Operations of the user's program whose results it stores, with their lines.
    seconds : float
        No time below this is possible.
    bound : str
        ``memory`` or ``arithmetic``: which of the two takes longer.
    kernels : tuple of KernelReport
        Of programs for a device.
    launches : int
        How many kernels it starts, those of called programs included.
    """

    kind: str
    text: str
    box: tuple[int, ...] = ()
    statements: int = 0
    reads: tuple[Stream, ...] = ()
    writes: tuple[Stream, ...] = ()
    bytes: int = 0
    flops: int = 0
    work: float = 0.0
    origins: tuple[str, ...] = ()
    seconds: float = 0.0
    bound: str = "memory"
    kernels: tuple[KernelReport, ...] = ()
    launches: int = 0


@dataclass(frozen=True, slots=True)
class BufferReport:
    """An array of a program: an argument, a result, a constant or a part of the workspace.

    Attributes
    ----------
    name, role, dtype, label : str
        The label says which operation's value it is.
    size, bytes : int
    offset : int
        Where it starts in the workspace, -1 outside of it.
    first, last : int
        The steps that it lives from and to.
    shares : tuple of str
        Buffers that lie in the same memory at other times.
    """

    name: str
    role: str
    dtype: str
    label: str
    size: int
    bytes: int
    offset: int = -1
    first: int = 0
    last: int = 0
    shares: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProgramReport:
    """What a compiled program does; ``str()`` of it is a page to read.

    Bytes are those of the elements that a step touches, each element once for a step that reads it and once
    for one that writes it, however often and in however many terms. Elements that are gathered or scattered
    by index count once per access, at most the size of the array. A flop is one addition, subtraction,
    multiplication, division, extremum or elementary function in floating point; a fused multiply-add is two;
    comparisons, selections, signs and integers are free. Of two branches the cheaper one counts, and what
    runs in Python counts only the bytes it is given: every figure is a lower bound.

    Attributes
    ----------
    steps : tuple of StepReport
    buffers : tuple of BufferReport
    callees : tuple of ProgramReport
        Programs that it calls, each once.
    bytes, flops : int
        Of one run, with the called programs.
    peak_bytes : int
        Workspace: what it needs besides arguments and results.
    seconds : float
        No run can take less on this machine.
    bound : str
        ``memory`` or ``arithmetic``: what takes more of the seconds.
    machine : Machine
    launches : int
        Kernels that a device starts in one run.
    """

    steps: tuple[StepReport, ...]
    buffers: tuple[BufferReport, ...]
    callees: tuple[ProgramReport, ...]
    peak_bytes: int
    machine: Machine
    bytes: int = field(init=False)
    flops: int = field(init=False)
    seconds: float = field(init=False)
    bound: str = field(init=False)
    launches: int = field(init=False)

    def __post_init__(self) -> None:
        seconds = {"memory": 0.0, "arithmetic": 0.0}
        for step in self.steps:
            seconds[step.bound] += step.seconds
        values = {
            "bytes": sum(step.bytes for step in self.steps),
            "flops": sum(step.flops for step in self.steps),
            "seconds": sum(seconds.values()),
            "bound": max(seconds, key=lambda name: seconds[name]),
            "launches": sum(step.launches for step in self.steps),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        m = self.machine
        rates = ", ".join(f"{rate / 1e9:.0f} GB/s within {in_bytes(size)}" for size, rate in m.bandwidths)
        what = f"{m.name}, {m.threads} threads: {rates}; {m.operations / 1e9:.0f}e9 additions/s"
        return "\n".join([*_page(self), f"machine: {what}"])


def called(text: str, callee: ProgramReport) -> StepReport:
    """Return a step that runs a program; all that it moves is counted there."""
    return StepReport(
        "call",
        text,
        bytes=callee.bytes,
        flops=callee.flops,
        work=sum(step.work for step in callee.steps),
        seconds=callee.seconds,
        bound=callee.bound,
        launches=callee.launches,
    )


def joined(stages: list[ProgramReport | str]) -> ProgramReport:
    """Return the report of programs that run one after another, with steps in words between them."""
    programs = [stage for stage in stages if isinstance(stage, ProgramReport)]
    steps, number = [], 0
    for stage in stages:
        if isinstance(stage, ProgramReport):
            steps.append(called(f"run program {number}", stage))
            number += 1
        else:
            steps.append(StepReport("loop in Python", stage))
    peak = max((program.peak_bytes for program in programs), default=0)
    machine = programs[0].machine if programs else NOWHERE
    return ProgramReport(tuple(steps), (), tuple(programs), peak, machine)


def _page(program: ProgramReport) -> Iterable[str]:
    yield from _steps(program)
    yield from _buffers(program)
    for number, callee in enumerate(program.callees):
        yield f"program {number}, called above"
        yield from ("    " + line for line in _page(callee))
    launches = f"{program.launches} kernels started, " if program.launches else ""
    yield (
        f"in all: {launches}{in_bytes(program.bytes)}, {_count(program.flops)}flop, workspace "
        f"{in_bytes(program.peak_bytes)}; at least {_time(program.seconds)}, bound by {program.bound}"
    )


def _steps(program: ProgramReport) -> Iterable[str]:
    for number, step in enumerate(program.steps):
        yield f"{number:4d}  {step.text}"
        streams = [
            f"{word} {', '.join(map(str, found))}"
            for word, found in (("reads", step.reads), ("writes", step.writes))
            if found
        ]
        if streams:
            yield "      " + "; ".join(streams)
        if step.bytes or step.flops:
            counts = f"{in_bytes(step.bytes)}, {_count(step.flops)}flop"
            yield f"      {counts}, {_time(step.seconds)} ({step.bound})"
        for kernel in step.kernels:
            yield f"      {kernel}"
        for origin in step.origins:
            yield f"      {origin}"


def _buffers(program: ProgramReport) -> Iterable[str]:
    for b in program.buffers:
        line = f"{b.name:10s} {b.dtype}[{b.size}], {in_bytes(b.bytes)}"
        if b.role == "workspace":
            line += f", at {b.offset}, steps {b.first} to {b.last}"
        if b.shares:
            line += f", in the memory of {', '.join(b.shares[:4])}{' ...' if len(b.shares) > 4 else ''}"
        yield line + (f": {b.label}" if b.label else "")


def _scaled(value: float, units: str, base: float = 1000.0) -> str:
    for unit in units:
        if value < base * 0.9995 or unit == units[-1]:
            return f"{value:.3g} {unit.strip()}"
        value /= base
    raise AssertionError(units)


def in_bytes(value: int) -> str:
    """Return a size in bytes for people."""
    return f"{value} B" if value < 1000 else _scaled(value / 1e3, "kMGTP") + "B"


def _count(value: int) -> str:
    return f"{value} " if value < 1000 else _scaled(value / 1e3, "kMGTP")


def _time(value: float) -> str:
    return _scaled(value * 1e9, "nµm") + "s" if value < 1 else f"{value:.3g} s"
