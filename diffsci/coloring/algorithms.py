"""Ways to color: greedy orders, lattices, and portfolios of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np

from diffsci.choices import check_choice
from diffsci.coloring.both import color_both
from diffsci.coloring.checking import columns_differ, violation
from diffsci.coloring.clock import UNLIMITED, Clock
from diffsci.coloring.groups import of_columns, of_graph
from diffsci.coloring.lattice import color_lattice, open_colorings
from diffsci.coloring.orders import ORDERS, order_vertices
from diffsci.coloring.partial import color_columns, color_in_order
from diffsci.coloring.problems import Problem
from diffsci.coloring.trees import color_graph, drop_neutral, graph_of

__all__ = ["Algorithm", "Greedy", "Lattice", "LatticeOrder", "Portfolio"]

# Times the colors of the best: an attempt at a star or acyclic coloring is given up.
_MANY = 2

Colors = tuple[np.ndarray, np.ndarray]  # of rows and of columns


@dataclass(frozen=True)
class Greedy:
    """Every vertex in turn gets the smallest color that it can have.

    Parameters
    ----------
    order : str
        "natural", "largest_first", "smallest_last", "incidence_degree", "dynamic_largest_first" or "random";
        see `diffsci.coloring.orders`.
    seed : int
        Of the random order.
    drop_neutral : bool
        Whether star, acyclic and bidirectional colorings lose the colors that no entry is read with. Those
        that keep them are the ones of the published algorithms.
    """

    order: str = "natural"
    seed: int = 0
    drop_neutral: bool = True

    def __post_init__(self):
        check_choice("order", self.order, ORDERS)

    def __str__(self) -> str:
        return f"{self.order} ({self.seed})" if self.order == "random" else self.order

    def solve(self, problem: Problem, bound: float = math.inf, clock: Clock = UNLIMITED) -> Colors | None:
        """Return row colors and column colors, -1 for none.

        None if an attempt at a symmetric or bidirectional coloring was given up: one is known whose cost is
        the bound.
        """
        pattern = problem.pattern
        if problem.kind == "column":
            return _only_columns(problem, color_columns(pattern, self.order, self.seed, clock))
        if problem.kind == "row":
            return _only_rows(problem, color_columns(pattern.transposed, self.order, self.seed, clock))
        if problem.kind == "bidirectional":
            return color_both(problem, self.order, self.seed, bound, clock, self.drop_neutral)
        order = order_vertices(of_graph(pattern), self.order, self.seed, clock)
        limit = None if bound == math.inf else int(_MANY * bound / problem.forward_cost)
        colors = _symmetric_in_order(problem, clock, self.drop_neutral)(order, limit)
        return None if colors is None else _only_columns(problem, colors)


@dataclass(frozen=True)
class Lattice:
    """Linear colors of cells on a lattice; see `diffsci.coloring.lattice`.

    Parameters
    ----------
    shape : tuple of int, optional
        The extents of the lattice's axes, the last one running fastest; found from the pattern if not given.
    species : int, optional
        The number of unknowns in a cell, likewise.
    """

    shape: tuple[int, ...] | None = None
    species: int | None = None

    def __post_init__(self):
        if self.shape is not None and (not self.shape or min(self.shape) < 1):
            raise ValueError(f"the extents of a lattice are positive, got {self.shape!r}")
        if self.species is not None and self.species < 1:
            raise ValueError(f"a lattice has at least one species, got {self.species!r}")

    def __str__(self) -> str:
        return "lattice"

    def solve(self, problem: Problem, bound: float = math.inf, clock: Clock = UNLIMITED) -> Colors | None:
        """Return row colors and column colors; None where the pattern is no lattice. Nothing is given up."""
        if problem.kind == "bidirectional":
            return self._both(problem)
        pattern = problem.pattern.transposed if problem.kind == "row" else problem.pattern
        hints = {"shape": self.shape, "species": self.species}
        if problem.symmetric:
            found = color_lattice(
                pattern, problem.lower_bound, lambda colors: self._solves(problem, colors), star=True, **hints
            )
        else:
            found = color_lattice(
                pattern, problem.lower_bound, lambda colors: columns_differ(pattern, colors), **hints
            )
        if found is None:
            return None
        return _only_rows(problem, found) if problem.kind == "row" else _only_columns(problem, found)

    def _both(self, problem: Problem) -> Colors | None:
        """The cheaper one of a column and a row coloring."""
        found = []
        for kind in ("column", "row"):
            one = Problem(problem.pattern, kind)
            colors = self.solve(one)
            if colors is not None:
                found.append((problem.cost(*_counts(colors)), colors))
        return min(found, key=lambda each: each[0], default=(0, None))[1]

    @staticmethod
    def _solves(problem: Problem, colors: np.ndarray) -> bool:
        return violation(problem, *_only_columns(problem, colors)) is None


@dataclass(frozen=True)
class LatticeOrder:
    """Greedy colorings in the order of linear colors that need not close around periodic axes.

    Parameters
    ----------
    shape, species : optional
        As for `Lattice`.
    trials : int, optional
        How many such orders are tried, beginning with those of few colors: 2 for columns and rows, 3 for
        symmetric matrices.
    """

    shape: tuple[int, ...] | None = None
    species: int | None = None
    trials: int | None = None

    def __post_init__(self):
        Lattice(self.shape, self.species)
        if self.trials is not None and self.trials < 1:
            raise ValueError(f"trials is a positive number, got {self.trials!r}")

    def __str__(self) -> str:
        return "lattice order"

    def solve(self, problem: Problem, bound: float = math.inf, clock: Clock = UNLIMITED) -> Colors | None:
        """Return row colors and column colors; None where the pattern is no periodic lattice."""
        if problem.kind == "bidirectional":
            return None
        pattern = problem.pattern.transposed if problem.kind == "row" else problem.pattern
        color = (_symmetric_in_order if problem.symmetric else _columns_in_order)(problem, clock)
        best, fewest = None, None
        # With no color to spare all of a row would have to change at a seam.
        least = pattern.longest_row + (not problem.symmetric)
        trials = self.trials or (3 if problem.symmetric else 2)
        for colors in islice(open_colorings(pattern, least, self.shape, self.species), trials):
            found = color(np.argsort(colors, kind="stable").astype(np.int32), fewest)
            count = None if found is None else int(found.max(initial=-1)) + 1
            if found is not None and (fewest is None or count < fewest):
                best, fewest = found, count
        if best is None:
            return None
        return _only_rows(problem, best) if problem.kind == "row" else _only_columns(problem, best)


Algorithm = Greedy | Lattice | LatticeOrder


@dataclass(frozen=True)
class Portfolio:
    """Try several algorithms and keep the cheapest coloring.

    Parameters
    ----------
    members : sequence of algorithms, optional
        By default a lattice and the natural order; lattice orders and largest-first, unless there are nearly
        as few colors as a row has entries; and dynamic orders where the pattern is no lattice.
    time_limit : float
        Seconds after which a member stops and no other one is begun. The first coloring is made in any case.
        Without a limit results depend on nothing but the problem.
    exhaustive : bool
        Whether the default tries everything, a random order too, until a lower bound is reached. Otherwise
        orders that would take long are left out.
    """

    members: tuple[Algorithm, ...] | None = None
    time_limit: float = math.inf
    exhaustive: bool = False

    def __post_init__(self):
        if self.members is not None and not self.members:
            raise ValueError("a portfolio has at least one member")
        if not self.time_limit >= 0:
            raise ValueError(f"time_limit is a number of seconds, got {self.time_limit!r}")


def _columns_in_order(
    problem: Problem, clock: Clock
) -> Callable[[np.ndarray, int | None], np.ndarray | None]:
    """A function of an order and a limit that colors the columns of a pattern, or its rows."""
    pattern = problem.pattern.transposed if problem.kind == "row" else problem.pattern
    groups, active = of_columns(pattern), np.ones(pattern.shape[0], np.uint8)

    def color(order: np.ndarray, limit: int | None) -> np.ndarray | None:
        limit = pattern.shape[1] if limit is None else limit
        colors, count = color_in_order(groups, order, active, limit, clock)
        return None if count > limit else colors

    return color


def _symmetric_in_order(
    problem: Problem, clock: Clock, drop: bool = True
) -> Callable[[np.ndarray, int | None], np.ndarray | None]:
    """A function of an order and a limit that makes star or acyclic colorings."""
    graph = graph_of(problem.pattern)

    def color(order: np.ndarray, limit: int | None) -> np.ndarray | None:
        colors = color_graph(graph, order, problem.kind == "acyclic", limit=limit, clock=clock)
        return drop_neutral(graph, colors) if drop and colors is not None else colors

    return color


def _counts(colors: Colors) -> tuple[int, int]:
    """The numbers of column colors and of row colors."""
    return tuple(int(each.max(initial=-1)) + 1 for each in colors[::-1])


def _only_columns(problem: Problem, colors: np.ndarray) -> Colors:
    return np.full(problem.pattern.shape[0], -1, np.int32), colors


def _only_rows(problem: Problem, colors: np.ndarray) -> Colors:
    return colors, np.full(problem.pattern.shape[1], -1, np.int32)
