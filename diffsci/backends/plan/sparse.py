"""The steps of sparse systems: factors by fronts, and solves with them."""

from __future__ import annotations

from dataclasses import dataclass

from diffsci.backends.plan.program import Buffer, View
from diffsci.primitives.linalg.fronts import Fronts

__all__ = ["SparseFactorStep", "SparseSolveStep", "sparse_steps"]


@dataclass
class SparseFactorStep:
    """Factor a sparse matrix by the plan in `table`; `good` tells whether the factors are of use."""

    data: View
    table: View
    factors: View
    pivots: View
    good: View
    work: Buffer
    fronts: Fronts

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.data.buffer, self.table.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.factors.buffer, self.pivots.buffer, self.good.buffer, self.work}


@dataclass
class SparseSolveStep:
    """Solve with factors of `SparseFactorStep`: b and x hold `columns` right-hand sides, (n, columns)."""

    factors: View
    pivots: View
    table: View
    b: View
    x: View
    work: Buffer
    n: int
    columns: int
    size: int
    transposed: bool

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {view.buffer for view in (self.factors, self.pivots, self.table, self.b)}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.x.buffer, self.work}


def sparse_steps(layout, node) -> list[SparseFactorStep | SparseSolveStep]:
    """Return the step of a factorization or a solve; all operands lie in memory."""
    views = [layout.resolver.view(x) for x in node.inputs]
    params = node.params
    dtype = node.inputs[0].dtype
    if node.name == "sparse_factor":
        fronts = Fronts(node.inputs[1].params["value"], **params)
        count = fronts.largest**2 + fronts.stack
        work = layout.work(dtype, count, "fronts of sparse factors")
        return [SparseFactorStep(*views, *layout.parts(node), work, fronts)]
    n, columns = node.shape
    work = layout.work(dtype, n + params["largest"], "right-hand side of a sparse solve")
    size = node.inputs[0].type.size
    return [SparseSolveStep(*views, layout.place(node), work, n, columns, size, params["transposed"])]
