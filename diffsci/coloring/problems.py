"""What is to be colored: a pattern, the products that will be made, and what each costs."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from diffsci.choices import check_choice
from diffsci.coloring.bounds import both_sides_bound, symmetric_bound
from diffsci.coloring.patterns import Pattern, as_pattern

__all__ = ["KINDS", "Problem"]

KINDS = ("column", "row", "bidirectional", "star", "acyclic")


@dataclass(frozen=True, eq=False)
class Problem:
    """A matrix to recover from few products.

    Parameters
    ----------
    pattern : Pattern or what `as_pattern` takes
        Where the matrix has entries.
    kind : {"column", "row", "bidirectional", "star", "acyclic"}
        Products with the matrix (columns of one color are added up), with its transpose (rows), or both;
        "star" and "acyclic" use that the matrix is symmetric and make products with the matrix only.
    recovery : {"direct", "substitution"}, optional
        Whether entries are read off, or may need other entries to be subtracted first, which takes fewer
        colors. Only "bidirectional" has both, direct by default: "acyclic" is substitution, all else direct.
    forward_cost, reverse_cost : float
        What a product with the matrix and one with its transpose cost; positive.

    Raises
    ------
    ValueError
        For names that are not in the lists, costs that are not positive and finite, and a pattern that is not
        symmetric for "star" and "acyclic".

    Examples
    --------
    >>> import numpy as np
    >>> Problem(np.tri(4), "row").lower_bound
    4
    """

    pattern: Pattern
    kind: str = "column"
    recovery: str = ""
    forward_cost: float = 1.0
    reverse_cost: float = 1.0

    def __post_init__(self):
        check_choice("kind", self.kind, KINDS)
        recovery = self.recovery or ("substitution" if self.kind == "acyclic" else "direct")
        both = ("direct", "substitution")
        possible = {"bidirectional": both, "acyclic": both[1:]}.get(self.kind, both[:1])
        check_choice(f"{self.kind} coloring: recovery", recovery, possible)
        for name in ("forward_cost", "reverse_cost"):
            cost = getattr(self, name)
            if not (math.isfinite(cost) and cost > 0):
                raise ValueError(f"{name} must be positive and finite, got {cost!r}")
        object.__setattr__(self, "recovery", recovery)
        object.__setattr__(self, "pattern", as_pattern(self.pattern))
        if self.symmetric:
            self._check_symmetry()

    @property
    def symmetric(self) -> bool:
        """Whether the matrix is taken to be symmetric."""
        return self.kind in ("star", "acyclic")

    def _check_symmetry(self) -> None:
        p = self.pattern
        if p.shape[0] != p.shape[1]:
            raise ValueError(f"{self.kind} colorings need a square pattern, got shape {p.shape}")
        if not p.symmetric:
            here = p.rows.astype(np.int64) * p.shape[1] + p.indices
            lonely = np.flatnonzero(~np.isin(p.indices.astype(np.int64) * p.shape[1] + p.rows, here))[0]
            i, j = int(p.rows[lonely]), int(p.indices[lonely])
            raise ValueError(
                f"a {self.kind} coloring needs a symmetric pattern, but entry ({i}, {j}) has no mirror image "
                f"({j}, {i}): add the pattern's transpose to it, or use a column coloring"
            )

    def cost(self, columns: int, rows: int) -> float:
        """Return what products for so many column colors and row colors cost."""
        return columns * self.forward_cost + rows * self.reverse_cost

    @functools.cached_property
    def lower_bound(self) -> int:
        """No coloring has fewer colors; often none has as few.

        Columns that meet in a row differ, so a column coloring has at least as many colors as the longest
        row has entries. For the other kinds see `diffsci.coloring.bounds`.
        """
        p = self.pattern
        if self.kind == "column":
            return p.longest_row
        if self.kind == "row":
            return p.transposed.longest_row
        if self.kind == "bidirectional":
            return int(both_sides_bound(p, 1.0, 1.0))
        return symmetric_bound(p)

    @functools.cached_property
    def least_cost(self) -> float:
        """No coloring costs less."""
        if self.kind == "bidirectional":
            return both_sides_bound(self.pattern, self.forward_cost, self.reverse_cost)
        return self.lower_bound * (self.reverse_cost if self.kind == "row" else self.forward_cost)
