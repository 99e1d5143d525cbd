"""What one thread does: straight-line blocks, checks, and repetitions and calls of programs of such steps.

Everything of that kind that follows each other is one kernel: a loop of a thousand short iterations starts
one, not a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diffsci.backends.cuda.source import MEMORY, SCALARS, SIZES, Lines, named
from diffsci.backends.cuda.statements import Arguments, Statements, loaded
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import (
    Buffer,
    CallStep,
    GuardStep,
    IndexCheckStep,
    Plan,
    Step,
    Store,
    Straight,
    View,
)
from diffsci.backends.plan.repeat import Kept, RepeatStep

__all__ = ["Serial", "is_serial", "write_serial"]


@dataclass(frozen=True)
class Serial:
    """A kernel of one thread.

    Attributes
    ----------
    name, text : str
    arguments : tuple
        A view is an address, a number n the status of the n-th condition of the program.
    functions : tuple of str
        Texts of device functions that it calls.
    elementary : frozenset of (str, str)
        Elementary functions (name, dtype code).
    checks : bool
        Whether it checks conditions.
    status : bool
        Whether it writes to the status, whose address then is its last argument.
    """

    name: str
    text: str
    arguments: tuple[View | int, ...]
    functions: tuple[str, ...]
    elementary: frozenset[tuple[str, str]]
    checks: bool
    status: bool


def is_serial(step: Step | RepeatStep) -> bool:
    """Tell whether one thread does all of a step."""
    if isinstance(step, RepeatStep):
        step = step.call
    if isinstance(step, CallStep):
        return all(map(is_serial, step.plan.steps))
    return isinstance(step, Straight | GuardStep | IndexCheckStep)


def write_serial(steps: Sequence[Step]) -> Serial:
    """Return the kernel that does steps of one thread, one after another."""
    writer = _Writer(once=_runs(steps) == 1)
    writer.steps(steps, _Outer(writer), 0)
    return writer.made()


def _runs(steps: Sequence[Step]) -> int:
    """Return how many blocks are run in all."""
    found = 0
    for step in steps:
        if isinstance(step, RepeatStep):
            found += step.count * _runs(step.call.plan.steps)
        elif isinstance(step, CallStep):
            found += _runs(step.plan.steps)
        else:
            found += isinstance(step, Straight)
    return found


class _Outer:
    """The buffers of the program whose steps are written: arguments of the kernel."""

    def __init__(self, writer: _Writer):
        self._writer = writer

    def place(self, view: View) -> str:
        """Return the address of a view."""
        return self._writer.argument(view)


class _Inner:
    """The buffers of a program that is called: pointers to bytes."""

    def __init__(self, pointers: Mapping[Buffer, str], workspace: str):
        self._pointers, self._workspace = pointers, workspace

    def place(self, view: View) -> str:
        """Return the address of a view."""
        buffer, nbytes = view.buffer, view.offset * view.buffer.dtype.itemsize
        if buffer.kind == "work":
            return _shifted(self._workspace, buffer.offset + nbytes)
        return _shifted(self._pointers[buffer], nbytes)


def _shifted(pointer: str, nbytes: int) -> str:
    return f"{pointer} + {nbytes}LL" if nbytes else pointer


class _Writer:
    def __init__(self, once: bool):
        # The time of compiling grows faster than the length of a function. And what `__restrict__` says in
        # one iteration need not hold in the next, which compilers forget of functions that they inline.
        self._head = "INNER" if once else "static __device__ __noinline__"
        self._lines, self._names = Lines(), 0
        self._arguments: dict[tuple[Buffer, int] | int, str] = {}
        self._parts: dict[int, tuple[str, Arguments]] = {}
        self._functions: dict[str, None] = {}
        self._elementary: set[tuple[str, str]] = set()
        self._checks = self._status = False

    def made(self) -> Serial:
        """Return the finished kernel."""
        kinds = ("long long " if isinstance(key, int) else "unsigned char *" for key in self._arguments)
        parameters = [f"{kind}{name}" for kind, name in zip(kinds, self._arguments.values(), strict=True)]
        parameters += ["long long *status"] if self._status else []
        head = f"KERNEL __launch_bounds__(1) {{name}}({', '.join(parameters)})"
        name, text = named("serial", head, self._lines.text())
        arguments = tuple(key if isinstance(key, int) else View(*key) for key in self._arguments)
        elementary = frozenset(self._elementary)
        functions = tuple(self._functions)
        return Serial(name, text, arguments, functions, elementary, self._checks, self._status)

    def argument(self, wanted: View | int) -> str:
        """Return the name of an argument of the kernel."""
        key = wanted if isinstance(wanted, int) else (wanted.buffer, wanted.offset)
        return self._arguments.setdefault(key, f"a{len(self._arguments)}")

    def steps(self, steps: Sequence[Step], frame: _Outer | _Inner, status: int) -> None:
        """Write steps; `status` is added to the numbers of their conditions."""
        for step in steps:
            if isinstance(step, Straight):
                self._block(step, frame)
            elif isinstance(step, GuardStep):
                self._guard(step, frame, status)
            elif isinstance(step, IndexCheckStep):
                self._status = True
                self._lines.add(f"if (*({frame.place(step.flag)}) != 0) status[1] = -1;")
            elif isinstance(step, CallStep):
                inputs = [frame.place(view) for view in step.inputs]
                outputs = [frame.place(view) for view in step.outputs]
                self._called(step, inputs, outputs, frame, status)
            else:
                self._repeated(step, frame, status)

    def _guard(self, step: GuardStep, frame: _Outer | _Inner, status: int) -> None:
        self._checks = self._status = True
        broken = f"(*({frame.place(step.predicate)}) != 0) != {int(step.outcome)}"
        self._lines.add(f"if ({broken} && status[0] == 0) status[0] = {self.argument(status + step.status)};")

    def _block(self, block: Straight, frame: _Outer | _Inner) -> None:
        if id(block) not in self._parts:
            arguments = Arguments()
            body = _body(block, arguments).text()
            name, text = named("part", f"{self._head} void {{name}}({arguments.parameters()})", body)
            self._functions |= dict.fromkeys([*arguments.functions, text])
            self._elementary |= arguments.elementary
            self._parts[id(block)] = name, arguments
        name, arguments = self._parts[id(block)]
        values = (
            f"({MEMORY[code_of(buffer.dtype)]} *)({frame.place(View(buffer))})"
            for buffer in arguments.buffers
        )
        self._lines.add(f"{name}({', '.join(values)});")

    def _called(self, call: CallStep, inputs, outputs, frame: _Outer | _Inner, status: int) -> None:
        plan: Plan = call.plan
        consts = [frame.place(view) for view in call.consts]
        buffers = (*plan.inputs, *plan.outputs, *plan.consts)
        pointers = dict(zip(buffers, (*inputs, *outputs, *consts), strict=True))
        self.steps(plan.steps, _Inner(pointers, frame.place(View(call.workspace))), status + call.status_base)

    def _repeated(self, step: RepeatStep, frame: _Outer | _Inner, status: int) -> None:
        self._names += 1
        k = f"k{self._names}"
        with self._lines.block(f"for (long long {k} = 0; {k} < {step.count}; ++{k})"):
            carried = []
            for start, output in zip(step.starts, step.carries, strict=True):
                before = _kept(step.kept[output], f"({k} - 1)", 0, frame)
                carried.append(self._pointer(f"{k} == 0 ? {frame.place(start)} : {before}"))
            walked = [
                self._pointer(f"{frame.place(walk.view)} + {k} * {_bytes(walk.view, walk.stride)}LL")
                for walk in step.walks
            ]
            outputs = [self._pointer(_kept(kept, k, step.count, frame)) for kept in step.kept]
            fixed = [frame.place(view) for view in step.fixed]
            self._called(step.call, [*carried, *walked, *fixed], outputs, frame, status)

    def _pointer(self, value: str) -> str:
        self._names += 1
        name = f"q{self._names}"
        self._lines.add(f"unsigned char *const {name} = {value};")
        return name


def _bytes(view: View, elements: int) -> int:
    return elements * view.buffer.dtype.itemsize


def _kept(kept: Kept, k: str, count: int, frame: _Outer | _Inner) -> str:
    """Return where iteration `k` of `count` leaves an output; ``count=0``: it is not the last one."""
    row = kept.size * kept.buffer.dtype.itemsize
    if kept.stacked:
        return f"{frame.place(kept.view)} + {k} * {row}LL"
    if kept.ring is None:
        return frame.place(kept.view)
    ring = f"{frame.place(View(kept.ring))} + {k} % 2 * {row}LL"
    if count and kept.view is not None:
        return f"{k} == {count - 1} ? {frame.place(kept.view)} : {ring}"
    return ring


# ---- blocks --------------------------------------------------------------------------------------


def _body(block: Straight, arguments: Arguments) -> Lines:
    lines = Lines()
    given = [*block.restored, *block.again]
    roots = [*(store.stmt for store in block.stores), *block.saved]
    statements = Statements(block.body, block.live, roots, arguments, (), False, given)
    pending: dict[int, list[Store]] = {}
    for store in block.stores:
        pending.setdefault(store.stmt, []).append(store)

    def stores(s: int) -> None:
        for store in pending.pop(s, ()):
            place = statements.element(store.buffer, store.address)
            statements.store(lines, place, statements.value(s), code_of(store.buffer.dtype))

    for s, place in block.restored.items():
        code = block.body.codes[s]
        value = loaded(_cell(arguments.pointer(block.spill), place, code), code)
        lines.add(f"const {SCALARS[code]} {statements.value(s)} = {value};")
        stores(s)
    for s in (*block.again, *block.live):
        statements.write(lines, [s])
        stores(s)
        if s in block.saved:
            code = block.body.codes[s]
            place = _cell(arguments.pointer(block.spill), block.saved[s], code)
            statements.store(lines, place, statements.value(s), code)
    return lines


def _cell(pointer: str, place: int, code: str) -> str:
    """Return the cell of 8 bytes with this number, for a value of any type."""
    return f"(({MEMORY[code]} *){pointer})[{place * (8 // SIZES[code])}]"
