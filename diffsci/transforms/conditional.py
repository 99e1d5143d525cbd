"""Derivatives of `cond`: a choice between the derivatives of the branches.

Where only one branch depends on something, the other one's derivative is zero there. A batched predicate
runs both branches and selects; what was not selected is kept out of derivatives by structural masks.
"""

from __future__ import annotations

from diffsci.graph import Builder, Graph, Node, Type, lookup
from diffsci.primitives.shared import BOOL
from diffsci.transforms.batch import batch_graph
from diffsci.transforms.calls import (
    given_coefficients,
    given_cotangents,
    given_tangents,
    once,
    projected,
    returned,
    series_once,
    tangents_once,
    transpose_once,
)
from diffsci.transforms.inline import inline
from diffsci.transforms.masks import Masks
from diffsci.transforms.simplify import simplify
from diffsci.transforms.taylor import Coefficients

BRANCHES = ("true", "false")


def _branches(node: Node) -> list[Graph]:
    return [node.params[name] for name in BRANCHES]


def _filled(graph: Graph, kept: list, wanted: list, types: list[Type]) -> Graph:
    """Return a branch's derivative with zeros for what only the other branch moves."""
    if kept == wanted:
        return graph
    b = Builder()
    b.adopt(graph.nodes)
    found = dict(zip(kept, graph.outputs, strict=True))
    outputs = [found.get(key) or b.zeros(type_) for key, type_ in zip(wanted, types, strict=True)]
    return Graph(graph.inputs, outputs)


def _united(branches: list[tuple[Graph, list[int], list[int]]], types: list[Type]):
    """Return both branches' derivatives with the same results, and which these are.

    Parameters
    ----------
    branches : list
        A graph, the places of its values, and the places of the masks behind them; for each branch.
    types : list of Type
        Of the places.

    Returns
    -------
    graphs : list of Graph
    kept, flagged : list of int
        The places of the values and of the masks. What only one branch moves is zero in the other
        one, and its mask False.
    """
    kept = sorted({k for _, own, _ in branches for k in own})
    flagged = [k for k in kept if any(k in shown or k not in own for _, own, shown in branches)]
    graphs = []
    for graph, own, shown in branches:
        b = Builder()
        b.adopt(graph.nodes)
        values = dict(zip(own, graph.outputs, strict=False))
        masks = dict(zip(shown, graph.outputs[len(own) :], strict=True))
        outputs = [values.get(k) or b.zeros(types[k]) for k in kept]
        flags = [masks.get(k) or b.full(Type(types[k].shape, BOOL), k in own) for k in flagged]
        graphs.append(Graph(graph.inputs, [*outputs, *flags]))
    return graphs, kept, flagged


def _jvp(
    b: Builder, node: Node, tangents: list[Node | None], masks: Masks | None = None
) -> list[Node | None]:
    active, masked, operands = given_tangents(tangents[1:], masks)

    def make():
        return _united([tangents_once(graph, active, masked) for graph in _branches(node)], list(node.type))

    key = ("cond tangent", node.params["false"], active, masked)
    (true, false), kept, flagged = once(node.params["true"], key, make)
    if not kept:
        return [None] * len(node.type)
    moved = b.cond(*node.inputs, *operands, true=true, false=false)
    return projected(b, moved, len(node.type), kept, flagged, masks)


def _transpose(b: Builder, node: Node, cts: list[Node | None], linear: list[bool], masks: Masks):
    if linear[0]:
        raise TypeError("cond is not linear in its predicate")
    flags = tuple(linear[1:])
    masked, operands = given_cotangents(cts, masks)
    places = [k for k, flag in enumerate(flags) if flag]

    def make():
        pulled = [transpose_once(graph, flags, masked) for graph in _branches(node)]
        types = [x.type for x in node.inputs[1:]]
        graphs, _, flagged = _united([(graph, places, shown) for graph, shown in pulled], types)
        return graphs, flagged

    (true, false), flagged = once(
        node.params["true"], ("cond transpose", node.params["false"], flags, masked), make
    )
    rest = [x for x, is_linear in zip(node.inputs[1:], flags, strict=True) if not is_linear]
    pulled = b.cond(node.inputs[0], *rest, *operands, true=true, false=false)
    return [None, *returned(b, pulled, flags, flagged, masks)]


def _taylor(b: Builder, node: Node, series: Coefficients, k: int) -> list[Node | None]:
    order, operands = series.reach(node, k), node.inputs[1:]
    degrees, coefficients = given_coefficients(b, operands, series, order)

    def make():
        expanded = [series_once(graph, order, degrees) for graph in _branches(node)]
        wanted = sorted({key for _, kept in expanded for key in kept})
        types = [node.type[index] for index, _ in wanted]
        return wanted, [_filled(graph, list(kept), wanted, types) for graph, kept in expanded]

    wanted, (true, false) = once(
        node.params["true"], ("cond series", node.params["false"], order, degrees), make
    )
    moved = b.cond(*(series(x, 0) for x in node.inputs), *coefficients, true=true, false=false)
    found = {key: position for position, key in enumerate(wanted)}
    positions = [found.get((index, k)) for index in range(len(node.type))]
    return [None if at is None else b.project(moved, index=at) for at in positions]


def _batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    flags = tuple(batched[1:])
    true, false = (
        once(graph, ("batch", flags, size), lambda graph=graph: simplify(batch_graph(graph, flags, size)))
        for graph in _branches(node)
    )
    if not batched[0]:
        return b.cond(*inputs, true=true, false=false)
    return b.call(*inputs, graph=_chosen(true, false, inputs[0]))


def _chosen(true: Graph, false: Graph, predicate: Node) -> Graph:
    """Return the graph that runs both branches and selects, member by member."""

    def make():
        b = Builder()
        chosen = b.input(predicate.type)
        inputs = [b.input(x.type) for x in true.inputs]
        yes, no = (inline(b, graph, inputs)[0] for graph in (true, false))
        picked = [_select(b, chosen, y, n) for y, n in zip(yes, no, strict=True)]
        return simplify(Graph([chosen, *inputs], picked))

    return once(true, ("chosen", false), make)


def _select(b: Builder, chosen: Node, yes: Node, no: Node) -> Node:
    axes = (0,)
    mask = b.broadcast(chosen, shape=yes.shape, axes=axes) if yes.shape != chosen.shape else chosen
    return b.select(mask, yes, no)


RULES = {
    "jvp": _jvp, "masked_jvp": _jvp, "masked_transpose": _transpose, "taylor": _taylor, "batch": _batch,
}  # fmt: skip


def _enter_rules() -> None:
    """Complete the record of `cond`, whose rules need the transformations above."""
    record = lookup("cond")
    for name, rule in RULES.items():
        object.__setattr__(record, name, rule)


_enter_rules()
