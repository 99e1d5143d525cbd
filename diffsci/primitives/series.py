"""Power series through operations: the rules that several primitives share.

A rule ``rule(b, node, series, k)`` emits coefficient k > 0 of the node's power series; `series(x, j)` is
coefficient j of an operand, or of the node itself for j < k, and None where it is structurally zero.

See A. Griewank and A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 13.2.
"""

from __future__ import annotations

from collections.abc import Callable

from diffsci.graph import Builder, Node
from diffsci.primitives.shared import add_tangents

Series = Callable[[Node, int], "Node | None"]


def linear(b: Builder, node: Node, series: Series, k: int) -> Node | None:
    """The operation is linear in all its float operands together: it maps coefficients like tangents."""
    coefficients = [series(x, k) for x in node.inputs]
    if all(coefficient is None for coefficient in coefficients):
        return None
    return node.primitive.jvp(b, series(node, 0), coefficients)


def product(b: Builder, node: Node, series: Series, k: int) -> Node | None:
    """The operation is linear in each of its two operands: coefficients are convolved."""
    x, y = node.inputs
    pairs = [(series(x, j), series(y, k - j)) for j in range(k + 1)]
    terms = [b.emit(node.primitive, *pair, **node.params) for pair in pairs if None not in pair]
    return add_tangents(b, *terms)


def quotient(b: Builder, node: Node, series: Series, k: int) -> Node | None:
    """From q d = n: q_k = (n_k - sum of d_j q_(k-j)) / d_0."""
    numerator, denominator = node.inputs
    rest = convolved(b.mul, b, denominator, node, series, k)
    top = minus(b, series(numerator, k), rest)
    return None if top is None else b.emit(node.primitive, top, series(denominator, 0))


def convolved(times: Callable, b: Builder, x: Node, y: Node, series: Series, k: int) -> Node | None:
    """Return the sum of ``times(x_j, y_(k-j))`` over j > 0: what an implicit product already knows."""
    pairs = [(series(x, j), series(y, k - j)) for j in range(1, k + 1)]
    return add_tangents(b, *[times(*pair) for pair in pairs if None not in pair])


def minus(b: Builder, x: Node | None, y: Node | None) -> Node | None:
    """Return the difference of coefficients that may be structurally zero."""
    if y is None:
        return x
    return b.neg(y) if x is None else b.sub(x, y)
