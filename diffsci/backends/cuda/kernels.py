"""A loop nest as kernels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import ExitStack

import numpy as np

from diffsci.backends.cuda.gathering import block_function
from diffsci.backends.cuda.operations import combine, wins
from diffsci.backends.cuda.scattering import write_scatter
from diffsci.backends.cuda.shapes import THREADS, Loops, Shape, fastest_last, loops_of, parts_of, shape_of
from diffsci.backends.cuda.source import MEMORY, SCALARS, Lines, literal, unravel
from diffsci.backends.cuda.statements import Arguments, Kernel, Statements, is_wide
from diffsci.backends.plan.codes import code_of, identity_of
from diffsci.backends.plan.program import Buffer, Nest, Reduction

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
    return _Shared(loops, shape, unit).write()


def addresses_of(loops: Loops) -> Iterable:
    """Return all addresses of a nest."""
    body = loops.body
    found = [body.attrs[s][1] for s in loops.live if body.ops[s] in ("load", "gather")]
    return [*found, *(end.address for end in (*loops.stores, *loops.reductions))]


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
    _write_stores(statements, loops, lines)
    return arguments.kernel("map", lines, -(-volume // block), block)


def write_point(lines: Lines, name: str, volume: int, block: int, wide: bool) -> None:
    """Write the number of the point that a thread works on; threads beyond the last one are done."""
    kind = "long long" if wide else "int"
    lines.add(f"const {kind} {name} = ({kind})blockIdx.x * {block} + threadIdx.x;")
    if volume % block:
        lines.add(f"if ({name} >= {volume}{'LL' if wide else ''}) return;")


def _write_stores(statements: Statements, loops: Loops, lines: Lines) -> None:
    for store in loops.stores:
        place = statements.element(store.buffer, store.address, store.index, store.stride)
        statements.store(lines, place, statements.value(store.stmt), code_of(store.buffer.dtype))


class _Reducing:
    """What kernels with reductions have in common: accumulators and their results."""

    def __init__(self, loops: Loops, shape: Shape):
        self.loops, self.shape, self.body = loops, shape, loops.body
        self.wide = is_wide(loops.extents, addresses_of(loops), shape.points * max(shape.length, 1))
        self.kind, self.end = ("long long", "LL") if self.wide else ("int", "")
        self.lines, self.arguments = Lines(), Arguments()
        counters = [f"i{loop}" for loop in range(len(loops.extents))]
        self.statements = Statements(loops.body, loops.live, loops.roots, self.arguments, counters, self.wide)

    def code(self, r: Reduction) -> str:
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


class _Rows(_Reducing):
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
            _write_stores(self.statements, self.loops, lines)
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


class _Shared(_Reducing):
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
        lines, shape = self.lines, self.shape
        block = shape.width * shape.depth
        codes = {self.code(r) for r in self.loops.reductions}
        for code in sorted(codes):
            lines.add(f"__shared__ {MEMORY[code]} cells_{code}[{block}];")
        if any(r.payload >= 0 for r in self.loops.reductions):
            lines.add(f"__shared__ long long places[{block}];")
        self._bounds()
        self.start()
        with lines.block(f"for ({self.kind} r = first; r < stop; r += {shape.depth})"):
            unravel(lines, "r", shape.reduced, self.loops.extents, self.wide)
            self.statements.write(lines, self._split[1])
            _write_stores(self.statements, self.loops, lines)
            self.advance()
        for k, r in enumerate(self.loops.reductions):
            self._join(k, r)
        with lines.block(f"if ({self._writes()})"):
            self._write_results()
        kernel = self.arguments.kernel("shared", lines, shape.grid, block)
        return [kernel, _Chunks(self).write()] if self.scratch else [kernel]

    @property
    def _split(self) -> tuple[list[int], list[int]]:
        inside = sum(1 << loop for loop in self.shape.reduced)
        live, deps = self.loops.live, self.body.deps
        return [s for s in live if not deps[s] & inside], [s for s in live if deps[s] & inside]

    def _bounds(self) -> None:
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
        lines.add(f"const {kind} stop = {f'active ? {high} : low' if self._ragged else high};")
        lines.add(f"const {kind} first = low + lane;")
        if shape.points > 1:
            unravel(lines, "point", shape.kept, self.loops.extents, self.wide)
        self.statements.write(lines, self._split[0])

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


class _Chunks(_Reducing):
    """Joins the results of chunks, in order, a thread per point."""

    def __init__(self, shared: _Shared):
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
