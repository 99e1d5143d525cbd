"""How the points of a loop nest are shared among the threads of a device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from diffsci.backends.plan.body import Body
from diffsci.backends.plan.program import Nest, Reduction, Store
from diffsci.backends.plan.regions import live_statements, roots_of
from diffsci.errors import VerificationError

__all__ = ["THREADS", "Loops", "Shape", "fastest_last", "loops_of", "parts_of", "scans", "shape_of"]

THREADS = 256
_WARP = 32
_SHORT_ROW = 16  # a thread walks so few elements alone
_MANY_POINTS = 1 << 15  # so many threads fill a device
_MANY_BLOCKS = 512
_WORTH_A_CHUNK = 16  # elements per thread

_OPERATIONS = {
    "add": "sum", "mul": "prod", "maximum": "max", "minimum": "min",
    "logical_or": "any", "logical_and": "all",
}  # fmt: skip


@dataclass(frozen=True)
class Loops:
    """A nest with its sums of rows in memory turned back into reductions."""

    extents: tuple[int, ...]
    body: Body
    live: list[int]
    stores: list[Store]
    reductions: list[Reduction]
    reduced: int  # bit mask of the loops that are reduced or scanned

    @property
    def roots(self) -> list[int]:
        """Statements that are stored or reduced."""
        return roots_of(self)


def parts_of(nest: Nest) -> list[Nest]:
    """Return nests that do what a nest does, one after another, and reduce over the same loops each.

    The last one stores: that may be where others read.
    """
    masks = sorted({r.loops for r in nest.reductions})
    if len(masks) < 2:
        return [nest]
    parts = []
    for mask in masks:
        reductions = [r for r in nest.reductions if r.loops == mask]
        part = replace(nest, stores=nest.stores if mask == masks[-1] else [], reductions=reductions)
        parts.append(replace(part, live=live_statements(part.body, roots_of(part))))
    return parts


def loops_of(nest: Nest) -> Loops:
    """Return the loops of a nest whose reductions are over the same loops."""
    if nest.range_loop and not nest.sequential:
        return _gathered(nest)
    reductions = nest.reductions
    masks = {r.loops for r in reductions}
    if len(masks) > 1:
        raise VerificationError("reductions over different loops share a loop nest")
    reduced = masks.pop() if masks else 0
    return Loops(nest.extents, nest.body, nest.live, nest.stores, reductions, reduced)


def _gathered(nest: Nest) -> Loops:
    """Undo what suits processors with caches: sums of rows that are kept in memory."""
    body = nest.body
    reductions: list[Reduction] = []
    for store in nest.stores:
        loops = sum(1 << loop for loop, term in enumerate(store.address[1:]) if not term)
        found = _accumulated(body, store)
        if found is None:
            raise VerificationError("a sum of rows in memory does not read what it writes")
        op, value = found
        reductions.append(Reduction(op, store.buffer, store.address, value, loops, accumulate=True))
    masks = {r.loops for r in reductions}
    if len(masks) > 1:
        raise VerificationError("sums of rows over different loops share a loop nest")
    made = Loops(nest.extents, body, [], [], reductions, masks.pop())
    return replace(made, live=live_statements(body, made.roots))


def _accumulated(body: Body, store: Store) -> tuple[str, int] | None:
    """Return the operation and the value of ``place = operation(place, value)``."""

    def is_place(s: int) -> bool:
        return body.ops[s] == "load" and body.attrs[s] == (store.buffer, store.address)

    op, args = body.ops[store.stmt], body.args[store.stmt]
    if op == "sub" and is_place(args[0]):
        return "sum", body.op("neg", args[1])
    if op == "muladd" and is_place(args[2]):
        return "sum", body.op("mul", *args[:2])
    if op in _OPERATIONS and any(map(is_place, args)):
        return _OPERATIONS[op], args[1] if is_place(args[0]) else args[0]
    return None


@dataclass(frozen=True)
class Shape:
    """A block of ``width * depth`` threads for `width` neighbouring points that are kept.

    `depth` threads share the reduced elements of one point; with `chunks` > 1 so many blocks share
    them. The last loop of `kept` and of `reduced` runs fastest.
    """

    kept: tuple[int, ...]
    reduced: tuple[int, ...]
    points: int
    length: int
    width: int
    depth: int = 1
    chunks: int = 1

    @property
    def grid(self) -> int:
        """Number of blocks."""
        return -(-self.points // self.width) * self.chunks


def _unit_strides(loops: Loops, loop: int) -> int:
    """Count the streams that go on by one element when a loop does."""
    body = loops.body
    addresses = [body.attrs[s][1] for s in loops.live if body.ops[s] in ("load", "gather")]
    addresses += [store.address for store in loops.stores]
    return sum(abs(e[loop + 1]) == 1 for e in addresses)


def fastest_last(loops: Loops, some: Sequence[int]) -> tuple[int, ...]:
    """Return loops in order, with the one along which memory is contiguous behind the others."""
    if not some:
        return ()
    best = max(reversed(some), key=lambda loop: _unit_strides(loops, loop))
    return (*(loop for loop in some if loop != best), best)


def scans(loops: Loops) -> bool:
    """Tell whether a nest only makes running results, of a kind that may be made in pieces.

    Products of floats are not: those of a piece may overflow or vanish where all before it do not.
    """
    return loops.reduced.bit_count() == 1 and all(
        r.scan and (r.op != "prod" or loops.body.codes[r.stmt] not in ("f8", "f4")) for r in loops.reductions
    )


def shape_of(loops: Loops, whole: int = 0) -> Shape:
    """Decide how a nest is shared: the same for the same nest on every device.

    `whole` is the number of partial results that the plan wants of reductions over all loops.
    """
    n = loops.extents
    every = range(len(n))
    kept = fastest_last(loops, [loop for loop in every if not loops.reduced >> loop & 1])
    reduced = tuple(loop for loop in every if loops.reduced >> loop & 1)
    points, length = (math.prod(n[loop] for loop in some) for some in (kept, reduced))
    alone = Shape(kept, reduced, points, length, min(THREADS, _power_of_two(points)))
    if whole:
        depth = min(THREADS, _power_of_two(-(-length // whole)))
        return replace(alone, width=1, depth=max(depth, _WARP), chunks=whole)
    if not reduced or length <= _SHORT_ROW:
        return alone
    if any(r.scan for r in loops.reductions) and not scans(loops):
        return alone
    fast = max(_unit_strides(loops, loop) for loop in reduced)
    columns = bool(kept) and _unit_strides(loops, kept[-1]) > fast
    if points >= _MANY_POINTS and (columns or length < 2 * _WARP):
        return alone
    width = min(_WARP, _power_of_two(points)) if columns else 1
    depth = min(THREADS // width, _power_of_two(-(-length // 4)))
    shape = replace(
        alone, width=width, depth=max(depth, _WARP // width), reduced=fastest_last(loops, reduced)
    )
    worth = length // (shape.depth * _WORTH_A_CHUNK)
    return replace(shape, chunks=max(1, min(worth, _MANY_BLOCKS // shape.grid)))


def _power_of_two(n: int) -> int:
    """Return the least power of two that is not less than n."""
    return 1 << max(n - 1, 0).bit_length()
