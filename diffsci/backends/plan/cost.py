"""What operations cost, in units of one vectorised addition, and which values deserve a buffer."""

from __future__ import annotations

import math
from collections.abc import Collection

from diffsci.backends.plan.affine import (
    Index,
    add_const,
    constant,
    flatten,
    identity,
    row_strides,
    scale,
    used,
)
from diffsci.backends.plan.pieces import Piece
from diffsci.backends.plan.resolve import is_inline_reduction, product_operands, summed_sizes
from diffsci.backends.plan.special import SPECIAL
from diffsci.backends.plan.vocabulary import INDEXING, MOVES, REDUCTIONS, is_library, is_statement
from diffsci.backends.vectormath.table import FORMULAS
from diffsci.graph import Node

__all__ = ["Demands", "operation_cost"]

_COSTS = {"div": 10, "sqrt": 12, "mod": 30, "fmod": 30, "floor_divide": 35}
_SPECIAL_COST = 150
_FREE = frozenset({"stop_gradient", "const", "input"})
_STORE_PRICE = 12
_STORE_PRICES = ((1 << 20, _STORE_PRICE), (1 << 24, 24), (math.inf, 48))  # of a write and a read, by bytes
_MOST_OFFSETS = 64
_MOST_COST = 100  # a value that costs so much more than memory is not looked into
_REPEATED = 8
_ELSEWHERE = (MOVES | INDEXING) - {"reshape"}


def operation_cost(name: str) -> int:
    """Return the cost of one elementwise operation on one element."""
    if name in FORMULAS:
        return FORMULAS[name].cost
    return _SPECIAL_COST if name in SPECIAL else _COSTS.get(name, 1)


class Demands:
    """Counts at how many places each node is evaluated, were it not stored.

    Works from users to operands. A demand is an index in a space (the extents of a nest) at a stage; equal
    demands are shared by hashing inside a nest, different ones are evaluated again. The stage is the
    number of loops that must have ended before: those of reductions, library steps, and of stored values
    that are read at other places than where they are made. What is in `stored` costs nothing where it is
    read.
    """

    def __init__(self, nodes: list[Node], stored: Collection[Node] = ()):
        self.nodes = nodes
        self._stages = _stages(nodes, stored)
        self._wanted: dict[Node, dict[tuple, int]] = {}
        self._inline = _inline_costs(nodes, stored)

    def add_piece(self, piece: Piece) -> None:
        """Enter what a piece reads."""
        stage = max((self._stages[x] for x in piece.root.inputs), default=0)
        for operand in piece.operands:
            if operand.define:
                for child, index in _reads(operand.node, operand.index, len(piece.extents)):
                    self._add(child, index, piece.extents, stage)
            else:
                self._add(operand.node, operand.index, piece.extents, stage)

    def spread(self, node: Node) -> None:
        """Pass the demands on an unstored node to its operands."""
        for stage, extents, index in list(self._wanted.get(node, ())):
            for child, inner in _reads(node, index, len(extents)):
                self._add(child, inner, extents, stage)

    def _add(self, node: Node, index: Index | None, extents: tuple[int, ...], stage: int) -> None:
        if index is None:
            extents, index = node.shape, identity(len(node.shape))
        loops = sorted({loop for e in index for loop in used(e)})
        volume = math.prod(extents[: loops[-1] + 1]) if loops else 1
        key = (
            stage,
            tuple(extents[loop] for loop in loops),
            tuple((e[0], *(e[loop + 1] for loop in loops)) for e in index),
        )
        wanted = self._wanted.setdefault(node, {})
        wanted[key] = max(volume, wanted.get(key, 0))

    def deserves_buffer(self, node: Node) -> bool:
        """Tell whether evaluating the node where it is read costs more than storing it."""
        wanted = self._wanted.get(node)
        if not wanted or not node.shape or node.type.size == 0:
            return bool(wanted) and len(wanted) > 2 and self._inline[node] > _STORE_PRICE
        if len(wanted) > _MOST_OFFSETS:
            return self._inline[node] > 0
        repeats = sum(wanted.values()) / node.type.size - 1
        nbytes = node.type.size * node.dtype.itemsize
        return repeats * self._inline[node] > next(price for size, price in _STORE_PRICES if nbytes <= size)


def _stages(nodes: list[Node], stored: Collection[Node]) -> dict[Node, int]:
    stages: dict[Node, int] = {}
    loaded: dict[Node, int] = {}  # the last stage of the stored values that a node reads
    for node in nodes:
        before = max((stages[x] for x in node.inputs), default=0)
        long = node.name in REDUCTIONS or node.name == "contract"
        stage = before + (is_library(node) or (long and not is_inline_reduction(node)))
        below = max((loaded[x] for x in node.inputs), default=-1)
        if node.name in _ELSEWHERE:
            stage = max(stage, below + 1)
        stages[node] = stage
        loaded[node] = stage if node in stored else below
    return stages


def _inline_costs(nodes: list[Node], stored: Collection[Node]) -> dict[Node, int]:
    """Return what one element costs where nothing below it is stored; what is shared below counts once."""
    costs: dict[Node, int] = {}
    below: dict[Node, dict[Node, int] | None] = {}  # operations and their costs; None for too many
    for node in nodes:
        own = _own_cost(node, stored, costs)
        if own is None:
            costs[node], below[node] = 0, {}
            continue
        cone: dict[Node, int] | None = {}
        if not (node.name == "contract" or _is_hoisted(node)):
            cone = _together([below.get(x, {}) for x in node.inputs if x not in stored])
        if own and cone is not None:
            cone = cone | {node: own}
        costs[node] = _MOST_COST if cone is None else sum(cone.values())
        below[node] = None if costs[node] >= _MOST_COST else cone
    return costs


def _together(cones: list[dict[Node, int] | None]) -> dict[Node, int] | None:
    if any(cone is None for cone in cones):
        return None
    first, *rest = cones or [{}]
    for cone in rest:
        if cone is not first:
            first = first | cone
    return first


def _is_hoisted(node: Node) -> bool:
    """Tell whether a value is repeated so often that making it costs nothing."""
    return node.name == "broadcast" and node.inputs[0].type.size * _REPEATED <= node.type.size


def _own_cost(node: Node, stored: Collection[Node], costs: dict[Node, int]) -> int | None:
    """Return the cost of an operation itself, None for what is never evaluated in place."""
    if node.name in _FREE or node.name in MOVES or node.name in INDEXING:
        return 0
    if is_statement(node):
        return operation_cost(node.name)
    if node.name == "contract" and is_inline_reduction(node):
        factors = sum(0 if x in stored else costs[x] for x in node.inputs)
        return min(_MOST_COST, math.prod(summed_sizes(node).values()) * (2 + factors))
    return 4 if is_inline_reduction(node) else None


def _reads(node: Node, index: Index, rank: int) -> list[tuple[Node, Index | None]]:
    """Return what an element reads in the interior: the formula that most of the box follows."""
    if is_statement(node):
        return [(x, index) for x in node.inputs]
    rule = _READS.get(node.name)
    if rule is not None:
        return rule(node, index, rank)
    if node.name == "contract" and is_inline_reduction(node):
        return product_operands(node, index, rank)
    if node.name in REDUCTIONS or node.name == "contract":
        return [(x, None) for x in node.inputs]
    return []


def _broadcast(node, index, rank):
    x = node.inputs[0]
    places = zip(x.shape, node.params["axes"], strict=True)
    return [(x, tuple(constant(0, rank) if n == 1 else index[axis] for n, axis in places))]


def _reshape(node, index, rank):
    x = node.inputs[0]
    kept = [e for n, e in zip(node.shape, index, strict=True) if n != 1]
    if [n for n in node.shape if n != 1] == [n for n in x.shape if n != 1]:
        terms = iter(kept)
        return [(x, tuple(constant(0, rank) if n == 1 else next(terms) for n in x.shape))]
    flat = flatten(index, row_strides(node.shape), rank)
    inner = []
    for n in reversed(x.shape[1:]):
        quotient = (flat[0] // n, *(t // n if t % n == 0 else 0 for t in flat[1:]))
        inner.append((flat[0] % n, *(t if t % n else 0 for t in flat[1:])))
        flat = quotient
    inner.append(flat)
    if any(len(used(e)) > 1 for e in inner):
        return [(x, None)]
    return [(x, tuple(reversed(inner)) if x.shape else ())]


def _transpose(node, index, rank):
    inner = [()] * len(index)
    for position, axis in enumerate(node.params["perm"]):
        inner[axis] = index[position]
    return [(node.inputs[0], tuple(inner))]


def _slice(node, index, rank):
    terms = zip(index, node.params["start"], node.params["step"], strict=True)
    return [(node.inputs[0], tuple(add_const(scale(e, step), first) for e, first, step in terms))]


def _misses(e, start: int, stop: int) -> bool:
    """Tell whether an index is constant and outside of ``[start, stop)``."""
    return not any(e[1:]) and not start <= e[0] < stop


def _pad(node, index, rank):
    places = zip(index, node.inputs[0].shape, node.params["low"], node.params["interior"], strict=True)
    if any(_misses(e, low, low + n + (n - 1) * inner) for e, n, low, inner in places):
        return []
    return [
        (node.inputs[0], tuple(add_const(e, -low) for e, low in zip(index, node.params["low"], strict=True)))
    ]


def _set_slice(node, index, rank):
    base, value = node.inputs
    start, step = node.params["start"], node.params["step"]
    inner = tuple(add_const(e, -first) for e, first in zip(index, start, strict=True))
    places = zip(index, value.shape, start, step, strict=True)
    if any(_misses(e, first, first + (n - 1) * stride + 1) for e, n, first, stride in places):
        return [(base, index)]
    return [(base, index), (value, inner)]


def _flip(node, index, rank):
    inner = list(index)
    axes = node.params["axes"]
    for axis in (axes,) if isinstance(axes, int) else axes:
        inner[axis] = add_const(scale(index[axis], -1), node.shape[axis] - 1)
    return [(node.inputs[0], tuple(inner))]


def _roll(node, index, rank):
    inner = []
    for e, shift, n in zip(index, node.params["shift"], node.shape, strict=True):
        inner.append(add_const(e, -shift if shift <= n // 2 else n - shift))
    return [(node.inputs[0], tuple(inner))]


def _concatenate(node, index, rank):
    axis, offset, reads = node.params["axis"], 0, []
    for x in node.inputs:
        if not _misses(index[axis], offset, offset + x.shape[axis]):
            reads.append((x, (*index[:axis], add_const(index[axis], -offset), *index[axis + 1 :])))
        offset += x.shape[axis]
    return reads


def _take(node, index, rank):
    return [(node.inputs[1], None)]


_READS = {
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "pad": _pad,
    "set_slice": _set_slice,
    "flip": _flip,
    "roll": _roll,
    "concatenate": _concatenate,
    "take": _take,
}
