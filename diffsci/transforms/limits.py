"""Limits of derivatives at equal eigenvalues: the program near its point, as a power series.

A derivative through ``A = V diag(w) V^T`` divides by gaps w_j - w_i that are zero here. If what was asked
does not depend on the basis V, the derivative is continuous, so it is its limit along *any* line of
matrices. Take ``V diag(w + e d) V^T`` with V fixed and d different for equal values: an exact factorization
at every e, whose gaps are e (d_j - d_i). Then every quotient is 1 / e times something regular. In the
program that is made here, each value x that such quotients enter is replaced by e^p x, p being the number
of quotients on the way: a product has the sum of the p of its factors, terms of a sum are brought to the
largest p. No division by zero is left, and the Taylor coefficient p of an output
(`diffsci.transforms.taylor`) is the limit. Coefficients below it are the poles: zero, unless the question
depends on the basis. The same holds for derivatives of derivatives and in both modes, because nothing is
assumed of the program but that it is linear in what was divided.

The continuity argument is that of l'Hopital's rule; for functions f(A) it gives the divided differences
f[w_i, w_j] of Daleckii and Krein (N. J. Higham, "Functions of Matrices", 2008, theorem 3.11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Graph, Node, Primitive, Type
from diffsci.graph.ir import topological
from diffsci.primitives.linalg.shared import matmul
from diffsci.primitives.series import linear, product
from diffsci.source import at
from diffsci.transforms.forward import push
from diffsci.transforms.taylor import Coefficients, rule_of

__all__ = ["Limit", "Moving", "limit_graph"]

# x / e^power, whose coefficients are those of x moved down. It stands in power series only: it has no value.
LOWERED = Primitive(
    name="lowered",
    type=lambda x, *, power: x,
    value=None,
    family="leaf",
    taylor=lambda b, node, series, k: series(node.inputs[0], k + node.params["power"]),
)

DOUBLE = np.dtype(np.float64)
MOST = 12  # divisions behind each other
FIRST = frozenset({"div", "gap_quotient", "values_moved", "shared_by_equals"})  # in operand 0
BOTH = frozenset({"mul", "contract"})


@dataclass(frozen=True)
class Limit:
    """A program near its point.

    Attributes
    ----------
    graph : Graph
        Inputs: those of the original, then for each factorization its outputs and the direction in which
        its values move, then e, and 1, the first coefficient of e. Outputs: of each original one,
        multiplied by a power of e, the coefficients 0 to `order`; then poles of values inside.
    powers : list of int
        For each output which coefficient is the limit.
    terms : int
        How many coefficients of the inverses of triangles follow the direction in which they move.
    """

    graph: Graph
    powers: list[int]
    terms: int

    @property
    def order(self) -> int:
        """Of the last coefficient: one more than is needed for the limit, its slope in e."""
        return 1 + max(self.powers)


@dataclass(frozen=True)
class Moving:
    """What of a factorization moves.

    Attributes
    ----------
    values : int
        Which output: eigenvalues, singular values, or a triangle.
    poles : int
        Of the inverse of a triangle.
    """

    values: int
    poles: int = 0


def limit_graph(graph: Graph, cut: Mapping[Node, Moving]) -> Limit:
    """Return the power series of a program along lines of factorizations.

    Parameters
    ----------
    graph : Graph
        Without calls of other graphs.
    cut : mapping
        Factorization -> what of it moves.

    Raises
    ------
    UnsupportedError
        If what was divided goes into an operation that is not linear in it.
    """
    terms = _Near(graph, cut, 1).terms_needed()
    return _Near(graph, cut, terms).limit()


class _Near:
    """What every node becomes: `moved`, multiplied by e to the power `powers`."""

    def __init__(self, graph: Graph, cut: Mapping[Node, Moving], terms: int):
        self.graph, self.cut = graph, cut
        self.b = Builder()
        self.e = self.b.input(Type((), DOUBLE))
        self.given = {factor: [self.b.input(t) for t in factor.type] for factor in cut}
        self.toward = {factor: self.b.input(factor.type[part.values]) for factor, part in cut.items()}
        self.terms = terms
        self.inverses = {  # of a triangle times e^poles: coefficients
            factor: [self.b.input(factor.type[part.values]) for _ in range(terms if part.poles else 0)]
            for factor, part in cut.items()
        }
        self.moved: dict[Node, Node] = {x: x for x in graph.inputs}
        self.powers: dict[Node, int] = dict.fromkeys(graph.inputs, 0)
        self.moving: set[Node] = set()  # not constant in e
        self.still: dict[Node, Node] = {}  # of what moves and is not divided: its value at e = 0
        self.slopes: dict[Node, Node] = {}  # of values at e = 0: their derivatives in e
        self.lowered: dict[Node, Node] = {}  # what was divided, and is finite: itself

    def _walk(self) -> None:
        for node in self.graph.nodes:
            if node not in self.moved and node not in self.cut:
                self.b.location = node.location
                self.moved[node] = self._enter(node)
        self.b.location = None

    def _last(self) -> int:
        """Return the last coefficient of outputs, and of what they are made of."""
        return 1 + max(self.powers[y] for y in self.graph.outputs)

    def _deepest(self) -> int:
        return self._last() + sum(self.powers[x] for x in self.lowered)

    def terms_needed(self) -> int:
        """Return how many coefficients of inverses the limit takes."""
        self._walk()
        return 1 + self._deepest()

    def limit(self) -> Limit:
        """Return the power series."""
        self._walk()
        given = [
            x
            for factor in self.cut
            for x in (*self.given[factor], self.toward[factor], *self.inverses[factor])
        ]
        inside = [self.moved[x] for x in self.lowered]
        near = Graph(
            [*self.graph.inputs, *given, self.e], [*map(self.moved.get, self.graph.outputs), *inside]
        )
        b = Builder()
        b.adopt(near.nodes)
        one = b.input(self.e.type)
        series = _Series(b, near, self._deepest(), {self.e: [one]})
        for node in near.nodes:  # in this order no call goes deep
            for k in range(1, self._deepest() + 1):
                series(node, k)
        outputs = [
            series(y, k) or b.zeros(y.type)
            for y in near.outputs[: len(self.graph.outputs)]
            for k in range(self._last() + 1)
        ]
        poles = [series(self.moved[x], k) for x in self.lowered for k in range(self.powers[x])]
        outputs += [pole for pole in poles if pole is not None]
        powers = [self.powers[y] for y in self.graph.outputs]
        return Limit(Graph([*near.inputs, one], outputs), powers, self.terms)

    def _enter(self, node: Node) -> Node:
        if node.name == "project" and node.inputs[0] in self.cut:
            return self._output(node)
        if any(x in self.moving for x in node.inputs):
            self.moving.add(node)
        if node.name == "values_alone" and node in self.moving:  # no two are equal at e > 0
            self.powers[node] = 0
            return self.moved[node.inputs[0]]
        powers = [self.powers.get(x, 0) for x in node.inputs]
        if node.name == "gap_quotient" and node.inputs[1] in self.moving:
            return self._over_gap(node, powers)
        if node.name == "solve_triangular" and node.inputs[0] in self.moving:
            return self._solved(node, powers)
        if node.name in ("values_moved", "shared_by_equals") and node.inputs[1] in self.moving:
            self.powers[node] = powers[0]
            return self.moved[node.inputs[0]]
        if not any(powers):
            self.powers[node] = 0
            return self._again(node, [self.moved[x] for x in node.inputs])
        return self._linear(node, powers)

    def _again(self, node: Node, inputs: Sequence[Node]) -> Node:
        return self.b.emit(node.primitive, *inputs, **node.params)

    def _output(self, node: Node) -> Node:
        """Outputs of factorizations are data; the values move."""
        factor, index = node.inputs[0], node.params["index"]
        start = self.given[factor][index]
        self.powers[node] = 0
        if index != self.cut[factor].values:
            return start
        self.moving.add(node)
        self.still[node], self.slopes[start] = start, self.toward[factor]
        return self.b.add(start, self._times(self.toward[factor], 1))

    def _times(self, x: Node, power: int) -> Node:
        """Multiply by a power of e."""
        for _ in range(power):
            e = self.e if x.dtype == DOUBLE else self.b.convert(self.e, dtype=x.dtype)
            x = self.b.mul(x, e if x.shape == () else self.b.broadcast(e, shape=x.shape, axes=()))
        return x

    def _start(self, node: Node) -> Node:
        """Return the value at e = 0 of what was not divided."""
        if node not in self.moving:
            return self.moved[node]
        if node not in self.still:
            self.still[node] = self._again(node, [self._start(x) for x in node.inputs])
        return self.still[node]

    def _over_gap(self, node: Node, powers: Sequence[int]) -> Node:
        """Emit x e / gap: x over the slope of the gap where that is zero."""
        b, (x, gap, _) = self.b, node.inputs
        start = self._start(gap)
        push(b, topological([start]), self.slopes)
        zero, one = b.full(gap.type, 0.0), b.full(gap.type, 1.0)
        slope = self.slopes.get(start, zero)
        none, level = b.eq(start, zero), b.eq(slope, zero)
        steep = b.select(level, zero, b.div(one, b.select(level, one, slope)))
        gentle = b.div(self._times(one, 1), b.select(none, one, self.moved[gap]))
        self.powers[node] = powers[0] + 1
        self._check(node)
        self.moving.add(node)
        return b.mul(self.moved[x], b.select(none, steep, gentle))

    def _solved(self, node: Node, powers: Sequence[int]) -> Node:
        """Emit the product with the inverse of a triangle, a polynomial in e."""
        b, triangle = self.b, node.inputs[0]
        spread = []
        while triangle.name in ("divisor_triangle", "broadcast"):
            spread.append(triangle)
            triangle = triangle.inputs[0]
        factor = triangle.inputs[0] if triangle.name == "project" else None
        if factor not in self.cut or not self.cut[factor].poles or triangle not in self.still:
            raise UnsupportedError(f"the triangle of a QR factorization was changed{at(node.location)}")
        total = None
        for k, inverse in enumerate(self.inverses[factor]):
            for step in reversed(spread):
                if step.name == "broadcast":
                    inverse = self._again(step, [inverse])
            term = matmul(b, inverse, self.moved[node.inputs[1]], tx=node.params["transposed"])
            term = self._times(term, k)
            total = term if total is None else b.add(total, term)
        self.powers[node] = powers[1] + self.cut[factor].poles
        self._check(node)
        return total

    def _check(self, node: Node) -> None:
        if self.powers[node] > MOST:
            raise UnsupportedError(f"more than {MOST} divisions one after the other{at(node.location)}")

    def _linear(self, node: Node, powers: list[int]) -> Node:
        """Operations on what was divided: linear in it, or they are refused."""
        self.moving.add(node)
        inputs = [self.moved[x] for x in node.inputs]
        divided = [k for k, power in enumerate(powers) if power]
        rule = rule_of(node.primitive)
        if rule is linear or node.name == "select":
            top = max(powers)
            inputs = [
                self._times(x, top - power) if x.dtype.kind == "f" else x
                for x, power in zip(inputs, powers, strict=True)
            ]
        elif rule is product or node.name in BOTH:
            top = sum(powers)
        elif (divided == [0] and node.name in FIRST) or (len(divided) == 1 and _is_linear(node, divided[0])):
            top = powers[divided[0]]
        else:
            top = 0
            inputs = [
                self._lower(x) if power else self.moved[x]
                for x, power in zip(node.inputs, powers, strict=True)
            ]
        self.powers[node] = top
        return self._again(node, inputs)

    def _lower(self, x: Node) -> Node:
        """Emit what was divided without the power of e, for operations that are not linear in it."""
        if x not in self.lowered:
            self.lowered[x] = self.b.emit(LOWERED, self.moved[x], power=self.powers[x])
            if sum(self.powers[y] for y in self.lowered) > MOST:
                raise UnsupportedError(
                    f"more than {MOST} divisions are inside of other functions{at(x.location)}"
                )
        return self.lowered[x]


class _Series(Coefficients):
    """Power series of a program in which some values are coefficients of others at e = 0."""

    def __init__(self, b: Builder, graph: Graph, order: int, given: dict):
        super().__init__(b, graph, order, given)
        lowered: set[Node] = set()
        for node in graph.nodes:
            if node.primitive is LOWERED or any(x in lowered for x in node.inputs):
                lowered.add(node)
                del self._start[node]

    def _at_start(self, x: Node) -> Node:
        if x.primitive is LOWERED and x not in self._start:
            self._start[x] = self(x.inputs[0], x.params["power"]) or self.b.zeros(x.type)
        return super()._at_start(x)


def _is_linear(node: Node, k: int) -> bool:
    """Tell whether an operation is linear in operand k: its tangent is the same operation of the tangent."""
    rule = node.primitive.jvp
    if not callable(rule):
        return False
    b = Builder()
    operands = [b.input(x.type) for x in node.inputs]
    tangent = b.input(operands[k].type)
    plain = b.emit(node.primitive, *operands, **node.params)
    moved = rule(b, plain, [tangent if j == k else None for j in range(len(operands))])
    changed = [tangent if j == k else x for j, x in enumerate(operands)]
    return moved is b.emit(node.primitive, *changed, **node.params)
