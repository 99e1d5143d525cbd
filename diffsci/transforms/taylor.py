"""Taylor mode: every node as a power series, cut off at an order.

Put x(t) = x_0 + x_1 t + x_2 t^2 + ... into a program: coefficient k of a node follows from lower ones.
Products, quotients, linear operations and solves have rules of their own (`diffsci.primitives.series`).
Everything else follows from its `jvp` rule. For y(t) = f(x(t)), y' = J(x(t)) x'(t); so with the tangent J x'
emitted once, for a placeholder node that stands for x' and has the coefficients (m+1) x_(m+1),

    y_k = (coefficient k-1 of the tangent) / k,

which needs y_0 ... y_(k-1) only. The tangent may contain y itself (exp) and operations whose series follow in
the same way (sin and cos); the cost is O(order^2) per operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Graph, Node, Primitive, verify
from diffsci.graph.naming import spoken
from diffsci.primitives.series import linear
from diffsci.source import at
from diffsci.transforms.forward import active_inputs
from diffsci.transforms.masks import Masks

__all__ = ["Coefficients", "series_graph", "taylor_graph"]

FAMILIES = {"structural": linear}


def rule_of(primitive: Primitive):
    """Return the Taylor rule of a primitive, None where it follows from the jvp rule."""
    return primitive.taylor or FAMILIES.get(primitive.family)


class Coefficients:
    """Coefficients of the power series of nodes, emitted when they are asked for.

    ``series(x, k)`` is the node of coefficient k of x, None where it is structurally zero, and a list with
    one entry per output for an operation with several outputs.
    """

    def __init__(self, b: Builder, graph: Graph, order: int, given: dict[Node, list[Node]]):
        self.b, self.order = b, order
        self._given = given
        self._made: dict[tuple[Node, int], Node | list | None] = {}
        self._moving: dict[Node, bool] = {}
        self._tangents: dict[Node, Node | list | None] = {}
        self._slopes: dict[Node, Node] = {}
        self._slope_of: dict[Node, Node] = {}
        self._masks = Masks(b)
        self._kept: dict[Any, Any] = {}
        self._start: dict[Node, Node] = {node: node for node in graph.nodes}
        self._main = frozenset(graph.nodes)
        for node in graph.nodes:
            self.moves(node)

    def __call__(self, x: Node, k: int) -> Node | list | None:
        """Return coefficient k of a node."""
        if k == 0:
            return self._at_start(x)
        if not self.moves(x):
            return None
        key = (x, k)
        if key not in self._made:
            self._made[key] = self._coefficient(x, k)
        return self._made[key]

    def reach(self, node: Node, k: int) -> int:
        """Return up to which order the operands' coefficients can be asked for while making coefficient k."""
        return self.order if node in self._main else k

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what `make` gave for this key the first time: what a rule shares between coefficients."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def moves(self, x: Node) -> bool:
        """Tell whether a node depends on the parameter of the series."""
        found = self._moving.get(x)
        if found is None:
            single = not isinstance(x.type, tuple)
            fixed = x.primitive.jvp == "zero" or (single and not x.type.is_float)
            found = x in self._given or x in self._slope_of
            found = self._moving[x] = found or (not fixed and any(self.moves(y) for y in x.inputs))
        return found

    def _at_start(self, x: Node) -> Node:
        """Return coefficient 0: the node with placeholders replaced by first coefficients."""
        found = self._start.get(x)
        if found is None:
            if x in self._slope_of:
                found = self(self._slope_of[x], 1) or self.b.zeros(x.type)
            else:
                inputs = [self._at_start(y) for y in x.inputs]
                same = all(y is z for y, z in zip(inputs, x.inputs, strict=True))
                found = x if same else self.b.emit(x.primitive, *inputs, **x.params)
            self._start[x] = found
        return found

    def _coefficient(self, x: Node, k: int) -> Node | list | None:
        if x in self._given:
            return self._given[x][k - 1] if k <= len(self._given[x]) else None
        if x in self._slope_of:
            return self._times(self(self._slope_of[x], k + 1), k + 1)
        if x.name == "project":
            several = self(x.inputs[0], k)
            return None if several is None else several[x.params["index"]]
        self.b.location = x.location
        rule = rule_of(x.primitive)
        found = self.from_tangent(x, k) if rule is None else rule(self.b, x, self, k)
        if isinstance(found, list):
            return found
        coefficients = [self(y, j) for y in x.inputs for j in range(1, k + 1) if self.moves(y)]
        return self._masks.applied(x, [c for c in coefficients if c is not None], found)

    def _times(self, x: Node | None, factor: int) -> Node | None:
        return None if x is None else self.b.mul(self.b.full(x.type, float(factor)), x)

    def _over(self, x: Node | None, divisor: int) -> Node | None:
        if x is None or divisor == 1:
            return x
        return self.b.div(x, self.b.full(x.type, float(divisor)))

    def from_tangent(self, x: Node, k: int) -> Node | list | None:
        """Return coefficient k as it follows from the jvp rule."""
        if x not in self._tangents:
            self._tangents[x] = self._tangent(x)
        tangent = self._tangents[x]
        if tangent is None:
            return None
        if isinstance(tangent, list):
            return [None if t is None else self._over(self(t, k - 1), k) for t in tangent]
        return self._over(self(tangent, k - 1), k)

    def _tangent(self, x: Node) -> Node | list | None:
        if x.primitive.jvp is None:
            raise UnsupportedError(f"{spoken(x)} has no derivative rule{at(x.location)}")
        return x.primitive.jvp(self.b, x, [self._slope(y) if self.moves(y) else None for y in x.inputs])

    def _slope(self, x: Node) -> Node:
        """Return the placeholder that stands for x'(t)."""
        if x not in self._slopes:
            placeholder = self._slopes[x] = self.b.input(x.type)
            self._slope_of[placeholder] = x
        return self._slopes[x]


def _expand(graph: Graph, order: int, degrees: Sequence[int]) -> tuple[list[Node], Coefficients]:
    """Return the new inputs (all first coefficients, all second ones, ...) and what every node has."""
    b = Builder()
    b.adopt(graph.nodes)
    given: dict[Node, list[Node]] = {x: [] for x, degree in zip(graph.inputs, degrees, strict=True) if degree}
    inputs = []
    for k in range(1, order + 1):
        for x, degree in zip(graph.inputs, degrees, strict=True):
            if k <= degree:
                given[x].append(b.input(x.type))
                inputs.append(given[x][-1])
    series = Coefficients(b, graph, order, given)
    for node in graph.nodes:  # in this order no call goes deep
        for k in range(1, order + 1):
            series(node, k)
    b.location = None
    return inputs, series


def taylor_graph(
    graph: Graph, order: int, active: Sequence[bool] | None = None, degree: int | None = None
) -> Graph:
    """Return the graph of (x_0, x_1, ..., x_degree) -> (y_0, y_1, ..., y_order).

    Parameters
    ----------
    graph : Graph
    order : int
        Of the last coefficient of the outputs.
    active : sequence of bool, optional
        Which inputs have a power series; integer and boolean inputs never have one.
    degree : int, optional
        Of the inputs as polynomials; `order` by default, 1 for a straight line.

    Returns
    -------
    Graph
        Inputs: those of `graph`, then the first coefficients of the active float inputs, then their
        second ones, and so on. Outputs: those of `graph`, then the first coefficients of the float
        outputs, and so on. The nodes of `graph` are shared.
    """
    degree = order if degree is None else min(degree, order)
    sources = set(active_inputs(graph, active))
    inputs, series = _expand(graph, order, [degree if x in sources else 0 for x in graph.inputs])
    floats = [y for y in graph.outputs if y.type.is_float]
    outputs = [series(y, k) or series.b.zeros(y.type) for k in range(1, order + 1) for y in floats]
    expanded = Graph((*graph.inputs, *inputs), (*graph.outputs, *outputs), graph.guards)
    return verify(expanded, "taylor")


def series_graph(
    graph: Graph, order: int, degrees: Sequence[int]
) -> tuple[Graph, dict[tuple[int, int], int]]:
    """Return the graph of coefficients alone: outputs that are structurally zero are left out.

    Parameters
    ----------
    degrees : sequence of int
        Of every input as a polynomial; 0 for a constant one.

    Returns
    -------
    graph : Graph
        Its inputs are those of `taylor_graph`.
    kept : dict
        (output, k) -> position among the outputs of the new graph.
    """
    inputs, series = _expand(graph, order, degrees)
    keys = [(position, k) for k in range(1, order + 1) for position in range(len(graph.outputs))]
    found = {key: series(graph.outputs[key[0]], key[1]) for key in keys}
    kept = [key for key in keys if found[key] is not None]
    expanded = Graph((*graph.inputs, *inputs), [found[key] for key in kept], graph.guards)
    return verify(expanded, "series"), {key: position for position, key in enumerate(kept)}
