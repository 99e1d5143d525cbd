"""The step that runs a sub-program many times."""

from __future__ import annotations

from dataclasses import dataclass

from diffsci.backends.plan.program import Buffer, CallStep, View

__all__ = ["Kept", "RepeatStep", "Walk", "repeat_step"]


@dataclass(frozen=True)
class Walk:
    """Iteration k reads at element ``stride * k`` of a view."""

    view: View
    stride: int


@dataclass(frozen=True)
class Kept:
    """Where an output of the sub-program goes: `size` elements per iteration.

    The rows of all iterations lie behind each other in `view` if it is `stacked`. Otherwise `view` holds what
    the last iteration leaves, and a value that is carried alternates between the two rows of `ring` before.
    """

    size: int
    view: View | None
    stacked: bool
    ring: Buffer | None

    @property
    def buffer(self) -> Buffer:
        """Where the rows are written, all but the last at least."""
        return self.view.buffer if self.ring is None else self.ring


@dataclass
class RepeatStep:
    """Run a sub-program `count` times; operands follow each other as carried, walked, fixed.

    Attributes
    ----------
    call : CallStep
        The sub-program with its constants, workspace and status; inputs and outputs stand here.
    starts : list of View
        Values of the carried inputs in the first iteration.
    carries : list of int
        The output that each of them becomes.
    """

    call: CallStep
    count: int
    starts: list[View]
    carries: list[int]
    walks: list[Walk]
    fixed: list[View]
    kept: list[Kept]

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {view.buffer for view in (*self.starts, *(walk.view for walk in self.walks), *self.fixed)}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        views = {kept.view.buffer for kept in self.kept if kept.view is not None}
        rings = {kept.ring for kept in self.kept if kept.ring is not None}
        return views | rings | self.call.writes()


def repeat_step(layout, node) -> RepeatStep:
    """Return the step of a repetition; all operands lie in memory."""
    params = node.params
    graph, carries, rows = params["graph"], params["carries"], params["rows"]
    views = [layout.resolver.view(x) for x in node.inputs]
    state, walked = len(carries), len(carries) + len(rows)
    walks = []
    for x, view, (first, stride) in zip(node.inputs[state:], views[state:], rows, strict=False):
        size = x.type.size // x.shape[0]
        walks.append(Walk(View(view.buffer, view.offset + first * size), stride * size))
    results = dict(zip((*params["stacked"], *params["last"]), layout.parts(node), strict=True))
    kept = []
    for number, output in enumerate(graph.outputs):
        size, stacked = output.type.size, number in params["stacked"]
        view = results.get(number)
        alternating = number in carries and not stacked
        ring = layout.work(output.dtype, 2 * size) if alternating else None
        kept.append(Kept(size, view, stacked, ring))
    call = layout.call(node, graph, (), [])
    return RepeatStep(call, params["count"], views[:state], list(carries), walks, views[walked:], kept)
