"""What a jitted function runs: native code, the interpreter, or native pieces around host loops."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import Graph, Guard, Node, interpreter
from diffsci.primitives.host import contiguous

if TYPE_CHECKING:
    from diffsci.backends.plan.report import ProgramReport

__all__ = ["Executable", "build"]


class Executable(Protocol):
    """Runs a graph: status 0 and outputs; k > 0 where guard k - 1 does not hold; < 0 on failure."""

    def run(self, inputs: Sequence[np.ndarray]) -> tuple[int, list[np.ndarray]]:
        """Run on arrays of the graph's input types."""

    def message(self, status: int) -> str:
        """Explain a status."""

    @property
    def text(self) -> str:
        """The generated program."""

    def report(self) -> ProgramReport:
        """Return what the program moves and computes."""


def build(graph: Graph, backend: str) -> Executable:
    """Return an executable of a graph.

    Raises
    ------
    ValueError
        For an unknown backend.
    UnsupportedError
        If the backend cannot run here.
    """
    if backend == "numpy":
        return Interpreted(graph)
    if backend == "numba":
        if any(node.primitive.family == "host" for node in graph.nodes):
            return Split(graph)
        return native(graph)
    if backend == "cupy":
        raise UnsupportedError("backend='cupy' is not available in this version: use backend='numba'")
    raise ValueError(f"backend={backend!r}, expected 'numba', 'numpy' or 'cupy'")


def native(graph: Graph) -> Executable:
    """Return native code; LLVM is imported here, not before."""
    from diffsci.backends.cpu import compile_graph

    return compile_graph(graph)


class Interpreted:
    """The graph, node by node, in NumPy."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def run(self, inputs):
        """See `Executable`."""
        broken = interpreter.first_broken_guard(self.graph, inputs)
        if broken is not None:
            return broken + 1, []
        return 0, interpreter.run(self.graph, inputs)

    def message(self, status: int) -> str:
        """See `Executable`."""
        return f"the program does not hold here ({self.graph.guards[status - 1].location})"

    @property
    def text(self) -> str:
        """See `Executable`."""
        return self.graph.text()

    def report(self) -> ProgramReport:
        """See `Executable`."""
        raise UnsupportedError("backend='numpy' has no plan: it runs the graph node by node; see graph()")


class Split:
    """Native segments between host loops.

    Stage L computes what depends on the results of at most L loops in a row, then runs the loops
    that need just that.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        levels = _levels(graph)
        self.stages = []
        users = _users(graph)
        for level in range(max(levels.values(), default=0) + 1):
            segment = _segment(graph, levels, users, level)
            loops = [n for n in graph.nodes if n.primitive.family == "host" and levels[n] == level]
            projections = [(n, [user for user in users[n] if user.name == "project"]) for n in loops]
            self.stages.append((segment, [(n, _runner(n, users[n])) for n in loops], projections))

    def run(self, inputs):
        """See `Executable`."""
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
                    values[user] = np.asarray(values[node][user.params["index"]])
        return 0, [self._operand(values, y) for y in self.graph.outputs]

    @staticmethod
    def _operand(values: dict, node: Node):
        return node.params["value"] if node.is_const else values[node]

    def message(self, status: int) -> str:
        """See `Executable`."""
        return self._failed.executable.message(status)

    @property
    def text(self) -> str:
        """See `Executable`."""
        parts = []
        for segment, loops, _ in self.stages:
            if segment is not None:
                parts.append(segment.executable.text)
            parts += [f"; host loop {node.name} of {node.params['loop']!r}" for node, _ in loops]
        return "\n".join(parts)

    def report(self) -> ProgramReport:
        """See `Executable`: the segments are programs that it calls; the loops count nothing."""
        from diffsci.backends.plan.report import joined

        stages = []
        for segment, loops, _ in self.stages:
            if segment is not None:
                stages.append(segment.executable.report())
            stages += [f"loop in Python: {node.name} of {node.params['loop']!r}" for node, _ in loops]
        return joined(stages)


def _runner(node: Node, users: list[Node]):
    """Return what runs a host operation; a loop whose tape nobody reads leaves none."""
    loop = node.params["loop"].compiled()
    tape = len(node.type) - 1 if node.name == "host_run" else None
    if tape is not None and all(user.params["index"] != tape for user in users):
        return lambda *x: loop.outputs(contiguous(x))
    return functools.partial(node.primitive.value, **(node.params | {"loop": loop}))


class _Segment:
    """A native piece: the values it reads and those it leaves for later."""

    def __init__(self, executable: Executable, reads: list[Node], writes: list[Node]):
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


def _segment(graph: Graph, levels, users, level: int) -> _Segment | None:
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
    return _Segment(native(_cut(reads, writes, guards)), reads, writes)


def _cut(reads: list[Node], writes: list[Node], guards: list[Guard]) -> Graph:
    """Return the graph from `reads` to `writes`, with inputs in place of what was computed before."""
    from diffsci.graph import Builder
    from diffsci.graph.ir import topological

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
