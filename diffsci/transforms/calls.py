"""Derivatives of `call`: calls of the callee's own tangent, transpose, power series and batch.

A callee's derivative is made once and kept with it, so eight stages of a step share one.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from diffsci.graph import Builder, Graph, Node, lookup
from diffsci.transforms.batch import batch_graph
from diffsci.transforms.forward import masked_tangent_graph
from diffsci.transforms.masks import Masks
from diffsci.transforms.reverse import masked_transpose_graph
from diffsci.transforms.simplify import simplify
from diffsci.transforms.taylor import Coefficients, series_graph

_derived: weakref.WeakKeyDictionary[Graph, dict[Any, Any]] = weakref.WeakKeyDictionary()


def once(graph: Graph, key: Any, make: Callable[[], Any]) -> Any:
    """Return what `make` gave for this graph and key the first time."""
    table = _derived.setdefault(graph, {})
    if key not in table:
        table[key] = make()
    return table[key]


def tangents_once(graph: Graph, active: tuple[bool, ...], masked: tuple[bool, ...]):
    """Return the callee's tangent with masks, simplified: see `masked_tangent_graph`."""

    def make():
        tangent, kept, flagged = masked_tangent_graph(graph, active, masked)
        return simplify(tangent), kept, flagged

    return once(graph, ("tangent", active, masked), make)


def given_tangents(tangents: list[Node | None], masks: Masks | None):
    """Return which tangents there are, which of them have masks, and both, as a callee takes them."""
    seeds = [tangent for tangent in tangents if tangent is not None]
    found = [masks.of(seed, hazard=True) if masks else None for seed in seeds]
    active = tuple(tangent is not None for tangent in tangents)
    return active, tuple(mask is not None for mask in found), [*seeds, *(m for m in found if m is not None)]


def projected(b: Builder, moved: Node, count: int, kept: list[int], flagged: list[int], masks: Masks | None):
    """Return a callee's tangents where they belong among `count` results, and enter their masks."""
    out: list[Node | None] = [None] * count
    for position, index in enumerate(kept):
        out[index] = b.project(moved, index=position)
    if masks is not None:
        for position, index in enumerate(flagged, start=len(kept)):
            masks.give(out[index], b.project(moved, index=position))
    return out


def _jvp(
    b: Builder, node: Node, tangents: list[Node | None], masks: Masks | None = None
) -> list[Node | None]:
    active, masked, operands = given_tangents(tangents, masks)
    callee, kept, flagged = tangents_once(node.params["graph"], active, masked)
    moved = b.call(*node.inputs, *operands, graph=callee)
    return projected(b, moved, len(node.type), kept, flagged, masks)


def given_cotangents(cts: list[Node | None], masks: Masks):
    """Return for each result whether its cotangent has a mask (None: no cotangent), and both as operands."""
    there = [ct for ct in cts if ct is not None]
    found = {ct: masks.of(ct, hazard=True) for ct in there}
    masked = tuple(None if ct is None else found[ct] is not None for ct in cts)
    return masked, [*there, *(found[ct] for ct in there if found[ct] is not None)]


def transpose_once(graph: Graph, linear: tuple[bool, ...], masked: tuple[bool | None, ...]):
    """Return the callee's transpose with masks, simplified: see `masked_transpose_graph`."""

    def make():
        transposed, flagged = masked_transpose_graph(graph, linear, masked)
        return simplify(transposed), flagged

    return once(graph, ("transpose", linear, masked), make)


def returned(b: Builder, pulled: Node, linear: Sequence[bool], flagged: list[int], masks: Masks):
    """Return a callee's cotangents, one per operand, and enter their masks."""
    count = sum(linear)
    back = iter(range(count))
    out = [b.project(pulled, index=next(back)) if is_linear else None for is_linear in linear]
    for position, index in enumerate(flagged, start=count):
        masks.give(out[index], b.project(pulled, index=position))
    return out


def _transpose(b: Builder, node: Node, cts: list[Node | None], linear: list[bool], masks: Masks):
    masked, operands = given_cotangents(cts, masks)
    callee, flagged = transpose_once(node.params["graph"], tuple(linear), masked)
    rest = [x for x, is_linear in zip(node.inputs, linear, strict=True) if not is_linear]
    pulled = b.call(*rest, *operands, graph=callee)
    return returned(b, pulled, linear, flagged, masks)


def given_coefficients(b: Builder, operands: Sequence[Node], series: Coefficients, order: int):
    """Return the operands' degrees as polynomials, and their coefficients as a callee's power series takes
    them.
    """
    rows = [[series(x, j) for j in range(1, order + 1)] for x in operands]
    degrees = tuple(max((j + 1 for j, c in enumerate(row) if c is not None), default=0) for row in rows)
    flat = [
        row[j] or b.zeros(x.type)
        for j in range(order)
        for x, row, degree in zip(operands, rows, degrees, strict=True)
        if j < degree
    ]
    return degrees, flat


def series_once(graph: Graph, order: int, degrees: tuple[int, ...]):
    """Return the callee's graph of coefficients, and where each stands: see `series_graph`."""

    def make():
        expanded, kept = series_graph(graph, order, degrees)
        return simplify(expanded), kept

    return once(graph, ("series", order, degrees), make)


def _taylor(b: Builder, node: Node, series: Coefficients, k: int) -> list[Node | None]:
    order = series.reach(node, k)
    degrees, coefficients = given_coefficients(b, node.inputs, series, order)
    callee, kept = series_once(node.params["graph"], order, degrees)
    called = b.call(*(series(x, 0) for x in node.inputs), *coefficients, graph=callee)
    positions = [kept.get((index, k)) for index in range(len(node.type))]
    return [None if at is None else b.project(called, index=at) for at in positions]


def _batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    graph = node.params["graph"]
    flags = tuple(batched)
    callee = once(graph, ("batch", flags, size), lambda: simplify(batch_graph(graph, flags, size)))
    return b.call(*inputs, graph=callee)


RULES = {
    "jvp": _jvp, "masked_jvp": _jvp, "masked_transpose": _transpose, "taylor": _taylor, "batch": _batch,
}  # fmt: skip


def _enter_rules() -> None:
    """Complete the record of `call`, whose rules need the transformations above."""
    record = lookup("call")
    for name, rule in RULES.items():
        object.__setattr__(record, name, rule)


_enter_rules()
