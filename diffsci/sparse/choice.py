"""The ways to compute a sparse derivative of one program: what each needs and costs, and which one is taken."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.graph import Builder, Graph, verify
from diffsci.jacobians import REVERSE_COST, jacobian_graph
from diffsci.sparse.compressed import compressed_graph, result_dtype, seeded_inputs
from diffsci.sparse.options import Options
from diffsci.sparse.recovery import direct, substitution
from diffsci.sparse.structure import Structure
from diffsci.sparse.work import work
from diffsci.transforms import tangent_graph, vjp_graph
from diffsci.transforms.simplify import simplify

__all__ = ["Candidate", "Colors", "Ways"]


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


@dataclass(frozen=True, slots=True)
class Colors:
    """Colors of rows and columns, -1 for unused ones."""

    row_colors: np.ndarray
    column_colors: np.ndarray
    lower_bound: int | None = None

    @property
    def ncolors(self) -> int:
        """Number of directions."""
        return sum(int(colors.max(initial=-1)) + 1 for colors in (self.row_colors, self.column_colors))


class Ways:
    """The ways to compute the Jacobian of a program at the places of a structure; each is looked at when asked.

    Parameters
    ----------
    graph : Graph
        For a Hessian that of the gradient.
    active : sequence of bool
    structure : Structure
    options : Options
    """

    def __init__(self, graph: Graph, active: Sequence[bool], structure: Structure, options: Options):
        self.graph, self.active = graph, list(active)
        self.structure, self.options = structure, options
        self._colorings: dict[str, Any] = {}

    # ---- costs, in evaluations of the function ------------------------------------------------------

    @functools.cached_property
    def own(self) -> float:
        """Work of the function itself."""
        outputs = sum(y.type.size for y in self.graph.outputs)
        return max(work(self.graph.nodes) + outputs, 1.0)

    @functools.cached_property
    def tangent(self) -> float:
        """Work of one column direction."""
        return _beyond(tangent_graph(self.graph, self.active)[0], self.graph)

    @functools.cached_property
    def cotangent(self) -> float:
        """Work of one row direction."""
        return _beyond(vjp_graph(self.graph, self.active), self.graph)

    def _compressed_cost(self, columns: int, rows: int) -> float:
        m, n = self.structure.shape
        swept = columns * (self.tangent + m) + rows * (self.cotangent + n)
        return (self.own + swept + 2 * self.structure.nnz) / self.own

    def cost(self, mode: str) -> float | None:
        """Return the predicted cost of a way, None where it is not possible."""
        if mode == "direct":
            found = self.direct
            return None if isinstance(found, str) else (work(found.nodes) + self.structure.nnz) / self.own
        if mode == "dense":
            m, n = self.structure.shape
            return min(self._compressed_cost(n, 0), self._compressed_cost(0, m))
        coloring = self.coloring(mode)
        rows, columns = (int(c.max(initial=-1)) + 1 for c in (coloring.row_colors, coloring.column_colors))
        return self._compressed_cost(columns, rows)

    def least_compressed(self) -> float:
        """Return what compressed evaluation costs at least, without coloring anything."""
        counts = np.diff(self.structure.indptr)
        columns = int(counts.max(initial=0))
        if self.options.kind.symmetric:
            return self._compressed_cost(-(-columns // 2), 0)
        rows = int(np.bincount(self.structure.indices).max(initial=0)) if self.structure.nnz else 0
        return min(self._compressed_cost(columns, 0), self._compressed_cost(0, rows))

    # ---- what each way needs ------------------------------------------------------------------------

    @functools.cached_property
    def direct(self) -> Graph | str:
        """The graph of direct evaluation, or why there is none."""
        return "direct evaluation is not there"

    def coloring(self, mode: str) -> Any:
        """Return the coloring of a way, made when first asked for."""
        if self.options.coloring is not None:
            return self.options.coloring
        found = self._colorings.get(mode)
        if found is None:
            found = self._colorings[mode] = self._colored(mode)
        return found

    def _colored(self, mode: str) -> Any:
        m, n = self.structure.shape
        if self.structure.nnz == 0:
            return Colors(np.full(m, -1), np.full(n, -1), 0)
        from diffsci import coloring

        return coloring.color(self.structure.pattern(), kind=self.options.kind.colorings[mode])

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
            If direct evaluation is not possible, or a coloring does not fit the structure.
        """
        if mode == "direct":
            if isinstance(self.direct, str):
                raise ValueError(f"{self.options.kind.name}: mode='direct' is not possible: {self.direct}")
            return self.direct
        if mode == "dense":
            return self._dense()
        coloring = self.coloring(mode)
        self._check_sizes(coloring)
        if mode == "acyclic":
            recovery = substitution(self.structure, coloring.column_colors)
        else:
            recovery = direct(self.structure, coloring, self.options.kind.symmetric)
        return compressed_graph(self.graph, self.active, coloring, recovery)

    def _check_sizes(self, coloring: Any) -> None:
        found = coloring.row_colors.size, coloring.column_colors.size
        if found != self.structure.shape:
            raise ValueError(
                f"{self.options.kind.name}: the coloring is of a matrix of shape {found}, "
                f"the {self.options.kind.what} has shape {self.structure.shape}"
            )

    def _dense(self) -> Graph:
        """Return the entries out of the dense Jacobian."""
        m, n = self.structure.shape
        mode = "forward" if n <= REVERSE_COST * m else "reverse"
        whole = jacobian_graph(self.graph, self.active, mode)
        b = Builder()
        b.adopt(whole.nodes)
        blocks, wrt = iter(whole.outputs), seeded_inputs(self.graph, self.active)
        dtype = result_dtype(self.graph)
        rows = []
        for y in self.graph.outputs:
            row = [_flat(b, next(blocks), (y.type.size, x.type.size), dtype) for x in wrt]
            rows.append(b.concatenate(*row, axis=1) if len(row) > 1 else row[0])
        matrix = b.concatenate(*rows, axis=0) if len(rows) > 1 else rows[0]
        places = self.structure.rows * n + self.structure.indices
        entries = b.take(b.reshape(matrix, shape=(m * n,)), b.const(places, np.int64), axis=0)
        return verify(simplify(Graph(whole.inputs, [entries], whole.guards)), "sparse Jacobian")


def _flat(b: Builder, block: Any, shape: tuple[int, int], dtype: np.dtype) -> Any:
    block = block if block.dtype == dtype else b.convert(block, dtype=dtype)
    return b.reshape(block, shape=shape)


def _beyond(derivative: Graph, graph: Graph) -> float:
    """Return the work of a derivative beyond that of the function, whose nodes it shares."""
    own = set(graph.nodes)
    return work(node for node in derivative.nodes if node not in own)
