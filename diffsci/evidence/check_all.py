"""Every law a function under diffsci obeys, tried on one function: a helper for tests."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffsci as ds
from diffsci.evidence.analytic import NotAnalytic
from diffsci.evidence.complex_step import STEP
from diffsci.evidence.lines import EPS, ridders
from diffsci.evidence.objective import Objective
from diffsci.evidence.parameters import Parameters, is_inexact
from diffsci.evidence.programs import analytic_function
from diffsci.evidence.verdict import digits
from diffsci.trees import flatten

__all__ = ["Check", "CheckAll", "check_all"]


@dataclass(frozen=True)
class Check:
    """One law: whether it held, and the numbers that show it."""

    law: str
    passed: bool
    detail: str = ""

    def __str__(self) -> str:
        return f"  {'ok    ' if self.passed else 'FAILED'}  {self.law}" + (
            f": {self.detail}" if self.detail else ""
        )


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
    """Try every law on ``f``: values, both modes, second order in every nesting, compiled = eager, no side
    effects.

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
    laws = _Laws(objective, parameters, objective.direction(rng))
    checks: list[Check] = []
    for label, point in zip(("", " (nearby point)"), points, strict=True):
        if point is not None:
            checks += [Check(c.law + label, c.passed, c.detail) for c in laws.at(point)]
    if jit:
        checks += laws.compiled([point for point in points if point is not None])
    same = all(
        np.array_equal(a, b, equal_nan=is_inexact(a)) for a, b in zip(before, flatten(args)[0], strict=True)
    )
    checks.append(Check("inputs untouched", same))
    return CheckAll(getattr(f, "__qualname__", None) or type(f).__qualname__, tuple(checks))


class _Laws:
    """The laws, for one function and one direction."""

    def __init__(self, objective: Objective, parameters: Parameters, direction: np.ndarray):
        self.objective, self.parameters, self.direction = objective, parameters, direction
        self.loose = 1e4 if parameters.precision > EPS else 1.0
        self.tangents = parameters.tangents(direction)

    def close(self, law: str, found: float, expected: float, rtol: float, scale: float = 0.0) -> Check:
        """Compare two numbers relative to the larger, or to the terms that rounding is relative to."""
        allowed = rtol * self.loose * max(abs(found), abs(expected), scale)
        passed = bool(found == expected or abs(found - expected) <= allowed)
        return Check(law, passed, f"{found:.15g} and {expected:.15g}, {digits(found, expected):.1f} digits")

    # the derivatives as functions, so that they can be differentiated again ------------------------

    def tangent(self, *args: Any) -> Any:
        """The directional derivative of the outputs."""
        return ds.jvp(self.objective.f, args, self.tangents)[1]

    def gradient(self, *args: Any) -> Any:
        """The gradient of the weighted outputs."""
        return ds.vjp(self.objective.f, *args)[1](self.objective.cotangent)

    def at(self, point: np.ndarray) -> list[Check]:
        """All eager laws at one point."""
        args = self.parameters.fill(point, keep_dtype=True)
        with np.errstate(all="ignore"):
            reverse, forward = self.objective.reverse(point), self.objective.forward(point, self.direction)
            terms = reverse.gradient * self.direction
            size = float(np.sum(np.abs(terms)))
            checks = self._kinds(args)
            checks.append(self.close("value is NumPy's", reverse.value, self.objective.number(point), 1e-13))
            checks.append(self._reference("tangent", forward, self._slope(self.objective.f, point), size))
            checks.append(
                self.close("transpose: <w, J v> = <J' w, v>", float(np.sum(terms)), forward, 1e-12, size)
            )
            return checks + self._second_order(point, args, size)

    def _kinds(self, args: tuple) -> list[Check]:
        """The traced result has NumPy's structure, shapes and dtypes."""
        plain, plain_tree = flatten(self.objective.f(*copy.deepcopy(args)))
        found, tree = flatten(ds.vjp(self.objective.f, *args)[0])
        checks = [Check("structure kept", tree == plain_tree)]
        for law, kind in (("shapes kept", np.shape), ("dtypes kept", lambda leaf: np.asarray(leaf).dtype)):
            ours, theirs = [kind(leaf) for leaf in found], [kind(leaf) for leaf in plain]
            checks.append(Check(law, ours == theirs, "" if ours == theirs else f"{ours}, NumPy {theirs}"))
        return checks

    def _slope(self, function: Callable, point: np.ndarray) -> tuple[float, float, str]:
        """A reference for the weighted directional derivative: value, relative tolerance, name."""
        try:
            program = analytic_function(function, self.parameters.fill(point))
            moved = self.parameters.fill(point + 1j * STEP * self.direction)
            return complex(self.objective.weigh(program(*moved))).imag / STEP, 1e-11, "complex step"
        except NotAnalytic:
            line = self._line(function, point)
            estimate = ridders(line)
            return float(estimate.value), max(1e-6, 10.0 * float(estimate.error)), "finite differences"

    def _line(self, function: Callable, point: np.ndarray) -> Callable[[float], float]:
        def at(t: float) -> float:
            return float(self.objective.weigh(function(*self.parameters.fill(point + t * self.direction))))

        return at

    def _reference(self, law: str, found: float, reference: tuple[float, float, str], size: float) -> Check:
        value, rtol, name = reference
        return self.close(f"{law} = {name}", found, value, rtol, size)

    def _second_order(self, point: np.ndarray, args: tuple, size: float) -> list[Check]:
        """The second derivative along the direction, in every nesting of the two modes."""
        weigh, gather, v = self.objective.weigh, self.parameters.gather, self.direction
        reference = self._slope(self.tangent, point)
        forward = float(weigh(ds.jvp(self.tangent, args, self.tangents)[1]))
        over_forward = float(np.sum(gather(ds.vjp(self.tangent, *args)[1](self.objective.cotangent)) * v))
        over_reverse = float(np.sum(gather(ds.jvp(self.gradient, args, self.tangents)[1]) * v))
        twice = float(np.sum(gather(ds.vjp(self.gradient, *args)[1](self.tangents)) * v))
        size = max(size, abs(reference[0]))
        return [
            self._reference("second order", forward, reference, size),
            self.close("reverse over forward = forward over forward", over_forward, forward, 1e-11, size),
            self.close("forward over reverse = forward over forward", over_reverse, forward, 1e-11, size),
            self.close("reverse over reverse = forward over forward", twice, forward, 1e-11, size),
        ]

    def compiled(self, points: list[np.ndarray]) -> list[Check]:
        """One compiled object returns the eager value, tangent and gradient at every point, and the first
        again.
        """

        def everything(*args: Any) -> tuple:
            value, moved = ds.jvp(self.objective.f, args, self.tangents)
            return value, moved, self.gradient(*args)

        fast, checks = ds.jit(everything), []
        for point in (*points, points[0]):
            args = self.parameters.fill(point, keep_dtype=True)
            found, expected = flatten(fast(*args))[0], flatten(everything(*args))[0]
            worst = max((_distance(a, b) for a, b in zip(found, expected, strict=True)), default=0.0)
            allowed = 1e-12 * self.loose
            checks.append(
                Check("compiled = eager", worst <= allowed, f"largest relative difference {worst:.1e}")
            )
        return checks


def _distance(found: Any, expected: Any) -> float:
    """Largest difference relative to the largest entry; infinite if a NaN is only on one side."""
    if found is None and expected is None:
        return 0.0
    a, b = np.asarray(found), np.asarray(expected)
    if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return np.inf
    fine = np.isfinite(a)
    size = float(np.max(np.abs(b[fine]), initial=0.0)) or 1.0
    return float(np.max(np.abs(a[fine] - b[fine]), initial=0.0)) / size
