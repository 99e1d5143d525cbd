"""Looking into loops and solvers: which of their steps made a value that is not finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.explanation.blame import Blame, Frame, Origin, not_finite, values_of
from diffsci.graph import Graph, Node

__all__ = ["look_inside"]


class _Found(Exception):
    """Ends the run of a loop."""


class _Watcher:
    """Runs the steps of one operation and follows what is not finite to where it began.

    Attributes
    ----------
    origins : list of Origin
        Of the first step with a NaN of its own; else of the first with an overflow of its own.
    """

    def __init__(self, node: Node, frames: tuple[Frame, ...]):
        self.node, self.frames = node, frames
        self.origins: list[Origin] = []
        self._steps = 0

    def evaluate(self, graph: Graph, inputs: Sequence[Any], place: str = "") -> list[np.ndarray]:
        """Return the outputs of a step's program; end the run where a NaN began."""
        values = values_of(graph, inputs)
        outputs = [np.asarray(values[y]) for y in graph.outputs]
        self._steps += 1
        nans = [not_finite(y, infs=False) for y in outputs]
        if any(mask is not None for mask in nans):
            self._follow(graph, values, nans, place)
            if self.origins:  # of this step, or of the one that made an input infinite
                raise _Found
        elif not self.origins:
            self._follow(graph, values, [not_finite(y) for y in outputs], place)
        return outputs

    def _follow(self, graph: Graph, values: dict, masks: list, place: str) -> None:
        if any(mask is not None for mask in masks):
            frames = (*self.frames, Frame(self.node, place))
            blame = Blame(graph, values, look_inside, frames, (self._steps,)).back(masks)
            self.origins = blame.origins or self.origins


def look_inside(node: Node, operands: list, frames: tuple[Frame, ...]) -> list[Origin]:
    """Return where values that are not finite began in a loop or a solver; nothing if it was not in there.

    Parameters
    ----------
    node : Node
        Of the family ``host`` or ``implicit``.
    operands : list
    frames : tuple of Frame
        What `node` runs inside of.
    """
    watcher = _Watcher(node, frames)
    try:
        with np.errstate(all="ignore"):
            if node.primitive.family == "host":
                _run_loop(node, operands, watcher)
            else:
                _run_equations(node, operands, watcher)
    except _Found:
        pass
    return watcher.origins


def _run_loop(node: Node, operands: list, watcher: _Watcher) -> None:
    loop = node.params["loop"].watched(watcher.evaluate)
    if loop is not None and node.name != "host_spread":
        node.primitive.value(*operands, **(node.params | {"loop": loop}))


def _run_equations(node: Node, operands: list, watcher: _Watcher) -> None:
    """A residual at the start of its iteration, or the product with the right-hand side."""
    equations = node.params["problem"] if node.name == "root" else node.params["operator"]
    graph = equations.graph
    if graph.input_types == tuple(x.type for x in node.inputs):  # otherwise it has many members
        watcher.evaluate(Graph(graph.inputs, graph.outputs), operands, "at the start")
