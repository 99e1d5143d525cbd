"""Solutions of equations: ``root`` of a residual, ``operator_solve`` with a matrix given by its products.

Both are solved by an object outside the graph and differentiated inside it, by the implicit function
theorem: from r(x, a) = 0 follows r_x dx = -r_a da, and from A(a) x = b follows A dx = db - (dA) x. The linear
systems are operations themselves, so derivatives of any order and in any mode follow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from diffsci.graph import Builder, Graph, Node, Primitive, Type, register
from diffsci.primitives.dependence import dense
from diffsci.primitives.shared import add_tangents, to_batch

__all__ = ["Operator", "Problem"]


class Problem(ABC):
    """A system of equations that can be solved, and how its solution moves.

    Attributes
    ----------
    graph : Graph
        The residual of one member.
    passing : bool
        Whether it was made for one call, and programs with it are not kept for others.
    input_types : tuple of Type
        Of the starting point, then of the parameters.
    output_type : Type
        Of the solution.
    """

    graph: Graph
    passing: bool
    input_types: tuple[Type, ...]
    output_type: Type

    @abstractmethod
    def solve(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Return the solution; NaN everywhere if there is none to be found."""

    @abstractmethod
    def push(self, active: tuple[bool, ...]) -> Graph:
        """Return (solution, parameters, tangents of the active parameters) -> tangent of the solution."""

    @abstractmethod
    def batched(self, flags: tuple[bool, ...], size: int) -> Problem:
        """Return the problem of many members; inputs in `flags` have one more leading axis."""


class Operator(ABC):
    """A matrix given by its products, which depend on operands."""

    graph: Graph  # of the products of one member
    input_types: tuple[Type, ...]  # of the operands, then of the vector

    @abstractmethod
    def solve(self, operands: Sequence[np.ndarray], rhs: np.ndarray) -> np.ndarray:
        """Return the solution; NaN everywhere if it is not found."""

    @abstractmethod
    def push(self, active: tuple[bool, ...]) -> Graph:
        """Return (operands, x, tangents of the active operands) -> (dA) x."""

    @abstractmethod
    def products(self) -> Graph:
        """Return (operands, v) -> A v, of all members together."""

    @abstractmethod
    def transposed(self) -> Operator:
        """Return the transposed matrix."""

    @abstractmethod
    def batched(self, flags: tuple[bool, ...], size: int) -> Operator:
        """Return the matrices of many members; operands in `flags` and vectors have one more leading axis."""


def _root_type(*types: Type, problem: Problem) -> Type:
    if types != problem.input_types:
        raise TypeError(f"root of a problem of other types: {', '.join(map(str, types))}")
    return problem.output_type


def _root_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    """The start has no influence on where the solution lies."""
    active = tuple(tangent is not None for tangent in t[1:])
    if not any(active):
        return None
    seeds = [tangent for tangent in t[1:] if tangent is not None]
    moved = b.call(node, *node.inputs[1:], *seeds, graph=node.params["problem"].push(active))
    return b.project(moved, index=0)


def _root_batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    return b.root(*inputs, problem=node.params["problem"].batched(tuple(batched), size))


def _operator_type(*types: Type, operator: Operator) -> Type:
    if types != operator.input_types:
        raise TypeError(f"solve with an operator of other types: {', '.join(map(str, types))}")
    return types[-1]


def _operator_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    operator, operands, rhs = node.params["operator"], node.inputs[:-1], t[-1]
    active = tuple(tangent is not None for tangent in t[:-1])
    if any(active):
        seeds = [tangent for tangent in t[:-1] if tangent is not None]
        moved = b.call(*operands, node, *seeds, graph=operator.push(active))
        rhs = add_tangents(b, rhs, b.neg(b.project(moved, index=0)))
    return b.operator_solve(*operands, rhs, operator=operator)


def _operator_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    if any(linear[:-1]):
        raise TypeError("operator_solve is linear in its right-hand side only")
    transposed = node.params["operator"].transposed()
    return [None] * (len(linear) - 1) + [b.operator_solve(*node.inputs[:-1], ct, operator=transposed)]


def _operator_batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    *operands, rhs = inputs
    rhs = rhs if batched[-1] else to_batch(b, rhs, size)
    operator = node.params["operator"].batched(tuple(batched[:-1]), size)
    return b.operator_solve(*operands, rhs, operator=operator)


register(
    Primitive(
        name="root",
        type=_root_type,
        value=lambda *values, problem: problem.solve(values),
        family="implicit",
        jvp=_root_jvp,
        batch=_root_batch,
        pattern=dense,
    )
)
register(
    Primitive(
        name="operator_solve",
        type=_operator_type,
        value=lambda *values, operator: operator.solve(values[:-1], values[-1]),
        family="implicit",
        jvp=_operator_jvp,
        transpose=_operator_transpose,
        batch=_operator_batch,
        pattern=dense,
    )
)
