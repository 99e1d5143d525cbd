"""From a group of pieces over one box to loop nests: every region of the box has one formula."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import numpy as np

from diffsci.backends.plan.affine import Restructure
from diffsci.backends.plan.body import Body
from diffsci.backends.plan.pieces import Operand, Piece, restructure, without_units
from diffsci.backends.plan.program import Buffer, CombineStep, FillStep, Nest, Reduction, Step, Store
from diffsci.backends.plan.resolve import Resolver
from diffsci.graph import Node

__all__ = ["Lowering", "lower_group"]

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
    """What lowering needs to know of the program: places, order, and nodes that feed guards."""

    resolver: Resolver
    position: dict[Node, int]
    exact: set[Node] = field(default_factory=set)


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
    pending = [numbered] if numbered else []
    while pending:
        region = pending.pop()
        try:
            nest, ends = _lower_region(region, lowering)
        except Restructure as change:
            pending += reversed(_split(region, change))
            continue
        nests.append(nest)
        for (number, piece), end in zip(region, ends, strict=True):
            if piece.whole:
                partials.setdefault(number, []).append((nest, end))
            elif piece.accumulate or (piece.kind == "reduce" and nest.range_loop):
                accumulated.add(number)
    for number in sorted(accumulated):
        piece = live[number]
        before.append(FillStep(piece.op, piece.target, math.prod(piece.root.shape)))
    after = [step for number, parts in partials.items() for step in _partials(live[number], parts)]
    return [*before, *nests, *after]


def _split(region, change: Restructure):
    columns = [
        [(number, without_units(part)) for part in restructure(piece, change)] for number, piece in region
    ]
    return [list(row) for row in zip(*columns, strict=True)]


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


def _lower_region(region, lowering: Lowering) -> tuple[Nest, list[Reduction | Store]]:
    extents = region[0][1].extents
    statements = _Statements(extents, lowering)
    statements.resolve([operand for _, piece in region for operand in piece.operands])
    body = statements.body
    stores: list[Store] = []
    reductions: list[Reduction] = []
    ends: list[Reduction | Store] = []
    for _, piece in region:
        values = [statements.value(operand) for operand in piece.operands]
        end = _end(piece, values, body)
        ends.append(end)
        (stores if isinstance(end, Store) else reductions).append(end)
    nest = Nest(extents, body, [], stores, reductions)
    nest.origins = tuple(dict.fromkeys(piece.root for _, piece in region))
    nest.sequential = any(store.mode != "set" or store.index >= 0 for store in stores)
    _collapse(nest)
    _stream_rows(nest)
    nest.live = live_statements(body, roots_of(nest))
    _choose_blocks(nest)
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
        value = body.op("mul", *values)
    accumulate = piece.accumulate and not piece.whole
    if piece.kind == "reduce" and not piece.loops:
        if accumulate:
            value = body.op(_FOLDS[piece.op], body.load(buffer, address), value)
        return Store(buffer, address, value)
    scan = piece.kind == "scan"
    return Reduction(piece.op, buffer, address, value, piece.loops, accumulate, scan, whole=piece.whole)


class _Statements:
    """The statements of one region: demands go from users to operands, then values come back."""

    def __init__(self, extents: tuple[int, ...], lowering: Lowering):
        self.extents, self.lowering = extents, lowering
        self.body = Body()
        self._values: dict[tuple, int] = {}

    def resolve(self, operands: list[Operand]) -> None:
        resolver, position = self.lowering.resolver, self.lowering.position
        answers: dict[tuple, tuple] = {}
        order: list[tuple] = []
        heap: list[tuple[int, int, tuple]] = []

        def demand(key: tuple) -> None:
            if key not in answers:
                answers[key] = ()
                heapq.heappush(heap, (-position[key[0]], len(answers), key))

        for operand in operands:
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

    def value(self, operand: Operand) -> int:
        return self._values[(operand.node, operand.index, operand.define)]

    def _build(self, node: Node, answer: tuple) -> int:
        body = self.body
        before = len(body)
        args = [self._values[(*child, False)] for child in _operands(answer)]
        number = build_statement(body, answer, args)
        if node in self.lowering.exact:
            body.exact.update(range(before, len(body)))
            body.exact.add(number)
        return number


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
        pairs = zip(args[::2], args[1::2], strict=True)
        return fold_statements(body, "sum", [body.op("mul", x, y) for x, y in pairs])
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


def roots_of(nest: Nest) -> list[int]:
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


def _collapse(nest: Nest) -> None:
    """Join neighbouring loops that every address walks as one."""
    loop = len(nest.extents) - 2
    while loop >= 0:
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


def _choose_blocks(nest: Nest) -> None:
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
