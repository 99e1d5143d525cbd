"""From a group of pieces over one box to loop nests: every region of the box has one formula."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from diffsci.backends.plan.affine import Restructure, bounds, identity
from diffsci.backends.plan.body import Body
from diffsci.backends.plan.pieces import Piece, shifted, without_units
from diffsci.backends.plan.program import Buffer, CombineStep, FillStep, Nest, Reduction, Step, Store
from diffsci.backends.plan.resolve import Resolver
from diffsci.backends.plan.rows import Block, Region, joined, rows_of
from diffsci.graph import Node

__all__ = ["Lowering", "choose_blocks", "live_statements", "lower_group", "roots_of"]

_FOLDS = {
    "sum": "add",
    "prod": "mul",
    "max": "maximum",
    "min": "minimum",
    "any": "logical_or",
    "all": "logical_and",
}
_BLOCK = 4096
_MOST_BLOCKS = 8192
_WIDE_ROW, _MANY_ROWS = 64, 8


@dataclass
class Lowering:
    """What lowering needs to know of the program: places, order, and how it rounds (see `rounding`)."""

    resolver: Resolver
    position: dict[Node, int]
    exact: set[Node] = field(default_factory=set)
    loose: set[Node] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=itertools.count)


def lower_group(pieces: list[Piece], lowering: Lowering) -> list[Step]:
    """Return the steps that compute the pieces; all of them have the same extents."""
    before: list[Step] = []
    live = []
    for piece in pieces:
        if piece.volume:
            live.append(piece)
        elif piece.kind == "reduce" and piece.target.buffer.size:
            before.append(FillStep(piece.op, piece.target, math.prod(piece.root.shape)))
    nests: list[Nest] = []
    partials: dict[int, list[tuple[Nest, Reduction | Store]]] = {}
    accumulated: set[int] = set()
    numbered = [(number, without_units(piece)) for number, piece in enumerate(live)]
    for region, nest, ends in _nests(numbered, lowering) if numbered else []:
        nests.append(nest)
        for (number, piece), end in zip(region.members, ends, strict=True):
            if piece.whole:
                partials.setdefault(number, []).append((nest, end))
            elif piece.accumulate or (piece.kind == "reduce" and nest.range_loop):
                accumulated.add(number)
    for number in sorted(accumulated):
        piece = live[number]
        before.append(FillStep(piece.op, piece.target, math.prod(piece.root.shape)))
    after = [step for number, parts in partials.items() for step in _partials(live[number], parts)]
    return [*before, *nests, *after]


def _nests(members: list[tuple[int, Piece]], lowering: Lowering) -> list[tuple[Region, Nest, list]]:
    """Return the nests of a box: rows of regions joined to blocks, blocks of the same rows together."""
    resolved: dict[Region, _Statements] = {}
    pending = [Region.of(members)]
    while pending:
        region = pending.pop()
        try:
            resolved[region] = _Statements(region.extents, lowering).resolve(region.pieces)
        except Restructure as change:
            pending += reversed(region.split(change))
    planes: dict[Any, list[_Lowered]] = {}
    for row in rows_of(list(resolved)):
        for lowered in _lower_row(row, resolved, lowering):
            key = lowered.region.first_loop if lowered.region.only_stores else None
            planes.setdefault(key or len(planes), []).append(lowered)
    found = []
    for plane in planes.values():
        number = next(lowering.numbers) if len(plane) > 1 else -1
        found += [(lowered.region, *_finish(lowered, number)) for lowered in plane]
    return found


class _Lowered(NamedTuple):
    """A region with its statements: the values of the operands of each piece."""

    region: Region
    body: Body
    values: list[list[int]]


def _lower_row(row: list[Region], resolved: dict[Region, _Statements], lowering: Lowering) -> list[_Lowered]:
    blocks = joined(row)
    if blocks is not None:
        found = [_lower_block(block, lowering) for block in blocks]
        if None not in found:
            return found
    return [_Lowered(region, resolved[region].body, resolved[region].values()) for region in row]


def _lower_block(block: Block, lowering: Lowering) -> _Lowered | None:
    """Return the statements of a block, in which lanes select; None if vectors cannot have them.

    A load may leave its buffer, or a part of one element, which needs no loop, have no formula as a loop.
    """
    extents, body = block.region.extents, Body()
    loop = len(extents) - 1
    place = body.iota(identity(len(extents))[loop])
    values: list[list[int]] = []
    for part in reversed(block.parts):
        try:
            statements = _Statements(part.extents, lowering, body, (loop, -part.low)).resolve(part.pieces)
        except Restructure:
            return None
        mine = statements.values()
        if values:
            here = body.op("lt", place, body.lit(part.high, "i8"))
            mine = [
                [body.op("select", here, x, y) for x, y in zip(xs, ys, strict=True)]
                for xs, ys in zip(mine, values, strict=True)
            ]
        values = mine
    live = live_statements(body, [value for found in values for value in found])
    if len(block.parts) > 1 and not all(_stays_inside(body, s, extents) for s in live):
        return None
    return _Lowered(block.region, body, values)


def _stays_inside(body: Body, s: int, extents: tuple[int, ...]) -> bool:
    """Tell whether a statement reads inside of its buffer on the whole box."""
    if body.ops[s] == "gather":
        return False
    if body.ops[s] != "load":
        return True
    buffer, address = body.attrs[s]
    low, high = bounds(address, extents)
    return low >= 0 and high < buffer.size


def _partials(piece: Piece, parts: list[tuple[Nest, Reduction | Store]]) -> list[Step]:
    """Place the partial results of a full reduction: one per block of each region."""
    count = sum(nest.blocks for nest, _ in parts)
    if count == 1:
        parts[0][1].buffer = piece.target.buffer
        _start_at(parts[0][1], piece.target.offset)
        return []
    label = f"partial results of {piece.op}"
    buffer = Buffer(np.dtype(piece.target.buffer.dtype), count, "work", label=label)
    first = 0
    for nest, end in parts:
        end.buffer = buffer
        _start_at(end, first)
        first += nest.blocks
    return [CombineStep(piece.op, buffer, 0, count, piece.target)]


def _start_at(end: Reduction | Store, offset: int) -> None:
    end.address = (offset, *(0 for _ in end.address[1:]))


def _finish(lowered: _Lowered, rows: int) -> tuple[Nest, list[Reduction | Store]]:
    """Return the nest of a region and the end of each of its pieces."""
    region, body, values = lowered
    stores: list[Store] = []
    reductions: list[Reduction] = []
    ends: list[Reduction | Store] = []
    for piece, found in zip(region.pieces, values, strict=True):
        end = _end(piece, found, body)
        ends.append(end)
        (stores if isinstance(end, Store) else reductions).append(end)
    nest = Nest(region.extents, body, [], stores, reductions, rows=rows)
    nest.origins = tuple(dict.fromkeys(piece.root for piece in region.pieces))
    nest.sequential = any(store.mode != "set" or store.index >= 0 for store in stores)
    _collapse(nest, 0 if rows < 0 else 1)
    _stream_rows(nest)
    nest.live = live_statements(body, roots_of(nest))
    choose_blocks(nest)
    return nest, ends


def _end(piece: Piece, values: list[int], body: Body) -> Store | Reduction:
    buffer, address = piece.target.buffer, piece.address
    value = values[0]
    if piece.kind in ("put", "put_add"):
        top = body.lit(piece.limit - 1, "i8")
        index = body.op("minimum", body.op("maximum", values[1], body.lit(0, "i8")), top)
        mode = "set" if piece.kind == "put" else "add"
        return Store(buffer, address, value, mode, index, piece.stride)
    if piece.kind == "store":
        return Store(buffer, address, value)
    if piece.kind == "arg":
        return Reduction(piece.op, buffer, address, value, piece.loops, payload=body.iota(piece.payload))
    if piece.limit or (piece.op == "any" and body.codes[value] == "i8"):
        low = body.op("lt", value, body.lit(0, "i8"))
        value = body.op("logical_or", low, body.op("ge", value, body.lit(piece.limit, "i8")))
    elif len(values) == 2:
        value = body.let_go(body.op("mul", *values))
    accumulate = piece.accumulate and not piece.whole
    if piece.kind == "reduce" and not piece.loops:
        if accumulate:
            value = body.op(_FOLDS[piece.op], body.load(buffer, address), value)
        return Store(buffer, address, value)
    scan = piece.kind == "scan"
    return Reduction(piece.op, buffer, address, value, piece.loops, accumulate, scan, whole=piece.whole)


class _Statements:
    """The statements of one region: demands go from users to operands, then values come back.

    `shift` is (loop, minus the place where that loop of the region starts in the box of `body`).
    """

    def __init__(
        self,
        extents: tuple[int, ...],
        lowering: Lowering,
        body: Body | None = None,
        shift: tuple[int, int] | None = None,
    ):
        self.extents, self.lowering, self.shift = extents, lowering, shift
        self.body = Body() if body is None else body
        self.pieces: list[Piece] = []
        self._values: dict[tuple, int] = {}

    def resolve(self, pieces: list[Piece]) -> _Statements:
        """Write the statements of pieces; raises Restructure where an element has several formulas."""
        self.pieces = pieces
        resolver, position = self.lowering.resolver, self.lowering.position
        answers: dict[tuple, tuple] = {}
        order: list[tuple] = []
        heap: list[tuple[int, int, tuple]] = []

        def demand(key: tuple) -> None:
            if key not in answers:
                answers[key] = ()
                heapq.heappush(heap, (-position[key[0]], len(answers), key))

        for operand in (operand for piece in pieces for operand in piece.operands):
            demand((operand.node, operand.index, operand.define))
        while heap:
            key = heapq.heappop(heap)[2]
            order.append(key)
            node, index, define = key
            answer = answers[key] = resolver.resolve(node, index, self.extents, define)
            for child in _operands(answer):
                demand((*child, False))
        for key in reversed(order):
            self._values[key] = self._build(key[0], answers[key])
        return self

    def values(self) -> list[list[int]]:
        """Return the statements of each piece's operands."""
        return [[self._values[(x.node, x.index, x.define)] for x in p.operands] for p in self.pieces]

    def _build(self, node: Node, answer: tuple) -> int:
        body = self.body
        args = [self._values[(*child, False)] for child in _operands(answer)]
        if self.shift is not None and answer[0] in ("load", "gather"):
            answer = (*answer[:2], shifted(answer[2], *self.shift, 1), *answer[3:])
        body.exactly = node in self.lowering.exact
        number = build_statement(body, answer, args)
        body.exactly = False
        return body.let_go(number) if node in self.lowering.loose else number


def _operands(answer: tuple) -> list[tuple]:
    kind = answer[0]
    if kind == "forward":
        return [answer[1]]
    if kind == "op":
        return answer[3]
    if kind == "fold":
        return answer[2]
    if kind == "dot":
        return answer[1]
    if kind == "gather":
        return [answer[5]]
    return []


def build_statement(body: Body, answer: tuple, args: list[int]) -> int:
    """Return the statement of a resolved element."""
    kind = answer[0]
    if kind == "lit":
        return body.lit(answer[1], answer[2])
    if kind == "zero":
        return body.zero(answer[1])
    if kind == "load":
        return body.load(answer[1], answer[2])
    if kind == "forward":
        return args[0]
    if kind == "op":
        return body.op(answer[1], *args, params=answer[2])
    if kind == "fold":
        return fold_statements(body, answer[1], args)
    if kind == "dot":
        return dot_statements(body, args[::2], args[1::2])
    _, buffer, address, stride, size, _ = answer
    low = body.op("maximum", args[0], body.lit(0, "i8"))
    return body.gather(buffer, address, stride, body.op("minimum", low, body.lit(size - 1, "i8")))


def fold_statements(body: Body, op: str, args: list[int]) -> int:
    """Combine statements pairwise: a balanced tree."""
    name = _FOLDS[op]
    while len(args) > 1:
        joined = [body.op(name, x, y) for x, y in zip(args[::2], args[1::2], strict=False)]
        args = joined + args[len(joined) * 2 :]
    return args[0]


def dot_statements(body: Body, xs: Sequence[int], ys: Sequence[int]) -> int:
    """Sum products pairwise; a product takes in the one before."""
    terms = [body.op("mul", x, y) for x, y in zip(xs[::2], ys[::2], strict=True)]
    for k, (x, y) in enumerate(zip(xs[1::2], ys[1::2], strict=True)):
        terms[k] = body.add_product(x, y, terms[k])
    return fold_statements(body, "sum", terms)


def roots_of(nest: Nest) -> list[int]:
    """Return the statements that a nest stores or sums."""
    roots = [store.stmt for store in nest.stores] + [store.index for store in nest.stores if store.index >= 0]
    roots += [r.stmt for r in nest.reductions]
    return roots + [r.payload for r in nest.reductions if r.payload >= 0]


def live_statements(body: Body, roots: list[int]) -> list[int]:
    """Return the statements that the roots need, operands first."""
    seen = set(roots)
    stack = list(roots)
    while stack:
        for arg in body.args[stack.pop()]:
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return sorted(seen)


def _addresses(nest: Nest, ends: bool = True):
    body = nest.body
    for number in range(len(body)):
        if body.ops[number] in ("load", "gather"):
            yield body.attrs[number][1]
        elif body.ops[number] == "iota":
            yield body.attrs[number]
    if not ends:
        return
    for end in (*nest.stores, *nest.reductions):
        if not (isinstance(end, Reduction) and end.whole):
            yield end.address


def _collapse(nest: Nest, kept: int) -> None:
    """Join neighbouring loops that every address walks as one, behind the first `kept`."""
    loop = len(nest.extents) - 2
    while loop >= kept:
        n = nest.extents[loop + 1]
        joined = all(e[loop + 1] == e[loop + 2] * n for e in _addresses(nest))
        same = all(
            (r.loops >> loop & 1) == (r.loops >> (loop + 1) & 1) and not r.scan for r in nest.reductions
        )
        if joined and same and not any(r.payload >= 0 for r in nest.reductions):
            _join(nest, loop)
        loop -= 1


def _join(nest: Nest, loop: int) -> None:
    extents, body = nest.extents, nest.body
    nest.extents = (*extents[:loop], extents[loop] * extents[loop + 1], *extents[loop + 2 :])

    def drop(e):
        return (*e[: loop + 1], *e[loop + 2 :])

    def drop_bit(mask: int) -> int:
        return mask & ((1 << (loop + 1)) - 1) | (mask >> (loop + 2)) << (loop + 1)

    body.deps = [drop_bit(mask | (mask >> 1 & 1 << loop)) for mask in body.deps]
    _rewrite(nest, drop, drop_bit)


def _stream_rows(nest: Nest) -> None:
    """Turn reductions down the columns of arrays into sums of whole rows, kept in memory.

    The arrays are then read in the order in which they lie; threads share the columns.
    """
    reduced = nest.reductions[0].loops if nest.reductions else 0
    last = (reduced & -reduced).bit_length() - 2  # the innermost loop that is not reduced
    if nest.stores or last < 0 or any(r.whole or r.scan or r.payload >= 0 for r in nest.reductions):
        return
    columns, rows = nest.extents[last], math.prod(nest.extents[last + 1 :])
    loads = [e for e in _addresses(nest, ends=False) if any(e[last + 1 :])]
    along = all(not e[last + 1] or (e[last + 1] == 1 and 1 not in e[last + 2 :]) for e in loads)
    if columns < _WIDE_ROW or rows < _MANY_ROWS or not along or not any(e[last + 1] for e in loads):
        return
    order = [loop for loop in range(len(nest.extents)) if loop != last] + [last]
    _permute(nest, order)
    body = nest.body
    for r in nest.reductions:
        value = body.op(_FOLDS[r.op], body.load(r.buffer, r.address), r.stmt)
        nest.stores.append(Store(r.buffer, r.address, value))
    nest.reductions = []
    nest.range_loop = len(nest.extents) - 1


def _permute(nest: Nest, order: list[int]) -> None:
    body = nest.body

    def moved(e):
        return (e[0], *(e[loop + 1] for loop in order))

    def moved_bits(mask: int) -> int:
        return sum(1 << new for new, old in enumerate(order) if mask >> old & 1)

    _rewrite(nest, moved, moved_bits)
    body.deps = [moved_bits(mask) for mask in body.deps]
    nest.extents = tuple(nest.extents[loop] for loop in order)


def _rewrite(nest: Nest, change, change_bits) -> None:
    """Apply a change of loops to all addresses and reductions."""
    body = nest.body
    for number in range(len(body)):
        attr = body.attrs[number]
        if body.ops[number] == "load":
            body.attrs[number] = (attr[0], change(attr[1]))
        elif body.ops[number] == "gather":
            body.attrs[number] = (attr[0], change(attr[1]), attr[2])
        elif body.ops[number] == "iota":
            body.attrs[number] = change(attr)
    for end in (*nest.stores, *nest.reductions):
        end.address = change(end.address)
    for r in nest.reductions:
        r.loops = change_bits(r.loops)


def choose_blocks(nest: Nest) -> None:
    """Cut the first loop into blocks of fixed size: one partial each, whatever the threads."""
    if not nest.extents:
        return
    n = nest.extents[0]
    nest.block_size = n
    if not any(r.whole for r in nest.reductions):
        return
    volume = math.prod(nest.extents[1:])
    size = max(1, _BLOCK // volume, -(-n // _MOST_BLOCKS))
    if volume == 1:
        size = -(-size // 64) * 64
    nest.block_size = min(n, size)
    nest.blocks = -(-n // nest.block_size)
