"""The errors of one row: ours in every mode, and the peers'."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

import numpy as np

from benchmarks.accuracy import contestants
from benchmarks.accuracy.errors import Error, derivative_error, value_error
from benchmarks.accuracy.reference import References
from benchmarks.accuracy.row import Function

FIRST, SECOND = 1e-13, 1e-12


@dataclass
class Errors:
    """Worst errors of one contestant; ``note`` says what is missing."""

    found: dict[str, Error] = field(default_factory=dict)
    note: str = ""

    def add(self, kind: str, error: Error) -> None:
        """Keep the worst of each kind."""
        self.found[kind] = self.found[kind] | error if kind in self.found else error

    @property
    def nans(self) -> int:
        """How often NaN stands for a number, over all kinds."""
        return sum(error.nans for error in self.found.values())


@dataclass
class Measured:
    """One line of the table."""

    row: Function
    ours: Errors
    peers: dict[str, Errors]

    @property
    def targets(self) -> dict[str, float]:
        """What is asked of ours."""
        return {"value": self.row.ulps, "float32": self.row.ulps, "first": FIRST, "second": SECOND}

    @property
    def missed(self) -> dict[str, Error]:
        """Where ours is worse than asked."""
        return {
            kind: error
            for kind, error in self.ours.found.items()
            if error.worst > self.targets[kind] or error.nans
        }


def points_of(row: Function, count: int, dtype: type) -> np.ndarray:
    """The points of a row, the same ones in every run, and NaN for every argument in turn."""
    random = np.random.default_rng(zlib.crc32(row.name.encode()))
    points = row.points(random, count, np.finfo(dtype)).astype(dtype)
    nans = np.ones((row.arity, row.arity), dtype)
    np.fill_diagonal(nans, np.nan)
    return np.vstack([points, nans])


def measure(
    family: str, row: Function, count: int, references: References, peers: tuple[str, ...]
) -> Measured:
    """Measure one row at ``count`` points."""
    points = points_of(row, count, np.float64)
    reference = references(family, row, points)
    single = points_of(row, count, np.float32)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = _ours(row, points, reference)
        for mode, values in contestants.our_values(row, _columns(single)):
            if values.dtype != np.float32:
                raise TypeError(f"{row.name}: float32 gives {values.dtype}")
            found.add("float32", value_error(values, references(family, row, single, False)[0], single, mode))
        return Measured(row, found, {peer: _peer(peer, row, points, reference) for peer in peers})


def _columns(points: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.ascontiguousarray(column) for column in points.T)


def _ours(row: Function, points: np.ndarray, reference: np.ndarray) -> Errors:
    columns, found = _columns(points), Errors()
    for mode, values in contestants.our_values(row, columns):
        found.add("value", value_error(values, reference[0], points, mode))
    for kind, number, computed in _our_derivatives(row, columns):
        label = row.labels[number]
        scale = _scale(row, kind, reference)
        errors = [derivative_error(d, reference[number], points, mode, label, scale) for mode, d in computed]
        found.add(kind, reduce(or_, errors))
    return found


def _scale(row: Function, kind: str, reference: np.ndarray) -> np.ndarray | float:
    return reference[-1][:, 0] if kind == "second" and row.second_scale else 0.0


def _our_derivatives(row: Function, columns: tuple[np.ndarray, ...]) -> Iterator[tuple[str, int, Iterator]]:
    for index in range(row.arity):
        yield "first", 1 + index, contestants.our_first(row, columns, index)
    for index, pair in enumerate(row.pairs):
        yield "second", 1 + row.arity + index, contestants.our_second(row, columns, pair)


def _peer(name: str, row: Function, points: np.ndarray, reference: np.ndarray) -> Errors:
    found = Errors()
    if getattr(row, name) is None:
        found.note = "no such function"
        return found
    if row.peers_from is not None:
        seen = ~np.any(points < row.peers_from, axis=1)
        points, reference = points[seen], reference[:, seen]
        found.note = f"from {row.peers_from:g} on"
    number = -1
    try:
        peer = contestants.PEERS[name]()
        for number, computed in enumerate(peer.quantities(row, _columns(points))):
            kind = "value" if number == 0 else "first" if number <= row.arity else "second"
            if kind == "value":
                error = value_error(computed, reference[0], points, "")
            else:
                scale = _scale(row, kind, reference)
                error = derivative_error(computed, reference[number], points, "", row.labels[number], scale)
            found.add(kind, error)
    except ImportError:
        found.note = "not installed"
    except Exception as error:  # whatever a peer raises is its result
        label = row.labels[number + 1].replace("value", "the value")
        found.note = f"{label} raises {type(error).__name__}"
    return found
