"""How compiled programs factor a sparse matrix: as a banded one where its band is narrow, else by fronts."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from diffsci.backends.plan.banded import Band
from diffsci.elimination import elimination_of
from diffsci.elimination.bands import Diagonals, as_given, reordered

__all__ = ["Factoring", "factoring_of", "narrow_band", "too_large"]

# What a row of a band costs, with factors and eight solves, in the unit of an elimination (0.2 ns): for
# itself, a number of U, a vector that a pivot is chosen from, a number in its record, and the square of
# these (measured for 1 to 31 diagonals on each side); and for another order of right-hand sides, and back.
_ROW, _NUMBER, _VECTOR, _KEPT, _CROWD, _GATHER = 170.0, 2.5, 4.25, 6.0, 0.12, 80.0
_LEAST = 750.0  # what fronts cost for each row at least: that of a line

_FULL = 0.5  # with this share of entries, and no narrow band, factors are full in any order

# Numbers that factors by fronts may have. What is beyond is left to SuperLU, whose orders for unsymmetric
# patterns may fill less, and which tells where memory does not suffice.
_MOST = 1 << 30


class Factoring(NamedTuple):
    """How a sparse matrix is factored, and what that and a few solves cost.

    Attributes
    ----------
    kind : str
        ``"banded"``, ``"sparse"``, or ``"dense"`` where factors fill up in any order.
    form : str
        More of it, for people.
    cost : float
        In operations of the fronts of an elimination, some 0.2 ns each; infinite for dense ones.
    """

    kind: str
    form: str
    cost: float


def narrow_band(rows: np.ndarray, starts: np.ndarray) -> Diagonals | None:
    """Return a matrix given by columns as a banded one, None where that is no narrow one in any known order.

    Narrow are bands that own routines factor in less time than fronts.
    """
    return _narrow(np.asarray(rows, np.int64).tobytes(), np.asarray(starts, np.int64).tobytes())


@functools.lru_cache(maxsize=64)
def _narrow(rows: bytes, starts: bytes) -> Diagonals | None:
    rows, starts = (np.frombuffer(part, np.int64) for part in (rows, starts))
    given = as_given(rows, starts)
    if given.lower + given.upper <= 2:
        return given
    bands = [d for d in (given, reordered(rows, starts)) if _band(d).narrow]
    best = min(bands, key=_band_cost, default=None)
    if best is None or _band_cost(best) <= _LEAST * best.n:
        return best
    return best if _band_cost(best) <= elimination_of(rows, starts).cost else None


def _band(d: Diagonals) -> Band:
    return Band(1, d.n, d.lower, d.upper)


def _band_cost(d: Diagonals) -> float:
    band = _band(d)
    kept = band.width + band.lower
    row = _ROW + _NUMBER * band.width + _VECTOR * band.vectors + _KEPT * kept + _CROWD * kept**2
    return band.n * (row + _GATHER * (d.order is not None))


def too_large(rows: np.ndarray, starts: np.ndarray) -> bool:
    """Tell whether a matrix given by columns fills up too much for fronts."""
    return elimination_of(rows, starts).factors > _MOST


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
        form = f"{tree.own.size} fronts"
        if too_large(rows, starts):
            form = f"SuperLU as factors by fronts would have {tree.factors:.2g} numbers"
        return Factoring("sparse", form, tree.cost)
    order = "" if band.order is None else ", rows reordered"
    return Factoring("banded", f"diagonals {-band.lower} to {band.upper}{order}", _band_cost(band))
