"""Derivatives of `call`: calls of the callee's own tangent, transpose, power series and batch.

A callee's derivative is made once and kept with it, so eight stages of a step share one.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from diffsci.graph import Builder, Graph, Node, lookup
from diffsci.transforms.batch import batch_graph
from diffsci.transforms.forward import tangent_graph
from diffsci.transforms.reverse import transpose_graph
from diffsci.transforms.simplify import simplify
from diffsci.transforms.taylor import Coefficients, series_graph

_derived: weakref.WeakKeyDictionary[Graph, dict[Any, Any]] = weakref.WeakKeyDictionary()


def once(graph: Graph, key: Any, make: Callable[[], Any]) -> Any:
    """Return what `make` gave for this graph and key the first time."""
    table = _derived.setdefault(graph, {})
    if key not in table:
        table[key] = make()
    return table[key]


def _jvp(b: Builder, node: Node, tangents: list[Node | None]) -> list[Node | None]:
    graph = node.params["graph"]
    active = tuple(tangent is not None for tangent in tangents)

    def make():
        tangent, kept = tangent_graph(graph, active)
        return simplify(tangent), kept

    callee, kept = once(graph, ("tangent", active), make)
    seeds = [tangent for tangent in tangents if tangent is not None]
    moved = b.call(*node.inputs, *seeds, graph=callee)
    out: list[Node | None] = [None] * len(node.type)
    for position, index in enumerate(kept):
        out[index] = b.project(moved, index=position)
    return out


def _transpose(b: Builder, node: Node, cts: list[Node], linear: list[bool]) -> list[Node | None]:
    graph = node.params["graph"]
    flags = tuple(linear)
    callee = once(graph, ("transpose", flags), lambda: simplify(transpose_graph(graph, flags)))
    rest = [x for x, is_linear in zip(node.inputs, linear, strict=True) if not is_linear]
    pulled = b.call(*rest, *cts, graph=callee)
    back = iter(range(len(pulled.type)))
    return [b.project(pulled, index=next(back)) if is_linear else None for is_linear in linear]


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


RULES = {"jvp": _jvp, "transpose": _transpose, "taylor": _taylor, "batch": _batch}


def _enter_rules() -> None:
    """Complete the record of `call`, whose rules need the transformations above."""
    record = lookup("call")
    for name, rule in RULES.items():
        object.__setattr__(record, name, rule)


_enter_rules()
