"""The statements of a body inside a kernel, and the kernel's arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass

from diffsci.backends.cuda.elementary import is_elementary
from diffsci.backends.cuda.operations import combine, expression
from diffsci.backends.cuda.source import MEMORY, SCALARS, Lines, affine, literal, named
from diffsci.backends.plan.affine import Affine
from diffsci.backends.plan.body import Body
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import Buffer

__all__ = ["Arguments", "Kernel", "Statements", "is_wide", "loaded", "stored"]

# NVRTC's time grows with the cube of the length of a function: 0.1 s at 500 statements, 9 s at 2000.
_MOST = 600
_PART = 400


@dataclass(frozen=True)
class Kernel:
    """A kernel and how it is launched; a buffer stands for its first element.

    `functions` are texts of device functions that it calls, `elementary` the elementary functions
    (name, dtype code).
    """

    name: str
    text: str
    grid: int
    block: int
    arguments: tuple[Buffer | int, ...]
    functions: tuple[str, ...] = ()
    elementary: frozenset[tuple[str, str]] = frozenset()


class Arguments:
    """Pointers to the buffers that a kernel uses, in order of first use."""

    def __init__(self) -> None:
        self.buffers: list[Buffer] = []
        self.functions: dict[str, None] = {}
        self.elementary: set[tuple[str, str]] = set()

    def pointer(self, buffer: Buffer) -> str:
        """Return the name of the pointer to a buffer."""
        if buffer not in self.buffers:
            self.buffers.append(buffer)
        return f"p{self.buffers.index(buffer)}"

    def kernel(self, stem: str, lines: Lines, grid: int, block: int) -> Kernel:
        """Return the finished kernel."""
        name, text = named(
            stem, f"KERNEL __launch_bounds__({block}) {{name}}({self.parameters()})", lines.text()
        )
        return Kernel(
            name, text, grid, block, tuple(self.buffers), tuple(self.functions), frozenset(self.elementary)
        )

    def parameters(self) -> str:
        """Return the parameter list."""
        return ", ".join(self._parameter(buffer) for buffer in self.buffers)

    def _parameter(self, buffer: Buffer) -> str:
        kind = MEMORY[code_of(buffer.dtype)]
        # Nothing that a program writes overlaps its inputs and constants.
        fixed = buffer.kind in ("input", "const")
        return f"{f'const {kind} *__restrict__ ' if fixed else f'{kind} *'}{self.pointer(buffer)}"


def stored(value: str, code: str) -> str:
    """Return a value as it lies in memory."""
    return f"(unsigned char)({value})" if code == "b1" else value


def loaded(place: str, code: str) -> str:
    """Return the value of a place in memory."""
    return f"{place} != 0" if code == "b1" else place


def is_wide(extents: Sequence[int], addresses: Iterable[Affine], volume: int) -> bool:
    """Tell whether the arithmetic of addresses needs 64 bits."""
    limit = 2**31 - 1
    most = max(
        (abs(e[0]) + sum(abs(c) * n for c, n in zip(e[1:], extents, strict=True)) for e in addresses),
        default=0,
    )
    return max(most, 2 * volume) > limit


class Statements:
    """Writes statements of a body; a statement is written once, before its users.

    `given` are statements whose values come from elsewhere, or that are written besides the live ones.
    """

    def __init__(
        self,
        body: Body,
        live: Sequence[int],
        roots: Sequence[int],
        arguments: Arguments,
        counters: Sequence[str],
        wide: bool,
        given: Sequence[int] = (),
    ):
        self.body, self.arguments, self.counters, self.wide = body, arguments, counters, wide
        self.live, self.roots = live, roots
        self._names = {s: f"v{k}" for k, s in enumerate((*given, *live))}

    def write(self, lines: Lines, numbers: Iterable[int]) -> None:
        """Write the statements with these numbers, in order."""
        written = [s for s in numbers if self.body.ops[s] != "lit"]
        if len(written) > _MOST:
            write_in_parts(self, lines, written)
            return
        for s in written:
            lines.add(self.declaration(s, self.expression(s)))

    def declaration(self, s: int, text: str) -> str:
        """Return the line that gives a statement its value."""
        return f"const {SCALARS[self.body.codes[s]]} {self._names[s]} = {text};"

    def apart(self, arguments: Arguments) -> Statements:
        """Return the same statements for another function, which has arguments of its own."""
        other = copy(self)
        other.arguments = arguments
        return other

    def known(self, s: int, name: str) -> None:
        """Let a statement have a value that is written elsewhere."""
        self._names[s] = name

    def value(self, s: int) -> str:
        """Return the name of a value."""
        if self.body.ops[s] == "lit":
            text = literal(self.body.value_of(s), self.body.codes[s])
            return f"({text})" if text.startswith("-") else text
        return self._names[s]

    def element(self, buffer: Buffer, address: Affine, index: int = -1, stride: int = 0) -> str:
        """Return the place ``buffer[address + stride * index]``."""
        text = affine(address, self.counters, self.wide)
        if index >= 0:
            text = f"{text} + {stride}LL * {self.value(index)}"
        return f"{self.arguments.pointer(buffer)}[{text}]"

    def store(self, lines: Lines, place: str, value: str, code: str, op: str = "") -> None:
        """Write a value to memory, joined by `op` with what is there."""
        if op:
            lines.add(f"{place} = {stored(combine(op, code, f'({loaded(place, code)})', value), code)};")
        else:
            lines.add(f"{place} = {stored(value, code)};")

    def expression(self, s: int) -> str:
        """Return the C expression of a statement."""
        body = self.body
        op, code, attr = body.ops[s], body.codes[s], body.attrs[s]
        if op == "load":
            return loaded(self.element(attr[0], attr[1]), code)
        if op == "gather":
            return loaded(self.element(attr[0], attr[1], body.args[s][0], attr[2]), code)
        if op == "iota":
            return affine(attr, self.counters, True)
        codes = [body.codes[arg] for arg in body.args[s]]
        if is_elementary(op):
            self.arguments.elementary.add((op, code))
        return expression(op, code, codes, [self.value(arg) for arg in body.args[s]])


def write_in_parts(statements: Statements, lines: Lines, numbers: Sequence[int]) -> None:
    """Write many statements as calls of functions; values pass between them in memory of the thread."""
    cells = _cells(statements, numbers)
    sizes: dict[str, int] = {}
    place = {}
    for s in cells:
        code = statements.body.codes[s]
        place[s] = f"own_{code}[{sizes.get(code, 0)}]"
        sizes[code] = sizes.get(code, 0) + 1
    for code, size in sizes.items():
        lines.add(f"{MEMORY[code]} own_{code}[{size}];")
    inside = set(numbers)
    for s in cells:
        if s not in inside:
            lines.add(f"{place[s]} = {stored(statements.value(s), statements.body.codes[s])};")
    for start in range(0, len(numbers), _PART):
        lines.add(_part(statements, numbers[start : start + _PART], place, sizes))
    for s in _wanted_later(statements, inside):
        lines.add(statements.declaration(s, loaded(place[s], statements.body.codes[s])))


def _wanted_later(statements: Statements, inside: set[int]) -> list[int]:
    """Return the statements of `inside` that others use, or that are stored."""
    users = (arg for s in statements.live if s not in inside for arg in statements.body.args[s])
    return sorted(inside & {*statements.roots, *users})


def _cells(statements: Statements, numbers: Sequence[int]) -> list[int]:
    """Return the statements whose values one part or its surroundings hand to another."""
    part = {s: k // _PART for k, s in enumerate(numbers)}
    found = dict.fromkeys(_wanted_later(statements, set(numbers)))
    for s in numbers:
        for arg in statements.body.args[s]:
            if statements.body.ops[arg] != "lit" and part.get(arg) != part[s]:
                found[arg] = None
    return list(found)


def _part(
    statements: Statements, numbers: Sequence[int], place: dict[int, str], sizes: dict[str, int]
) -> str:
    """Define the function of some statements and return its call."""
    outer, own = statements.arguments, Arguments()
    inner, lines, inside = statements.apart(own), Lines(), set(numbers)
    for s in dict.fromkeys(arg for user in numbers for arg in statements.body.args[user]):
        if s not in inside and s in place:
            lines.add(inner.declaration(s, loaded(place[s], statements.body.codes[s])))
    for s in numbers:
        lines.add(inner.declaration(s, inner.expression(s)))
        if s in place:
            lines.add(f"{place[s]} = {stored(inner.value(s), statements.body.codes[s])};")
    text = lines.text()
    kind = "long long" if statements.wide else "int"
    counters = [counter for counter in statements.counters if re.search(rf"\b{counter}\b", text)]
    parameters = [own.parameters()] if own.buffers else []
    parameters += [f"{kind} {counter}" for counter in counters]
    parameters += [f"{MEMORY[code]} *own_{code}" for code in sizes]
    name, text = named("part", f"static __device__ __noinline__ void {{name}}({', '.join(parameters)})", text)
    outer.functions[text] = None
    outer.elementary |= own.elementary
    values = [outer.pointer(buffer) for buffer in own.buffers]
    return f"{name}({', '.join([*values, *counters, *(f'own_{code}' for code in sizes)])});"
