"""Coloring: one problem, one algorithm or several, the cheapest result."""

from __future__ import annotations

import time
from typing import Any

from diffsci.coloring.algorithms import Greedy, Lattice, Portfolio
from diffsci.coloring.groups import work
from diffsci.coloring.orders import WAYS
from diffsci.coloring.problems import Problem
from diffsci.coloring.result import Candidate, Coloring

__all__ = ["color"]

_FIRST = (Lattice(), Greedy("natural"), Greedy("largest_first"))
_FURTHER = tuple(Greedy(name) for name in WAYS)
# Pairs of entries in a row that a member of the default portfolio may look at, about a second.
_MOST_WORK = 5e8
# A lattice with this many colors for each entry of the longest row is taken without a greedy coloring beside
# it: those of stencils have more.
_GOOD_LATTICE = 1.5


def color(
    pattern: Any,
    kind: str | None = None,
    algorithm: Greedy | Lattice | Portfolio | None = None,
    **options: Any,
) -> Coloring:
    """Color the rows or columns of a sparse matrix, so that few products recover it.

    Parameters
    ----------
    pattern : Problem, or matrix
        What is to be colored: a problem, or a pattern that makes one; see `Problem` and `as_pattern`.
    kind : {"column", "row", "bidirectional", "star", "acyclic"}, optional
        "column" by default.
    algorithm : Greedy, Lattice or Portfolio, optional
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
    ValueError
        If the problem is not one, or if `Lattice` is asked for and the pattern is no lattice.

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
    if not isinstance(algorithm, Portfolio):
        return _solved_by(problem, algorithm)
    return _Run(problem, algorithm).best()


def _solved_by(problem: Problem, algorithm: Greedy | Lattice) -> Coloring:
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
    """One run of a portfolio."""

    def __init__(self, problem: Problem, portfolio: Portfolio):
        self.problem, self.portfolio = problem, portfolio
        self.started = time.perf_counter()
        self.tried: list[Candidate] = []
        self.found: Coloring | None = None

    def best(self) -> Coloring:
        """Try the members until one cannot be bettered."""
        if self.problem.kind == "bidirectional" and self.portfolio.members is None:
            self._try_single_sides()
        if self.portfolio.members is not None:
            self._try_all(self.portfolio.members)
        else:
            self._try_all(_FIRST)
            self._try_all(self._further())
        found = self.found
        return Coloring(
            self.problem, found.row_colors, found.column_colors, found.algorithm, tuple(self.tried)
        )

    def _further(self) -> tuple[Greedy, ...]:
        """The dynamic orders, where they may be worth their time."""
        if self.portfolio.exhaustive:
            return (*_FURTHER, Greedy("random"))
        lattice = any(each.algorithm.endswith("lattice") and each.ncolors is not None for each in self.tried)
        return () if lattice else _FURTHER

    def _try_single_sides(self) -> None:
        """Columns alone and rows alone are bidirectional colorings, too."""
        p = self.problem
        for kind in ("column", "row"):
            one = Problem(p.pattern, kind, forward_cost=p.forward_cost, reverse_cost=p.reverse_cost)
            if self.found is not None and one.least_cost >= self.found.cost:
                continue
            run = _Run(one, self.portfolio)
            run.started = self.started
            coloring = run.best()
            self.tried += [each._replace(algorithm=f"{kind}: {each.algorithm}") for each in run.tried]
            self._keep(coloring, f"{kind}: {coloring.algorithm}")

    def _try_all(self, members: tuple[Greedy | Lattice, ...]) -> None:
        for member in members:
            if self._is_done():
                return
            if isinstance(member, Lattice) and self.portfolio.members is None and not self._suits_lattice():
                continue
            reason = self._reason_to_skip(member)
            if reason:
                self.tried.append(Candidate(str(member), None, None, 0.0, reason))
                continue
            start = time.perf_counter()
            colors = member.solve(self.problem)
            seconds = time.perf_counter() - start
            if colors is None:
                self.tried.append(Candidate(str(member), None, None, seconds, "no lattice"))
                continue
            coloring = Coloring(self.problem, *colors)
            self.tried.append(Candidate(str(member), coloring.ncolors, coloring.cost, seconds))
            self._keep(coloring, str(member))
        if self.found is None:  # all members are lattices, and the pattern is none
            self._try_all((Greedy("natural"),))

    def _is_done(self) -> bool:
        """Whether nothing is cheaper, or is likely to be."""
        if self.found is None:
            return False
        if self.found.cost <= self.problem.least_cost:
            return True
        p = self.problem
        if self.portfolio.members is not None or self.portfolio.exhaustive or p.kind == "bidirectional":
            return False
        side = p.pattern.transposed if p.kind == "row" else p.pattern
        return self.found.algorithm == "lattice" and self.found.ncolors <= _GOOD_LATTICE * side.longest_row

    def _suits_lattice(self) -> bool:
        """Acyclic colorings take fewer colors than linear ones; both sides have been tried by themselves."""
        return self.problem.kind not in ("acyclic", "bidirectional")

    def _reason_to_skip(self, member: Greedy | Lattice) -> str:
        if self.found is None:
            return ""
        if time.perf_counter() - self.started > self.portfolio.time_limit:
            return "left out: time limit"
        chosen = self.portfolio.members is not None or self.portfolio.exhaustive
        if (
            not chosen
            and isinstance(member, Greedy)
            and member.order != "natural"
            and self._work() > _MOST_WORK
        ):
            return "left out: too much work"
        return ""

    def _work(self) -> float:
        """What finding all neighbors takes."""
        p = self.problem
        if p.symmetric:
            return float(p.pattern.nnz)
        sides = {"column": (p.pattern,), "row": (p.pattern.transposed,)}
        return sum(work(side) for side in sides.get(p.kind, (p.pattern, p.pattern.transposed)))

    def _keep(self, coloring: Coloring, name: str) -> None:
        if self.found is None or coloring.cost < self.found.cost:
            self.found = Coloring(self.problem, coloring.row_colors, coloring.column_colors, name)
