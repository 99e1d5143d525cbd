"""``strict=True``: derivatives that raise where the function has a kink or a jump.

A second program watches the first: it computes where each operation has a kink (`diffsci.primitives.kinks`),
takes away where nothing moves (the tangent is structurally zero) and where the result is not needed (it was
selected away), and the derivative's results are handed through `checked`, which raises if anything is left.
So a check lives as long as a result that it belongs to, in every backend and under every transformation.

Tangents in one fixed generic direction tell kinks from smooth joins: both sides of
``where(x > 0, x**2, -x**2)`` have the slope 0 at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diffsci.graph import Builder, Graph, Node, Type, verify
from diffsci.primitives.comparison import COMPARISONS
from diffsci.primitives.kinks import KINKS, differ
from diffsci.source import at
from diffsci.transforms.demand import demands
from diffsci.transforms.forward import push
from diffsci.transforms.masks import Masks, Reader

__all__ = ["strictly"]

ORDERS = frozenset(COMPARISONS) - {"eq", "ne"}
CHOICE = (
    "a choice",
    "compares equal values, and its two sides differ in value or slope",
    "that of the side taken",
)


@dataclass(frozen=True, slots=True)
class Watch:
    """One flagged operation: where it has a kink, the value to show, and what to say."""

    flag: Node
    shown: Node
    kink: tuple[str, str, str, str]


def strictly(
    derivative: Graph, graph: Graph, active: Sequence[bool], first: int = 0, order: int = 1
) -> Graph:
    """Return a derivative whose results raise where the function has a kink.

    Parameters
    ----------
    derivative : Graph
        Its first inputs are those of `graph`.
    graph : Graph
        The function.
    active : sequence of bool
        Which inputs of `graph` move.
    first : int
        The results before this one are not derivatives and are handed on as they are.
    order : int
        Up to which derivative, the first or the second, both sides of a choice must join.
    """
    b = Builder()
    b.adopt(derivative.nodes)
    count = len(graph.inputs)
    watches = _watches(b, graph, derivative.inputs[:count], active, order)
    if not watches:
        return derivative
    flags, shown = [w.flag for w in watches], [w.shown for w in watches]
    kinks = tuple(w.kink for w in watches)
    b.location = None
    outputs = [
        b.checked(y, *flags, *shown, kinks=kinks) if k >= first and y.type.is_float else y
        for k, y in enumerate(derivative.outputs)
    ]
    return verify(Graph(derivative.inputs, outputs, derivative.guards), "strict")


def _watches(
    b: Builder, graph: Graph, inputs: Sequence[Node], active: Sequence[bool], order: int
) -> list[Watch]:
    """Emit the flags of all kinks of a graph that is applied to `inputs`."""
    moving = {x for x, flag in zip(inputs, active, strict=True) if flag and x.type.is_float}
    outputs, loops = _flattened(b, graph, inputs, moving)
    flat = Graph(inputs, outputs)
    watcher = _Watcher(b, demands(b, flat), order)
    watcher.tangents.update((x, watcher.direction(x.type)) for x in inputs if x in moving)
    for node in flat.nodes:
        watcher.enter(node)
    for x in loops:  # they raise themselves: it is enough that they are run
        watcher.found.append(Watch(b.const(False), x, ("a loop", "", "", "")))
    return watcher.found


class _Watcher:
    """Goes through a program with tangents in a generic direction and notes where kinks are.

    Attributes
    ----------
    found : list of Watch
    """

    def __init__(self, b: Builder, needed: dict[Node, Node | None], order: int):
        self.b, self.needed, self.order = b, needed, order
        self.masks, self.tangents = Masks(b), {}
        self.found: list[Watch] = []
        self._random = np.random.default_rng(20221122)

    def direction(self, kind: Type) -> Node:
        """Return a constant tangent."""
        return self.b.const(self._random.uniform(0.5, 1.5, kind.shape), kind.dtype)

    def enter(self, node: Node) -> None:
        """Look at one operation, and move on."""
        incoming = [self.tangents.get(x) for x in node.inputs]
        if node in self.needed:
            self.b.location = node.location
            if node.name == "select":
                self._select(node)
            elif node.name in KINKS and any(t is not None for t in incoming):
                self._kink(node, incoming)
        if not isinstance(node.type, tuple):
            push(self.b, [node], self.tangents, self.masks)
        elif any(t is not None for t in incoming):
            self.tangents[node] = [self.direction(kind) if kind.is_float else None for kind in node.type]

    def _kink(self, node: Node, incoming: list[Node | None]) -> None:
        kink = KINKS[node.name]
        flag = kink.places(self.b, node, incoming)
        if flag is None:
            return
        if kink.joins:
            flag = self.b.logical_and(flag, self._apart(*node.inputs))
        if node.primitive.family == "elementwise":
            mask = self.masks.union([t for t in incoming if t is not None], hazard=True)
            flag = flag if mask is None else self.b.logical_and(flag, mask)
        moving = next(x for x, t in zip(node.inputs, incoming, strict=True) if t is not None)
        shown = node if kink.shown == "result" else moving
        self._note(node, flag, shown, (kink.name or node.name, kink.reason, kink.convention))

    def _select(self, node: Node) -> None:
        """A choice by a comparison of equal values, between sides that do not join smoothly."""
        border = self._border(node.inputs[0])
        if border is None:
            return
        _, yes, no = node.inputs
        if Reader.is_absent(yes) or Reader.is_absent(no):
            return  # made by a derivative: the choice itself stands in the function
        self._note(node, self.b.logical_and(border, self._apart(yes, no)), node, CHOICE)

    def _apart(self, x: Node, y: Node) -> Node:
        """Emit where two values, or their derivatives in the generic direction, are not the same."""
        b = self.b
        if not x.type.is_float:
            return b.ne(x, y)
        apart, pair = differ(b, x, y), [x, y]
        for order in range(1, self.order + 1):
            if order > 1:
                push(b, Graph((), pair).nodes, self.tangents, self.masks)
            pair = [self.tangents.get(z) or b.zeros(x.type) for z in pair]
            apart = b.logical_or(apart, differ(b, *pair))
        return apart

    def _note(self, node: Node, flag: Node, shown: Node, words: tuple[str, str, str]) -> None:
        needed = self.needed[node]
        flag = flag if needed is None else self.b.logical_and(flag, needed)
        name, reason, convention = words
        self.found.append(Watch(flag, shown, (name, at(node.location), reason, convention)))

    def _border(self, condition: Node) -> Node | None:
        """Emit where a condition is about to change, because it compares equal values that move."""
        b, name, operands = self.b, condition.name, condition.inputs
        if name in ORDERS:
            moves = any(self.tangents.get(x) is not None for x in operands)
            return b.eq(*operands) if moves else None
        if name == "logical_not":
            return self._border(operands[0])
        if condition.primitive.family == "structural" and len(operands) == 1:
            border = self._border(operands[0])
            return None if border is None else b.emit(condition.primitive, border, **condition.params)
        if name in ("logical_and", "logical_or", "logical_xor"):
            return self._border_of_logic(condition)
        return None

    def _border_of_logic(self, condition: Node) -> Node | None:
        """One side changes while the other one does not decide."""
        b, parts = self.b, []
        for x, other in (condition.inputs, condition.inputs[::-1]):
            border = self._border(x)
            if border is None:
                continue
            if condition.name == "logical_xor":
                parts.append(border)
                continue
            open_ = other if condition.name == "logical_and" else b.logical_not(other)
            beside = self._border(other)
            open_ = open_ if beside is None else b.logical_or(open_, beside)
            parts.append(b.logical_and(border, open_))
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else b.logical_or(*parts)


def _flattened(
    b: Builder, graph: Graph, inputs: Sequence[Node], moving: set[Node]
) -> tuple[list[Node], list[Node]]:
    """Emit a graph with the bodies of its calls, both branches of its choices, and loops that raise at kinks.

    Returns
    -------
    outputs : list of Node
    loops : list of Node
        A result of each such loop. `moving` is extended by what depends on its nodes.
    """
    loops: list[Node] = []
    moved: dict[Node, Node | list[Node]] = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.nodes:
        if node in moved:
            continue
        b.location = node.location
        if node.name == "project" and isinstance(moved[node.inputs[0]], list):
            moved[node] = moved[node.inputs[0]][node.params["index"]]
            continue
        operands = [moved[x] for x in node.inputs]
        if node.name == "call":
            moved[node], inner = _flattened(b, node.params["graph"], operands, moving)
            loops += inner
        elif node.name == "cond":
            sides = [_flattened(b, node.params[side], operands[1:], moving) for side in ("true", "false")]
            pairs = zip(*(outputs for outputs, _ in sides), strict=True)
            moved[node] = [_chosen(b, operands[0], *pair) for pair in pairs]
        else:
            new = moved[node] = _applied(b, node, operands, moving, loops)
            if any(x in moving for x in operands):
                moving.add(new)
    return [moved[y] for y in graph.outputs], loops


def _applied(b: Builder, node: Node, operands: list[Node], moving: set[Node], loops: list[Node]) -> Node:
    if node.name != "host_run":
        return b.emit(node.primitive, *operands, **node.params)
    loop = node.params["loop"].raising(tuple(x in moving for x in operands))
    run = b.host_run(*operands, loop=loop)
    if loop is not node.params["loop"]:
        loops.append(b.project(run, index=0))
    return run


def _chosen(b: Builder, predicate: Node, yes: Node, no: Node) -> Node:
    wide = predicate if yes.shape == () else b.broadcast(predicate, shape=yes.shape, axes=())
    return b.select(wide, yes, no)
