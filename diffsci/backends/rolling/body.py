"""The body of a loop as a graph, and the arrays that its iterations walk through."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np

from diffsci.backends.rolling.loops import Constant, Loop, Moving, Own, Same, Source, Walked, written
from diffsci.backends.rolling.repeat import REPEAT
from diffsci.backends.rolling.views import is_view, narrowest, rows_of_views
from diffsci.graph import Builder, Graph, Guard, Node, Type

__all__ = ["Body", "Rows", "collected"]


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

    def stack(self, b: Builder, count: int) -> Node:
        """Return the rows of so many iterations, one behind the other."""
        if (self.first, self.stride, count) == (0, 1, self.array.shape[0]):
            return self.array
        ends = self.first, self.first + self.stride * (count - 1)
        rest = self.array.shape[1:]
        start, stop = (min(ends), *(0 for _ in rest)), (max(ends) + 1, *rest)
        step = (abs(self.stride), *(1 for _ in rest))
        rows = b.slice(self.array, start=start, stop=stop, step=step)
        return b.flip(rows, axes=(0,)) if self.stride < 0 else rows

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
        self.tables: dict[Source, Rows] = {}
        self.views: dict[tuple[Node, Node], Node] = {}
        self.new: dict[int, Node] = {}
        for place in range(loop.period):
            if place not in loop.writes:
                node = loop.at(place, 0)
                pairs = zip(loop.sources[place], node.inputs, strict=True)
                inputs = tuple(self._operand(source, x) for source, x in pairs)
                self.new[place] = Node(node.primitive, inputs, node.params, node.type, node.location)

    def _operand(self, source: Source, x: Node) -> Node:
        """Return what stands for an operand in the body."""
        if isinstance(source, Same):
            if x.is_known:
                return x
            smallest = narrowest(x)
            node = self.value(smallest)
            return self._view(x, self._input(self.fixed, node, node.type), smallest)
        if isinstance(source, Own):
            whole = self.new[source.place] if source.lag == 0 else self._carried(source.place, source.lag)
        else:
            whole = self._row(self.rows_of(source))
        return self._view(x, whole, source.views[0] if isinstance(source, Moving) else None)

    def _view(self, x: Node, whole: Node, bottom: Node | None = None) -> Node:
        """Return the same view of what stands for its root, or for the `bottom` of its steps."""
        if x is bottom or not is_view(x):
            return whole
        if (x, whole) not in self.views:
            inner = self._view(x.inputs[0], whole, bottom)
            self.views[x, whole] = Node(x.primitive, (inner,), x.params, x.type, x.location)
        return self.views[x, whole]

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

    def rows_of(self, source: Constant | Moving | Own | Walked) -> Rows:
        """Return where the values of all iterations lie."""
        if isinstance(source, Own):
            return self.rows[self.loop, source.place]
        if isinstance(source, Walked):
            return self.rows[source.loop, source.place].every(source.first, source.stride)
        if source not in self.tables:
            if isinstance(source, Moving):
                made = Rows(*rows_of_views(self.outer, source.views, self.value(source.whole)))
            else:
                values = np.stack([x.params["value"] for x in source.nodes])
                made = Rows(self.outer.const(values))
            self.tables[source] = made
        return self.tables[source]

    def emit(self, stacked: Sequence[int], last: Sequence[int], checks, smaller, finals) -> None:
        """Emit the repetition and enter its results where they belong.

        `checks` are guards of every iteration: place, outcome, location. `smaller` is applied to the body.
        """
        predicates = [(self.new[place], outcome, location) for place, outcome, location in checks]
        outputs: dict[Node, int] = {}
        carries = []
        for place, lag in self.carried:
            following = self.new[place] if lag == 1 else self.carried[place, lag - 1]
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
                self.rows[self.loop, place] = Rows(result)
            else:
                finals[self.loop, place] = result


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
