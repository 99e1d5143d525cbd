"""The ways to compute a sparse derivative of one program: what each needs and costs."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci.graph import Builder, Graph, Type, verify
from diffsci.source import at
from diffsci.sparse.compressed import compressed_graph, result_dtype, seeded_inputs
from diffsci.sparse.detection import Pattern, detect_varying
from diffsci.sparse.direct import Direct, Refusal
from diffsci.sparse.direct import direct as evaluated_directly
from diffsci.sparse.options import Options
from diffsci.sparse.work import MEMORY, work
from diffsci.transforms import jacobian_graph, tangent_graph, vjp_graph
from diffsci.transforms.simplify import simplify

if TYPE_CHECKING:
    from diffsci.coloring import Coloring
    from diffsci.coloring import Pattern as ColoringPattern

__all__ = ["Candidate", "Ways"]

SCATTER = 64.0  # work of adding a value at a place that is looked up


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to compute a sparse derivative.

    Attributes
    ----------
    mode : str
    ncolors : int or None
        Directions that it evaluates; None where it needs none.
    cost : float or None
        Predicted, in evaluations of the function; None where the way is not possible.
    remark : str
        Why it is not possible.
    """

    mode: str
    ncolors: int | None
    cost: float | None
    remark: str = ""


class Ways:
    """The ways to compute the Jacobian of a program at the places of a pattern; each is looked at when asked.

    Parameters
    ----------
    graph : Graph
        For a Hessian that of the gradient.
    active : sequence of bool
    fixed : mapping of int to ndarray
        Values of integer inputs that the pattern holds for.
    pattern : Pattern
    options : Options
    """

    def __init__(
        self,
        graph: Graph,
        active: Sequence[bool],
        fixed: Mapping[int, np.ndarray],
        pattern: Pattern,
        options: Options,
    ):
        self.graph, self.active, self.fixed = graph, list(active), fixed
        self.pattern, self.options = pattern, options
        self._colorings: dict[str, Coloring] = {}

    # ---- costs, in evaluations of the function ------------------------------------------------------

    @functools.cached_property
    def own(self) -> float:
        """Work of the function itself."""
        return max(self._primal + MEMORY * sum(self.pattern.shape), 1.0)

    @functools.cached_property
    def _primal(self) -> float:
        return work(self.graph.nodes)

    @functools.cached_property
    def tangent(self) -> float:
        """Work of one column direction."""
        return _beyond(tangent_graph(self.graph, self.active)[0], self.graph)

    @functools.cached_property
    def cotangent(self) -> float:
        """Work of one row direction."""
        return _beyond(vjp_graph(self.graph, self.active), self.graph)

    def _compressed_cost(self, columns: int, rows: int) -> float:
        n = self.pattern.shape[1]
        swept = columns * self.column_cost + rows * self.row_cost
        return (self._primal + MEMORY * (n + 3 * self.pattern.nnz) + swept) / self.own

    @functools.cached_property
    def column_cost(self) -> float:
        """Work of one column direction: its products are written and read."""
        return self.tangent + 2 * MEMORY * self.pattern.shape[0]

    @functools.cached_property
    def row_cost(self) -> float:
        """Work of one row direction."""
        return self.cotangent + 2 * MEMORY * self.pattern.shape[1]

    def cost(self, mode: str) -> float | None:
        """Return the predicted cost of a way, None where it is not possible."""
        if mode == "direct":
            found = self.direct
            if isinstance(found, str):
                return None
            moved = MEMORY * (self.pattern.shape[1] + self.pattern.nnz)
            return (work(found.nodes) + moved) / self.own
        if mode == "dense":
            m, n = self.pattern.shape
            return min(self._compressed_cost(n, 0), self._compressed_cost(0, m))
        coloring = self.coloring(mode)
        cost = self._compressed_cost(coloring.column_count, coloring.row_count)
        if coloring.problem.recovery == "direct":
            return cost
        how = coloring.decompression
        return cost + SCATTER * how.targets.size * len(how.rounds).bit_length() / self.own

    def least_compressed(self) -> float:
        """Return what compressed evaluation costs at least, without coloring anything."""
        counts = np.diff(self.pattern.indptr)
        columns = int(counts.max(initial=0))
        if self.options.kind.symmetric:
            return self._compressed_cost(-(-columns // 2), 0)
        rows = int(np.bincount(self.pattern.indices).max(initial=0)) if self.pattern.nnz else 0
        return min(self._compressed_cost(columns, 0), self._compressed_cost(0, rows))

    # ---- what each way needs ------------------------------------------------------------------------

    @functools.cached_property
    def constant(self) -> np.ndarray:
        """For every entry whether it is known to be the same for all values of the active inputs."""
        varying = detect_varying(self.graph, self.active, known=self.fixed)
        return self.pattern.places_in(Pattern.below(varying, self.pattern.shape[1])) < 0

    @functools.cached_property
    def direct(self) -> Graph | str:
        """The graph of direct evaluation, or why there is none."""
        found = evaluated_directly(self.graph, self.active, self.fixed)
        if isinstance(found, Refusal):
            return f"{found.reason}{at(found.location)}"
        return _at_places(found, self.pattern)

    def coloring(self, mode: str) -> Coloring:
        """Return the coloring of a way, made when first asked for.

        Raises
        ------
        ValueError
            If the user's coloring does not fit the pattern.
        """
        found = self._colorings.get(mode)
        if found is None:
            found = self._colorings[mode] = self._colored(self.options.kind.colorings[mode])
        return found

    @functools.cached_property
    def _canonical(self) -> ColoringPattern:
        """The pattern as colorings take it: all kinds share its transpose."""
        from diffsci.coloring import as_pattern

        return as_pattern(self.pattern)

    def _colored(self, kind: str) -> Coloring:
        from diffsci.coloring import Coloring, Problem, check, color

        given = self.options.coloring
        if given is None or given.kind != kind:
            costs = max(self.column_cost, 1.0), max(self.row_cost, 1.0)
            return color(Problem(self._canonical, kind, forward_cost=costs[0], reverse_cost=costs[1]))
        if given.problem.pattern.shape != self.pattern.shape:
            raise ValueError(
                f"{self.options.kind.name}: the coloring is of a matrix of shape "
                f"{given.problem.pattern.shape}, the {self.options.kind.what} has shape {self.pattern.shape}"
            )
        problem = Problem(self._canonical, kind, given.problem.recovery)
        check(problem, given.row_colors, given.column_colors)
        return Coloring(problem, given.row_colors, given.column_colors, given.algorithm)

    def candidate(self, mode: str) -> Candidate:
        """Return a way with its predicted cost."""
        cost = self.cost(mode)
        if cost is None:
            return Candidate(mode, None, None, str(self.direct))
        colors = self.coloring(mode).ncolors if mode in self.options.kind.colorings else None
        return Candidate(mode, colors, cost)

    # ---- programs -----------------------------------------------------------------------------------

    def program(self, mode: str) -> Graph:
        """Return the graph x -> entries by one of the ways.

        Raises
        ------
        ValueError
            If direct evaluation is not possible, or a coloring does not fit the pattern.
        """
        if self.pattern.nnz == 0:
            return self._nothing()
        if mode == "direct":
            if isinstance(self.direct, str):
                raise ValueError(f"{self.options.kind.name}: mode='direct' is not possible: {self.direct}")
            return self.direct
        if mode == "dense":
            return self._dense()
        return compressed_graph(self.graph, self.active, self.coloring(mode))

    def _nothing(self) -> Graph:
        b = Builder()
        entries = b.zeros(Type((0,), result_dtype(self.graph)))
        return Graph(self.graph.inputs, [entries], self.graph.guards)

    def _dense(self) -> Graph:
        """Return the entries out of the dense Jacobian."""
        whole = jacobian_graph(self.graph, self.active)
        b = Builder()
        b.adopt(whole.nodes)
        blocks, wrt = iter(whole.outputs), seeded_inputs(self.graph, self.active)
        dtype = result_dtype(self.graph)
        rows = []
        for y in self.graph.outputs:
            row = [_flat(b, next(blocks), (y.type.size, x.type.size), dtype) for x in wrt]
            rows.append(b.concatenate(*row, axis=1) if len(row) > 1 else row[0])
        matrix = b.concatenate(*rows, axis=0) if len(rows) > 1 else rows[0]
        flat = b.reshape(matrix, shape=(matrix.type.size,))
        entries = b.take(flat, b.const(self.pattern.flat, np.int64), axis=0)
        return verify(simplify(Graph(whole.inputs, [entries], whole.guards)), "sparse Jacobian")


def _at_places(found: Direct, pattern: Pattern) -> Graph:
    """Return the graph of the entries of a pattern, made from one for other places."""
    own = found.pattern
    if own == pattern:
        return found.graph
    b = Builder()
    b.adopt(found.graph.nodes)
    places = pattern.places_in(own)
    (entries,) = found.graph.outputs
    if (places < 0).any():
        entries = b.concatenate(entries, b.zeros(Type((1,), entries.dtype)), axis=0)
        places = np.where(places < 0, own.nnz, places)
    entries = b.take(entries, b.const(places, np.int64), axis=0)
    return verify(Graph(found.graph.inputs, [entries], found.graph.guards), "sparse Jacobian")


def _flat(b: Builder, block: Any, shape: tuple[int, int], dtype: np.dtype) -> Any:
    block = block if block.dtype == dtype else b.convert(block, dtype=dtype)
    return b.reshape(block, shape=shape)


def _beyond(derivative: Graph, graph: Graph) -> float:
    """Return the work of a derivative beyond that of the function, whose nodes it shares."""
    own = set(graph.nodes)
    return work(node for node in derivative.nodes if node not in own)
