"""Coloring: one problem, one algorithm or several, the cheapest result."""

from __future__ import annotations

import math
import time
from typing import Any

from diffsci.coloring.algorithms import Algorithm, Greedy, Lattice, LatticeOrder, Portfolio
from diffsci.coloring.clock import UNLIMITED, Clock, OutOfTime
from diffsci.coloring.groups import work
from diffsci.coloring.orders import WAYS
from diffsci.coloring.problems import Problem
from diffsci.coloring.result import Candidate, Coloring

__all__ = ["color"]

_FIRST = (Lattice(), Greedy("natural"), LatticeOrder(), Greedy("largest_first"))
_FURTHER = tuple(Greedy(name) for name in WAYS)
# Symmetric matrices with dense rows may take very many colors in an order that does not care.
_SYMMETRIC = (
    Lattice(),
    LatticeOrder(),
    *(Greedy(name) for name in ("smallest_last", "natural", "largest_first", *list(WAYS)[1:])),
)
# The most pairs of entries in a row that members of the default portfolio look at: smallest-last, which is
# best for meshes, more than others, except on both sides; the natural order any number.
_MOST_WORK = 2e7
_MOST_WORK_LAST = 5e8
# What a coloring of a kind does for such a pair; star and acyclic ones for an entry.
_EFFORT = {"column": 1.0, "row": 1.0, "bidirectional": 20.0, "star": 20.0, "acyclic": 20.0}
# With this many colors for each entry of the longest row a lattice needs no more greedy colorings beside it:
# they rarely have fewer.
_GOOD_LATTICE = 1.5


def color(
    pattern: Any,
    kind: str | None = None,
    algorithm: Algorithm | Portfolio | None = None,
    **options: Any,
) -> Coloring:
    """Color the rows or columns of a sparse matrix, so that few products recover it.

    Parameters
    ----------
    pattern : Problem, or matrix
        What is to be colored: a problem, or a pattern that makes one; see `Problem` and `as_pattern`.
    kind : {"column", "row", "bidirectional", "star", "acyclic"}, optional
        "column" by default.
    algorithm : Greedy, Lattice, LatticeOrder or Portfolio, optional
        By default a portfolio.
    **options
        For `Problem`: `recovery`, `forward_cost`, `reverse_cost`.

    Returns
    -------
    Coloring
        The cheapest one found; of equal ones the first. The same for the same arguments, always, unless a
        time limit is given.

    Raises
    ------
    TypeError
        If the algorithm is none.
    ValueError
        If the problem is not one, or if a lattice is asked for and the pattern is none.

    Examples
    --------
    >>> import numpy as np
    >>> arrow = np.eye(10)
    >>> arrow[0] = arrow[:, 0] = 1
    >>> [color(arrow, kind).ncolors for kind in ("column", "bidirectional", "star")]
    [10, 3, 2]
    """
    if isinstance(pattern, Problem):
        if kind is not None or options:
            raise ValueError("a Problem says its kind and costs itself; leave out kind and other options")
        problem = pattern
    else:
        problem = Problem(pattern, kind or "column", **options)
    algorithm = Portfolio() if algorithm is None else algorithm
    if not hasattr(algorithm, "solve") and not isinstance(algorithm, Portfolio):
        raise TypeError(
            f"algorithm= is a Greedy(order), Lattice(), LatticeOrder() or Portfolio(), got {algorithm!r}"
        )
    if not isinstance(algorithm, Portfolio):
        return _solved_by(problem, algorithm)
    return _Run(problem, algorithm).best()


def _solved_by(problem: Problem, algorithm: Algorithm) -> Coloring:
    start = time.perf_counter()
    colors = algorithm.solve(problem)
    if colors is None:
        raise ValueError(
            "no linear coloring was found: the pattern is no lattice, or needs a hint (Lattice(shape=..., "
            "species=...)), or has only colorings with many colors; use a greedy order or a portfolio"
        )
    return _named(Coloring(problem, *colors), str(algorithm), time.perf_counter() - start)


def _named(coloring: Coloring, name: str, seconds: float) -> Coloring:
    tried = (Candidate(name, coloring.ncolors, coloring.cost, seconds),)
    return Coloring(coloring.problem, coloring.row_colors, coloring.column_colors, name, tried)


class _Run:
    """One run of a portfolio.

    Where nothing else is known one coloring is `needed`: the first one has all the time that it takes.
    """

    def __init__(
        self, problem: Problem, portfolio: Portfolio, clock: Clock | None = None, needed: bool = True
    ):
        self.problem, self.portfolio = problem, portfolio
        self.clock = Clock(portfolio.time_limit) if clock is None else clock
        self.needed = needed
        self.tried: list[Candidate] = []
        self.found: Coloring | None = None

    def best(self) -> Coloring | None:
        """Try the members until one cannot be bettered; None if none is needed and time is up."""
        if self.problem.kind == "bidirectional" and self.portfolio.members is None:
            self._try_single_sides()
        if self.portfolio.members is not None:
            self._try_all(self.portfolio.members)
        else:
            self._try_all(_SYMMETRIC if self.problem.symmetric else _FIRST)
            self._try_all(self._further())
        found = self.found
        return found and Coloring(
            self.problem, found.row_colors, found.column_colors, found.algorithm, tuple(self.tried)
        )

    def _further(self) -> tuple[Greedy, ...]:
        """The dynamic orders, where they may be worth their time and have not been tried."""
        further = () if self.problem.symmetric else _FURTHER
        if self.portfolio.exhaustive:
            return (*further, Greedy("random"))
        return () if self._is_lattice() else further

    def _try_single_sides(self) -> None:
        """Columns alone and rows alone are bidirectional colorings, too; first what may cost less."""
        p = self.problem
        sides = [
            Problem(p.pattern, kind, forward_cost=p.forward_cost, reverse_cost=p.reverse_cost)
            for kind in ("column", "row")
        ]
        for one in sorted(sides, key=lambda side: side.least_cost):
            if self.found is not None and one.least_cost >= self.found.cost:
                continue
            run = _Run(one, self.portfolio, self.clock, self.found is None)
            coloring = run.best()
            self.tried += [each._replace(algorithm=f"{one.kind}: {each.algorithm}") for each in run.tried]
            if coloring is not None:
                self._keep(coloring, f"{one.kind}: {coloring.algorithm}")

    def _try_all(self, members: tuple[Algorithm, ...]) -> None:
        for member in members:
            if self.found is not None and self.found.cost <= self.problem.least_cost:
                return
            if self.portfolio.members is None and not self._suits(member):
                continue
            reason = self._reason_to_skip(member)
            if reason:
                self.tried.append(Candidate(str(member), None, None, 0.0, reason))
                continue
            start = time.perf_counter()
            bound = math.inf if self.found is None else self.found.cost
            clock = UNLIMITED if self._must_find() else self.clock
            try:
                colors = member.solve(self.problem, bound, clock)
                note = "given up" if isinstance(member, Greedy) else "no lattice"
            except OutOfTime:
                colors, note = None, "stopped: time limit"
            seconds = time.perf_counter() - start
            if colors is None:
                self.tried.append(Candidate(str(member), None, None, seconds, note))
                continue
            coloring = Coloring(self.problem, *colors)
            self.tried.append(Candidate(str(member), coloring.ncolors, coloring.cost, seconds))
            self._keep(coloring, str(member))
        if self._must_find():  # all members are lattices, and the pattern is none
            self._try_all((Greedy("natural"),))

    def _suits(self, member: Algorithm) -> bool:
        """Whether a member of the default is made for this kind, and may better what there is.

        Acyclic colorings have fewer colors than linear ones; of bidirectional ones the sides have been tried.
        """
        kind = self.problem.kind
        if isinstance(member, Lattice):
            return kind in ("column", "row", "star")
        if isinstance(member, LatticeOrder) and kind == "bidirectional":
            return False
        always = LatticeOrder() if self.problem.symmetric else Greedy("natural")
        return member == always or self.portfolio.exhaustive or not self._is_good()

    def _is_good(self) -> bool:
        """Whether the pattern is a lattice that has been colored with few colors."""
        p = self.problem
        if not self._is_lattice() or p.kind in ("bidirectional", "acyclic"):
            return False
        side = p.pattern.transposed if p.kind == "row" else p.pattern
        return self.found.ncolors <= _GOOD_LATTICE * side.longest_row

    def _is_lattice(self) -> bool:
        return any("lattice" in each.algorithm and each.ncolors is not None for each in self.tried)

    def _reason_to_skip(self, member: Algorithm) -> str:
        if self._must_find():
            return ""
        if self.clock.left < 0:
            return "left out: time limit"
        chosen = self.portfolio.members is not None or self.portfolio.exhaustive
        cheap = chosen or member in (Lattice(), Greedy("natural"))
        last = member == Greedy("smallest_last") and self.problem.kind != "bidirectional"
        most = _MOST_WORK_LAST if last else _MOST_WORK
        if not cheap and self._work() > most:
            return "left out: too much work"
        return ""

    def _must_find(self) -> bool:
        return self.needed and self.found is None

    def _work(self) -> float:
        """What a greedy coloring takes, in pairs of entries that share a row."""
        p = self.problem
        sides = {"column": (p.pattern,), "row": (p.pattern.transposed,)}
        both = (p.pattern, p.pattern.transposed)
        pairs = p.pattern.nnz if p.symmetric else sum(work(side) for side in sides.get(p.kind, both))
        return _EFFORT[p.kind] * pairs

    def _keep(self, coloring: Coloring, name: str) -> None:
        if self.found is None or coloring.cost < self.found.cost:
            self.found = Coloring(self.problem, coloring.row_colors, coloring.column_colors, name)
