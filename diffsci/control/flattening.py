"""A program as it ran at one point: calls written out, branches chosen, rolled loops unrolled.

What is left are single operations with their values, in the order in which they ran, so each of them can be
looked at. Host loops other than rolled ones (time integrations) stay one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.control.body import CARRY, ITEM
from diffsci.control.rolled import RolledLoop
from diffsci.graph import Builder, Graph, Node, Type
from diffsci.graph.interpreter import evaluate
from diffsci.primitives.custom import called_graph
from diffsci.transforms import inline, jvp_graph, vjp_graph

__all__ = ["Flat", "flatten_program"]

MOST_NODES = 50_000  # of an unrolled loop; a longer one stays one operation


@dataclass(frozen=True)
class Flat:
    """A program without sub-programs, and the value of each of its operations.

    Attributes
    ----------
    graph : Graph
    values : dict
        Node -> value at this point (a tuple for an operation with several results).
    """

    graph: Graph
    values: dict[Node, Any]


def flatten_program(graph: Graph, inputs: Sequence[Any]) -> Flat:
    """Return what ran: the program of one path, without calls, branches and rolled loops.

    Parameters
    ----------
    graph : Graph
    inputs : sequence of array_like
        Where it runs; the branches taken and the numbers of steps are those met here.
    """
    writer = _Writer()
    own = [writer.input(x.type, np.asarray(value)) for x, value in zip(graph.inputs, inputs, strict=True)]
    with np.errstate(all="ignore"):
        outputs = writer.inline(graph, own)
    flat = Graph(own, outputs)
    return Flat(flat, {node: writer.values[node] for node in flat.nodes})


class _Writer:
    """Emits operations and computes them at once."""

    def __init__(self) -> None:
        self.b = Builder()
        self.values: dict[Node, Any] = {}

    def input(self, type_: Type, value: np.ndarray) -> Node:
        node = self.b.input(type_)
        self.values[node] = value
        return node

    def emit(self, node: Node, operands: Sequence[Node]) -> Node:
        self.b.location = node.location
        made = self.b.emit(node.primitive, *operands, **node.params)
        if made not in self.values:
            self.values[made] = evaluate(made, [self.values[x] for x in made.inputs])
        return made

    def inline(self, graph: Graph, inputs: Sequence[Node]) -> list[Node]:
        """Write out a graph on these inputs; return its outputs."""
        moved: dict[Node, Any] = dict(zip(graph.inputs, inputs, strict=True))
        for node in graph.nodes:
            if node in moved:
                continue
            operands = [moved[x] for x in node.inputs]
            if node.name == "project" and isinstance(operands[0], list):
                moved[node] = operands[0][node.params["index"]]
            else:
                moved[node] = self._written(node, operands)
        return [moved[y] for y in graph.outputs]

    def _written(self, node: Node, operands: list) -> Any:
        """Return a node, or the list of results of what was written out."""
        callee = called_graph(node)
        if callee is not None:
            return self.inline(callee, operands)
        if node.name == "cond":
            taken = "true" if self.values[operands[0]] else "false"
            return self.inline(node.params[taken], operands[1:])
        if node.primitive.family == "host" and isinstance(node.params["loop"], RolledLoop):
            unrolled = self._unrolled(node, operands)
            if unrolled is not None:
                return unrolled
        return self.emit(node, operands)

    def _unrolled(self, node: Node, operands: list) -> list | None:
        loop = node.params["loop"]
        if node.name == "host_run":
            made = self.emit(node, operands)
            tape = self.b.project(made, index=len(node.type) - 1)
            self.values[tape] = self.values[made][-1]
            found = self._inlined_loop(loop, self.values[tape], operands, lambda graph: graph, operands)
            return None if found is None else [*found, tape]
        derivative = DERIVATIVES.get(node.name)
        if derivative is None:  # a tape that serves many members
            return None
        count = node.params["inputs"]
        x, tape, rest = operands[:count], operands[count], operands[count + 1 :]
        return self._inlined_loop(loop, self.values[tape], x, derivative, [*x, *rest])

    def _inlined_loop(
        self, loop: RolledLoop, tape: Any, x: list, derivative: Callable[[Graph], Graph], operands: list
    ) -> list | None:
        steps = tape[()].steps
        if steps * len(loop.body.graph.nodes) > MOST_NODES:
            return None
        return self.inline(derivative(unrolled(loop, [node.type for node in x], steps)), operands)


def unrolled(loop: RolledLoop, types: Sequence[Type], steps: int) -> Graph:
    """Return so many steps of a rolled loop as one graph."""
    b, body = Builder(), loop.body
    x = [b.input(type_) for type_ in types]
    current = list(x)
    rows: dict[int, list[Node]] = {place: [] for place in body.out_places(ITEM)}
    for k in range(steps):
        row = steps - 1 - k if loop.reverse else k
        for place in body.places(ITEM):
            current[place] = _row(b, x[place], row, loop.depths[place])
        outputs, _ = inline(b, body.graph, [b.const(k, np.int64), *current])
        for place, out in zip(body.places(CARRY), body.out_places(CARRY), strict=True):
            current[place] = outputs[out]
        for out in rows:
            rows[out].append(outputs[out])
    carried = iter([current[place] for place in body.places(CARRY)])
    kinds = body.graph.output_types
    found = [
        next(carried) if role == CARRY else _stacked(b, rows[k], kinds[k], loop)
        for k, role in enumerate(body.out_roles)
    ]
    return Graph(x, found)


def _row(b: Builder, x: Node, row: int, axis: int) -> Node:
    start, stop = [0] * len(x.shape), list(x.shape)
    start[axis], stop[axis] = row, row + 1
    cut = b.slice(x, start=tuple(start), stop=tuple(stop), step=(1,) * len(x.shape))
    return b.reshape(cut, shape=(*x.shape[:axis], *x.shape[axis + 1 :]))


def _stacked(b: Builder, rows: list[Node], kind: Type, loop: RolledLoop) -> Node:
    axis = loop.depth
    if not rows:
        return b.zeros(Type((*kind.shape[:axis], 0, *kind.shape[axis:]), kind.dtype))
    wide = [b.reshape(row, shape=(*kind.shape[:axis], 1, *kind.shape[axis:])) for row in rows]
    if loop.reverse:
        wide.reverse()
    return wide[0] if len(wide) == 1 else b.concatenate(*wide, axis=axis)


def _tangents(graph: Graph) -> Graph:
    """(x, dx) -> dy."""
    pushed = jvp_graph(graph)
    return Graph(pushed.inputs, pushed.outputs[len(graph.outputs) :])


def _cotangents(graph: Graph) -> Graph:
    """(x, w) -> xbar."""
    pulled = vjp_graph(graph)
    return Graph(pulled.inputs, pulled.outputs[len(graph.outputs) :])


def _second(graph: Graph) -> Graph:
    """(x, w, dx, dw) -> the derivative of the cotangents in that direction."""
    return _tangents(_cotangents(graph))


# What the derivatives of a host loop compute of it: see `diffsci.primitives.host`.
DERIVATIVES = {"host_jvp": _tangents, "host_vjp": _cotangents, "host_hvp": _second}
