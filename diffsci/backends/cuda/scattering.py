"""Nests that write where an index says: later writes win, sums are added in the order of the loops.

Points whose index is another and elements of other rows never meet, so they may be worked on at the
same time. What goes to one place is worked on by one thread, in order: the result is that of the
loops, to the bit, on every device.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from diffsci.backends.cuda.shapes import THREADS, Loops, fastest_last
from diffsci.backends.cuda.source import Lines, affine, unravel
from diffsci.backends.cuda.statements import Arguments, Kernel, Statements, is_wide
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import Buffer, Nest, Store
from diffsci.backends.plan.regions import roots_of
from diffsci.errors import VerificationError

__all__ = ["SortKeys", "write_scatter"]

_FEW = 32  # so many writes to one row are done in a loop without sorting
_MANY_ROWS = 1 << 14


@dataclass(frozen=True)
class SortKeys:
    """Write the stable order of so many int64 keys to `order`."""

    keys: Buffer
    order: Buffer
    count: int


def write_scatter(nest: Nest) -> list[Kernel | SortKeys]:
    """Return the steps of a sequential nest: one store with an index."""
    if len(nest.stores) != 1 or nest.reductions or nest.stores[0].index < 0:
        raise VerificationError("a sequential loop nest is expected to have one store with an index")
    scatter = _Scatter(nest, nest.stores[0])
    if scatter.count <= _FEW or scatter.rows >= _MANY_ROWS:
        return [scatter.in_order()]
    return scatter.sorted()


class _Scatter:
    def __init__(self, nest: Nest, store: Store):
        self.nest, self.store, self.body = nest, store, nest.body
        self.loops = Loops(nest.extents, nest.body, nest.live, nest.stores, [], 0)
        moving = self.body.deps[store.index]
        every = range(len(nest.extents))
        free = [loop for loop in every if store.address[loop + 1] and not moving >> loop & 1]
        self.free = fastest_last(self.loops, free)
        self.walked = [loop for loop in every if loop not in free]
        self.rows = math.prod(nest.extents[loop] for loop in free)
        self.count = math.prod(nest.extents[loop] for loop in self.walked)
        addresses = [self.body.attrs[s][1] for s in nest.live if self.body.ops[s] in ("load", "gather")]
        addresses.append(store.address)
        self.wide = is_wide(nest.extents, addresses, self.rows * self.count)
        self.kind, self.end = ("long long", "LL") if self.wide else ("int", "")
        self.counters = [f"i{loop}" for loop in every]
        self.code = code_of(store.buffer.dtype)

    def _statements(self, arguments: Arguments) -> Statements:
        return Statements(self.body, self.nest.live, roots_of(self.nest), arguments, self.counters, self.wide)

    def _needed(self, root: int) -> list[int]:
        found = {root}
        for s in reversed(self.nest.live):
            if s in found:
                found.update(self.body.args[s])
        return [s for s in self.nest.live if s in found]

    # ---- in the order of the loops -----------------------------------------------------------------

    def in_order(self) -> Kernel:
        """Return a kernel with a thread per row, which walks the indices."""
        lines, arguments = Lines(), Arguments()
        statements = self._statements(arguments)
        block = min(THREADS, 1 << (self.rows - 1).bit_length())
        self._point(lines, self.rows, block)
        unravel(lines, "point", self.free, self.nest.extents, self.wide)
        with ExitStack() as stack:
            for loop in self.walked:
                n = self.nest.extents[loop]
                stack.enter_context(
                    lines.block(f"for ({self.kind} i{loop} = 0; i{loop} < {n}{self.end}; ++i{loop})")
                )
            statements.write(lines, self.nest.live)
            store = self.store
            place = statements.element(store.buffer, store.address, store.index, store.stride)
            op = "sum" if store.mode == "add" else ""
            statements.store(lines, place, statements.value(store.stmt), self.code, op)
        return arguments.kernel("scatter", lines, -(-self.rows // block), block)

    def _point(self, lines: Lines, volume: int, block: int) -> None:
        if volume == 1:
            return
        lines.add(f"const {self.kind} point = ({self.kind})blockIdx.x * {block} + threadIdx.x;")
        if volume % block:
            lines.add(f"if (point >= {volume}{self.end}) return;")

    # ---- sorted by index ---------------------------------------------------------------------------

    def sorted(self) -> list[Kernel | SortKeys]:
        """Return the steps that sort the indices and give every run of equal ones to one thread."""
        keys, order = (
            Buffer(np.dtype(np.int64), self.count, "scratch", offset=k * (-(-8 * self.count // 64) * 64))
            for k in range(2)
        )
        return [self._keys(keys), SortKeys(keys, order, self.count), self._runs(keys, order)]

    def _keys(self, keys: Buffer) -> Kernel:
        lines, arguments = Lines(), Arguments()
        statements = self._statements(arguments)
        self._point(lines, self.count, THREADS)
        unravel(lines, "point", self.walked, self.nest.extents, self.wide)
        statements.write(lines, self._needed(self.store.index))
        lines.add(f"{arguments.pointer(keys)}[point] = {statements.value(self.store.index)};")
        return arguments.kernel("keys", lines, -(-self.count // THREADS), THREADS)

    def _runs(self, keys: Buffer, order: Buffer) -> Kernel:
        """Write the kernel in which the first thread of a run of equal keys works through it."""
        lines, arguments = Lines(), Arguments()
        statements = self._statements(arguments)
        key_at, order_at = arguments.pointer(keys), arguments.pointer(order)
        volume = self.count * self.rows
        self._point(lines, volume, THREADS)
        lines.add(f"const {self.kind} row = point % {self.rows}{self.end};")
        lines.add(f"const {self.kind} start = point / {self.rows}{self.end};")
        lines.add(f"const long long key = {key_at}[{order_at}[start]];")
        lines.add(f"if (start > 0 && {key_at}[{order_at}[start - 1]] == key) return;")
        unravel(lines, "row", self.free, self.nest.extents, self.wide)
        address = affine(self.store.address, self.counters, self.wide)
        place = f"{arguments.pointer(self.store.buffer)}[{address} + {self.store.stride}LL * key]"
        statements.known(self.store.index, "key")
        again = f"{key_at}[{order_at}[next]] == key"
        if self.store.mode == "add":
            self._add_run(lines, statements, order_at, place, again)
        else:
            lines.add(f"{self.kind} next = start + 1;")
            lines.add(f"while (next < {self.count}{self.end} && {again}) ++next;")
            self._element(lines, statements, f"{order_at}[next - 1]")
            statements.store(lines, place, statements.value(self.store.stmt), self.code)
        return arguments.kernel("runs", lines, -(-volume // THREADS), THREADS)

    def _element(self, lines: Lines, statements: Statements, position: str) -> None:
        """Write the value that belongs to a position among the indices."""
        lines.add(f"const {self.kind} at = ({self.kind}){position};")
        unravel(lines, "at", self.walked, self.nest.extents, self.wide)
        statements.write(lines, [s for s in self._needed(self.store.stmt) if s != self.store.index])

    def _add_run(self, lines: Lines, statements: Statements, order_at: str, place: str, again: str) -> None:
        statements.store(lines, "auto total", place if self.code != "b1" else f"({place} != 0)", self.code)
        with lines.block(f"for ({self.kind} next = start; next < {self.count}{self.end} && {again}; ++next)"):
            self._element(lines, statements, f"{order_at}[next]")
            statements.store(lines, "total", statements.value(self.store.stmt), self.code, "sum")
        lines.add(f"{place} = total;")
