"""Colors and times of colorings, against CasADi and asdex on the same patterns."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import scipy.sparse as sp

from benchmarks import patterns
from benchmarks.report import Table
from benchmarks.timing import interleaved
from diffsci.coloring import Problem, color

# Colors, and seconds where there is a target for them.
BRUSSELATOR = {6: (6, None), 24: (6, None), 32: (8, 1e-3), 100: (10, 15e-3)}
LARGE_SIDE, LARGE_SECONDS = 100, 2.5
# Published or proven: pattern, kind, colors.
KNOWN = (
    ("band of half-width 5", patterns.band(40, 5, 5), {"column": 11, "star": 11, "acyclic": 6}),
    ("arrow, 10", patterns.arrow(10), {"column": 10, "star": 2, "acyclic": 2, "bidirectional": 3}),
    ("5-point 10 x 10", patterns.laplace(10, 10), {"column": 5, "star": 5, "acyclic": 4}),
    ("9-point 10 x 10", patterns.box(10, 10), {"column": 9, "star": 10, "acyclic": 6}),
)


def measure(threads: int) -> Table:
    """Color known patterns, then time contestants in turn; threads make no difference here."""
    table = Table("coloring", "Colorings of sparse matrices")
    for name, pattern, kinds in KNOWN:
        for kind, colors in kinds.items():
            table.add(f"{name}: {kind} colors", color(pattern, kind).ncolors, "", target=colors)
    peers = _peers(table)
    for side, (colors, seconds) in BRUSSELATOR.items():
        for layout, interleaved_species in (("blocks", False), ("interleaved", True)):
            what = f"Brusselator {side} x {side}, {layout}"
            pattern = patterns.brusselator(side, interleaved_species)
            _compare(table, what, pattern, "column", colors, seconds, peers)
    _compare(table, "5-point 150 x 150", patterns.laplace(150, 150), "star", 5, None, peers)
    large = patterns.laplace(LARGE_SIDE, LARGE_SIDE, LARGE_SIDE)
    few = {name: peer for name, peer in peers.items() if name == "CasADi"}  # the others take minutes
    what = f"7-point {LARGE_SIDE} x {LARGE_SIDE} x {LARGE_SIDE}"
    _compare(table, what, large, "column", 7, LARGE_SECONDS, few, repeats=3)
    return table


def _compare(
    table: Table,
    what: str,
    pattern: sp.csr_array,
    kind: str,
    colors: int,
    seconds: float | None,
    peers: dict[str, Callable],
    repeats: int = 9,
) -> None:
    """Rows for colors, their target and those of peers, and for times."""
    contestants = {"diffsci": lambda: color(pattern, kind).ncolors}
    contestants |= {name: peer(pattern, kind) for name, peer in peers.items()}
    found = {name: contestant() for name, contestant in contestants.items()}
    bound = Problem(pattern, kind).lower_bound
    others = ", ".join(f"{name} {count}" for name, count in found.items() if name != "diffsci")
    note = f"at least {bound}" + f"; {others}" * bool(others)
    table.add(f"{what}: {kind} colors", found["diffsci"], "", target=colors, note=note)
    times = interleaved(contestants, repeats=repeats, sample=0.005)
    note = ", ".join(f"{name} {time * 1e3:.3g} ms" for name, time in times.items() if name != "diffsci")
    table.add(f"{what}: time of the {kind} coloring", times["diffsci"], target=seconds, note=note)


def _peers(table: Table) -> dict[str, Callable]:
    """Makers of contestants: of a pattern and a kind a function that returns the number of colors."""
    found = {}
    for name, module in (("CasADi", "colorings_casadi"), ("asdex", "colorings_asdex")):
        try:
            found[name] = importlib.import_module(f"benchmarks.peers.{module}").contestant
        except ImportError:
            table.missing(name)
    return found
