"""Linear systems with a matrix known by its products only."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diffsci.graph import Builder, Graph, Type
from diffsci.implicit.programs import program_of
from diffsci.primitives.implicit import Operator
from diffsci.transforms import batch_graph, simplify, tangent_graph, transpose_graph
from diffsci.transforms.calls import once

__all__ = ["METHODS", "GraphOperator"]

METHODS = ("gmres", "bicgstab", "cg")
ACCEPTED = 1e4  # residuals of so many roundings are a solution
SWEEPS = 12  # restarts on the residual that is left, each gains digits


class GraphOperator(Operator):
    """The products as a graph ``(operands, v) -> A(operands) v``, linear in v."""

    def __init__(self, graph: Graph, method: str):
        self.graph, self.method = graph, method
        self.input_types = graph.input_types
        self._product = program_of(graph)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GraphOperator):
            return False
        return self.graph is other.graph and self.method == other.method

    def __hash__(self) -> int:
        return hash((self.graph, self.method))

    def solve(self, operands: Sequence[np.ndarray], rhs: np.ndarray) -> np.ndarray:
        """See `Operator`."""
        if any(np.iscomplexobj(x) for x in (*operands, rhs)):
            return self._continued(operands, rhs)
        x, converged = self.attempt(operands, rhs)
        return x if converged else np.full(rhs.shape, np.nan, rhs.dtype)

    def attempt(self, operands: Sequence[np.ndarray], rhs: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return what an iterative method reaches, and whether it solves the system to rounding.

        The method starts again on the residual as long as that shrinks.
        """
        product = functools.partial(self.product, operands)
        if not all(np.all(np.isfinite(x)) for x in (*operands, rhs)):
            return np.full(rhs.shape, np.nan, rhs.dtype), False
        x, left = np.zeros_like(rhs), rhs
        size = _norm(rhs)
        if size == 0.0:
            return x, True
        eps = np.finfo(rhs.dtype).eps
        best, best_left = x, np.inf
        for _ in range(SWEEPS):
            x = x + self._sweep(product, left)
            image = product(x)
            left = rhs - image
            if not np.all(np.isfinite(left)):
                break
            last, best_left_now = best_left, _norm(left)
            if best_left_now < best_left:
                best, best_left = x, best_left_now
            if best_left_now <= eps * size or best_left_now > 0.5 * last:
                break
        # Products of size |A x| are rounded at eps |A x|; with cancellation that may exceed eps |b|.
        reachable = size + _norm(product(np.abs(best)))
        return best, bool(best_left <= ACCEPTED * eps * reachable)

    def product(self, operands: Sequence[np.ndarray], v: np.ndarray) -> np.ndarray:
        """Return A(operands) v."""
        return np.asarray(self._product([*operands, np.asarray(v)])[0])

    def _continued(self, operands: Sequence[np.ndarray], rhs: np.ndarray) -> np.ndarray:
        """Solve a complex system close to a real one, with real solves for what is left."""
        plain = [np.real(x) for x in operands]
        x = self.solve(plain, np.real(rhs)).astype(complex)
        for _ in range(3):
            left = rhs - self.product(operands, x)
            x = x + self.attempt(plain, left.real)[0] + 1j * self.attempt(plain, left.imag)[0]
        return x

    def _sweep(self, product, rhs: np.ndarray) -> np.ndarray:
        from scipy.sparse import linalg

        n = rhs.size
        matrix = linalg.LinearOperator((n, n), matvec=product, dtype=rhs.dtype)
        options = {"rtol": 1e-10, "atol": 0.0, "maxiter": max(10 * n, 100)}
        if self.method == "gmres":
            options |= {"restart": min(n, 100), "maxiter": max(20, 2 * n // 100)}
        with np.errstate(all="ignore"):
            found, _ = getattr(linalg, self.method)(matrix, rhs, **options)
        return np.asarray(found, rhs.dtype)

    def push(self, active: tuple[bool, ...]) -> Graph:
        """See `Operator`."""

        def make() -> Graph:
            graph, kept = tangent_graph(self.graph, (*active, False))
            if kept:
                return simplify(graph)
            zero = self.graph.outputs[0].type  # the products do not depend on these operands
            return Graph(graph.inputs, [Builder().zeros(zero)])

        return once(self.graph, ("operator push", active), make)

    def batched(self, flags: tuple[bool, ...], size: int) -> Operator:
        """See `Operator`."""
        return BatchedOperator(self, flags, size)

    def products(self) -> Graph:
        """See `Operator`."""
        return self.graph

    def transposed(self) -> Operator:
        """See `Operator`."""
        flags = [False] * (len(self.graph.inputs) - 1) + [True]
        graph = once(self.graph, "transposed operator", lambda: simplify(transpose_graph(self.graph, flags)))
        return GraphOperator(graph, self.method)


@dataclass(frozen=True)
class BatchedOperator(Operator):
    """One matrix per member, solved one after the other; `flags` marks operands with a matrix axis."""

    operator: Operator
    flags: tuple[bool, ...]
    size: int

    @property
    def graph(self) -> Graph:
        """See `Operator`."""
        return self.operator.graph

    @property
    def input_types(self) -> tuple[Type, ...]:
        """See `Operator`."""
        pairs = zip(self.operator.input_types, (*self.flags, True), strict=True)
        return tuple(Type((self.size, *t.shape), t.dtype) if flag else t for t, flag in pairs)

    def solve(self, operands: Sequence[np.ndarray], rhs: np.ndarray) -> np.ndarray:
        """See `Operator`."""
        rows = []
        for k in range(self.size):
            own = [x[k] if flag else x for x, flag in zip(operands, self.flags, strict=True)]
            rows.append(self.operator.solve(own, rhs[k]))
        return np.stack(rows)

    def push(self, active: tuple[bool, ...]) -> Graph:
        """See `Operator`."""
        graph = self.operator.push(active)
        tangents = [flag for flag, moves in zip(self.flags, active, strict=True) if moves]
        flags = (*self.flags, True, *tangents)
        return self._of_members(graph, flags)

    def products(self) -> Graph:
        """See `Operator`."""
        return self._of_members(self.operator.products(), (*self.flags, True))

    def _of_members(self, graph: Graph, flags: tuple[bool, ...]) -> Graph:
        return once(graph, ("batch", flags, self.size), lambda: batch_graph(graph, flags, self.size))

    def transposed(self) -> Operator:
        """See `Operator`."""
        return BatchedOperator(self.operator.transposed(), self.flags, self.size)

    def batched(self, flags: tuple[bool, ...], size: int) -> Operator:
        """See `Operator`."""
        return BatchedOperator(self, flags, size)


def _norm(x: np.ndarray) -> float:
    return float(np.linalg.norm(x))
