"""Writing the text of one LLVM function."""

from __future__ import annotations

import struct
from collections.abc import Callable

from diffsci.errors import VerificationError

__all__ = [
    "LANES",
    "MEMORY",
    "SCALARS",
    "SIZES",
    "Function",
    "StraightFunction",
    "cell",
    "copy",
    "element",
    "literal",
    "scalar_type",
    "vector_type",
]

LANES = 8
SCALARS = {"f8": "double", "f4": "float", "i8": "i64", "b1": "i1"}
MEMORY = {"f8": "double", "f4": "float", "i8": "i64", "b1": "i8"}
SIZES = {"f8": 8, "f4": 4, "i8": 8, "b1": 1}


def scalar_type(code: str) -> str:
    """Return the LLVM type of a dtype code."""
    return SCALARS[code]


def vector_type(code: str) -> str:
    """Return the LLVM vector type of a dtype code."""
    return f"<{LANES} x {SCALARS[code]}>"


def literal(value, code: str) -> str:
    """Return the text of a constant."""
    if code == "b1":
        return "true" if value else "false"
    if code == "i8":
        return str(int(value))
    return f"0x{struct.unpack('>Q', struct.pack('>d', float(value)))[0]:016X}"


class Function:
    """Lines of one function; knows the block it is writing to."""

    def __init__(self, header: str):
        self.lines = [f"define {header} {{", "entry:"]
        self.block = "entry"
        self._count = 0

    def name(self) -> str:
        """Return a fresh name."""
        self._count += 1
        return f"%v{self._count}"

    def label(self) -> str:
        """Return a fresh label."""
        self._count += 1
        return f"b{self._count}"

    def set(self, text: str) -> str:
        """Write an instruction with a result and return its name."""
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        """Write an instruction without a result."""
        self.lines.append(f"  {text}")

    def start(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        """End the block with a jump."""
        self.do(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        """End the block with a conditional jump."""
        self.do(f"br i1 {condition}, label %{yes}, label %{no}")

    def loop(
        self,
        low: str,
        high: str,
        step: int,
        carried: list[tuple[str, str]],
        body: Callable[[str, list[str]], list[str]],
        runs: bool = False,
    ) -> list[str]:
        """Write ``for i in range(low, high, step)`` and return the carried values behind it.

        Parameters
        ----------
        carried : list of (type, initial value)
        body : callable
            ``body(i, values) -> new values`` writes one iteration.
        runs : bool
            The loop is known to run at least once.
        """
        head, end = self.label(), self.label()
        before = self.block
        if runs:
            self.jump(head)
        else:
            self.branch(self.set(f"icmp slt i64 {low}, {high}"), head, end)
        self.start(head)
        counter, following = self.name(), self.name()
        slots = [(self.name(), kind, first) for kind, first in carried]
        mark = len(self.lines)
        after = body(counter, [name for name, _, _ in slots])
        self.do(f"{following} = add i64 {counter}, {step}")
        latch = self.block
        again = self.set(f"icmp slt i64 {following}, {high}")
        self.branch(again, head, end)
        phis = [f"  {counter} = phi i64 [ {low}, %{before} ], [ {following}, %{latch} ]"]
        for (name, kind, first), last in zip(slots, after, strict=True):
            phis.append(f"  {name} = phi {kind} [ {first}, %{before} ], [ {last}, %{latch} ]")
        self.lines[mark:mark] = phis
        self.start(end)
        if runs:
            return after
        return [
            self.set(f"phi {kind} [ {first}, %{before} ], [ {last}, %{latch} ]")
            for (_, kind, first), last in zip(slots, after, strict=True)
        ]

    def when(
        self, condition: str, carried: list[tuple[str, str]], body: Callable[[], list[str]]
    ) -> list[str]:
        """Write ``if condition`` and return the carried values behind it."""
        inside, end = self.label(), self.label()
        before = self.block
        self.branch(condition, inside, end)
        self.start(inside)
        after = body()
        last = self.block
        self.jump(end)
        self.start(end)
        return [
            self.set(f"phi {kind} [ {old}, %{before} ], [ {new}, %{last} ]")
            for (kind, old), new in zip(carried, after, strict=True)
        ]

    def splat(self, value: str, code: str) -> str:
        """Return a vector with the value in every lane."""
        kind = scalar_type(code)
        one = self.set(f"insertelement {vector_type(code)} poison, {kind} {value}, i64 0")
        return self.set(
            f"shufflevector {vector_type(code)} {one}, {vector_type(code)} poison, "
            f"<{LANES} x i32> zeroinitializer"
        )

    def finish(self, result: str = "ret void") -> str:
        """Write the last instruction and return the whole text."""
        self.do(result)
        return "\n".join([*self.lines, "}"])


class StraightFunction(Function):
    """A function without jumps: its values are numbers, which LLVM reads in half the time of names."""

    def __init__(self, header: str):
        super().__init__(header)
        self._count = -1

    def set(self, text: str) -> str:
        """Write an instruction with a result and return its number."""
        self._count = number = self._count + 1
        name = f"%{number}"
        self.lines.append(f"  {name} = {text}")
        return name

    def name(self) -> str:
        """Refuse a name: numbers must follow the order of the instructions."""
        raise VerificationError("straight-line code has no names in advance, and no loops")

    def label(self) -> str:
        """Refuse a block."""
        raise VerificationError("straight-line code has one block")


def element(f: Function, code: str, base: str, index: str) -> str:
    """Write the address of an element."""
    return f.set(f"getelementptr {MEMORY[code]}, ptr {base}, i64 {index}")


def cell(f: Function, kind: str, value: str) -> str:
    """Write a variable: library routines take their arguments by address."""
    place = f.set(f"alloca {kind}")
    f.do(f"store {kind} {value}, ptr {place}")
    return place


def copy(module, f: Function, target: str, source: str, size: int) -> None:
    """Write the copy of so many bytes."""
    module.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    f.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)")
