"""Arrays of short rows are turned inside a program: the longest axis goes last, where vectors run along it.

A point cloud (n, 3) wastes five of eight lanes, and a sum over its rows adds the lanes of one vector. Turned,
every lane has its own point. Arguments and results stay as the caller has them: turning them is paid once.
"""

from __future__ import annotations

import functools
import math
from collections import Counter

import numpy as np

from diffsci.backends.plan.cost import operation_cost
from diffsci.backends.plan.layout import is_uniform
from diffsci.backends.plan.resolve import letter_sizes, reduced_axes
from diffsci.backends.plan.vocabulary import REDUCTIONS, is_statement
from diffsci.graph import Builder, Graph, Guard, Node, Type

__all__ = ["long_axes_last"]

_LANES = 8
_SHORT, _LONG, _RATIO = 32, 64, 4
_TURN_IN, _TURN_OUT = 12, 16  # prices of reading and of writing an element with an uneven stride
_MARGIN = 2
_PLACED = frozenset({"slice", "pad", "concatenate"})  # moves along axes, in any order of them

Order = tuple[int, ...]


def long_axes_last(graph: Graph) -> tuple[Graph, set[Node]]:
    """Return the graph with its arrays turned where that pays, and the turned operands to be stored."""
    candidates = {node for node in graph.nodes if _turns(node)}
    if not candidates or _gain(graph, candidates) <= 0:
        return graph, set()
    return _Turner(graph, candidates).run()


@functools.lru_cache(maxsize=4096)
def _order(shape: tuple[int, ...]) -> Order | None:
    """Return the axes in their new order, None for arrays that stay as they are."""
    if len(shape) < 2 or not 1 < shape[-1] < _SHORT or 0 in shape:
        return None
    longest = max(range(len(shape)), key=lambda axis: shape[axis])
    if shape[longest] < max(_LONG, _RATIO * shape[-1]):
        return None
    return (*(axis for axis in range(len(shape)) if axis != longest), longest)


def _order_of(node: Node) -> Order | None:
    return None if isinstance(node.type, tuple) else _order(node.shape)


def _turns(node: Node) -> bool:
    """Tell whether an operation can be done on turned arrays."""
    if isinstance(node.type, tuple):
        return False
    if node.name in REDUCTIONS or node.name == "contract":
        return any(_order_of(x) is not None for x in (node, *node.inputs))
    if node.name in _PLACED:
        return len({_order(x.shape) for x in (node, *node.inputs)} - {None}) == 1
    order = _order(node.shape)
    if order is None:
        return False
    if is_statement(node):
        return all(x.shape == node.shape for x in node.inputs)
    if node.name == "const":
        return is_uniform(node)
    if node.name == "reshape":
        return _only_units(node, order)
    return node.name == "broadcast"


def _only_units(node: Node, order: Order) -> bool:
    """Tell whether a reshape only adds or drops axes of length one, in the turned arrays as well."""
    x = node.inputs[0]
    before = _order(x.shape) or tuple(range(len(x.shape)))
    natural = [n for n in x.shape if n != 1] == [n for n in node.shape if n != 1]
    return natural and [x.shape[a] for a in before if x.shape[a] != 1] == [
        node.shape[a] for a in order if node.shape[a] != 1
    ]


def _gain(graph: Graph, candidates: set[Node]) -> float:
    """Return what turning saves, in additions, less what it costs at the edges."""
    saved = cost = 0.0
    edges: set[Node] = set()
    for node in graph.nodes:
        if node in candidates:
            saved += _saved(node)
            edges |= {x for x in node.inputs if x not in candidates and _order_of(x) is not None}
        else:
            inner = {x for x in node.inputs if x in candidates and _order_of(x) is not None}
            cost += sum(_TURN_OUT * x.type.size for x in inner if not x.is_known)
    cost += sum(_TURN_IN * x.type.size for x in edges if x.name != "take")
    cost += sum(
        _TURN_OUT * y.type.size for y in graph.outputs if y in candidates and _order_of(y) is not None
    )
    return saved - _MARGIN * cost


def _saved(node: Node) -> float:
    """Return the lanes that short rows would waste in an operation."""
    if is_statement(node):
        return node.type.size * operation_cost(node.name) * _waste(node.shape)
    if node.name in REDUCTIONS:
        return node.inputs[0].type.size * _waste(node.inputs[0].shape)
    if node.name == "contract" and node.shape:
        return 2 * math.prod(letter_sizes(node).values()) * _waste(node.shape)
    return 0.0


def _waste(shape: tuple[int, ...]) -> float:
    if _order(shape) is None:
        return 0.0
    return -(-shape[-1] // _LANES) * _LANES / shape[-1] - 1


class _Turner:
    def __init__(self, graph: Graph, candidates: set[Node]):
        self.graph, self.candidates = graph, candidates
        self.b = Builder()
        self.natural: dict[Node, Node] = {}
        self.turned: dict[Node, Node] = {}
        self.stored: set[Node] = set()
        self._reads: Counter[Node] = Counter()
        for node in candidates:
            for x in node.inputs:
                self._reads[x] += 1 if is_statement(node) else 2  # others may read an element again and again

    def run(self) -> tuple[Graph, set[Node]]:
        for node in self.graph.nodes:
            self.b.location = node.location
            if node in self.candidates:
                self._turn(node)
            else:
                self.natural[node] = self._kept(node)
        guards = [Guard(self._as_is(g.predicate), g.outcome, g.location) for g in self.graph.guards]
        outputs = [self._as_is(node) for node in self.graph.outputs]
        return Graph(self.graph.inputs, outputs, guards), self.stored

    def _kept(self, node: Node) -> Node:
        inputs = tuple(self._as_is(x) for x in node.inputs)
        if inputs == node.inputs:
            return node
        return Node(node.primitive, inputs, node.params, node.type, node.location)

    def _as_is(self, node: Node) -> Node:
        """Return a node in its own order of axes."""
        known = self.natural.get(node)
        if known is None:
            order = _order(node.shape)
            back = tuple(order.index(axis) for axis in range(len(order)))
            known = self.natural[node] = self.b.transpose(self.turned[node], perm=back)
        return known

    def _in_turn(self, node: Node) -> tuple[Node, Order]:
        """Return a node with its longest axis last, if its shape asks for that, and the order of axes."""
        order = _order(node.shape)
        if order is None:
            return self._as_is(node), tuple(range(len(node.shape)))
        known = self.turned.get(node)
        if known is None:
            known = self.turned[node] = self.b.transpose(self.natural[node], perm=order)
            if node.name != "take" and self._reads[node] > 1:  # rows are looked up in any order
                self.stored.add(known)
        return known, order

    def _turn(self, node: Node) -> None:
        rule = {"contract": self._contract, "broadcast": self._broadcast, "const": self._const}.get(node.name)
        if node.name in REDUCTIONS:
            rule = self._reduction
        elif node.name == "reshape":
            rule = self._reshape
        elif node.name in _PLACED:
            rule = self._place
        (rule or self._elementwise)(node)

    def _elementwise(self, node: Node) -> None:
        inputs = tuple(self._in_turn(x)[0] for x in node.inputs)
        order = _order(node.shape)
        type_ = Type(tuple(node.shape[axis] for axis in order), node.dtype)
        self.turned[node] = Node(node.primitive, inputs, node.params, type_, node.location)

    def _place(self, node: Node) -> None:
        """Slices, pads and concatenations: what they say of axes is put in the new order."""
        order = next(filter(None, (_order(x.shape) for x in (node, *node.inputs))))
        inputs = [
            self._in_turn(x)[0] if _order(x.shape) else self.b.transpose(self._as_is(x), perm=order)
            for x in node.inputs
        ]
        params = {
            name: order.index(value) if name == "axis" else tuple(value[axis] for axis in order)
            for name, value in node.params.items()
        }
        self._enter(node, self.b.emit(node.primitive, *inputs, **params), order)

    def _const(self, node: Node) -> None:
        value = np.ascontiguousarray(np.transpose(node.params["value"], _order(node.shape)))
        value.flags.writeable = False
        self.turned[node] = self.b.emit(node.primitive, **(node.params | {"value": value}))

    def _reshape(self, node: Node) -> None:
        shape = tuple(node.shape[axis] for axis in _order(node.shape))
        self.turned[node] = self.b.reshape(self._in_turn(node.inputs[0])[0], shape=shape)

    def _broadcast(self, node: Node) -> None:
        order, axes = _order(node.shape), node.params["axes"]
        x, before = self._in_turn(node.inputs[0])
        places = [order.index(axes[axis]) for axis in before]
        if places != sorted(places):
            perm = tuple(int(k) for k in np.argsort(places))
            x = self.b.transpose(x, perm=perm)
            places.sort()
        shape = tuple(node.shape[axis] for axis in order)
        self.turned[node] = self.b.broadcast(x, shape=shape, axes=tuple(places))

    def _reduction(self, node: Node) -> None:
        x, order = self._in_turn(node.inputs[0])
        axes = reduced_axes(node)
        result = self.b.emit(node.primitive, x, axes=tuple(sorted(order.index(axis) for axis in axes)))
        kept = [axis for axis in range(len(order)) if axis not in axes]
        self._enter(node, result, tuple(kept.index(axis) for axis in order if axis in kept))

    def _contract(self, node: Node) -> None:
        operands, letters = [], []
        for x, names in zip(node.inputs, node.params["spec"][:2], strict=True):
            operand, order = self._in_turn(x)
            operands.append(operand)
            letters.append("".join(names[axis] for axis in order))
        out = node.params["spec"][2]
        order = _order(node.shape) or tuple(range(len(out)))
        spec = (*letters, "".join(out[axis] for axis in order))
        self._enter(node, self.b.contract(*operands, spec=spec), order)

    def _enter(self, node: Node, result: Node, order: Order) -> None:
        """Enter a result by the order of its axes: that of turned arrays, or any other, undone."""
        if order == _order(node.shape):
            self.turned[node] = result
        elif order == tuple(range(len(order))):
            self.natural[node] = result
        else:
            back = tuple(order.index(axis) for axis in range(len(order)))
            self.natural[node] = self.b.transpose(result, perm=back)
