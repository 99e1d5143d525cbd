"""What to write instead: formulas that lose digits, overflow or underflow, and their stable forms.

A row of the table is a formula as people write it, the same in stable form, and why. Formulas are matched
against the operations of a program, whatever the order of sums and products and however squares are
spelled; letters stand for any operand, the same letter for the same one.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from diffsci.graph import Graph, Node
from diffsci.source import Location

__all__ = ["FORMS", "Form", "forms", "suggest", "written_with"]

Bindings = "dict[str, Node]"
REACH = 4  # operations between the one at fault and the end of a formula that contains it
MOST_NEAR = 40  # operations that are looked at around the one at fault


@dataclass(frozen=True)
class Form:
    """A formula found in a program, and its stable form.

    Attributes
    ----------
    found, instead, why : str
        The formula, what to write instead, and the reason.
    location : Location or None
        Where the formula ends in the user's source.
    nodes : frozenset of Node
        The operations that it consists of.
    """

    found: str
    instead: str
    why: str
    location: Location | None
    nodes: frozenset[Node]

    def __str__(self) -> str:
        return f"{self.found}  →  {self.instead}: {self.why}"


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    formula: str
    instead: str
    why: str

    @cached_property
    def pattern(self) -> ast.expr:
        """The formula's syntax tree."""
        return ast.parse(self.formula, mode="eval").body


CANCELS = "the difference of nearly equal numbers has few digits"
OVERFLOWS = "exp overflows for large arguments and rounds away small ones"
SQUARES = "squares overflow above 1e154 and underflow below 1e-154"
AT_ZERO = "0 / 0 at 0, and few digits near it"

# The larger formula comes before those that it contains.
FORMS = tuple(
    Row(*row)
    for row in (
        ("log(1 / (1 + exp(-x)))", "ds.stable.log_sigmoid(x)", OVERFLOWS),
        ("log(exp(x) / sum(exp(x)))", "ds.stable.log_softmax(x)", OVERFLOWS),
        ("log(x / (1 - x))", "ds.stable.logit(x)", "1 - x loses digits near 1"),
        ("log(x) - log(1 - x)", "ds.stable.logit(x)", "1 - x loses digits near 1"),
        ("log(1 + x) - x", "ds.stable.log1pmx(x)", CANCELS),
        ("log1p(x) - x", "ds.stable.log1pmx(x)", CANCELS),
        ("(exp(x) - 1 - x) / x**2", "ds.stable.phi2(x)", CANCELS),
        ("(exp(x) - 1) / x", "ds.stable.exprel(x)", AT_ZERO),
        ("expm1(x) / x", "ds.stable.exprel(x)", "0 / 0 at 0"),
        ("x / (exp(x) - 1)", "ds.stable.bernoulli(x)", AT_ZERO),
        ("x / expm1(x)", "ds.stable.bernoulli(x)", "0 / 0 at 0"),
        ("log(1 + exp(x))", "ds.stable.softplus(x)", OVERFLOWS),
        ("log1p(exp(x))", "ds.stable.softplus(x)", OVERFLOWS),
        ("log(sum(exp(x)))", "ds.stable.logsumexp(x)", OVERFLOWS),
        ("log(exp(x) + exp(y))", "np.logaddexp(x, y)", OVERFLOWS),
        ("log(exp(x) - exp(y))", "ds.stable.logsubexp(x, y)", OVERFLOWS),
        ("log(1 - exp(x))", "ds.stable.log1mexp(x)", CANCELS),
        ("log(cosh(x))", "ds.stable.logcosh(x)", "cosh overflows above 710"),
        ("log(sigmoid(x))", "ds.stable.log_sigmoid(x)", "the sigmoid underflows below -745"),
        ("log(softmax(x))", "ds.stable.log_softmax(x)", "the smaller ones underflow"),
        ("log(ndtr(x))", "ds.stable.log_ndtr(x)", "the tail underflows below -38"),
        ("log(gamma(x))", "ds.stable.gammaln(x)", "gamma overflows above 171"),
        ("log(prod(x))", "np.sum(np.log(x))", "products of many factors overflow or underflow"),
        ("log(det(a))", "np.linalg.slogdet(a)[1]", "determinants overflow or underflow"),
        ("log(abs(det(a)))", "np.linalg.slogdet(a)[1]", "determinants overflow or underflow"),
        ("1 / (1 + exp(-x))", "ds.stable.sigmoid(x)", OVERFLOWS),
        ("exp(x) / (1 + exp(x))", "ds.stable.sigmoid(x)", OVERFLOWS),
        ("exp(x) / sum(exp(x))", "ds.stable.softmax(x)", OVERFLOWS),
        ("exp(x) / (exp(x) + exp(y))", "ds.stable.sigmoid(x - y)", OVERFLOWS),
        ("1 - sigmoid(x)", "ds.stable.sigmoid(-x)", CANCELS),
        ("1 - 1 / (1 + exp(-x))", "ds.stable.sigmoid(-x)", CANCELS),
        ("exp(x) / exp(y)", "np.exp(x - y)", OVERFLOWS),
        ("exp(x**2) * erfc(x)", "ds.stable.erfcx(x)", "one factor overflows, the other underflows"),
        ("1 - erf(x)", "ds.stable.erfc(x)", CANCELS),
        ("1 - ndtr(x)", "ds.stable.ndtr(-x)", CANCELS),
        ("gamma(x) / gamma(y)", "np.exp(ds.stable.gammaln(x) - ds.stable.gammaln(y))", "gamma overflows"),
        ("exp(x) - 1", "np.expm1(x)", CANCELS),
        ("exp(x) - exp(-x)", "2 * np.sinh(x)", CANCELS),
        ("exp(x) - exp(y)", "np.exp(y) * np.expm1(x - y)", CANCELS),
        ("log(1 + x)", "np.log1p(x)", "1 + x rounds away the digits of a small x"),
        ("log(1 - x)", "np.log1p(-x)", "1 - x rounds away the digits of a small x"),
        ("log(x) - log(y)", "np.log1p((x - y) / y)", CANCELS),
        ("1 - cos(x)", "2 * np.sin(x / 2) ** 2", CANCELS),
        ("cos(x) - 1", "ds.stable.cosm1(x)", CANCELS),
        ("cosh(x) - 1", "2 * np.sinh(x / 2) ** 2", CANCELS),
        ("cos(x) - cos(y)", "-2 * np.sin((x + y) / 2) * np.sin((x - y) / 2)", CANCELS),
        ("sin(x) - sin(y)", "2 * np.cos((x + y) / 2) * np.sin((x - y) / 2)", CANCELS),
        ("arctan(x) - arctan(y)", "np.arctan2(x - y, 1 + x * y)", CANCELS),
        ("1 - tanh(x)**2", "1 / np.cosh(x) ** 2", CANCELS),
        ("sqrt(1 + x) - 1", "ds.stable.sqrt1pm1(x)", CANCELS),
        ("sqrt(b**2 - d) - b", "ds.stable.quadratic_roots(a, b, c)", CANCELS),
        ("-b - sqrt(b**2 - d)", "ds.stable.quadratic_roots(a, b, c)", CANCELS),
        ("b - sqrt(b**2 - d)", "ds.stable.quadratic_roots(a, b, c)", CANCELS),
        ("sqrt(x**2 + y) - x", "y / (np.sqrt(x**2 + y) + x)", CANCELS),
        ("sqrt(x**2 + 1) - x", "1 / (np.sqrt(x**2 + 1) + x)", CANCELS),
        ("sqrt(x**2)", "np.abs(x)", SQUARES),
        ("sqrt(x) - sqrt(y)", "(x - y) / (np.sqrt(x) + np.sqrt(y))", CANCELS),
        ("sqrt(x**2 + y**2)", "np.hypot(x, y)", SQUARES),
        ("sqrt(sum(x**2))", "np.linalg.norm(x)", SQUARES),
        ("mean(x**2) - mean(x)**2", "np.var(x)", CANCELS),
        ("x**2 - y**2", "(x - y) * (x + y)", CANCELS),
        ("1 / x - 1 / y", "(y - x) / (x * y)", CANCELS),
        ("sin(pi * x) / (pi * x)", "np.sinc(x)", AT_ZERO),
        ("sin(x) / x", "ds.stable.sinc_unnormalized(x)", AT_ZERO),
        ("x * log(y)", "ds.stable.xlogy(x, y)", "0 * log(0) is NaN"),
        ("x * log1p(y)", "ds.stable.xlog1py(x, y)", "0 * log1p(-1) is NaN"),
        (
            "solve(transpose(a) @ a, transpose(a) @ b)",
            "np.linalg.lstsq(a, b)[0]",
            "the normal equations square the condition number",
        ),
        ("inv(a) @ b", "np.linalg.solve(a, b)", "the inverse has more error than the solution"),
        ("sum(x)", "ds.stable.sum(x)", "terms of both signs cancel: a compensated sum keeps their digits"),
    )
)


def suggest(
    graph: Graph, nodes: Sequence[Node], helps: Callable[[Form], bool] = lambda form: True
) -> Form | None:
    """Return the stable form of a formula that an operation is part of, None if the table has none.

    Parameters
    ----------
    graph : Graph
        The program that the operations stand in.
    nodes : sequence of Node
        The operation at fault, then others that may be: the first that is part of a formula counts.
    helps : callable
        Tells whether a form is an answer to what went wrong.
    """
    consumers: dict[Node, list[Node]] = {}
    for user in graph.nodes:
        for x in user.inputs:
            consumers.setdefault(x, []).append(user)
    for node in nodes:
        near, edge = [node], [node]
        for _ in range(REACH):
            edge = [user for x in edge for user in consumers.get(x, ()) if user not in near][:MOST_NEAR]
            near += edge
        found = [form for root in near for form in _at(root) if node in form.nodes and helps(form)]
        if found:  # The largest formula says most; among equal ones the table's first.
            return max(found, key=lambda form: len(form.nodes))
    return None


def written_with(graph: Graph, node: Node) -> list[Node]:
    """Return the other operations at a node's place in the source, the nearest first, of many a few."""
    order = {x: k for k, x in enumerate(graph.nodes)}
    here = [x for x in graph.nodes if x.location is node.location and x is not node]
    place = order.get(node, 0)
    return sorted(here, key=lambda x: abs(order[x] - place))[:MOST_NEAR]


def forms(graph: Graph) -> list[Form]:
    """Return all formulas of the table that end somewhere in a program, in its order."""
    return [form for node in graph.nodes for form in _at(node)]


def _at(root: Node) -> list[Form]:
    found = []
    for row in FORMS:
        match = next(_match(row.pattern, root, {}, frozenset()), None)
        if match is not None:
            found.append(Form(row.formula, row.instead, row.why, root.location, match[1]))
    return found


# matching --------------------------------------------------------------------------------------------

Match = "tuple[dict[str, Node], frozenset[Node]]"
OPERATORS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}


def _seen_through(node: Node) -> Node:
    """What an operand is a repeated or reshaped form of."""
    while node.name in ("broadcast", "reshape") and not node.is_known:
        node = node.inputs[0]
    return node


def _constant(node: Node) -> float | None:
    """The one value of a constant, None for anything else."""
    source = node.inputs[0] if node.is_known and not node.is_const else node
    if not source.is_const:
        return None
    value = source.params["value"]
    return float(value.flat[0]) if value.size and np.all(value == value.flat[0]) else None


def _match(pattern: ast.expr, node: Node, bound: dict, used: frozenset) -> Iterator:
    """Yield the bindings of letters and the operations met, for every way to read `node` as the pattern."""
    node = _seen_through(node)
    if isinstance(pattern, ast.Constant):
        if _constant(node) == pattern.value:
            yield bound, used
    elif isinstance(pattern, ast.Name):
        yield from _letter(pattern.id, node, bound, used)
    elif isinstance(pattern, ast.UnaryOp):
        yield from _negative(pattern.operand, node, bound, used)
    elif isinstance(pattern, ast.Call):
        yield from _call(pattern.func.id, pattern.args, node, bound, used)
    elif isinstance(pattern.op, ast.Pow):
        yield from _square(pattern.left, node, bound, used)
    elif isinstance(pattern.op, ast.MatMult):
        yield from _applied(pattern, node, bound, used)
    else:
        yield from _binary(OPERATORS[type(pattern.op)], pattern, node, bound, used)


def _letter(name: str, node: Node, bound: dict, used: frozenset) -> Iterator:
    if name == "pi":
        if _constant(node) == np.pi:
            yield bound, used
    elif bound.get(name, node) is node and _constant(node) is None:
        yield {**bound, name: node}, used


def _negative(operand: ast.expr, node: Node, bound: dict, used: frozenset) -> Iterator:
    if node.name == "neg":
        yield from _match(operand, node.inputs[0], bound, used | {node})
    elif node.name == "mul":
        for k in (0, 1):
            if _constant(node.inputs[k]) == -1.0:
                yield from _match(operand, node.inputs[1 - k], bound, used | {node})


def _call(name: str, args: Sequence[ast.expr], node: Node, bound: dict, used: frozenset) -> Iterator:
    if name == "mean":
        yield from _mean(args[0], node, bound, used)
    elif name == "inv":
        if node.name == "solve" and _is_identity(node.inputs[1]):
            yield from _match(args[0], node.inputs[0], bound, used | {node})
    elif node.name == name:
        yield from _all(list(zip(args, node.inputs, strict=False)), bound, used | {node})


def _is_identity(node: Node) -> bool:
    value = node.params["value"] if node.is_const else None
    return value is not None and value.ndim == 2 and np.array_equal(value, np.eye(*value.shape))


def _mean(arg: ast.expr, node: Node, bound: dict, used: frozenset) -> Iterator:
    """A sum over a number of terms."""
    if node.name not in ("div", "mul"):
        return
    for k in (0,) if node.name == "div" else (0, 1):
        total = _seen_through(node.inputs[k])
        if total.name == "sum" and _constant(node.inputs[1 - k]) is not None:
            yield from _match(arg, total.inputs[0], bound, used | {node, total})


def _square(base: ast.expr, node: Node, bound: dict, used: frozenset) -> Iterator:
    is_square = (
        (node.name == "integer_pow" and node.params["exponent"] == 2)
        or (node.name == "mul" and node.inputs[0] is node.inputs[1])
        or (node.name == "pow" and _constant(node.inputs[1]) == 2.0)
    )
    if is_square:
        yield from _match(base, node.inputs[0], bound, used | {node})


def _applied(pattern: ast.BinOp, node: Node, bound: dict, used: frozenset) -> Iterator:
    if node.name == "contract":
        yield from _all(
            [(pattern.left, node.inputs[0]), (pattern.right, node.inputs[1])], bound, used | {node}
        )


def _binary(name: str, pattern: ast.BinOp, node: Node, bound: dict, used: frozenset) -> Iterator:
    left, right = pattern.left, pattern.right
    if node.name == name:
        x, y = node.inputs
        yield from _all([(left, x), (right, y)], bound, used | {node})
        if name in ("add", "mul"):
            yield from _all([(left, y), (right, x)], bound, used | {node})
    if name == "sub" and node.name == "add":
        yield from _sum_with_negative(left, right, node, bound, used)
    if name == "sub" and isinstance(left, ast.UnaryOp) and node.name == "neg":  # -b - r is also -(b + r)
        inner = _seen_through(node.inputs[0])
        if inner.name == "add":
            for x, y in (inner.inputs, inner.inputs[::-1]):
                yield from _all([(left.operand, x), (right, y)], bound, used | {node, inner})


def _sum_with_negative(left: ast.expr, right: ast.expr, node: Node, bound: dict, used: frozenset) -> Iterator:
    """A sum with a negative operand: x + (-y), and x + (-1) for a constant."""
    for x, y in (node.inputs, node.inputs[::-1]):
        other = _seen_through(y)
        if other.name == "neg":
            yield from _all([(left, x), (right, other.inputs[0])], bound, used | {node, other})
        elif isinstance(right, ast.Constant) and _constant(other) == -right.value:
            yield from _match(left, x, bound, used | {node})


def _all(pairs: list, bound: dict, used: frozenset) -> Iterator:
    if not pairs:
        yield bound, used
        return
    (pattern, node), *rest = pairs
    for found, met in _match(pattern, node, bound, used):
        yield from _all(rest, found, met)
