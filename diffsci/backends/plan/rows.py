"""Regions side by side along the innermost axis: joined to whole vectors, and run row by row.

A stencil's box falls into an interior and thin rims. Rims across the rows are long vectors; rims at the ends
of the rows are columns, one element of a cache line each. Here the ends of a row are joined with what lies
beside them to blocks of whole vectors: all formulas are computed and the lanes pick theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from diffsci.backends.plan.affine import Cut, Restructure, Unflatten
from diffsci.backends.plan.pieces import Piece, kept_loops, part_of_loop, restructure, without_units

__all__ = ["Block", "Part", "Region", "joined", "rows_of"]

LANES = 8
_SHORTEST_ROW = 2 * LANES
_MOST_PARTS = 6  # formulas in one block


@dataclass(frozen=True)
class Span:
    """The elements ``start + step * k`` of one axis, ``k < count``."""

    axis: tuple[int, ...]
    start: int
    step: int
    count: int

    @property
    def stop(self) -> int:
        """Where a span of step one ends."""
        return self.start + self.count


@dataclass(frozen=True, eq=False)
class Region:
    """Numbered pieces over one box; `spans` are all its axes, `loops` those that are loops."""

    members: tuple[tuple[int, Piece], ...]
    spans: tuple[Span, ...]
    loops: tuple[int, ...]

    @staticmethod
    def of(members: list[tuple[int, Piece]]) -> Region:
        """Return the whole box of pieces with equal extents."""
        extents = members[0][1].extents
        spans = tuple(Span((axis,), 0, 1, n) for axis, n in enumerate(extents))
        return Region(tuple(members), spans, tuple(range(len(extents))))

    @property
    def extents(self) -> tuple[int, ...]:
        """Extents of the loops."""
        return self.members[0][1].extents

    @property
    def pieces(self) -> list[Piece]:
        """The pieces without their numbers."""
        return [piece for _, piece in self.members]

    @property
    def only_stores(self) -> bool:
        """Whether its iterations can run in any order, and in company."""
        return all(piece.kind == "store" for piece in self.pieces)

    @property
    def first_loop(self) -> tuple[Span, ...] | None:
        """What the first of several loops walks over, with all that is fixed outside of it."""
        return self.spans[: self.loops[0] + 1] if len(self.loops) > 1 else None

    def split(self, change: Restructure) -> list[Region]:
        """Return the regions that replace this one after a change of its loops, in order."""
        columns = [[(number, part) for part in restructure(piece, change)] for number, piece in self.members]
        return [self._part(row, change, k) for k, row in enumerate(zip(*columns, strict=True))]

    def _part(self, row: tuple[tuple[int, Piece], ...], change: Restructure, k: int) -> Region:
        place = self.loops[change.loop]
        old, extents = self.spans[place], row[0][1].extents
        if isinstance(change, Unflatten):
            new = tuple(Span((*old.axis, i), 0, 1, extents[change.loop + i]) for i in (0, 1))
            loops = [loop + (loop > place) for loop in self.loops]
            loops.insert(change.loop + 1, place + 1)
        else:
            first, step = (k * change.point, 1) if isinstance(change, Cut) else (k, change.step)
            new = (Span(old.axis, old.start + first * old.step, old.step * step, extents[change.loop]),)
            loops = list(self.loops)
        members = tuple((number, without_units(piece)) for number, piece in row)
        loops = [loops[loop] for loop in kept_loops(row[0][1])]
        return Region(members, (*self.spans[:place], *new, *self.spans[place + 1 :]), tuple(loops))


@dataclass(frozen=True)
class Part:
    """Elements ``[low, high)`` of a block, with pieces whose loop starts at `low`."""

    low: int
    high: int
    pieces: list[Piece]

    @property
    def extents(self) -> tuple[int, ...]:
        """Extents of the loops."""
        return self.pieces[0].extents


@dataclass(frozen=True)
class Block:
    """Whole vectors of a row; the formulas of its parts differ."""

    region: Region
    parts: tuple[Part, ...]


def rows_of(regions: list[Region]) -> list[list[Region]]:
    """Return regions of one box that lie side by side along the innermost axis, in order."""
    rows: dict[tuple, list[Region]] = {}
    for region in regions:
        rows.setdefault(region.spans[:-1], []).append(region)
    for row in rows.values():
        row.sort(key=lambda region: region.spans[-1].start if region.spans else 0)
    return list(rows.values())


def joined(row: list[Region]) -> list[Block] | None:
    """Return the blocks that take the place of a row of regions, None where vectors gain nothing."""
    if len(row) == 1 or not all(_meet(a, b) for a, b in pairwise(row)):
        return None
    first, last = row[0].spans[-1], row[-1].spans[-1]
    model = max(row, key=lambda region: region.spans[-1].count)
    if last.stop - first.start < _SHORTEST_ROW or model.spans[-1].count == 1:
        return None
    if not all(_is_joinable(piece) for _, piece in model.members):
        return None
    blocks = [_block(model, row, low, high) for low, high in _blocks(row)]
    return None if any(len(block.parts) > _MOST_PARTS for block in blocks) else blocks


def _meet(a: Region, b: Region) -> bool:
    x, y = a.spans[-1], b.spans[-1]
    return x.axis == y.axis and x.step == y.step == 1 and x.stop == y.start


def _is_joinable(piece: Piece) -> bool:
    return piece.kind == "store" or (piece.kind == "reduce" and piece.whole)


def _blocks(row: list[Region]) -> list[tuple[int, int]]:
    """Cut a row where formulas change, moved outwards to multiples of the vector length."""
    start, stop = row[0].spans[-1].start, row[-1].spans[-1].stop
    cuts = {start, stop}
    for region in row[1:]:
        place = region.spans[-1].start - start
        cuts.add(start + place // LANES * LANES)
        cuts.add(min(stop, start - (-place // LANES) * LANES))
    edges = sorted(cuts)
    return list(pairwise(edges))


def _block(model: Region, row: list[Region], low: int, high: int) -> Block:
    parts = []
    for region in row:
        a, b = max(low, region.spans[-1].start), min(high, region.spans[-1].stop)
        if a < b:
            parts.append(Part(a - low, b - low, [piece for _, piece in _between(model, a, b)]))
    span = replace(model.spans[-1], start=low, count=high - low)
    whole = Region(_between(model, low, high), (*model.spans[:-1], span), model.loops)
    return Block(whole, tuple(parts))


def _between(model: Region, low: int, high: int) -> tuple[tuple[int, Piece], ...]:
    """Return the pieces of a region with the innermost loop over ``[low, high)`` of its axis."""
    loop = len(model.extents) - 1
    first = low - model.spans[-1].start
    return tuple((number, part_of_loop(piece, loop, first, 1, high - low)) for number, piece in model.members)
