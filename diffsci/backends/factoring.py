"""How compiled programs factor a sparse matrix: as a banded one where its band is narrow, else by fronts."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from diffsci.backends.plan.banded import Band
from diffsci.elimination import elimination_of
from diffsci.elimination.bands import Diagonals, as_given, reordered

__all__ = ["Factoring", "factoring_of", "narrow_band"]

# What rows of a band cost, with factors and eight solves, in the unit of an elimination (0.2 ns): measured
# for 0 to 8 diagonals on each side. The last is for bringing right-hand sides into another order, and back.
_ROW, _NUMBER, _MULTIPLIER, _VECTOR, _GATHER = 160.0, 12.5, 10.0, 4.25, 80.0

_FULL = 0.1  # with this share of entries, and no narrow band, factors fill up in any order


class Factoring(NamedTuple):
    """How a sparse matrix is factored, and what that and a few solves cost.

    Attributes
    ----------
    kind : str
        ``"banded"``, ``"sparse"``, or ``"dense"`` where factors fill up in any order.
    form : str
        More of it, for people.
    cost : float
        In floating-point operations of a dense factorization at its best; infinite for dense ones.
    """

    kind: str
    form: str
    cost: float


def narrow_band(rows: np.ndarray, starts: np.ndarray) -> Diagonals | None:
    """Return a matrix given by columns as a banded one, None where that is no narrow one in any known order.

    Narrow are bands that own routines keep in registers. They take less than fronts whatever their entries,
    and exchange rows as they need.
    """
    return _narrow(np.asarray(rows, np.int64).tobytes(), np.asarray(starts, np.int64).tobytes())


@functools.lru_cache(maxsize=64)
def _narrow(rows: bytes, starts: bytes) -> Diagonals | None:
    rows, starts = (np.frombuffer(part, np.int64) for part in (rows, starts))
    given = as_given(rows, starts)
    if given.lower + given.upper <= 2:
        return given
    return min((d for d in (given, reordered(rows, starts)) if _band(d).narrow), key=_band_cost, default=None)


def _band(d: Diagonals) -> Band:
    return Band(1, d.n, d.lower, d.upper)


def _band_cost(d: Diagonals) -> float:
    band = _band(d)
    row = _ROW + _NUMBER * band.width + _MULTIPLIER * band.lower + _VECTOR * band.vectors
    return band.n * (row + _GATHER * (d.order is not None))


def factoring_of(rows: np.ndarray, starts: np.ndarray) -> Factoring:
    """Return how a square sparse matrix is factored.

    Parameters
    ----------
    rows, starts : numpy.ndarray of int
        The pattern by columns: the row of each entry, in order, and where each column begins.
    """
    band = narrow_band(rows, starts)
    if band is None and rows.size > _FULL * (starts.size - 1) ** 2:
        return Factoring("dense", "", np.inf)
    if band is None:
        tree = elimination_of(rows, starts)
        return Factoring("sparse", f"{tree.own.size} fronts", tree.cost)
    order = "" if band.order is None else ", rows reordered"
    return Factoring(
        "banded", f"{band.lower} diagonals below and {band.upper} above{order}", _band_cost(band)
    )
