"""Elimination of a sparse matrix planned before any number is known: order, fronts, and where entries go.

The multifrontal method (I. Duff and J. Reid, "The multifrontal solution of indefinite sparse symmetric linear
equations", ACM Trans. Math. Softw. 9, 1983; for unsymmetric values on the symmetric pattern of A + A^T as in
P. Amestoy, I. Duff, J.-Y. L'Excellent, J. Koster, SIAM J. Matrix Anal. Appl. 23, 2001): columns that are
eliminated together form a small dense matrix, the front. It is the sum of entries of A and of what its
children in the tree left over; its own columns are factored, and what is left goes to its parent. Order,
tree, sizes and places depend on the pattern only, so they are found once and kept as a table of integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["FIELDS", "HEADER", "Fronts", "front_flops"]

HEADER = ("n", "count", "fronts", "order", "rows", "sources", "places", "children", "maps")
"""What the table begins with: sizes, and where its parts begin."""

FIELDS = (
    "own",  # columns eliminated here
    "rest",  # rows below them that they reach
    "first",  # the first of the columns, in elimination order
    "factors",  # where its factors lie: (own + rest) x own by columns, then own x rest by rows
    "rows",  # its reached rows: `rest` numbers
    "entries",  # its entries of A: sources and places in the front, up to the next front's
    "children",  # pairs (front, where the child's rows lie in this front), up to the next front's
    "left",  # where what it leaves is stacked: rest x rest by columns
)


@dataclass(frozen=True, eq=False)
class Fronts:
    """The plan of an elimination.

    Attributes
    ----------
    table : numpy.ndarray of int64
        `HEADER`, then a row of `FIELDS` for each front in elimination order and one behind them, then the
        parts that these point to.
    n, largest : int
        Order of the matrix and of its largest front.
    factors, stack : int
        Numbers in the factors, and those that wait for a parent at most.
    """

    table: np.ndarray
    n: int
    largest: int
    factors: int
    stack: int

    @property
    def sizes(self) -> dict[str, int]:
        """What programs must know of the plan; the rest they read from the table."""
        return {"n": self.n, "largest": self.largest, "factors": self.factors, "stack": self.stack}

    def part(self, name: str) -> np.ndarray:
        """Return the table from where a part of it begins."""
        return self.table[self.table[HEADER.index(name)] :]

    def heads(self) -> np.ndarray:
        """Return the rows of `FIELDS`, the one behind the last front included."""
        count = int(self.table[1]) + 1
        return self.part("fronts")[: count * len(FIELDS)].reshape(count, len(FIELDS))

    @property
    def flops(self) -> float:
        """Floating-point operations of a factorization."""
        return float(np.sum(front_flops(*self.heads()[:, :2].T.astype(float))))


def front_flops(own, rest):
    """Operations of the factorization of fronts: numbers, whole ones rounded down, or arrays."""
    return own * (2 * own * own // 3 + 2 * rest * (own + rest))
