"""Steps and interpolants of the k-th tangent system, and their adjoints, as functions of lists of arrays.

Level 0 is the problem itself. Level k + 1 is the pushforward of level k: its state is (state, tangent) and
its parameters are (parameters, tangents of the real ones). So a state has ``2**k`` components of one shape,
and tangent, adjoint and mixed derivatives of any order are programs made by ``ds.jvp`` and ``ds.vjp`` here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import diffsci as ds


def real_flags(flags: list[bool], level: int) -> list[bool]:
    """Tell which parameters of a level are real, given those of level 0.

    Examples
    --------
    >>> real_flags([True, False], 1)
    [True, False, True]
    """
    for _ in range(level):
        flags = flags + [flag for flag in flags if flag]
    return flags


def _merge(real: list, others: list, flags: list[bool]) -> list:
    real, others = iter(real), iter(others)
    return [next(real if flag else others) for flag in flags]


def _pick(values: list, flags: list[bool], wanted: bool) -> list:
    return [value for value, flag in zip(values, flags, strict=True) if flag is wanted]


def tangent_system(base: Callable, flags: list[bool], level: int) -> Callable:
    """The map ``(t, h, ys, ps) -> list of outputs`` of a level; `base` is that of level 0 with one output."""
    if level == 0:
        return lambda t, h, ys, ps: [base(t, h, ys[0], ps)]
    below = tangent_system(base, flags, level - 1)
    own = real_flags(flags, level - 1)

    def pushed(t, h, ys, ps):
        half = len(ys) // 2
        primal, tangents = ps[: len(own)], ps[len(own) :]
        fixed = _pick(primal, own, False)

        def map_of_reals(ys, reals):
            return below(t, h, ys, _merge(reals, fixed, own))

        out, moved = ds.jvp(map_of_reals, (ys[:half], _pick(primal, own, True)), (ys[half:], tangents))
        return list(out) + list(moved)

    return pushed


def adjoint_system(maps: list[Callable], flags: list[bool], level: int) -> Callable:
    """The adjoint of several maps: ``(t, h, ys, cotangents, ps) -> cotangents of ys and real parameters``.

    The cotangents of parameters come in double precision, because they are summed over all steps.
    """
    own = real_flags(flags, level)

    def adjoint(t, h, ys, cotangents, ps):
        fixed = _pick(ps, own, False)

        def map_of_reals(ys, reals):
            merged = _merge(reals, fixed, own)
            return [value for f in maps for value in f(t, h, ys, merged)]

        _, pullback = ds.vjp(map_of_reals, list(ys), _pick(ps, own, True))
        ys_bar, reals_bar = pullback(list(cotangents))
        return [*ys_bar, *(bar.astype(np.float64) for bar in reals_bar)]

    return adjoint
