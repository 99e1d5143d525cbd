"""The body of a loop as a graph, and the arrays that its iterations walk through."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np

from diffsci.backends.rolling.loops import Constant, Loop, Own, Same, Source, written
from diffsci.backends.rolling.repeat import REPEAT
from diffsci.graph import Builder, Graph, Guard, Node, Type

__all__ = ["Body", "Rows", "collected", "rows_of_slice"]


@dataclass(frozen=True)
class Rows:
    """Iteration k has row ``first + stride * k`` of an array."""

    array: Node
    first: int = 0
    stride: int = 1

    def every(self, first: int, stride: int) -> Rows:
        """Return the rows of iterations ``first + stride * k``."""
        return Rows(self.array, self.first + self.stride * first, self.stride * stride)

    def row(self, b: Builder, iteration: int) -> Node:
        """Return the row of one iteration."""
        k = self.first + self.stride * iteration
        rest = self.array.shape[1:]
        zeros, ones = (0,) * len(rest), (1,) * len(rest)
        part = b.slice(self.array, start=(k, *zeros), stop=(k + 1, *rest), step=(1, *ones))
        return b.reshape(part, shape=rest)

    @property
    def type(self) -> Type:
        """Type of one row."""
        return Type(self.array.shape[1:], self.array.dtype)


class Body:
    """One iteration: its inputs are carried values, rows, and values that stay."""

    def __init__(self, b: Builder, loop: Loop, rows, value: Callable[[Node], Node]):
        self.outer, self.loop, self.rows, self.value = b, loop, rows, value
        self.b = Builder()
        self.carried: dict[tuple[int, int], Node] = {}
        self.walked: dict[Rows, Node] = {}
        self.fixed: dict[Node, Node] = {}
        self.constants: dict[tuple[Node, ...], Rows] = {}
        self.new: dict[int, Node] = {}
        for place in range(loop.period):
            if place not in loop.moving:
                node = loop.at(place, 0)
                inputs = tuple(self._operand(source) for source in loop.sources[place])
                self.new[place] = Node(node.primitive, inputs, node.params, node.type, node.location)

    def _operand(self, source: Source) -> Node:
        if isinstance(source, Own):
            return self._at(source.place) if source.lag == 0 else self._carried(source.place, source.lag)
        if isinstance(source, Same):
            if source.node.is_known:
                return source.node
            node = self.value(source.node)
            return self._input(self.fixed, node, node.type)
        if isinstance(source, Constant):
            return self._row(self._table(source.nodes))
        return self._row(self.rows[source.loop, source.place].every(source.first, source.stride))

    def _at(self, place: int) -> Node:
        """Return the value of an operation in this iteration."""
        return self._row(self.rows[self.loop, place]) if place in self.loop.moving else self.new[place]

    def _carried(self, place: int, lag: int) -> Node:
        if lag > 1:
            self._carried(place, lag - 1)
        return self._input(self.carried, (place, lag), self.loop.at(place, 0).type)

    def _row(self, rows: Rows) -> Node:
        return self._input(self.walked, rows, rows.type)

    def _input(self, table: MutableMapping, key, type_: Type) -> Node:
        if key not in table:
            table[key] = self.b.input(type_)
        return table[key]

    def _table(self, nodes: tuple[Node, ...]) -> Rows:
        if nodes not in self.constants:
            self.constants[nodes] = Rows(self.outer.const(np.stack([x.params["value"] for x in nodes])))
        return self.constants[nodes]

    def emit(self, stacked: Sequence[int], last: Sequence[int], checks, smaller, rows, finals) -> None:
        """Emit the repetition and enter its results into `rows` and `finals`.

        `checks` are guards of every iteration: place, outcome, location. `smaller` is applied to the body.
        """
        predicates = [(self._at(place), outcome, location) for place, outcome, location in checks]
        outputs: dict[Node, int] = {}
        carries = []
        for place, lag in self.carried:
            following = self._at(place) if lag == 1 else self.carried[place, lag - 1]
            carries.append(outputs.setdefault(following, len(outputs)))
        results = [outputs.setdefault(self.new[place], len(outputs)) for place in (*stacked, *last)]
        inputs = [*self.carried.values(), *self.walked.values(), *self.fixed.values()]
        graph = smaller(Graph(inputs, outputs, [Guard(*check) for check in predicates]))
        operands = [self.value(self.loop.at(place, -lag)) for place, lag in self.carried]
        operands += [*(walk.array for walk in self.walked), *self.fixed]
        node = self.outer.emit(
            REPEAT,
            *operands,
            graph=graph,
            count=self.loop.count,
            carries=tuple(carries),
            rows=tuple((walk.first, walk.stride) for walk in self.walked),
            stacked=tuple(results[: len(stacked)]),
            last=tuple(results[len(stacked) :]),
        )
        for number, place in enumerate((*stacked, *last)):
            result = self.outer.project(node, index=number)
            if number < len(stacked):
                rows[self.loop, place] = Rows(result)
            else:
                finals[self.loop, place] = result


def rows_of_slice(b: Builder, loop: Loop, place: int, value: Callable[[Node], Node]) -> Rows:
    """Return the parts of an array that a moving slice takes, as rows."""
    node = loop.at(place, 0)
    x = value(loop.sources[place][0].node)
    starts = np.array([part.params["start"] for part in loop.all_of(place)])
    paces = np.diff(starts, axis=0)
    axes = np.flatnonzero(paces.any(axis=0))
    axis = int(axes[0])
    if len(axes) > 1 or (paces != paces[0]).any() or node.shape[axis] != 1:
        return Rows(_picked(b, x, node, starts))
    pace, step = int(paces[0, axis]), node.params["step"]
    if axis == 0 and node.shape[1:] == x.shape[1:]:
        return Rows(b.reshape(x, shape=(x.shape[0], *node.shape)), int(starts[0, 0]), pace)
    start = starts.min(axis=0)
    extent = [(n - 1) * s + 1 for n, s in zip(node.shape, step, strict=True)]
    stop = start + extent
    stop[axis] = starts[:, axis].max() + 1
    step = (*step[:axis], abs(pace), *step[axis + 1 :])
    part = b.slice(x, start=tuple(start.tolist()), stop=tuple(stop.tolist()), step=step)
    perm = (axis, *(k for k in range(len(step)) if k != axis))
    stack = b.reshape(b.transpose(part, perm=perm), shape=(loop.count, *node.shape))
    return Rows(stack) if pace > 0 else Rows(stack, loop.count - 1, -1)


def _picked(b: Builder, x: Node, node: Node, starts: np.ndarray) -> Node:
    """Return parts that move without a rule, one row for each, by the positions of their elements."""
    box = np.indices(node.shape).reshape(len(node.shape), -1).T * np.array(node.params["step"])
    points = starts[:, None, :] + box
    flat = np.ravel_multi_index(tuple(np.moveaxis(points, -1, 0)), x.shape)
    index = b.const(flat.reshape(len(starts), *node.shape), np.int64)
    return b.take(b.reshape(x, shape=(x.type.size,)), index, axis=0)


def collected(b: Builder, loop: Loop, place: int, base: Node, stack: Node) -> Node:
    """Return the array into which every iteration has written one piece."""
    axis, pace = written(loop, place)
    starts = np.array([node.params["start"] for node in loop.all_of(place)])
    value = loop.at(place, 0).inputs[1]
    rest = [n for k, n in enumerate(value.shape) if k != axis]
    stack = b.reshape(stack, shape=(loop.count, *rest))
    perm = (*range(1, axis + 1), 0, *range(axis + 1, len(value.shape)))
    pieces = b.transpose(stack, perm=perm)
    if pace < 0:
        pieces = b.flip(pieces, axes=(axis,))
    step = loop.at(place, 0).params["step"]
    step = (*step[:axis], abs(pace), *step[axis + 1 :])
    return b.set_slice(base, pieces, start=tuple(starts.min(axis=0).tolist()), step=step)
