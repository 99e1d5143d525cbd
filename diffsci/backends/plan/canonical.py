"""Contractions in the forms that plans know: products for the library routine, rows for loops of our own."""

from __future__ import annotations

import math
from collections.abc import Collection

from diffsci.backends.plan.resolve import INLINE_PRODUCTS, INLINE_VOLUME, letter_sizes, summed_sizes
from diffsci.graph import Builder, Graph, Guard, Node

__all__ = ["canonical", "is_gemm"]

_LARGE = 16_384
_THIN = 8
_NARROW = 16  # many products with two extents up to this are faster in loops, where they lie
_COPIES = 4  # an operand so many times smaller than the result is turned for it


def canonical(graph: Graph, kept: Collection[Node] = ()) -> tuple[Graph, set[Node]]:
    """Return the graph with contractions in forms that suit their size, and the operands to store for them.

    Large ones become ``bmk,bkn->bmn``; operands may be stored transposed (``bkm``, ``bnk``): no copy is made
    for that. Those with few terms get operands that lie along the rows of the result. Transposes of
    operands go into the letters, but for those in `kept`, which are stored.
    """
    if not any(node.name == "contract" for node in graph.nodes):
        return graph, set(kept)
    b = Builder()
    new: dict[Node, Node] = {}
    stored: set[Node] = set()
    for node in graph.nodes:
        inputs = tuple(new[x] for x in node.inputs)
        b.location = node.location
        if node.name == "contract":
            made = new[node] = _contraction(b, node, *inputs, stored)
            stored |= {x for x in made.inputs if x.name == "transpose"}
        elif inputs != node.inputs:
            new[node] = Node(node.primitive, inputs, node.params, node.type, node.location)
        else:
            new[node] = node
        if node in kept:
            stored.add(new[node])
    guards = [Guard(new[g.predicate], g.outcome, g.location) for g in graph.guards]
    return Graph(graph.inputs, [new[node] for node in graph.outputs], guards), stored


def is_gemm(node: Node) -> bool:
    """Tell whether a node is a product for the library routine."""
    if node.name != "contract":
        return False
    left, right, out = node.params["spec"]
    formed = out == "bmn" and left in ("bmk", "bkm") and right in ("bkn", "bnk")
    return formed and _is_large(node)


def _contraction(b: Builder, node: Node, x: Node, y: Node, stored: Collection[Node]) -> Node:
    left, right, out = node.params["spec"]
    x, left = _without_transposes(x, left, stored)
    y, right = _without_transposes(y, right, stored)
    plain = b.contract(x, y, spec=(left, right, out))
    if _is_large(plain):
        return _product(b, plain, x, y)
    if INLINE_VOLUME < math.prod(summed_sizes(plain).values()) <= INLINE_PRODUCTS:
        return _rows(b, plain, x, y)
    return plain


def _without_transposes(x: Node, letters: str, stored: Collection[Node]) -> tuple[Node, str]:
    while x.name == "transpose" and x not in stored:
        perm = x.params["perm"]
        letters = "".join(letters[perm.index(axis)] for axis in range(len(perm)))
        x = x.inputs[0]
    return x, letters


def _rows(b: Builder, node: Node, x: Node, y: Node) -> Node:
    """Turn small operands so that their last axis is that of the result, which runs in vectors."""
    left, right, out = node.params["spec"]
    turned = []
    for operand, letters in ((x, left), (y, right)):
        if out and out[-1] in letters[:-1] and operand.type.size * _COPIES <= node.type.size:
            order = [axis for axis, letter in enumerate(letters) if letter != out[-1]]
            order.append(letters.index(out[-1]))
            operand = b.transpose(operand, perm=tuple(order))
            letters = "".join(letters[axis] for axis in order)
        turned.append((operand, letters))
    (x, left), (y, right) = turned
    return b.contract(x, y, spec=(left, right, out))


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
    if node.dtype.kind != "f":
        return False
    groups = _groups(node)
    if groups is None:
        return False
    sizes = letter_sizes(node)
    extents = sorted(math.prod(sizes[x] for x in groups[name]) for name in "mnk")
    several = math.prod(sizes[x] for x in groups["b"]) > 1
    return math.prod(extents) >= _LARGE and extents[0] >= _THIN and not (several and extents[1] <= _NARROW)


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
