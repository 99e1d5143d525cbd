"""How a sparse derivative will be computed: its pattern, its coloring, the way chosen and why."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from diffsci.graph import Graph
from diffsci.source import warn_user
from diffsci.sparse.choice import Candidate, Ways
from diffsci.sparse.detection import Pattern
from diffsci.sparse.picture import picture

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from diffsci.coloring import Coloring

__all__ = ["SparsePlan", "planned"]

_BETTER = 0.9  # a way with another kind of coloring must save at least a tenth


class SparsePlan:
    """The plan of a sparse derivative at one pattern; ``print`` shows it with a picture of the pattern.

    Attributes
    ----------
    mode : str
        The way chosen: "direct", "dense", or that of a coloring.
    reason : str
        Why.
    rows, columns, nnz : int
        Of the matrix.
    """

    def __init__(self, ways: Ways, mode: str, reason: str):
        self._ways = ways
        self.mode = mode
        self.reason = reason
        self.rows, self.columns = ways.pattern.shape
        self.nnz = ways.pattern.nnz

    @property
    def cost(self) -> float:
        """Predicted by counting operations, in evaluations of the function (Hessian: of the gradient)."""
        return self._ways.cost(self.mode)

    @property
    def places(self) -> Pattern:
        """The index arrays that all results share."""
        return self._ways.pattern

    def program(self) -> Graph:
        """Return the graph x -> entries, in the order of the pattern."""
        return self._ways.program(self.mode)

    @functools.cached_property
    def pattern(self) -> csr_array:
        """The pattern as a matrix of booleans."""
        return self.places.csr()

    @property
    def constant(self) -> np.ndarray:
        """For every entry whether it is known to be the same for all values of the chosen arguments."""
        return self._ways.constant

    @functools.cached_property
    def coloring(self) -> Coloring:
        """The coloring used, or, where the way chosen needs none, the best one there is."""
        if self.mode in self._ways.options.kind.colorings:
            return self._ways.coloring(self.mode)
        modes = [found.mode for found in self.candidates if found.mode in self._ways.options.kind.colorings]
        return self._ways.coloring(min(modes, key=self._ways.cost))

    @property
    def ncolors(self) -> int:
        """Number of colors of `coloring`."""
        return self.coloring.ncolors

    @property
    def lower_bound(self) -> int | None:
        """No coloring of this kind has fewer colors."""
        return self.coloring.lower_bound

    @functools.cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """All ways, with their colors and predicted costs; colorings that were not needed are made here."""
        kind = self._ways.options.kind
        return tuple(self._ways.candidate(mode) for mode in ("direct", *kind.colorings, "dense"))

    def __repr__(self) -> str:
        return f"SparsePlan({self.rows} x {self.columns}, {self.nnz} entries, mode={self.mode!r})"

    def __str__(self) -> str:
        kind = self._ways.options.kind
        share = self.nnz / max(self.rows * self.columns, 1)
        lines = [
            f"{kind.what}: {self.rows} x {self.columns}, {self.nnz} entries ({100 * share:.3g} %), "
            f"{np.count_nonzero(self.constant)} of them constant",
            *("  " + line for line in picture(self._ways.pattern)),
            f"mode: {self.mode} ({self.reason}), about {self.cost:.2g} evaluations of {kind.unit}",
            f"colors: {self.ncolors}, lower bound {self.lower_bound}",
            "candidates:",
        ]
        for found in self.candidates:
            colors = "no colors" if found.ncolors is None else f"{found.ncolors} colors"
            cost = found.remark if found.cost is None else f"{colors}, {found.cost:.2g} evaluations"
            lines.append(f"  {found.mode:<13} {cost}")
        return "\n".join(lines)


def planned(ways: Ways) -> SparsePlan:
    """Return the plan of a derivative: what was asked for, or the cheapest way."""
    options, pattern = ways.options, ways.pattern
    if options.mode != "auto":
        return SparsePlan(ways, options.mode, "as asked")
    if options.coloring is not None:
        modes = {kind: mode for mode, kind in options.kind.colorings.items()}
        return SparsePlan(ways, modes[options.coloring.kind], "by the coloring given")
    if pattern.nnz == 0:
        return SparsePlan(ways, next(iter(options.kind.colorings)), "there is nothing to compute")
    if pattern.is_dense:
        m, n = pattern.shape
        warn_user(
            f"{options.kind.name}: {pattern.nnz} of {m * n} entries can be nonzero: computed as a dense "
            f"matrix; diffsci.{options.kind.dense} returns it as one"
        )
        return SparsePlan(ways, "dense", "more than half of the entries can be nonzero")
    direct = ways.cost("direct")
    if direct is not None and direct <= ways.least_compressed():
        return SparsePlan(ways, "direct", "cheaper than any coloring")
    return _cheapest(ways, direct)


def _cheapest(ways: Ways, direct: float | None) -> SparsePlan:
    """Compare the colorings, those that need more to be recovered only if they save something."""
    best, least = None, float("inf")
    for mode in ways.options.kind.colorings:
        cost = ways.cost(mode)
        if cost < _BETTER * least:
            best, least = mode, cost
    if direct is not None and direct <= least:
        return SparsePlan(ways, "direct", "cheaper than every coloring")
    reason = "the cheapest coloring" if direct is not None else f"the cheapest coloring; {ways.direct}"
    return SparsePlan(ways, best, reason)
