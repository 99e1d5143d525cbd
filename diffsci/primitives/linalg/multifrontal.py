"""Sparse factors and solves by fronts: what a compiled `sparse_solve` consists of.

Rows are exchanged inside of fronts only. Where an entry of L exceeds `GROWTH` that was not enough, and the
factors say so: 100 is what a pivoting threshold of 0.01 allows, common in sparse direct solvers (I. Duff,
A. Erisman, J. Reid, "Direct Methods for Sparse Matrices", Oxford, 2nd edition 2017, chapter 5).
"""

from __future__ import annotations

import numpy as np

from diffsci.graph import Primitive, Type, register
from diffsci.primitives.linalg.fronts import FIELDS, Fronts

__all__ = ["GROWTH"]

GROWTH = 100.0

_WORD = np.dtype(np.int64)


def _factor_type(data: Type, table: Type, *, n, largest, factors, stack) -> tuple[Type, ...]:
    if data.ndim != 1 or not data.is_float or table.ndim != 1 or table.dtype != _WORD:
        raise TypeError(f"cannot factor sparse entries {data} by a plan {table}")
    return Type((factors,), data.dtype), Type((n,), _WORD), Type((), np.dtype(bool))


def _factor_value(data, table, *, n, largest, factors, stack):
    fronts = Fronts(table, n, largest, factors, stack)
    made, pivots = np.empty(factors, data.dtype), np.zeros(n, np.int64)
    left: dict[int, np.ndarray] = {}
    good = True
    for k in range(int(table[1])):
        here = _front(fronts, k)
        own, first, place = here["own"], here["first"], here["factors"]
        panel, right, exchanged, left[k] = _eliminated(_assembled(fronts, k, data, left), own)
        pivots[first : first + own] = exchanged
        good &= bool(np.all(np.abs(panel[own:]) <= GROWTH) and np.all(np.isfinite(panel)))
        good &= bool(np.all(np.diag(panel[:own]) != 0))
        for part in (panel, right.T):
            made[place : place + part.size] = part.T.ravel()
            place += part.size
    return made, pivots, np.bool_(good)


def _front(fronts: Fronts, k: int) -> dict[str, int]:
    return dict(zip(FIELDS, fronts.heads()[k].tolist(), strict=True))


def _assembled(fronts: Fronts, k: int, data: np.ndarray, left: dict[int, np.ndarray]) -> np.ndarray:
    here, after = _front(fronts, k), _front(fronts, k + 1)
    size = here["own"] + here["rest"]
    flat = np.zeros(size * size, data.dtype)
    taken = slice(here["entries"], after["entries"])
    np.add.at(flat, fronts.part("places")[taken], data[fronts.part("sources")[taken]])
    front = flat.reshape(size, size).T.copy()
    pairs = fronts.part("children")[2 * here["children"] : 2 * after["children"]]
    for child, start in pairs.reshape(-1, 2).tolist():
        kept = left.pop(child)
        places = fronts.part("maps")[start : start + len(kept)]
        front[np.ix_(places, places)] += kept
    return front


def _eliminated(front: np.ndarray, own: int):
    """Factor the first columns: L and U below each other, U beside them, exchanges, and what is left."""
    from scipy.linalg import get_lapack_funcs

    getrf, laswp = get_lapack_funcs(("getrf", "laswp"), (front,))
    lu, exchanged, _ = getrf(np.asfortranarray(front[:own, :own]))
    below, right = front[own:, :own], front[:own, own:]
    with np.errstate(all="ignore"):
        if below.size:
            below = _triangle(lu, below.T, lower=False, transposed=True).T
            right = _triangle(lu, laswp(np.asfortranarray(right), exchanged), lower=True, transposed=False)
        return np.vstack([lu, below]), right, exchanged, front[own:, own:] - below @ right


def _solve_type(made: Type, pivots: Type, table: Type, rhs: Type, *, n, largest, transposed) -> Type:
    if rhs.ndim != 2 or rhs.shape[0] != n or rhs.dtype != made.dtype or pivots != Type((n,), _WORD):
        raise TypeError(f"cannot solve for {rhs} with sparse factors {made}")
    return rhs


def _solve_value(made, pivots, table, rhs, *, n, largest, transposed):
    fronts = Fronts(table, n, largest, made.size, 0)
    order = fronts.part("order")[:n]
    x = rhs[order]
    count = int(table[1])
    with np.errstate(all="ignore"):
        for k in range(count):
            _forward(fronts, k, made, pivots, x, transposed)
        for k in reversed(range(count)):
            _backward(fronts, k, made, pivots, x, transposed)
    solution = np.empty_like(x)
    solution[order] = x
    return solution


def _factors_of(fronts: Fronts, k: int, made: np.ndarray):
    """Return where a front's columns and rows lie, and its factors: L and U, L below, U beside."""
    here = _front(fronts, k)
    own, rest, place = here["own"], here["rest"], here["factors"]
    reached = fronts.part("rows")[here["rows"] : here["rows"] + rest]
    panel = made[place : place + (own + rest) * own].reshape(own, own + rest).T
    place += panel.size
    right = made[place : place + rest * own].reshape(own, rest)
    return slice(here["first"], here["first"] + own), reached, panel[:own], panel[own:], right


def _triangle(lu: np.ndarray, x: np.ndarray, lower: bool, transposed: bool) -> np.ndarray:
    from scipy.linalg import get_lapack_funcs

    (trtrs,) = get_lapack_funcs(("trtrs",), (lu,))
    if not lower and np.any(np.diag(lu) == 0):
        return np.full_like(x, np.nan)
    return trtrs(lu, x, lower=int(lower), trans=int(transposed), unitdiag=int(lower))[0]


def _forward(fronts: Fronts, k: int, made, pivots, x: np.ndarray, transposed: bool) -> None:
    own, reached, lu, below, right = _factors_of(fronts, k, made)
    if not transposed:
        for i, j in enumerate(pivots[own].tolist()):
            x[[own.start + i, own.start + j]] = x[[own.start + j, own.start + i]]
    x[own] = _triangle(lu, x[own], not transposed, transposed)
    x[reached] -= (right.T if transposed else below) @ x[own]


def _backward(fronts: Fronts, k: int, made, pivots, x: np.ndarray, transposed: bool) -> None:
    own, reached, lu, below, right = _factors_of(fronts, k, made)
    x[own] -= (below.T if transposed else right) @ x[reached]
    x[own] = _triangle(lu, x[own], transposed, transposed)
    if transposed:
        for i, j in reversed([*enumerate(pivots[own].tolist())]):
            x[[own.start + i, own.start + j]] = x[[own.start + j, own.start + i]]


register(Primitive(name="sparse_factor", type=_factor_type, value=_factor_value, family="linalg"))
register(Primitive(name="sparse_backsolve", type=_solve_type, value=_solve_value, family="linalg"))
