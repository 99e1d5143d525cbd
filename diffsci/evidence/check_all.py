"""Every law a function under diffsci obeys, tried on one function."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.evidence.laws import Check, Laws
from diffsci.evidence.objective import Objective
from diffsci.evidence.parameters import Parameters, is_inexact
from diffsci.trees import flatten

__all__ = ["Check", "CheckAll", "check_all"]


@dataclass(frozen=True)
class CheckAll:
    """The result of :func:`check_all`: print it, or ask ``.passed``."""

    function: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every law held."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[str, ...]:
        """The laws that did not hold."""
        return tuple(check.law for check in self.checks if not check.passed)

    def __bool__(self) -> bool:
        raise TypeError(
            "a set of checks is not true or false by itself: ask result.passed (and print(result))"
        )

    def __str__(self) -> str:
        verdict = "every law holds" if self.passed else f"{len(self.failed)} of {len(self.checks)} laws fail"
        return "\n".join([f"check_all {self.function}: {verdict}", *map(str, self.checks)])


def check_all(
    f: Callable, *args: Any, argnums: int | tuple[int, ...] | None = None, jit: bool = True, seed: int = 0
) -> CheckAll:
    """Try every law on ``f``: values, both modes, second order in every nesting, Taylor coefficients,
    sparsity pattern, many members at once, single precision, compiled = eager, no side effects.

    Parameters
    ----------
    f : callable
        Any function of float arguments (nested containers included).
    *args
        The point; a second one nearby is tried as well.
    argnums : int or tuple of int, optional
        Which arguments to differentiate with respect to; all of them by default.
    jit : bool
        Whether to compile as well.
    seed : int
        Seed of the random directions.

    Returns
    -------
    CheckAll
        ``.passed``, ``.failed`` and a readable report.

    Notes
    -----
    Derivatives are judged by the complex step: the traced program on complex numbers, right to rounding.
    Operations that exist for real numbers only are continued by differences of each; loops that run on
    real numbers only leave finite differences of the whole function. At a kink, where there is no
    derivative, first derivatives are compared with the mean of the slopes on both sides and second ones
    only with each other. The report names the judge.

    Examples
    --------
    >>> import numpy as np
    >>> check_all(lambda x: np.sin(x) * x[0], np.array([0.5, 2.0])).passed
    True
    """
    rng = np.random.default_rng(seed)
    parameters = Parameters(f, args, argnums)
    objective = Objective(f, parameters, rng)
    before = copy.deepcopy(flatten(args)[0])
    points = [parameters.vector, objective.nearby(parameters.vector, rng)]
    laws = Laws(objective, parameters, objective.direction(rng))
    checks: list[Check] = []
    for label, point in zip(("", " (nearby point)"), points, strict=True):
        if point is not None:
            checks += [Check(c.law + label, c.passed, c.detail) for c in laws.at(point)]
    there = [point for point in points if point is not None]
    checks += laws.pattern(there[0])
    checks += laws.together(there)
    checks += laws.in_single_precision()
    if jit:
        checks += laws.compiled(there)
    same = all(
        np.array_equal(a, b, equal_nan=is_inexact(a)) for a, b in zip(before, flatten(args)[0], strict=True)
    )
    checks.append(Check("inputs untouched", same))
    return CheckAll(getattr(f, "__qualname__", None) or type(f).__qualname__, tuple(checks))
