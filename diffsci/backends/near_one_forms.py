"""Native form of logarithms of sums near one, with 66 bits: see `diffsci.primitives.special.near_one`.

Sums and products of two terms are fused multiply-adds, whose errors are exact, so no contraction of the
compiler's can come between a result and its error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

from diffsci.backends.again import computed_again
from diffsci.graph import Builder, Graph
from diffsci.primitives.special.near_one import LN2, LN2_SHORT, SURE
from diffsci.primitives.special.terms import Term, f

__all__ = ["repaired"]

Summed = Callable[[Term], Term]

_HALVINGS = 4
_SERIES = [1 / math.factorial(k) for k in range(3, 11)]
_LEAST = -700.0  # exp of anything below does not count beside sums near one
_GRID = 1.5 * 2.0**12  # adding it rounds to multiples of 2**-40, sums of which are exact


def repaired(
    name: str,
    operands: tuple[Term, ...],
    result: Term,
    near: Term,
    summed: Summed,
    base: int | None = None,
    **params,
) -> Term:
    """Return the logarithm of a sum, computed again where it is near zero.

    Parameters
    ----------
    name : str
        The operation, called in Python where 66 bits are not enough.
    operands : tuple of Term
        Where the exponents stand.
    result, near : Term
        What was computed, and where it cannot be trusted.
    summed : callable
        ``summed(terms)``: the sum of what was made of each operand.
    base : 2 or None
        Powers of two instead of exponentials.
    """
    b, shape = result.b, result.node.shape
    given = [x.node for x in (*operands, result, near)]
    inner = Builder()
    inputs = [inner.input(node.type) for node in given]
    *exponents, before, wanted = (Term(inner, node) for node in inputs)
    again, sure = _log_of_sum(exponents, summed, base)
    unsure = f.logical_and(wanted, f.logical_not(sure))
    made = computed_again(name, tuple(exponents), f.where(wanted, again, before), unsure, **params)
    predicate = b.any(near.node, axes=tuple(range(len(shape)))) if shape else near.node
    kept = Builder()
    others = [kept.input(node.type) for node in given]
    branches = {"true": Graph(inputs, [made.node]), "false": Graph(others, [others[-2]])}
    return Term(b, b.project(b.cond(predicate, *given, **branches), index=0))


def _log_of_sum(exponents: list[Term], summed: Summed, base: int | None) -> tuple[Term, Term]:
    """Return the logarithm, and where it is right."""
    powers = [_power(x, base) for x in exponents]
    coarse = [(high + _GRID) - _GRID for high, _ in powers]
    fine = [(high - part) + low for (high, low), part in zip(powers, coarse, strict=True)]
    apart, rest = summed(coarse) - 1, summed(fine)  # the first is exact
    excess = f.fma(apart, 1.0, rest)
    result = f.log1p(excess) + f.fma_error(apart, 1.0, rest) / (1 + excess)
    if base == 2:
        result = result / LN2[0]
    return result, f.ge(f.abs(result), SURE)


def _power(x: Term, base: int | None) -> tuple[Term, Term]:
    """Return exp(x), or 2**x, for x <= 0 as a sum of two doubles.

    From exp(r / 16) = 1 + q by squaring, (1 + q)**2 = 1 + (2 q + q**2), four times.
    """
    x = f.maximum(x, _LEAST)
    high, low, whole = _reduced(x) if base is None else _reduced_of_two(x)
    s, small = high * 2.0**-_HALVINGS, low * 2.0**-_HALVINGS
    series = reduce(lambda total, c: total * s + c, reversed(_SERIES[:-1]), f.like(s, _SERIES[-1]))
    start, cubic, half = f.fma(s, 0.5 * s, s), series * s**3, 0.5 * s
    q = f.fma(start, 1.0, cubic)
    error = f.fma_error(start, 1.0, cubic) + (f.fma_error(s, half, s) + small * (1 + s))
    for _ in range(_HALVINGS):
        twice = 2 * q
        error = f.fma_error(q, q, twice) + 2 * error * (1 + q)
        q = f.fma(q, q, twice)
    scale = f.exp2(whole)
    return f.fma(q, 1.0, f.like(q, 1.0)) * scale, (f.fma_error(q, 1.0, f.like(q, 1.0)) + error) * scale


def _reduced(x: Term) -> tuple[Term, Term, Term]:
    whole = f.rint(x * (1 / LN2[0]))
    exact = f.fma(whole, -LN2_SHORT[0], x)
    return f.fma(whole, -LN2_SHORT[1], exact), f.fma_error(whole, -LN2_SHORT[1], exact), whole


def _reduced_of_two(x: Term) -> tuple[Term, Term, Term]:
    whole = f.rint(x)
    rest, nothing = x - whole, f.like(x, 0.0)
    return f.fma(rest, LN2[0], nothing), f.fma_error(rest, LN2[0], nothing) + rest * LN2[1], whole
