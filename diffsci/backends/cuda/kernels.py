"""A loop nest as kernels."""

from __future__ import annotations

import math
from contextlib import ExitStack

from diffsci.backends.cuda.reducing import Reducing, addresses_of, write_point, write_stores
from diffsci.backends.cuda.scanning import Scanned
from diffsci.backends.cuda.scattering import write_scatter
from diffsci.backends.cuda.shapes import THREADS, Loops, fastest_last, loops_of, parts_of, scans, shape_of
from diffsci.backends.cuda.sharing import Shared
from diffsci.backends.cuda.source import Lines, unravel
from diffsci.backends.cuda.statements import Arguments, Kernel, Statements, is_wide
from diffsci.backends.plan.program import Nest

__all__ = ["write_nest"]


def write_nest(nest: Nest) -> list:
    """Return the kernels (and sorts) that do what a loop nest does, in order."""
    if math.prod(nest.extents) == 0:
        return []
    if nest.sequential:
        return write_scatter(nest)
    return [kernel for part in parts_of(nest) for kernel in _write_part(part)]


def _write_part(nest: Nest) -> list[Kernel]:
    loops = loops_of(nest)
    whole = nest.blocks if any(r.whole for r in nest.reductions) else 0
    if not loops.reductions:
        return [_write_map(loops)]
    shape = shape_of(loops, whole)
    if shape.depth == 1:
        return [_Rows(loops, shape).write()]
    unit = nest.block_size * math.prod(nest.extents[1:]) if whole else -(-shape.length // shape.chunks)
    return (Scanned if scans(loops) else Shared)(loops, shape, unit).write()


def _write_map(loops: Loops) -> Kernel:
    """Write a nest without reductions: a thread per point."""
    volume = math.prod(loops.extents)
    wide = is_wide(loops.extents, addresses_of(loops), volume)
    lines, arguments = Lines(), Arguments()
    block = min(THREADS, 1 << (volume - 1).bit_length())
    if volume > 1:
        write_point(lines, "point", volume, block, wide)
    unravel(lines, "point", fastest_last(loops, range(len(loops.extents))), loops.extents, wide)
    counters = [f"i{loop}" for loop in range(len(loops.extents))]
    statements = Statements(loops.body, loops.live, loops.roots, arguments, counters, wide)
    statements.write(lines, loops.live)
    write_stores(statements, loops, lines)
    return arguments.kernel("map", lines, -(-volume // block), block)


class _Rows(Reducing):
    """A thread per point that is kept; it walks the reduced (scanned) elements alone, in order."""

    def write(self) -> Kernel:
        lines, shape, extents = self.lines, self.shape, self.loops.extents
        if shape.points > 1:
            write_point(lines, "point", shape.points, shape.width, self.wide)
            unravel(lines, "point", shape.kept, extents, self.wide)
        levels = self._levels()
        self.statements.write(lines, levels[0])
        self.start()
        with ExitStack() as stack:
            for level, loop in enumerate(shape.reduced, 1):
                head = f"for ({self.kind} i{loop} = 0; i{loop} < {extents[loop]}{self.end}; ++i{loop})"
                stack.enter_context(lines.block(head))
                self.statements.write(lines, levels[level])
            write_stores(self.statements, self.loops, lines)
            self.advance()
        self.finish()
        return self.arguments.kernel("rows", lines, shape.grid, shape.width)

    def _levels(self) -> list[list[int]]:
        """Return the statements by the number of loops around them."""
        reduced = self.shape.reduced
        levels: list[list[int]] = [[] for _ in range(len(reduced) + 1)]
        for s in self.loops.live:
            deps = self.body.deps[s]
            levels[max((k for k, loop in enumerate(reduced, 1) if deps >> loop & 1), default=0)].append(s)
        return levels
