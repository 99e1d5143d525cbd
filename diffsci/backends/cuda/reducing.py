"""What the kernels of loop nests have in common: points, stores, accumulators and their results."""

from __future__ import annotations

from collections.abc import Iterable

from diffsci.backends.cuda.operations import combine, wins
from diffsci.backends.cuda.shapes import Loops, Shape
from diffsci.backends.cuda.source import SCALARS, Lines, literal
from diffsci.backends.cuda.statements import Arguments, Statements, is_wide
from diffsci.backends.plan.codes import code_of, identity_of
from diffsci.backends.plan.program import Reduction

__all__ = ["Reducing", "addresses_of", "write_point", "write_stores"]


def addresses_of(loops: Loops) -> Iterable:
    """Return all addresses of a nest."""
    body = loops.body
    found = [body.attrs[s][1] for s in loops.live if body.ops[s] in ("load", "gather")]
    return [*found, *(end.address for end in (*loops.stores, *loops.reductions))]


def write_point(lines: Lines, name: str, volume: int, block: int, wide: bool) -> None:
    """Write the number of the point that a thread works on; threads beyond the last one are done."""
    kind = "long long" if wide else "int"
    lines.add(f"const {kind} {name} = ({kind})blockIdx.x * {block} + threadIdx.x;")
    if volume % block:
        lines.add(f"if ({name} >= {volume}{'LL' if wide else ''}) return;")


def write_stores(statements: Statements, loops: Loops, lines: Lines) -> None:
    """Write what a nest stores at a point."""
    for store in loops.stores:
        place = statements.element(store.buffer, store.address, store.index, store.stride)
        statements.store(lines, place, statements.value(store.stmt), code_of(store.buffer.dtype))


class Reducing:
    """What kernels with reductions have in common: accumulators and their results."""

    def __init__(self, loops: Loops, shape: Shape):
        self.loops, self.shape, self.body = loops, shape, loops.body
        self.wide = is_wide(loops.extents, addresses_of(loops), shape.points * max(shape.length, 1))
        self.kind, self.end = ("long long", "LL") if self.wide else ("int", "")
        self.lines, self.arguments = Lines(), Arguments()
        counters = [f"i{loop}" for loop in range(len(loops.extents))]
        self.statements = Statements(loops.body, loops.live, loops.roots, self.arguments, counters, self.wide)

    def code(self, r: Reduction) -> str:
        """Return the dtype code of what is reduced."""
        return self.body.codes[r.stmt]

    def start(self) -> None:
        """Write the accumulators."""
        for k, r in enumerate(self.loops.reductions):
            code = self.code(r)
            op = {"argmax": "max", "argmin": "min"}.get(r.op, r.op)
            self.lines.add(f"{SCALARS[code]} a{k} = {literal(identity_of(op, code), code)};")
            if r.payload >= 0:
                self.lines.add(f"long long w{k} = 0;")

    def advance(self) -> None:
        """Write what one element does to the accumulators."""
        for k, r in enumerate(self.loops.reductions):
            code, value = self.code(r), self.statements.value(r.stmt)
            if r.payload >= 0:
                where = self.statements.value(r.payload)
                condition = wins(r.op, code, value, where, f"a{k}", f"w{k}")
                self.lines.add(f"if ({condition}) {{ a{k} = {value}; w{k} = {where}; }}")
                continue
            self.lines.add(f"a{k} = {combine(r.op, code, f'a{k}', value)};")
            if r.scan:
                self.statements.store(self.lines, self.statements.element(r.buffer, r.address), f"a{k}", code)

    def finish(self) -> None:
        """Write the results of reductions to their places."""
        for k, r in enumerate(self.loops.reductions):
            if r.scan:
                continue
            place = self.statements.element(r.buffer, r.address)
            if r.payload >= 0:
                self.statements.store(self.lines, place, f"w{k}", "i8")
            else:
                op = r.op if r.accumulate else ""
                self.statements.store(self.lines, place, f"a{k}", self.code(r), op)
