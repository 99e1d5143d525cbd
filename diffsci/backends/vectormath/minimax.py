"""Minimax polynomials by Remez' exchange, in mpmath's current precision.

Sources: E. Ya. Remez (1934), as in N. Brisebarre and S. Chevillard, Efficient polynomial L-infinity
approximations, ARITH 18 (2007), whose remark is used as well: the leading coefficients are rounded one after
another, and what their rounding lost is made up for by the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mpmath as mp

__all__ = ["error", "minimax", "rounded"]

Function = Callable[[mp.mpf], mp.mpf]
_POINTS = 40  # of the grid, for each coefficient
_STEPS = 30
_LEVEL = mp.mpf("1e-3")  # how equal the extrema of the error must become
_ZERO = mp.mpf("1e-5")  # of the interval: weights are not taken nearer to 0, where they may vanish


def minimax(
    function: Function, low, high, count: int, weight: Function, given: Sequence[mp.mpf] = ()
) -> list[mp.mpf]:
    """Return the coefficients, lowest first, that make the largest weighted error smallest.

    Parameters
    ----------
    function : callable
        What is approximated on [low, high].
    count : int
        How many coefficients, the given ones among them.
    weight : callable
        The error is multiplied by ``weight(x)``.
    given : sequence of mpf
        The leading coefficients, where they are known.
    """
    known, free = len(given), count - len(given)
    grid = _chebyshev(mp.mpf(low), mp.mpf(high), _POINTS * free)
    values = [function(x) - mp.polyval([*given][::-1], x) if given else function(x) for x in grid]
    nearest = _ZERO * (grid[-1] - grid[0])
    weights = [weight(x if abs(x) > nearest else nearest) for x in grid]
    places = [round((len(grid) - 1) * k / free) for k in range(free + 1)]
    for _ in range(_STEPS):
        *found, level = _interpolated(places, grid, values, weights, known)
        errors = [w * (v - x**known * _at(found, x)) for x, v, w in zip(grid, values, weights, strict=True)]
        before, places = places, _alternating(errors, free + 1)
        if places == before or max(map(abs, errors)) < abs(level) * (1 + _LEVEL):
            break
    return [*given, *found]


def rounded(
    function: Function, low, high, count: int, weight: Function, bits: int, leading: int, doubled: int
) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """Return minimax coefficients of so many bits, and what some of them lack.

    Parameters
    ----------
    leading : int
        So many are rounded one after another, before those that follow are found.
    doubled : int
        So many get a second part, which makes them more exact.
    """
    given: list[mp.mpf] = []
    found = minimax(function, low, high, count, weight)
    while len(given) < min(leading, count - 1):
        given.append(_nearest(found[len(given)], bits))
        found = minimax(function, low, high, count, weight, given)
    first = [_nearest(c, bits) for c in found]
    return first, [_nearest(c - high, bits) for c, high in zip(found[:doubled], first, strict=False)]


def error(function: Function, low, high, coefficients: Sequence[mp.mpf], weight: Function) -> mp.mpf:
    """Return the largest weighted error, on a fine grid."""
    grid = _chebyshev(mp.mpf(low), mp.mpf(high), 500)[1:-1]
    return max(abs(weight(x) * (function(x) - _at(coefficients, x))) for x in grid)


def _chebyshev(low: mp.mpf, high: mp.mpf, count: int) -> list[mp.mpf]:
    """Points that are dense at both ends."""
    middle, half = (low + high) / 2, (high - low) / 2
    return [middle - half * mp.cos(mp.pi * k / count) for k in range(count + 1)]


def _at(coefficients: Sequence[mp.mpf], x: mp.mpf) -> mp.mpf:
    return mp.polyval(list(coefficients)[::-1], x)


def _interpolated(places, grid, values, weights, known: int) -> list[mp.mpf]:
    """Return the coefficients whose errors at some points alternate in sign and are equal, and that error."""
    free = len(places) - 1
    matrix, right = mp.matrix(free + 1, free + 1), mp.matrix(free + 1, 1)
    for row, place in enumerate(places):
        for k in range(free):
            matrix[row, k] = grid[place] ** (known + k)
        matrix[row, free] = mp.mpf((-1) ** row) / weights[place]
        right[row] = values[place]
    return list(mp.lu_solve(matrix, right))


def _alternating(errors: list[mp.mpf], count: int) -> list[int]:
    """Return where errors of alternating signs are extreme; surplus ones go in pairs, the smallest first."""
    runs: list[int] = []
    for place, value in enumerate(errors):
        if runs and (value >= 0) == (errors[runs[-1]] >= 0):
            if abs(value) > abs(errors[runs[-1]]):
                runs[-1] = place
        else:
            runs.append(place)
    while len(runs) > count:
        sizes = [abs(errors[place]) for place in runs]
        if len(runs) == count + 1:
            runs.pop(0 if sizes[0] < sizes[-1] else -1)
            continue
        pair = min(range(len(runs) - 1), key=lambda k: max(sizes[k], sizes[k + 1]))
        del runs[pair : pair + 2]
    return runs


def _nearest(number: mp.mpf, bits: int) -> mp.mpf:
    with mp.workprec(bits):
        return +number
