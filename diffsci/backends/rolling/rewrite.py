"""Write the loops of a program as repetitions of one body."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffsci.backends.rolling.body import Body, Rows, collected
from diffsci.backends.rolling.loops import Loop, Moving, Own, Same, Walked, is_array, loops_of
from diffsci.backends.rolling.order import in_order
from diffsci.backends.rolling.stretches import Stretch, repeating
from diffsci.backends.rolling.views import Views, is_view, root
from diffsci.graph import Builder, Graph, Guard, Node, verify

__all__ = ["rolled"]

_WORTHWHILE = 4000  # scalar statements saved: what takes a quarter of a second to compile
_ARRAY = 8  # statements that an operation on a longer array costs in a loop


def rolled(graph: Graph) -> Graph:
    """Return an equal graph whose repetitions are loops; the graph itself where too little is repeated."""
    if len(graph.nodes) * _ARRAY < _WORTHWHILE or sum(map(_weight, graph.nodes)) < _WORTHWHILE:
        return graph
    nodes = in_order(graph)
    saved = np.cumsum([0, *map(_weight, nodes)])
    views = Views()
    stretches = [s for s in repeating(nodes, views) if _saved(saved, s) >= _WORTHWHILE // 8]
    if sum(_saved(saved, s) for s in stretches) < _WORTHWHILE:
        return graph
    position = {node: number for number, node in enumerate(nodes)}
    loops = loops_of(nodes, position, _users(graph), views, stretches)
    return _Rewriting(graph, nodes, position, loops).graph() if loops else graph


def _weight(node: Node) -> int:
    """Return about how many statements an operation becomes."""
    type_ = node.type
    return 1 if isinstance(type_, tuple) or not type_.shape else min(type_.size, _ARRAY)


def _saved(behind: np.ndarray, stretch: Stretch) -> int:
    return int(behind[stretch.start + stretch.length] - behind[stretch.start + stretch.period])


def _users(graph: Graph) -> dict[Node, list[Node | None]]:
    """Return who reads arrays that are written in parts, and what is no array."""
    watched = (node for node in graph.nodes if node.name == "set_slice" or not is_array(node))
    users: dict[Node, list[Node | None]] = {node: [] for node in watched}
    for node in graph.nodes if users else ():
        for x in dict.fromkeys(node.inputs):
            if x in users:
                users[x].append(node)
    for node in (*graph.outputs, *(guard.predicate for guard in graph.guards)):
        if node in users:
            users[node].append(None)
    return users


class _Rewriting:
    """The new graph, written in the order of the old one.

    Attributes
    ----------
    rows : dict
        (loop, place) -> where the values of all iterations lie, if they are wanted.
    finals : dict
        (loop, place) -> the value of the last iteration, if only that is wanted.
    """

    def __init__(self, graph: Graph, nodes: Sequence[Node], position: dict[Node, int], loops: list[Loop]):
        self.old, self.nodes, self.position, self.loops = graph, nodes, position, loops
        self.b = Builder()
        self.home = np.full(len(nodes) + 1, -1)
        for number, loop in enumerate(loops):
            self.home[loop.start : loop.stop] = number
        self.checks: dict[Loop, list[tuple]] = {loop: [] for loop in loops}
        self.guards = self._guards()
        self.stacks: dict[Loop, set[int]] = {loop: set() for loop in loops}
        self.lasts: dict[Loop, set[int]] = {loop: set() for loop in loops}
        self._count_uses()
        self.new: dict[Node, Node] = {node: node for node in graph.nodes if not node.inputs or node.is_known}
        self.rows: dict[tuple[Loop, int], Rows] = {}
        self.finals: dict[tuple[Loop, int], Node] = {}

    def graph(self) -> Graph:
        """Return the new graph."""
        starts = {loop.start: loop for loop in self.loops}
        place = 0
        while place < len(self.nodes):
            loop = starts.get(place)
            if loop is None:
                self._move(self.nodes[place])
                place += 1
            else:
                self._repeat(loop)
                place = loop.stop
        guards = [Guard(self.value(g.predicate), g.outcome, g.location) for g in self.guards]
        outputs = [self.value(y) for y in self.old.outputs]
        return verify(Graph(self.old.inputs, outputs, guards), "rolled")

    def _move(self, node: Node) -> None:
        inputs = tuple(self.value(x) for x in node.inputs)
        if inputs != node.inputs:
            node, old = Node(node.primitive, inputs, node.params, node.type, node.location), node
            self.new[old] = node
        else:
            self.new[node] = node

    def _repeat(self, loop: Loop) -> None:
        self.b.location = loop.at(0, 0).location
        body = Body(self.b, loop, self.rows, self.value)
        stacked, last = (sorted(wanted[loop] - loop.writes) for wanted in (self.stacks, self.lasts))
        if len(loop.writes) < loop.period:
            body.emit(stacked, last, self.checks[loop], rolled, self.finals)
        for place in loop.writes:
            stack = body.rows_of(loop.sources[place][1]).stack(self.b, loop.count)
            self.finals[loop, place] = collected(self.b, loop, place, self.value(loop.at(place, -1)), stack)

    # ---- what of a loop is wanted outside ----------------------------------------------------------

    def _within(self, node: Node) -> tuple[Loop, int, int] | None:
        """Return loop, iteration and place of an operation inside of a loop, or of what a view shows."""
        at = self.position.get(root(node), -1)
        home = self.home[at]
        if home < 0:
            return None
        loop = self.loops[home]
        return loop, *divmod(at - loop.start, loop.period)

    def _guards(self) -> list[Guard]:
        """Return the guards that stay outside; those that every iteration has become guards of the body."""
        groups: dict[tuple, list[tuple[int, Guard]]] = {}
        for guard in self.old.guards:
            found = self._within(guard.predicate)
            if found is not None:
                loop, iteration, place = found
                key = (loop, place, guard.outcome, guard.location)
                groups.setdefault(key, []).append((iteration, guard))
        inner = set()
        for (loop, *check), members in groups.items():
            if [iteration for iteration, _ in members] == list(range(loop.count)):
                self.checks[loop].append(tuple(check))
                inner.update(id(guard) for _, guard in members)
        return [guard for guard in self.old.guards if id(guard) not in inner]

    def _count_uses(self) -> None:
        for loop in self.loops:
            for source in (s for sources in loop.sources for s in sources):
                self._use_source(loop, source)
            for place in loop.writes:
                value = loop.sources[place][1]
                if isinstance(value, Own):
                    self.stacks[loop].add(value.place)
        for number, node in enumerate(self.nodes):
            if self.home[number] < 0:
                for x in node.inputs:
                    self._use(x)
        for node in (*self.old.outputs, *(guard.predicate for guard in self.guards)):
            self._use(node)
        for loop in self.loops:
            self.lasts[loop] -= self.stacks[loop]

    def _use_source(self, loop: Loop, source) -> None:
        if isinstance(source, Walked):
            self.stacks[source.loop].add(source.place)
        elif isinstance(source, Same):
            self._use(source.node)
        elif isinstance(source, Moving):
            self._use(source.whole)
        elif isinstance(source, Own):
            for lag in range(1, source.lag + 1):
                self._use(loop.at(source.place, -lag))

    def _use(self, node: Node) -> None:
        found = self._within(node)
        if found is not None:
            loop, iteration, place = found
            (self.lasts if iteration == loop.count - 1 else self.stacks)[loop].add(place)

    # ---- values ------------------------------------------------------------------------------------

    def value(self, node: Node) -> Node:
        """Return what stands for a node outside of loops."""
        if is_view(node) and node not in self.new:
            self._move(node)
        if node in self.new:
            return self.new[node]
        loop, iteration, place = self._within(node)
        final = self.finals.get((loop, place))
        return final if final is not None else self.rows[loop, place].row(self.b, iteration)
