"""The steps of banded systems: factors of matrices by diagonals, and solves with them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from diffsci.backends.plan.program import Buffer, View
from diffsci.source import at

__all__ = ["Band", "BandFactorStep", "BandSolveStep", "banded_steps"]

_LANES = 8
_MOST_WIDTH = 64  # own routines take ever more code


@dataclass(frozen=True)
class Band:
    """A stack of `batch` matrices of order n with `lower` diagonals below the main one and `upper` above.

    With row exchanges U has ``lower + upper`` diagonals above its own. Factors keep a record for each row
    (and `lower` empty ones behind the last): the row of U, filled up to whole vectors, then a column of L.
    """

    batch: int
    n: int
    lower: int
    upper: int

    @property
    def width(self) -> int:
        """Numbers in a row of U."""
        return self.lower + self.upper + 1

    @property
    def padded(self) -> int:
        """The same, filled up to whole vectors: a power of two up to 8, then a multiple of 8."""
        if self.width <= _LANES:
            return 1 << (self.width - 1).bit_length()
        return -(-self.width // _LANES) * _LANES

    @property
    def narrow(self) -> bool:
        """Whether own routines are quicker than those of a library."""
        return self.width <= _MOST_WIDTH

    @property
    def vectors(self) -> int:
        """Vectors that hold the rows that a pivot is chosen from."""
        return (self.lower + 1) * -(-self.width // _LANES)

    @property
    def record(self) -> int:
        """Numbers in a record."""
        return self.padded + self.lower

    @property
    def size(self) -> int:
        """Numbers in the factors of one matrix."""
        return (self.n + self.lower) * self.record


@dataclass
class BandFactorStep:
    """Factor matrices by diagonals, ``ab[upper + i - j, j] = a[i, j]``, with partial pivoting."""

    ab: View
    factors: Buffer
    pivots: Buffer
    band: Band

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.ab.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.factors, self.pivots}


@dataclass
class BandSolveStep:
    """Solve with factors of `BandFactorStep`: b and x hold `columns` right-hand sides, (n, columns) each."""

    factors: Buffer
    pivots: Buffer
    b: View
    x: View
    scratch: Buffer | None
    band: Band
    columns: int
    transposed: bool

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.factors, self.pivots, self.b.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.x.buffer} | ({self.scratch} if self.scratch else set())


def banded_steps(layout, node) -> list[BandFactorStep | BandSolveStep]:
    """Return the steps of a banded solve: factors are made where they are first asked for."""
    ab, rhs = node.inputs
    lower, upper, transposed = (node.params[name] for name in ("lower", "upper", "transposed"))
    *stack, n, columns = rhs.shape
    if not node.type.size:
        layout.place(node)
        return []
    band = Band(math.prod(stack), n, lower, upper)
    step = layout.bands.get((ab, band))
    first = []
    if step is None:
        factors = layout.work(ab.dtype, band.batch * band.size, f"factors of {ab.type}{at(ab.location)}")
        pivots = layout.work(np.dtype(np.int64), band.batch * n, "row exchanges of factors")
        step = layout.bands[ab, band] = BandFactorStep(layout.resolver.view(ab), factors, pivots, band)
        first = [step]
    turned = columns > 1 and not band.narrow
    scratch = layout.work(node.dtype, n * columns, "scratch of a solve") if turned else None
    b, x = layout.resolver.view(rhs), layout.place(node)
    solve = BandSolveStep(step.factors, step.pivots, b, x, scratch, band, columns, transposed)
    return [*first, solve]
