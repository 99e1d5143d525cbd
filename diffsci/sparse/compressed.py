"""Sparse Jacobians from few directions: colored seeds through one batched sweep, entries by one gather."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diffsci.graph import Builder, Graph, Guard, Node, Type, verify
from diffsci.sparse.recovery import recovered
from diffsci.transforms import tangent_graph, vjp_graph
from diffsci.transforms.seeds import colored_seeds, swept
from diffsci.transforms.simplify import simplify

if TYPE_CHECKING:
    from diffsci.coloring import Coloring

__all__ = ["compressed_graph", "result_dtype", "seeded_inputs"]


def compressed_graph(graph: Graph, active: Sequence[bool], coloring: Coloring) -> Graph:
    """Return the graph x -> entries of the Jacobian.

    Parameters
    ----------
    graph : Graph
        Rows of the Jacobian are the elements of its outputs in order, columns those of its active inputs.
    active : sequence of bool
    coloring : Coloring
        Of its pattern, which has entries.

    Returns
    -------
    Graph
        With one output: the vector of the entries.
    """
    b = Builder()
    inputs = [b.input(x.type) for x in graph.inputs]
    products: list[Node] = []
    guards: list[Guard] = []
    for colors, count, sweep in (
        (coloring.column_colors, coloring.column_count, _columns),
        (coloring.row_colors, coloring.row_count, _rows),
    ):
        if count:
            found, guards = sweep(b, graph, active, inputs, colors, count)
            products.append(b.reshape(found, shape=(found.type.size,)))
    together = b.concatenate(*products, axis=0) if len(products) > 1 else products[0]
    entries = recovered(b, together, coloring.decompression)
    return verify(simplify(Graph(inputs, [entries], guards)), "sparse Jacobian")


def seeded_inputs(graph: Graph, active: Sequence[bool]) -> list[Node]:
    """Return the inputs whose elements are the columns of the Jacobian."""
    return [x for x, flag in zip(graph.inputs, active, strict=True) if flag and x.type.is_float]


def result_dtype(graph: Graph) -> np.dtype:
    """Return the dtype of the entries: that of the results."""
    floats = [y.dtype for y in graph.outputs if y.type.is_float]
    return np.result_type(*floats) if floats else np.dtype(float)


def _columns(
    b: Builder, graph: Graph, active: Sequence[bool], inputs: list[Node], colors: np.ndarray, count: int
) -> tuple[Node, list[Guard]]:
    """Return the products with column directions, one row per color."""
    tangent, kept = tangent_graph(graph, active)
    seeds = colored_seeds(b, [x.type for x in seeded_inputs(graph, active)], colors, count)
    moved, guards = swept(b, tangent, inputs, seeds, count)
    by_output = dict(zip(kept, moved, strict=True))
    return _side_by_side(
        b, graph, [by_output.get(k) for k in range(len(graph.outputs))], graph.outputs, count
    ), guards


def _rows(
    b: Builder, graph: Graph, active: Sequence[bool], inputs: list[Node], colors: np.ndarray, count: int
) -> tuple[Node, list[Guard]]:
    """Return the products with row directions, one row per color."""
    pulled = vjp_graph(graph, active)
    backward = Graph(pulled.inputs, pulled.outputs[len(graph.outputs) :], pulled.guards)
    ends = np.cumsum([0, *(y.type.size for y in graph.outputs)])
    own = [colors[i:j] for i, j, y in zip(ends, ends[1:], graph.outputs, strict=False) if y.type.is_float]
    types = [y.type for y in graph.outputs if y.type.is_float]
    seeds = colored_seeds(b, types, np.concatenate(own), count)
    moved, guards = swept(b, backward, inputs, seeds, count)
    return _side_by_side(b, graph, moved, seeded_inputs(graph, active), count), guards


def _side_by_side(
    b: Builder, graph: Graph, parts: Sequence[Node | None], like: Sequence[Node], count: int
) -> Node:
    """Return the products of several values as one matrix; those that are absent are zero."""
    dtype = result_dtype(graph)
    found = []
    for part, node in zip(parts, like, strict=True):
        if part is None:
            found.append(b.zeros(Type((count, node.type.size), dtype)))
            continue
        part = part if part.dtype == dtype else b.convert(part, dtype=dtype)
        found.append(b.reshape(part, shape=(count, node.type.size)))
    return found[0] if len(found) == 1 else b.concatenate(*found, axis=1)
