"""Which operations round as they are written, and which products a sum takes in.

``a * b + c`` is one operation where processors have it, with one rounding instead of two. A value may be
computed in several loops instead of stored, so whether it is fused must not depend on the loop: then an
element equals its copy elsewhere, the largest element is one of the elements, and what a condition was asked
about is what comes behind it. The rule is one of graphs, not of code generators:

- Only a product that nobody else sees is taken in, so that ``p - max(p, q)``, ``(p + 0) - p`` and the like
  are zero wherever they are in NumPy.
- Of two products neither is, whoever else sees one of them, so that ``a * b - c * d`` is zero where both are
  the same, and sums do not depend on the order of two terms.
- What decides a branch rounds as written, and so does what comparisons and steps are taken of: they
  answer as NumPy does.
"""

from __future__ import annotations

from collections import defaultdict

from diffsci.backends.plan.rules import COMPARISONS
from diffsci.backends.plan.vocabulary import MOVES
from diffsci.graph import Graph, Node

__all__ = ["deciding", "loose_products"]

_STEPS = frozenset("sign floor ceil trunc rint mod fmod floor_divide difference difference_error".split())
_TWO_TERMS = frozenset({"add", "sub"})
_SUMS = _TWO_TERMS | {"sum"}
_PRODUCTS = frozenset({"mul", "div", "integer_pow"})  # statements of which may be a product
_PASSED = MOVES | {"stop_gradient", "neg"}


def deciding(graph: Graph) -> set[Node]:
    """Return the nodes that guards depend on, and those that comparisons and steps are taken of."""
    found = graph.feeding_guards()
    below: list[Node] = []
    for node in graph.nodes:
        if node.name in COMPARISONS or node.name in _STEPS or _is_truncation(node):
            found.add(node)
            below += node.inputs
    seen: set[Node] = set()
    while below:
        node = below.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.name in _PASSED:
            below += node.inputs
    return found | seen


def _is_truncation(node: Node) -> bool:
    return node.name == "convert" and node.dtype.kind != "f" and node.inputs[0].dtype.kind == "f"


def loose_products(graph: Graph) -> set[Node]:
    """Return the products whose values only sums see.

    That is one sum, or several that see them in different places of zeros (`pad`), as transposed stencils do.
    Where the other term is a product that is not among them, neither is this one.
    """
    users: dict[Node, list[Node | None]] = defaultdict(list)  # None for the caller
    for node in graph.nodes:
        for x in node.inputs:
            users[x].append(node)
    for node in (*graph.outputs, *(guard.predicate for guard in graph.guards)):
        users[node].append(None)
    decide = deciding(graph)
    closed: set[Node] = set()
    while True:
        summed = _summed(graph, users, closed)
        products = {node for node in graph.nodes if summed[node] and node.name in _PRODUCTS} - decide
        more = _beside_others(graph, products) - closed
        if not more:
            return products
        closed |= more


def _summed(graph: Graph, users: dict[Node, list[Node | None]], closed: set[Node]) -> dict[Node, bool]:
    """Return which values only sums see, those in `closed` aside."""
    found: dict[Node, bool] = {}
    for node in reversed(graph.nodes):
        after = users[node]
        alone = len(after) == 1 or all(user is not None and user.name == "pad" for user in after)
        found[node] = alone and all(
            user is not None
            and ((user.name in _SUMS and user not in closed) or (user.name in _PASSED and found[user]))
            for user in after
        )
    return found


def _beside_others(graph: Graph, products: set[Node]) -> set[Node]:
    """Return the sums of which a term is, or shows in part, a product that is not one of `products`."""
    others: set[Node] = set()
    for node in graph.nodes:
        if node.name in _PRODUCTS:
            if node not in products:
                others.add(node)
        elif node.name in _PASSED and not others.isdisjoint(node.inputs):
            others.add(node)
    return {node for node in graph.nodes if node.name in _TWO_TERMS and not others.isdisjoint(node.inputs)}
