"""Programs around host loops: segments between them, each a program of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from diffsci.graph import Builder, Graph, Guard, Node
from diffsci.graph.ir import topological
from diffsci.graph.namespaces import as_array
from diffsci.primitives.custom_loop import CustomLoop
from diffsci.primitives.host import contiguous
from diffsci.source import at

if TYPE_CHECKING:
    from diffsci.backends.plan.report import ProgramReport

__all__ = ["Place", "Split", "has_loops"]


class Place(Protocol):
    """Where segments and loops run."""

    def segment(self, graph: Graph) -> Any:
        """Return the executable of a segment; what it returns lies where the loops want it."""

    def loop(self, loop: CustomLoop, where: str) -> CustomLoop:
        """Return a loop as it runs there; `where` names the user's line in messages."""

    def enter(self, inputs: Sequence[Any]) -> tuple[list[Any], Callable[[list], list]]:
        """Bring the inputs there; return them, and the function that brings the outputs back."""

    def constant(self, value: np.ndarray) -> Any:
        """Bring a constant there."""


def has_loops(graph: Graph) -> bool:
    """Tell whether a graph runs host loops itself, not only in graphs that it calls."""
    return any(primitive.family == "host" for primitive in graph.primitives)


class Split:
    """Segments between host loops.

    Stage L computes what depends on the results of at most L loops in a row, then runs the loops
    that need just that.
    """

    def __init__(self, graph: Graph, place: Place):
        self.graph, self._place = graph, place
        self._constants: dict[Node, Any] = {}
        levels = _levels(graph)
        self.stages = []
        users = _users(graph)
        for level in range(max(levels.values(), default=0) + 1):
            segment = _segment(graph, levels, users, level, place)
            loops = [n for n in graph.nodes if n.primitive.family == "host" and levels[n] == level]
            projections = [(n, [user for user in users[n] if user.name == "project"]) for n in loops]
            self.stages.append((segment, [(n, _runner(n, users[n], place)) for n in loops], projections))

    def run(self, inputs):
        """See `executables.Executable`."""
        inputs, leave = self._place.enter(inputs)
        values: dict[Node, Any] = dict(zip(self.graph.inputs, inputs, strict=True))
        for segment, loops, projections in self.stages:
            if segment is not None:
                status, outputs = segment.executable.run([values[x] for x in segment.reads])
                if status:
                    self._failed = segment
                    return status, []
                values.update(zip(segment.writes, outputs, strict=True))
            for node, run in loops:
                values[node] = run(*(self._operand(values, x) for x in node.inputs))
            for node, users in projections:
                for user in users:
                    values[user] = as_array(values[node][user.params["index"]])
        return 0, leave([self._operand(values, y) for y in self.graph.outputs])

    def _operand(self, values: dict, node: Node):
        if not node.is_const:
            return values[node]
        if node not in self._constants:
            self._constants[node] = self._place.constant(node.params["value"])
        return self._constants[node]

    def message(self, status: int) -> str:
        """See `executables.Executable`."""
        return self._failed.executable.message(status)

    @property
    def text(self) -> str:
        """See `executables.Executable`."""
        parts = []
        for segment, loops, _ in self.stages:
            if segment is not None:
                parts.append(segment.executable.text)
            parts += [f"; host loop {node.name} of {node.params['loop']!r}" for node, _ in loops]
        return "\n".join(parts)

    def report(self) -> ProgramReport:
        """See `executables.Executable`: the segments are programs that it calls; the loops count nothing."""
        from diffsci.backends.plan.report import joined

        stages = []
        for segment, loops, _ in self.stages:
            if segment is not None:
                stages.append(segment.executable.report())
            stages += [f"loop in Python: {node.name} of {node.params['loop']!r}" for node, _ in loops]
        return joined(stages)


def _runner(node: Node, users: list[Node], place: Place):
    """Return what runs a host operation; a loop whose tape nobody reads leaves none."""
    loop = place.loop(node.params["loop"], at(node.location))
    tape = len(node.type) - 1 if node.name == "host_run" else None
    if tape is not None and all(user.params["index"] != tape for user in users):
        return lambda *x: loop.outputs(contiguous(x))
    return functools.partial(node.primitive.value, **(node.params | {"loop": loop}))


class _Segment:
    """A native piece: the values it reads and those it leaves for later."""

    def __init__(self, executable: Any, reads: list[Node], writes: list[Node]):
        self.executable = executable
        self.reads = reads
        self.writes = writes


def _levels(graph: Graph) -> dict[Node, int]:
    levels: dict[Node, int] = {}
    for node in graph.nodes:
        behind = max((levels[x] for x in node.inputs), default=0)
        after_loop = node.name == "project" and node.inputs[0].primitive.family == "host"
        levels[node] = behind + 1 if after_loop else behind
    return levels


def _users(graph: Graph) -> dict[Node, list[Node]]:
    users: dict[Node, list[Node]] = {node: [] for node in graph.nodes}
    for node in graph.nodes:
        for x in node.inputs:
            users[x].append(node)
    return users


def _is_given(node: Node) -> bool:
    """Values that are there without computing: inputs, constants, results of loops."""
    if node.name in ("input", "const") or node.primitive.family == "host":
        return True
    return node.name == "project" and node.inputs[0].primitive.family == "host"


def _segment(graph: Graph, levels, users, level: int, place: Place) -> _Segment | None:
    inside = {n for n in graph.nodes if levels[n] == level and not _is_given(n)}
    guards = [g for g in graph.guards if levels[g.predicate] == level]
    if not inside and not guards:
        return None
    outputs = set(graph.outputs)
    writes = [
        n
        for n in graph.nodes
        if n in inside
        and not isinstance(n.type, tuple)
        and (n in outputs or any(user not in inside for user in users[n]))
    ]
    needed = [x for n in inside for x in n.inputs] + [g.predicate for g in guards]
    reads = [x for x in graph.nodes if x in set(needed) and x not in inside and not x.is_const]
    return _Segment(place.segment(_cut(reads, writes, guards)), reads, writes)


def _cut(reads: list[Node], writes: list[Node], guards: list[Guard]) -> Graph:
    """Return the graph from `reads` to `writes`, with inputs in place of what was computed before."""
    b = Builder()
    moved = {x: b.input(x.type) for x in reads}
    for node in topological([*(g.predicate for g in guards), *writes]):
        _move(b, node, moved)
    new_guards = [Guard(moved[g.predicate], g.outcome, g.location) for g in guards]
    return Graph([moved[x] for x in reads], [moved[y] for y in writes], new_guards)


def _move(b, node: Node, moved: dict[Node, Node]) -> None:
    if node in moved or any(x not in moved for x in node.inputs) or node.name == "input":
        return
    b.location = node.location
    moved[node] = b.emit(node.primitive, *(moved[x] for x in node.inputs), **node.params)
