"""Emit a graph's operations again, in another builder and on other inputs."""

from __future__ import annotations

from collections.abc import Sequence

from diffsci.graph import Builder, Graph, Guard, Node
from diffsci.transforms.masks import Masks, multiplies

__all__ = ["inline", "inline_directions"]


def inline(b: Builder, graph: Graph, inputs: Sequence[Node]) -> tuple[list[Node], list[Guard]]:
    """Return the outputs and guards of `graph` applied to `inputs`, emitted through `b`."""
    moved: dict[Node, Node] = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.nodes:
        if node not in moved:
            b.location = node.location
            moved[node] = b.emit(node.primitive, *(moved[x] for x in node.inputs), **node.params)
    guards = [Guard(moved[g.predicate], g.outcome, g.location) for g in graph.guards]
    return [moved[node] for node in graph.outputs], guards


def inline_directions(
    b: Builder, graph: Graph, inputs: Sequence[Node], directions: Sequence[Node]
) -> tuple[list[Node], list[Guard]]:
    """Inline a graph that is linear in some inputs, and these are structurally zero in places.

    Infinite slopes do not meet those zeros: column 1 of the Jacobian of sqrt at (0, 1) has nothing from
    element 0.
    """
    masks = Masks(b)
    moved: dict[Node, Node] = dict(zip(graph.inputs, inputs, strict=True))
    linear = set(directions)
    for node in graph.nodes:
        if node in moved:
            continue
        b.location = node.location
        operands = [moved[x] for x in node.inputs]
        new = b.emit(node.primitive, *operands, **node.params)
        moving = [x for x in operands if x in linear]
        if moving and (isinstance(new.type, tuple) or new.type.is_float):  # masks are no linear values
            if multiplies(new) and masks.is_hazard(new):
                new = masks.masked(masks.union(moving, hazard=True), new)
            linear.add(new)
        moved[node] = new
    guards = [Guard(moved[g.predicate], g.outcome, g.location) for g in graph.guards]
    return [moved[node] for node in graph.outputs], guards
