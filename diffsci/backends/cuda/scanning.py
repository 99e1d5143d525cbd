"""Running sums along lines that the threads of blocks share.

A block walks its chunk of a line in tiles of an element per thread. The running sums of a tile are made by
doubling (W. D. Hillis and G. L. Steele, Data parallel algorithms, Communications of the ACM 29, 1986) and
added to what comes before. Several chunks take two kernels: the first adds up each chunk, the second begins
with the sum of the chunks before its own. The order of additions follows from the nest alone.
"""

from __future__ import annotations

from dataclasses import replace

from diffsci.backends.cuda.gathering import block_function, scan_function
from diffsci.backends.cuda.operations import combine
from diffsci.backends.cuda.reducing import write_stores
from diffsci.backends.cuda.shapes import Loops
from diffsci.backends.cuda.sharing import Shared
from diffsci.backends.cuda.source import SCALARS, literal, unravel
from diffsci.backends.cuda.statements import Kernel
from diffsci.backends.plan.codes import identity_of
from diffsci.backends.plan.regions import live_statements

__all__ = ["Scanned"]


class Scanned(Shared):
    """Threads of a block share the elements of a line, all of whose reductions are scans."""

    def write(self) -> list[Kernel]:
        """Return the kernels."""
        if not self.scratch:
            return [self._walk()]
        totals = Shared(_totals(self.loops), self.shape, self.unit)
        self.scratch = totals.scratch
        return [totals.partials(), self._walk()]

    def _walk(self) -> Kernel:
        lines, shape = self.lines, self.shape
        block = self.cells()
        self.bounds()
        self.start()
        if self.scratch:
            self._earlier()
        with lines.block(f"for ({self.kind} tile = low; tile < high; tile += {shape.depth})"):
            self._tile()
        return self.arguments.kernel("scan", lines, shape.grid, block)

    def _earlier(self) -> None:
        """Write the sums of the chunks before this one."""
        points = self.shape.points
        place = f"c * {points}{self.end} + point" if points > 1 else "c"
        with self.lines.block(f"for ({self.kind} c = lane; c < chunk; c += {self.shape.depth})"):
            for k, r in enumerate(self.loops.reductions):
                value = f"{self.arguments.pointer(self.scratch[k])}[{place}]"
                self.lines.add(f"a{k} = {combine(r.op, self.code(r), f'a{k}', value)};")
        for k, r in enumerate(self.loops.reductions):
            self._called(k, f"a{k} = ", block_function(r.op, self.code(r)), f"a{k}")

    def _tile(self) -> None:
        lines, reductions = self.lines, self.loops.reductions
        lines.add(f"const {self.kind} r = tile + lane;")
        unravel(lines, "r", self.shape.reduced, self.loops.extents, self.wide)
        for k, r in enumerate(reductions):
            code = self.code(r)
            lines.add(f"{SCALARS[code]} s{k} = {literal(identity_of(r.op, code), code)};")
        with lines.block("if (r < stop)"):
            self.statements.write(lines, self.split[1])
            write_stores(self.statements, self.loops, lines)
            for k, r in enumerate(reductions):
                lines.add(f"s{k} = {self.statements.value(r.stmt)};")
        for k, r in enumerate(reductions):
            function = scan_function(r.op, self.code(r))
            self._called(k, f"const {SCALARS[self.code(r)]} t{k} = ", function, f"s{k}")
        with lines.block("if (r < stop)"):
            for k, r in enumerate(reductions):
                code = self.code(r)
                place = self.statements.element(r.buffer, r.address)
                self.statements.store(lines, place, combine(r.op, code, f"a{k}", f"s{k}"), code)
        for k, r in enumerate(reductions):
            lines.add(f"a{k} = {combine(r.op, self.code(r), f'a{k}', f't{k}')};")

    def _called(self, k: int, before: str, function: tuple[str, str], value: str) -> None:
        name, text = function
        self.arguments.functions[text] = None
        cells = f"cells_{self.code(self.loops.reductions[k])}"
        self.lines.add(f"{before}{name}({value}, {cells}, {self.shape.width});")


def _totals(loops: Loops) -> Loops:
    """Return the nest that adds up what another one scans, and stores nothing."""
    reductions = [replace(r, scan=False) for r in loops.reductions]
    made = replace(loops, stores=[], reductions=reductions)
    return replace(made, live=live_statements(made.body, made.roots))
