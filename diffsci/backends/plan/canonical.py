"""Large contractions become batched matrix products, for the library routine to do."""

from __future__ import annotations

import math

from diffsci.backends.plan.resolve import letter_sizes
from diffsci.graph import Builder, Graph, Guard, Node

__all__ = ["canonical"]

_LARGE = 16_384
_THIN = 8


def canonical(graph: Graph) -> Graph:
    """Return the graph with every large contraction in the form ``bmk,bkn->bmn``.

    Operands may be stored transposed (``bkm``, ``bnk``): no copy is made for that.
    """
    if not any(_is_large(node) for node in graph.nodes):
        return graph
    b = Builder()
    new: dict[Node, Node] = {}
    for node in graph.nodes:
        inputs = tuple(new[x] for x in node.inputs)
        if _is_large(node):
            new[node] = _product(b, node, *inputs)
        elif inputs != node.inputs:
            b.location = node.location
            new[node] = Node(node.primitive, inputs, node.params, node.type, node.location)
        else:
            new[node] = node
    guards = [Guard(new[g.predicate], g.outcome, g.location) for g in graph.guards]
    return Graph(graph.inputs, [new[node] for node in graph.outputs], guards)


def _groups(node: Node) -> dict[str, str] | None:
    left, right, out = node.params["spec"]
    groups = {
        "b": "".join(x for x in out if x in left and x in right),
        "m": "".join(x for x in out if x in left and x not in right),
        "n": "".join(x for x in out if x in right and x not in left),
        "k": "".join(x for x in left if x in right and x not in out),
    }
    lone = [x for x in left + right if x not in "".join(groups.values())]
    return None if lone else groups


def _is_large(node: Node) -> bool:
    if node.name != "contract" or node.dtype.kind != "f":
        return False
    groups = _groups(node)
    if groups is None:
        return False
    sizes = letter_sizes(node)
    m, n, k = (math.prod(sizes[x] for x in groups[name]) for name in "mnk")
    return m * n * k >= _LARGE and min(m, n, k) >= _THIN


def _product(b: Builder, node: Node, x: Node, y: Node) -> Node:
    left, right, out = node.params["spec"]
    groups = _groups(node)
    sizes = letter_sizes(node)
    extent = {name: math.prod(sizes[letter] for letter in letters) for name, letters in groups.items()}
    x, x_form = _matrix(b, x, left, groups, ("bmk", "bkm"), extent)
    y, y_form = _matrix(b, y, right, groups, ("bkn", "bnk"), extent)
    result = b.contract(x, y, spec=(x_form, y_form, "bmn"))
    letters = groups["b"] + groups["m"] + groups["n"]
    result = b.reshape(result, shape=tuple(sizes[letter] for letter in letters))
    perm = tuple(letters.index(letter) for letter in out)
    return result if perm == tuple(range(len(perm))) else b.transpose(result, perm=perm)


def _matrix(b: Builder, x: Node, letters: str, groups, forms: tuple[str, str], extent) -> tuple[Node, str]:
    """Bring an operand to one of two forms, without moving anything where it has one already."""
    for form in forms:
        wanted = "".join(groups[name] for name in form)
        if wanted == letters:
            break
    else:
        form = forms[0]
        wanted = "".join(groups[name] for name in form)
        x = b.transpose(x, perm=tuple(letters.index(letter) for letter in wanted))
    return b.reshape(x, shape=tuple(extent[name] for name in form)), form
