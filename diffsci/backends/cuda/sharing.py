"""Loop nests whose reduced elements are shared by the threads of blocks."""

from __future__ import annotations

import numpy as np

from diffsci.backends.cuda.gathering import block_function
from diffsci.backends.cuda.operations import combine, wins
from diffsci.backends.cuda.reducing import Reducing, write_point, write_stores
from diffsci.backends.cuda.shapes import THREADS, Loops, Shape
from diffsci.backends.cuda.source import MEMORY, unravel
from diffsci.backends.cuda.statements import Kernel
from diffsci.backends.plan.program import Buffer, Reduction

__all__ = ["Shared"]


class Shared(Reducing):
    """Threads of a block share the elements of a point, and join their results in a tree.

    `unit` elements belong to each of the shape's chunks. With several chunks (that are not blocks of
    the plan) the results of each are joined by a second kernel.
    """

    def __init__(self, loops: Loops, shape: Shape, unit: int):
        super().__init__(loops, shape)
        self.unit = unit
        self.scratch: dict[int, Buffer] = {}
        self.places: dict[int, Buffer] = {}
        self._offset = 0
        if shape.chunks > 1 and not self._is_whole:
            for k, r in enumerate(loops.reductions):
                self.scratch[k] = self._kept(self.code(r))
                if r.payload >= 0:
                    self.places[k] = self._kept("i8")

    def _kept(self, code: str) -> Buffer:
        """Return memory for a number per point and chunk."""
        buffer = Buffer(np.dtype(code), self.shape.points * self.shape.chunks, "scratch", offset=self._offset)
        self._offset += -(-buffer.nbytes // 64) * 64
        return buffer

    @property
    def _is_whole(self) -> bool:
        return any(r.whole for r in self.loops.reductions)

    def write(self) -> list[Kernel]:
        """Return the kernels."""
        return [self.partials(), Chunks(self).write()] if self.scratch else [self.partials()]

    def partials(self) -> Kernel:
        """Return the kernel that writes the results, or those of chunks to `scratch`."""
        lines, shape = self.lines, self.shape
        block = self.cells()
        if any(r.payload >= 0 for r in self.loops.reductions):
            lines.add(f"__shared__ long long places[{block}];")
        self.bounds()
        self.start()
        with lines.block(f"for ({self.kind} r = low + lane; r < stop; r += {shape.depth})"):
            unravel(lines, "r", shape.reduced, self.loops.extents, self.wide)
            self.statements.write(lines, self.split[1])
            write_stores(self.statements, self.loops, lines)
            self.advance()
        for k, r in enumerate(self.loops.reductions):
            self._join(k, r)
        with lines.block(f"if ({self._writes()})"):
            self._write_results()
        return self.arguments.kernel("shared", lines, shape.grid, block)

    def cells(self) -> int:
        """Write the memory that the threads of a block share, and return how many they are."""
        block = self.shape.width * self.shape.depth
        for code in sorted({self.code(r) for r in self.loops.reductions}):
            self.lines.add(f"__shared__ {MEMORY[code]} cells_{code}[{block}];")
        return block

    @property
    def split(self) -> tuple[list[int], list[int]]:
        """The statements that are the same for all elements of a point, and the others."""
        inside = sum(1 << loop for loop in self.shape.reduced)
        live, deps = self.loops.live, self.body.deps
        return [s for s in live if not deps[s] & inside], [s for s in live if deps[s] & inside]

    def bounds(self) -> None:
        """Write which elements, from `low` to `high`, are the chunk's, and which of them the thread's."""
        lines, shape, kind, end = self.lines, self.shape, self.kind, self.end
        group, lane = "blockIdx.x", "threadIdx.x"
        if shape.chunks > 1:
            lines.add(f"const {kind} chunk = blockIdx.x % {shape.chunks};")
            group = f"(blockIdx.x / {shape.chunks})"
        point = f"({kind}){group}"
        if shape.width > 1:
            point = f"({kind}){group} * {shape.width} + threadIdx.x % {shape.width}"
            lane = f"threadIdx.x / {shape.width}"
        lines.add(f"const {kind} lane = {lane};")
        if shape.points > 1:
            self._points(point)
        low = f"chunk * {self.unit}{end}" if shape.chunks > 1 else f"0{end}"
        lines.add(f"const {kind} low = {low};")
        high = f"{min(self.unit, shape.length)}{end}"
        if shape.chunks > 1:
            left = f"{shape.length}{end} - low"
            high = f"low + ({left} < {self.unit} ? {left} : {self.unit}{end})"
        lines.add(f"const {kind} high = {high};")
        lines.add(f"const {kind} stop = {'active ? high : low' if self._ragged else 'high'};")
        if shape.points > 1:
            unravel(lines, "point", shape.kept, self.loops.extents, self.wide)
        self.statements.write(lines, self.split[0])

    @property
    def _ragged(self) -> bool:
        return bool(self.shape.points % self.shape.width)

    def _points(self, point: str) -> None:
        lines, points = self.lines, f"{self.shape.points}{self.end}"
        if not self._ragged:
            lines.add(f"const {self.kind} point = {point};")
            return
        lines.add(f"const bool active = {point} < {points};")
        lines.add(f"const {self.kind} point = active ? {point} : {points} - 1;")

    def _writes(self) -> str:
        return "lane == 0 && active" if self._ragged else "lane == 0"

    def _join(self, k: int, r: Reduction) -> None:
        code, width = self.code(r), self.shape.width
        name, text = block_function(r.op, code, r.payload >= 0)
        self.arguments.functions[text] = None
        if r.payload >= 0:
            self.lines.add(f"{name}(a{k}, w{k}, cells_{code}, places, {width});")
        else:
            self.lines.add(f"a{k} = {name}(a{k}, cells_{code}, {width});")

    def _write_results(self) -> None:
        for k, r in enumerate(self.loops.reductions):
            if not r.whole and not self.scratch:
                continue
            if r.whole:
                index = f"{r.address[0]} + chunk" if self.shape.chunks > 1 else f"{r.address[0]}"
                place = f"{self.arguments.pointer(r.buffer)}[{index}]"
            else:
                points = (
                    f"chunk * {self.shape.points}{self.end} + point" if self.shape.points > 1 else "chunk"
                )
                place = f"{self.arguments.pointer(self.scratch[k])}[{points}]"
            self.statements.store(self.lines, place, f"a{k}", self.code(r))
            if k in self.places:
                self.lines.add(f"{self.arguments.pointer(self.places[k])}[{points}] = w{k};")
        if not self._is_whole and not self.scratch:
            self.finish()


class Chunks(Reducing):
    """Joins the results of chunks, in order, a thread per point."""

    def __init__(self, shared: Shared):
        super().__init__(shared.loops, shared.shape)
        self.scratch, self.places = shared.scratch, shared.places

    def write(self) -> Kernel:
        lines, shape = self.lines, self.shape
        block = min(THREADS, 1 << (shape.points - 1).bit_length())
        if shape.points > 1:
            write_point(lines, "point", shape.points, block, self.wide)
            unravel(lines, "point", shape.kept, self.loops.extents, self.wide)
        self.start()
        with lines.block(f"for ({self.kind} c = 0; c < {shape.chunks}; ++c)"):
            point = f"c * {shape.points}{self.end} + point" if shape.points > 1 else "c"
            for k, r in enumerate(self.loops.reductions):
                code = self.code(r)
                value = f"{self.arguments.pointer(self.scratch[k])}[{point}]"
                value = f"({value} != 0)" if code == "b1" else value
                if r.payload < 0:
                    lines.add(f"a{k} = {combine(r.op, code, f'a{k}', value)};")
                    continue
                where = f"{self.arguments.pointer(self.places[k])}[{point}]"
                condition = wins(r.op, code, value, where, f"a{k}", f"w{k}")
                lines.add(f"if ({condition}) {{ a{k} = {value}; w{k} = {where}; }}")
        self.finish()
        return self.arguments.kernel("chunks", lines, -(-shape.points // block), block)
