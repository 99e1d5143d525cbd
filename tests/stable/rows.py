"""Rows of the accuracy table, measured at few points: targets of value, derivatives and single precision."""

from __future__ import annotations

from benchmarks.accuracy.measure import measure
from benchmarks.accuracy.reference import evaluate
from benchmarks.accuracy.row import rows_of


def names(family: str) -> list[str]:
    """The rows of a family."""
    return [row.name for row in rows_of(family)]


def _references(family, row, points, derivatives=True):
    return evaluate(family, row.name, points, len(row.quantities) if derivatives else 1)


def check(family: str, name: str, points: int = 150) -> None:
    """Fail where a target is missed: in any mode, any nesting, eager or compiled."""
    row = next(row for row in rows_of(family) if row.name == name)
    missed = measure(family, row, points, _references, ()).missed
    assert not missed, missed
