"""Pieces: what one stored value asks of a loop nest, and how a nest is restructured for it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from diffsci.backends.plan.affine import (
    Affine,
    Cut,
    Index,
    Residue,
    Restructure,
    Unflatten,
    constant,
    flatten,
    identity,
    row_strides,
)
from diffsci.backends.plan.program import View
from diffsci.backends.plan.resolve import (
    NeedBuffer,
    Resolver,
    is_inline_reduction,
    letter_sizes,
    reduced_axes,
)
from diffsci.backends.plan.vocabulary import REDUCTIONS
from diffsci.graph import Node

__all__ = [
    "Operand",
    "Piece",
    "check_piece",
    "kept_loops",
    "part_of_loop",
    "pieces_of",
    "restructure",
    "scatter_piece",
    "shifted",
    "without_units",
]

_PLANES, _PLANE_VOLUME, _MOST_VISITED = 8, 256, 400
_VECTOR = 4
_LONG_SUM, _MOST_SUMS = 64, 16
_PEELED = frozenset({"concatenate", "set_slice", "reshape"})


@dataclass(frozen=True)
class Operand:
    """An element read by a piece; `define` computes what is stored for the node."""

    node: Node
    index: Index
    define: bool = False


@dataclass(frozen=True)
class Piece:
    """Values over a box, stored or accumulated.

    kind: ``store``, ``reduce``, ``scan``, ``arg``, ``put``, ``put_add`` or ``check`` (an index out of
    range sets the flag). `loops` marks the reduced (scanned) loops; they are the innermost ones.
    `whole` marks a full reduction, whose regions give partial results.
    """

    kind: str
    root: Node
    extents: tuple[int, ...]
    operands: tuple[Operand, ...]
    target: View
    address: Affine
    op: str = ""
    loops: int = 0
    accumulate: bool = False
    stride: int = 0
    limit: int = 0
    payload: Affine = ()
    whole: bool = False

    @property
    def covers_all(self) -> bool:
        """A reduction over every loop."""
        return self.kind == "reduce" and self.loops == (1 << len(self.extents)) - 1

    @property
    def volume(self) -> int:
        """Number of iterations."""
        return math.prod(self.extents)


def pieces_of(root: Node, target: View, resolver: Resolver) -> list[Piece]:
    """Return the pieces that compute and store `root`."""
    if root.name in REDUCTIONS and not (root.shape and is_inline_reduction(root)):
        return [_reduction(root, target)]
    if root.name == "contract" and not is_inline_reduction(root):
        return _unrolled(root, _contraction(root, target))
    if root.name in ("cumsum", "cumprod"):
        return [_scan(root, target)]
    if root.name in ("argmax", "argmin"):
        return [_arg(root, target)]
    if root.name == "place":
        return [piece for piece in _placed(root, target) if piece.volume]
    shape = root.shape
    index = identity(len(shape))
    address = flatten(index, row_strides(shape), len(shape), target.offset)
    if root.name in ("put", "put_add"):
        return [Piece("store", root, shape, (Operand(root.inputs[0], index),), target, address)]
    whole = Piece("store", root, shape, (Operand(root, index, True),), target, address)
    if not whole.volume:
        return []
    planes = [part for peeled in _peel(whole, resolver) for part in _split_planes(peeled, resolver)]
    return [part for plane in planes for part in _split_vectors(plane, resolver)]


def _placed(root: Node, target: View) -> Iterator[Piece]:
    """Yield the boxes of `place`, each a loop of its own until it is fused with others of its extents."""
    for box, start, strides in zip(root.inputs, root.params["starts"], root.params["strides"], strict=True):
        operand = Operand(box, identity(len(box.shape)))
        yield Piece("store", root, box.shape, (operand,), target, (target.offset + start, *strides))


def scatter_piece(root: Node, target: View) -> Piece:
    """Return the piece that writes the values of `put` or `put_add` over the copied base."""
    base, where, value = root.inputs
    axis = root.params["axis"]
    rank = len(where.shape)
    index = identity(len(value.shape))
    strides = row_strides(base.shape)
    outer = index[:axis] + index[axis + rank :]
    kept = strides[:axis] + strides[axis + 1 :]
    address = flatten(outer, kept, len(value.shape), target.offset)
    operands = (Operand(value, index), Operand(where, index[axis : axis + rank]))
    return Piece(
        root.name, root, value.shape, operands, target, address, stride=strides[axis], limit=base.shape[axis]
    )


def check_piece(where: Node, limit: int, target: View) -> Piece:
    """Return the piece that sets a flag if any index is outside of ``[0, limit)``."""
    rank = len(where.shape)
    operand = Operand(where, identity(rank))
    address = constant(target.offset, rank)
    return Piece(
        "reduce", where, where.shape, (operand,), target, address, "any", (1 << rank) - 1, limit=limit
    )


def _reduction(root: Node, target: View) -> Piece:
    shape = root.inputs[0].shape
    reduced = reduced_axes(root)
    order = [axis for axis in range(len(shape)) if axis not in reduced] + list(reduced)
    extents = tuple(shape[axis] for axis in order)
    loops = identity(len(shape))
    index = tuple(loops[order.index(axis)] for axis in range(len(shape)))
    kept = len(shape) - len(reduced)
    address = flatten(loops[:kept], row_strides(extents[:kept]), len(shape), target.offset)
    mask = ((1 << len(reduced)) - 1) << kept
    return Piece("reduce", root, extents, (Operand(root.inputs[0], index),), target, address, root.name, mask)


def _contraction(root: Node, target: View) -> Piece:
    left, right, out = root.params["spec"]
    sizes = letter_sizes(root)
    letters = out + "".join(letter for letter in sizes if letter not in out)
    extents = tuple(sizes[letter] for letter in letters)
    loops = identity(len(letters))
    place = dict(zip(letters, loops, strict=True))
    operands = tuple(
        Operand(x, tuple(place[letter] for letter in names))
        for x, names in zip(root.inputs, (left, right), strict=True)
    )
    kept = len(out)
    address = flatten(loops[:kept], row_strides(extents[:kept]), len(letters), target.offset)
    mask = ((1 << (len(letters) - kept)) - 1) << kept
    return Piece("reduce", root, extents, operands, target, address, "sum", mask)


def _unrolled(root: Node, piece: Piece) -> list[Piece]:
    """Split a long sum of products along a short loop that one factor does not follow.

    The pieces are fused again: each element of that factor is read once for all of them, and the sums stay
    in registers.
    """
    kept = len(root.shape)
    if piece.volume // max(1, root.type.size) < _LONG_SUM:
        return [piece]
    for loop in reversed(range(kept - 1)):
        shared = any(not any(e[loop + 1] for e in operand.index) for operand in piece.operands)
        if shared and 1 < piece.extents[loop] <= _MOST_SUMS:
            return restructure(piece, Residue(loop, piece.extents[loop]))
    return [piece]


def _along(root: Node) -> tuple[tuple[int, ...], Index]:
    """Return extents with the root's axis innermost, and the index of the operand."""
    shape = root.inputs[0].shape
    axis = root.params["axis"]
    order = [other for other in range(len(shape)) if other != axis] + [axis]
    loops = identity(len(shape))
    return tuple(shape[a] for a in order), tuple(loops[order.index(a)] for a in range(len(shape)))


def _scan(root: Node, target: View) -> Piece:
    extents, index = _along(root)
    axis, rank = root.params["axis"], len(extents)
    if root.params.get("reverse"):
        last = root.shape[axis] - 1
        index = (*index[:axis], (last, *(-term for term in index[axis][1:])), *index[axis + 1 :])
    address = flatten(index, row_strides(root.shape), rank, target.offset)
    op = "sum" if root.name == "cumsum" else "prod"
    operand = Operand(root.inputs[0], index)
    return Piece("scan", root, extents, (operand,), target, address, op, 1 << (rank - 1))


def _arg(root: Node, target: View) -> Piece:
    extents, index = _along(root)
    rank = len(extents)
    loops = identity(rank)
    address = flatten(loops[:-1], row_strides(extents[:-1]), rank, target.offset)
    operand = Operand(root.inputs[0], index)
    return Piece(
        "arg", root, extents, (operand,), target, address, root.name, 1 << (rank - 1), payload=loops[-1]
    )


def _peel(piece: Piece, resolver: Resolver) -> Iterator[Piece]:
    """Follow a store to what it stores: parts of concatenations become pieces of their own."""
    pending = [piece]
    while pending:
        piece = pending.pop()
        operand = piece.operands[0]
        if operand.node.name not in _PEELED or (not operand.define and resolver.view(operand.node)):
            yield piece
            continue
        try:
            kind, *rest = resolver.resolve(operand.node, operand.index, piece.extents, operand.define)
        except Restructure as change:
            if _is_rim(piece, change):
                yield piece
            else:
                pending += reversed(restructure(piece, change))
            continue
        except NeedBuffer:
            yield piece
            continue
        if kind != "forward":
            yield piece
            continue
        node, index = rest[0]
        pending.append(replace(piece, operands=(Operand(node, index),)))


def _is_rim(piece: Piece, change: Restructure) -> bool:
    """Tell whether a cut takes off a thin rim: rims stay with their interior, whose rows they share."""
    if not isinstance(change, Cut):
        return False
    n = piece.extents[change.loop]
    return n > 4 * _PLANES and not _PLANES < change.point < n - _PLANES


def _split_planes(piece: Piece, resolver: Resolver) -> Iterator[Piece]:
    """Split short loops where the formula changes: the planes of a stack become pieces of their own."""
    pending = [piece]
    while pending:
        piece = pending.pop()
        change = _plane_change(piece, resolver)
        if change is None:
            yield piece
        else:
            pending += reversed(restructure(piece, change))


def _plane_change(piece: Piece, resolver: Resolver) -> Restructure | None:
    short = [n <= _PLANES and piece.volume >= _PLANE_VOLUME * n for n in piece.extents]
    if not any(short):
        return None
    for _, answer in _visited(piece, resolver):
        if isinstance(answer, Restructure) and short[answer.loop] and not isinstance(answer, Unflatten):
            return answer
    return None


def _split_vectors(piece: Piece, resolver: Resolver) -> list[Piece]:
    """Split the components of many short vectors, if they have something to compute in common.

    The pieces are fused again, with others over the same points: what is common is evaluated once.
    """
    short = [loop for loop, n in enumerate(piece.extents) if 1 < n <= _VECTOR]
    if len(piece.extents) != 2 or len(short) != 1 or max(piece.extents) < _PLANE_VOLUME:
        return [piece]
    common = False
    for number, (index, answer) in enumerate(_visited(piece, resolver)):
        if number >= _MOST_VISITED // 2 or isinstance(answer, Restructure):
            return [piece]
        computes = answer[0] in ("op", "dot", "fold", "gather")
        common |= computes and not any(e[short[0] + 1] for e in index)
    return restructure(piece, Residue(short[0], piece.extents[short[0]])) if common else [piece]


def _visited(piece: Piece, resolver: Resolver) -> Iterator[tuple[Index, tuple | Restructure]]:
    """Walk through what an element of a piece is made of: indices, and what is found there."""
    operand = piece.operands[0]
    pending = deque([(operand.node, operand.index, operand.define)])
    seen = set(pending)
    while pending and len(seen) < _MOST_VISITED:
        node, index, define = pending.popleft()
        try:
            answer = resolver.resolve(node, index, piece.extents, define)
        except Restructure as change:
            yield index, change
            continue
        except NeedBuffer:
            continue
        yield index, answer
        found = [answer[1]] if answer[0] == "forward" else answer[3] if answer[0] == "op" else []
        for node, index in found:
            if (node, index, False) not in seen:
                seen.add((node, index, False))
                pending.append((node, index, False))


def restructure(piece: Piece, change: Restructure) -> list[Piece]:
    """Return the pieces that replace `piece` after a change of its loops, in order."""
    loop = change.loop
    n = piece.extents[loop]
    if piece.kind in ("scan", "arg", "put", "put_add") and (
        piece.kind[:3] == "put" or piece.loops >> loop & 1
    ):
        raise NeedBuffer(piece.operands[0].node)
    if isinstance(change, Unflatten):
        extents = (*piece.extents[:loop], n // change.inner, change.inner, *piece.extents[loop + 1 :])
        return [_mapped(piece, extents, lambda e: _unflattened(e, loop, change.inner), loop)]
    if isinstance(change, Cut):
        parts = [(0, 1, change.point), (change.point, 1, n - change.point)]
    else:
        assert isinstance(change, Residue)
        step = min(change.step, n)
        parts = [(first, change.step, -((first - n) // change.step)) for first in range(step)]
    split = bool(piece.loops >> loop & 1) and not piece.whole
    result = []
    for first, step, count in parts:
        part = part_of_loop(piece, loop, first, step, count)
        result.append(replace(part, accumulate=True) if split else part)
    return result


def part_of_loop(piece: Piece, loop: int, first: int, step: int, count: int) -> Piece:
    """Return the piece over the iterations ``first + step * k`` of one loop, ``k < count``."""
    extents = (*piece.extents[:loop], count, *piece.extents[loop + 1 :])
    return _mapped(piece, extents, lambda e: shifted(e, loop, first, step))


def shifted(e: Affine, loop: int, first: int, step: int) -> Affine:
    """Return `e` with loop variable ``first + step * k`` in the place of ``k``."""
    term = e[loop + 1]
    if not term:
        return e
    return (e[0] + term * first, *e[1 : loop + 1], term * step, *e[loop + 2 :])


def _unflattened(e: Affine, loop: int, inner: int) -> Affine:
    term = e[loop + 1]
    return (*e[: loop + 1], term * inner, term, *e[loop + 2 :])


def _mapped(piece: Piece, extents: tuple[int, ...], change, doubled: int | None = None) -> Piece:
    loops = piece.loops
    if doubled is not None:
        low = loops & ((1 << doubled) - 1)
        bit = loops >> doubled & 1
        loops = low | (bit * 3) << doubled | (loops >> (doubled + 1)) << (doubled + 2)
    operands = tuple(
        Operand(operand.node, tuple(change(e) for e in operand.index), operand.define)
        for operand in piece.operands
    )
    payload = change(piece.payload) if piece.payload else ()
    return replace(
        piece, extents=extents, operands=operands, address=change(piece.address), loops=loops, payload=payload
    )


def kept_loops(piece: Piece) -> list[int]:
    """Return the loops of more than one iteration, and a scanned loop."""
    stays = piece.loops if piece.kind in ("scan", "arg") else 0
    return [loop for loop, n in enumerate(piece.extents) if n != 1 or stays >> loop & 1]


def without_units(piece: Piece) -> Piece:
    """Drop loops of extent one (a scanned loop stays)."""
    kept = kept_loops(piece)
    if len(kept) == len(piece.extents):
        return piece
    loops = sum(1 << new for new, old in enumerate(kept) if piece.loops >> old & 1)
    reduced = _mapped(
        piece, tuple(piece.extents[loop] for loop in kept), lambda e: (e[0], *(e[loop + 1] for loop in kept))
    )
    return replace(reduced, loops=loops)
