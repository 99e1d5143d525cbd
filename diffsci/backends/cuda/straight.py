"""Straight-line blocks: one thread, blocks that follow each other in one kernel."""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.backends.cuda.source import MEMORY, SCALARS, SIZES, Lines, named
from diffsci.backends.cuda.statements import Arguments, Kernel, Statements, loaded
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import Store, Straight

__all__ = ["write_straight"]


def write_straight(blocks: Sequence[Straight]) -> Kernel:
    """Return the kernel that runs blocks one after another.

    Several blocks are functions of their own, which the kernel calls: the time of compiling grows
    faster than the length of a function.
    """
    arguments = Arguments()
    bodies = [_body(block, arguments) for block in blocks]
    if len(bodies) == 1:
        return arguments.kernel("straight", bodies[0], 1, 1)
    names = ", ".join(arguments.pointer(buffer) for buffer in arguments.buffers)
    lines = Lines()
    for body in bodies:
        head = f"static __device__ __noinline__ void {{name}}({arguments.parameters()})"
        name, text = named("part", head, body.text())
        arguments.functions[text] = None
        lines.add(f"{name}({names});")
    return arguments.kernel("straight", lines, 1, 1)


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
