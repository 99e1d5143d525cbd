"""Programs of loops: which values are stored, and which loops are fused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np

from diffsci.backends.plan.affine import flatten, identity, row_strides
from diffsci.backends.plan.canonical import is_gemm
from diffsci.backends.plan.cost import Demands
from diffsci.backends.plan.layout import Layout, is_data, stays_inside
from diffsci.backends.plan.pieces import (
    Operand,
    Piece,
    check_piece,
    pieces_of,
    scatter_piece,
    without_units,
)
from diffsci.backends.plan.program import GemmStep, GuardStep, IndexCheckStep, Step, View
from diffsci.backends.plan.regions import Lowering, lower_group
from diffsci.backends.plan.resolve import NeedBuffer, is_inline_reduction
from diffsci.backends.plan.rounding import deciding, loose_products
from diffsci.backends.plan.vocabulary import REDUCTIONS, is_library
from diffsci.graph import Graph, Node

__all__ = ["plan_loops"]

_MOST_FUSED, _MOST_PLACED = 24, 64  # the entries of a row of a sparse matrix go together
_ROUNDS = 3
_STORED = frozenset({"place", "put", "put_add", "cumsum", "cumprod", "argmax", "argmin", "project"})


def plan_loops(graph: Graph, build_callee, stored: Collection[Node] = ()):
    """Return the plan of a program as loop nests over stored arrays, those in `stored` among them.

    What has no formula in the loops of its users is stored; what has none in the loop that it shares with
    others over the same box, which may have been rebuilt for them, has a loop of its own.
    """
    stored, alone = set(stored), set()
    while True:
        try:
            return _Scheduler(graph, build_callee, stored, alone).run()
        except NeedBuffer as need:
            if need.node in alone:
                raise AssertionError(f"{need.node!r} has no form that a loop can follow") from None
            (alone if need.node in stored else stored).add(need.node)


@dataclass
class _Group:
    """Pieces over one box, fused into one loop nest (per region)."""

    key: tuple
    pieces: list[Piece] = field(default_factory=list)

    def takes(self, key: tuple) -> bool:
        """Tell whether a piece fits; sums of rows go with products and with stores over the same rows."""
        if key == self.key:
            return True
        if {key[0], self.key[0]} == {"rows", "products"}:
            return key[1:] == self.key[1:]
        if key[1:2] != self.key[1:2] or {key[0], self.key[0]} != {"rows", "all"}:
            return False
        if self.key[0] == "all":
            if not self.key[2] or any(piece.whole for piece in self.pieces):
                return False
            self.key = key
        return True


class _Scheduler:
    def __init__(self, graph: Graph, build_callee, stored: set[Node], alone: set[Node]):
        self.graph = graph
        self.layout = Layout(graph, build_callee)
        self.resolver = self.layout.resolver
        self.position = {node: i for i, node in enumerate(graph.nodes)}
        self.stored, self.alone = set(stored), alone
        self.slots: list[_Group | list[Step]] = []
        self.at: dict[Node, int] = {}
        self.reads: dict[Node, frozenset[Node]] = {}
        self.counted: dict[Node, list[Piece]] = {}

    def run(self):
        self._force()
        copies = self._place_outputs()
        self._choose_by_cost(copies)
        self._schedule(copies)
        lowering = Lowering(self.resolver, self.position, deciding(self.graph), loose_products(self.graph))
        steps: list[Step] = []
        for slot in self.slots:
            steps += lower_group(slot.pieces, lowering) if isinstance(slot, _Group) else slot
        plan = self.layout.plan
        plan.steps = steps
        return plan

    # ---- what is stored ----------------------------------------------------------------------

    def _force(self) -> None:
        for node in self.graph.nodes:
            library = is_library(node)
            if node.name in _STORED or (library and not _has_parts(node)) or self._is_long_reduction(node):
                self.stored.add(node)
            if library or is_gemm(node):
                for x in node.inputs:
                    self._store_base(x)
            elif node.name == "take":
                self._store_base(node.inputs[0])
                self._store_base(node.inputs[1])
            elif node.name in ("put", "put_add"):
                self._store_base(node.inputs[1])
        for guard in self.graph.guards:
            self._store_base(guard.predicate)

    @staticmethod
    def _is_long_reduction(node: Node) -> bool:
        return (node.name in REDUCTIONS or node.name == "contract") and not is_inline_reduction(node)

    def _store_base(self, node: Node) -> None:
        if self.resolver.view(node) is None:
            self.stored.add(_base(node))

    def _place_outputs(self) -> list[tuple[Node, View]]:
        copies = []
        for node, buffer in zip(self.graph.outputs, self.layout.plan.outputs, strict=True):
            base = _base(node)
            if base in self.layout.storage or self.layout.is_reserved(base):
                copies.append((node, View(buffer)))
                continue
            self.layout.reserve(base, View(buffer))
            self.stored.add(base)
            self._place_parts(base, View(buffer))
        return copies

    def _place_parts(self, node: Node, view: View) -> None:
        """Let the stored parts of a concatenation be computed in their place."""
        if node.name != "concatenate" or any(n != 1 for n in node.shape[: node.params["axis"]]):
            return
        offset = view.offset
        for part in node.inputs:
            base = _base(part)
            free = base not in self.layout.storage and not self.layout.is_reserved(base)
            if free and base in self.stored and base.type.size:
                self.layout.reserve(base, View(view.buffer, offset))
            elif base.name == "concatenate":
                self._place_parts(base, View(view.buffer, offset))
            offset += part.type.size

    def _choose_by_cost(self, copies) -> None:
        """Store what costs more to compute again, until the answer fits what was taken to be stored."""
        found = self._deserving(copies, ())
        for _ in range(_ROUNDS):
            before, found = found, self._deserving(copies, self.stored | found) if found else found
            if found == before:
                break
        self.stored |= found

    def _deserving(self, copies, cheap: Collection[Node]) -> set[Node]:
        """Return the nodes that deserve a buffer, if what is in `cheap` is read from memory."""
        demands = Demands(self.graph.nodes, cheap)
        found: set[Node] = set()
        for node, view in copies:
            demands.add_piece(_copy_piece(node, view))
        for node in reversed(self.graph.nodes):
            if node.name == "input" or is_data(node) or isinstance(node.type, tuple):
                continue
            if node not in self.stored:
                if not demands.deserves_buffer(node):
                    demands.spread(node)
                    continue
                found.add(node)
            if is_library(node) or node.name == "project":
                continue
            for piece in self._pieces_to_count(node):
                demands.add_piece(piece)
        return found

    def _pieces_to_count(self, node: Node) -> list[Piece]:
        known = self.counted.get(node)
        if known is None:
            view = View(self.layout.work(node.dtype, node.type.size))
            known = [without_units(piece) for piece in pieces_of(node, view, self.resolver)]
            self.counted[node] = known
        return known

    # ---- order and fusion --------------------------------------------------------------------

    def _schedule(self, copies) -> None:
        guards = list(enumerate(self.graph.guards))
        checked: set[tuple[Node, int]] = set()
        for node in self.graph.nodes:
            self.reads[node] = self._reads_of(node)
            if node.name in ("take", "put", "put_add"):
                self._check_index(node, checked)
            if _has_parts(node):
                self._append(self.layout.library_steps(node))
                for user in self.graph.nodes[self.position[node] :]:
                    if user.name == "project" and user.inputs[0] is node:
                        self.at[user] = len(self.slots) - 1
            elif node in self.stored and node.name != "project" and node not in self.layout.storage:
                self._compute(node)
            while guards and self._known(guards[0][1].predicate):
                self._guard(*guards.pop(0))
        for node, view in copies:
            if node.type.size:
                self._add_piece(_copy_piece(node, view), self._reads_at(node))

    def _reads_of(self, node: Node) -> frozenset[Node]:
        """Return the stored nodes that evaluating `node` in place reads."""
        if node in self.layout.storage and (node.name == "input" or is_data(node)):
            return frozenset()
        found: frozenset[Node] = frozenset()
        for x in node.inputs:
            more = self._reads_at(x)
            if not more <= found:
                found = found | more if found else more
        return found

    def _reads_at(self, node: Node) -> frozenset[Node]:
        return frozenset((node,)) if node in self.stored else self.reads[node]

    def _known(self, node: Node) -> bool:
        return self.resolver.view(node) is not None

    def _after(self, reads: frozenset[Node]) -> int:
        return max((self.at.get(node, -1) for node in reads), default=-1) + 1

    def _append(self, steps: list[Step]) -> int:
        self.slots.append(steps)
        return len(self.slots) - 1

    def _compute(self, node: Node) -> None:
        reads = self.reads[node]
        if is_library(node):
            self.at[node] = self._append(self.layout.library_steps(node))
            return
        if is_gemm(node):
            self.at[node] = self._append([self._gemm(node)])
            return
        target = self.layout.place(node)
        pieces = [p for p in pieces_of(node, target, self.resolver) if not self._is_in_place(p)]
        if node in self.alone:
            places = [self._append_group(piece) for piece in pieces]
        else:
            places = [self._add_piece(piece, reads) for piece in pieces]
        self.at[node] = max([*places, self._after(reads) - 1])
        if node.name in ("put", "put_add") and node.inputs[2].type.size and node.type.size:
            scatter = scatter_piece(node, target)
            self.at[node] = self._append_group(scatter)

    def _is_in_place(self, piece: Piece) -> bool:
        """Tell whether a piece copies what lies in its target already."""
        operand = piece.operands[0]
        view = None if operand.define else self.resolver.view(operand.node)
        if piece.kind != "store" or view is None or view.buffer is not piece.target.buffer:
            return False
        rank = len(piece.extents)
        return flatten(operand.index, row_strides(operand.node.shape), rank, view.offset) == piece.address

    def _append_group(self, piece: Piece) -> int:
        return self._append_slot(_Group(("solo",), [without_units(piece)]))

    def _append_slot(self, group: _Group) -> int:
        self.slots.append(group)
        return len(self.slots) - 1

    def _add_piece(self, piece: Piece, reads: frozenset[Node]) -> int:
        piece = without_units(piece)
        piece = replace(piece, whole=piece.covers_all)
        key = _fusion_key(piece)
        first = self._after(reads)
        most = _MOST_PLACED if piece.root.name == "place" else _MOST_FUSED
        for place in range(len(self.slots) - 1, first - 1, -1):
            slot = self.slots[place]
            if isinstance(slot, _Group) and len(slot.pieces) < most and slot.takes(key):
                slot.pieces.append(piece)
                return place
        return self._append_slot(_Group(key, [piece]))

    def _guard(self, number: int, guard) -> None:
        view = self.resolver.view(guard.predicate)
        self._append([GuardStep(view, guard.outcome, number + 1)])

    def _check_index(self, node: Node, checked: set[tuple[Node, int]]) -> None:
        where = node.inputs[1]
        limit = node.inputs[0].shape[node.params["axis"]]
        if (where, limit) in checked or stays_inside(node):
            return
        checked.add((where, limit))
        flag = View(self.layout.work(np.dtype(bool), 1))
        self._add_piece(check_piece(where, limit, flag), self._reads_at(where))
        self._append([IndexCheckStep(flag)])

    def _gemm(self, node: Node) -> GemmStep:
        a, b = (self.resolver.view(x) for x in node.inputs)
        left, right, _ = node.params["spec"]
        batch, m, n = node.shape
        k = node.inputs[0].shape[left.index("k")]
        return GemmStep(a, b, self.layout.place(node), batch, m, n, k, left == "bkm", right == "bnk")


def _has_parts(node: Node) -> bool:
    """Tell whether an operation has several results, seen through `project`."""
    return isinstance(node.type, tuple)


def _base(node: Node) -> Node:
    while node.name in ("reshape", "stop_gradient"):
        node = node.inputs[0]
    return node


def _copy_piece(node: Node, view: View) -> Piece:
    index = identity(len(node.shape))
    address = flatten(index, row_strides(node.shape), len(node.shape), view.offset)
    return Piece("store", node, node.shape, (Operand(node, index),), view, address)


def _fusion_key(piece: Piece) -> tuple:
    if piece.root.name == "place":
        return ("place", piece.extents, piece.address[1:])
    if piece.kind in ("store", "reduce") and (piece.whole or not piece.loops):
        straight = piece.whole or not piece.extents or piece.address[-1] == 1
        return ("all", piece.extents, straight)
    if piece.kind == "reduce":
        natural = piece.operands[0].index == identity(len(piece.extents))
        kind = "products" if len(piece.operands) == 2 else "rows" if natural else "part"
        return (kind, piece.extents, piece.loops)
    return (piece.kind, piece.extents, piece.loops, piece.root)
