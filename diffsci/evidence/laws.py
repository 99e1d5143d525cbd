"""The laws of derivatives, for one function, one direction and one weighting of its results."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffsci as ds
from diffsci.errors import UnsupportedError
from diffsci.evidence.complex_step import STEP
from diffsci.evidence.lines import EPS, ridders
from diffsci.evidence.not_analytic import AtKink, NotAnalytic
from diffsci.evidence.objective import Objective
from diffsci.evidence.parameters import Parameters, is_inexact, real_entries
from diffsci.evidence.programs import analytic_function
from diffsci.evidence.verdict import digits
from diffsci.sparse import pattern
from diffsci.tracing import trace_function
from diffsci.tracing.function import is_dynamic
from diffsci.trees import flatten, tree_map, unflatten

__all__ = ["Check", "Laws"]

MOST_COLUMNS = 8  # of the Jacobian, looked at for its pattern
MOST_ENTRIES = 10**7  # of the Jacobian, for which the pattern is worked out
SINGLE = float(np.finfo(np.float32).eps)


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
class Reference:
    """An independent derivative along the direction: its relative accuracy, who gave it, and whether the
    point is a kink.
    """

    value: float
    rtol: float
    judge: str
    kink: bool = False


class Laws:
    """The laws, for one function and one direction."""

    def __init__(self, objective: Objective, parameters: Parameters, direction: np.ndarray):
        self.objective, self.parameters, self.direction = objective, parameters, direction
        self.floor = 100.0 * parameters.precision if parameters.precision > EPS else 0.0  # for float32
        self.tangents = parameters.tangents(direction)
        self.moving_tangents = tree_map(lambda x: x if is_inexact(x) else None, self.tangents)

    def close(self, law: str, found: float, expected: float, rtol: float, scale: float = 0.0) -> Check:
        """Compare two numbers relative to the larger, or to the terms that rounding is relative to."""
        allowed = max(rtol, self.floor) * max(abs(found), abs(expected), scale)
        passed = bool(found == expected or abs(found - expected) <= allowed)
        return Check(law, passed, f"{found:.15g} and {expected:.15g}, {digits(found, expected):.1f} digits")

    # the derivatives as functions, so that they can be differentiated again ------------------------

    def tangent(self, *args: Any) -> Any:
        """The directional derivative of the outputs."""
        return ds.jvp(self.objective.f, args, self.tangents)[1]

    def at(self, point: np.ndarray) -> list[Check]:
        """All eager laws at one point."""
        args = self.parameters.fill(point, keep_dtype=True)
        with np.errstate(all="ignore"):
            reverse, forward = self.objective.reverse(point), self.objective.forward(point, self.direction)
            terms = reverse.gradient * self.direction
            size = float(np.sum(np.abs(terms)))
            checks = self._kinds(args)
            checks.append(self.close("value is NumPy's", reverse.value, self.objective.number(point), 1e-13))
            reference = self._slope(self.objective.f, point)
            checks.append(self._reference("tangent", forward, reference, size))
            checks.append(
                self.close("transpose: <w, J v> = <J' w, v>", float(np.sum(terms)), forward, 1e-12, size)
            )
            checks += self._taylor(args, reverse.value, forward, size)
            return checks + self._second_order(point, args, reference, size)

    def _kinds(self, args: tuple) -> list[Check]:
        """The traced result has NumPy's structure, shapes and dtypes."""
        plain, plain_tree = flatten(self.objective.f(*copy.deepcopy(args)))
        found, tree = flatten(ds.vjp(self.objective.f, *args)[0])
        checks = [Check("structure kept", tree == plain_tree)]
        for law, kind in (("shapes kept", np.shape), ("dtypes kept", lambda leaf: np.asarray(leaf).dtype)):
            ours, theirs = [kind(leaf) for leaf in found], [kind(leaf) for leaf in plain]
            checks.append(Check(law, ours == theirs, "" if ours == theirs else f"{ours}, NumPy {theirs}"))
        return checks

    def _slope(self, function: Callable, point: np.ndarray) -> Reference:
        """A reference for the weighted directional derivative of a function."""
        kink = False
        try:
            program = analytic_function(function, self.parameters.fill(point))
            moved = self.parameters.fill(point + 1j * STEP * self.direction)
            slope = complex(self.objective.weigh(program(*moved))).imag / STEP
            if not program.approximate:
                return Reference(slope, 1e-11, "complex step")
            return Reference(
                slope, 1e-9, f"complex step, differences of {', '.join(sorted(program.approximate))}"
            )
        except AtKink:
            kink = True
        except NotAnalytic:
            pass
        estimate = ridders(self._line(function, point))
        rtol = max(1e-6, 10.0 * float(estimate.error))
        return Reference(float(estimate.value), rtol, "finite differences", kink)

    def _line(self, function: Callable, point: np.ndarray) -> Callable[[float], float]:
        def at(t: float) -> float:
            return float(self.objective.weigh(function(*self.parameters.fill(point + t * self.direction))))

        return at

    def _reference(self, law: str, found: float, reference: Reference, size: float) -> Check:
        return self.close(f"{law} = {reference.judge}", found, reference.value, reference.rtol, size)

    def _second_order(self, point: np.ndarray, args: tuple, first: Reference, size: float) -> list[Check]:
        """The second derivative along the direction, in every nesting of the two modes and by Taylor."""
        weigh, gather, v = self.objective.weigh, self.parameters.gather, self.direction
        forward = float(weigh(ds.jvp(self.tangent, args, self.tangents)[1]))
        over_forward = float(np.sum(gather(ds.vjp(self.tangent, *args)[1](self.objective.cotangent)) * v))
        over_reverse = float(np.sum(gather(ds.jvp(self.objective.gradient, args, self.tangents)[1]) * v))
        twice = float(np.sum(gather(ds.vjp(self.objective.gradient, *args)[1](self.moving_tangents)) * v))
        bend = 2.0 * float(weigh(ds.taylor(self.objective.f, args, self.tangents, 2)[2]))
        if first.kink:
            judged = Check("second order", True, "not judged: the point is at a kink")
        else:
            reference = self._slope(self.tangent, point)
            judged = self._reference("second order", forward, reference, max(size, abs(reference.value)))
        size = max(size, abs(forward))
        return [
            judged,
            self.close("reverse over forward = forward over forward", over_forward, forward, 1e-11, size),
            self.close("forward over reverse = forward over forward", over_reverse, forward, 1e-11, size),
            self.close("reverse over reverse = forward over forward", twice, forward, 1e-11, size),
            self.close("taylor: 2 c[2] = second derivative", bend, forward, 1e-11, size),
        ]

    def _taylor(self, args: tuple, value: float, forward: float, size: float) -> list[Check]:
        zeroth, first = map(self.objective.weigh, ds.taylor(self.objective.f, args, self.tangents, 1))
        return [
            self.close("taylor: c[0] = value", float(zeroth), value, 1e-13),
            self.close("taylor: c[1] = tangent", float(first), forward, 1e-12, size),
        ]

    def pattern(self, point: np.ndarray) -> list[Check]:
        """Some columns of the Jacobian are nonzero only where the structural pattern is."""
        args = self.parameters.fill(point, keep_dtype=True)
        moving = self._moving(args)
        graph = trace_function(self.objective.f, args).graph
        flags = [k < len(moving) and moving[k] for k in range(len(graph.inputs))]
        rows = sum(y.type.size for y in graph.outputs if y.type.is_float)
        if rows * self.parameters.size > MOST_ENTRIES:
            return []
        found = [
            matrix for matrix, y in zip(pattern(graph, flags), graph.outputs, strict=True) if y.type.is_float
        ]
        columns = np.unique(np.linspace(0, self.parameters.size - 1, MOST_COLUMNS).astype(int))
        outside = 0
        for k in columns:
            unit = np.zeros(self.parameters.size)
            unit[k] = 1.0
            output, moved = ds.jvp(self.objective.f, args, self.parameters.tangents(unit))
            pairs = zip(flatten(output)[0], flatten(moved)[0], strict=True)
            tangents = [tangent for value, tangent in pairs if is_inexact(value)]
            for matrix, tangent in zip(found, tangents, strict=True):
                allowed = matrix[:, [k]].toarray().ravel()
                outside += int(np.sum(_present(np.ravel(real_entries(tangent))) & ~allowed))
        detail = f"{outside} nonzero entries outside" if outside else ""
        return [Check("pattern covers the Jacobian", outside == 0, detail)]

    def _moving(self, args: tuple) -> list[bool]:
        """Which dynamic leaves of the arguments are differentiated."""
        return [
            number in self.parameters.argnums and is_inexact(leaf)
            for number, argument in enumerate(args)
            for leaf in flatten(argument)[0]
            if is_dynamic(leaf)
        ]

    def together(self, points: list[np.ndarray]) -> list[Check]:
        """Value and gradient of all points at once are those of each."""
        each = [flatten(self.parameters.fill(point, keep_dtype=True))[0] for point in points]
        tree = flatten(self.parameters.args)[1]
        moving = [k for k, leaf in enumerate(each[0]) if is_inexact(leaf)]

        def one(*leaves: Any) -> tuple:
            whole = list(each[0])
            for k, leaf in zip(moving, leaves, strict=True):
                whole[k] = leaf
            args = unflatten(tree, whole)
            output, pull = ds.vjp(self.objective.f, *args)
            return output, pull(self.objective.cotangent)

        members = [np.stack([np.asarray(leaves[k]) for leaves in each]) for k in moving]
        try:
            found = flatten(ds.vmap(one)(*members))[0]
        except UnsupportedError as refusal:
            return [Check("vmap = each by itself", True, f"refused: {refusal}")]
        expected = [flatten(one(*[leaves[k] for k in moving]))[0] for leaves in each]
        worst = max(
            (_distance(a[k], b) for k, own in enumerate(expected) for a, b in zip(found, own, strict=True)),
            default=0.0,
        )
        detail = f"largest relative difference {worst:.1e}"
        return [Check("vmap = each by itself", worst <= max(1e-11, self.floor), detail)]

    def in_single_precision(self) -> list[Check]:
        """With arrays in float32, results have NumPy's dtypes and values, and gradients are float32."""
        arrays = [leaf for leaf in self.parameters.leaves if isinstance(leaf.value, np.ndarray)]
        if not arrays or any(leaf.dtype != np.float64 for leaf in arrays):
            return []
        leaves, tree = flatten(self.parameters.args)
        args = unflatten(tree, [_single(leaf) for leaf in leaves])
        with np.errstate(all="ignore"):
            try:
                plain = flatten(self.objective.f(*copy.deepcopy(args)))[0]
            except Exception as reason:  # it mixes in double precision where a loop or a library wants one
                detail = f"it raises {type(reason).__name__} without derivatives, too"
                return [Check("float32: not for this function", True, detail)]
            double = flatten(self.objective.f(*copy.deepcopy(self.parameters.args)))[0]
            output, pull = ds.vjp(self.objective.f, *args)
            ours = flatten(output)[0]
            gradient = flatten(pull(self.objective.weights_like(output)))[0]
        kinds = [(np.asarray(x).dtype, np.asarray(y).dtype) for x, y in zip(ours, plain, strict=True)]
        checks = [Check("float32: dtypes are NumPy's", all(a == b for a, b in kinds), _listed(kinds))]
        rounding = [_distance(a, b) for a, b in zip(plain, double, strict=True)]
        errors = [_distance(a, b) for a, b in zip(ours, plain, strict=True)]
        close = all(e <= 1e3 * SINGLE + 10.0 * r for e, r in zip(errors, rounding, strict=True))
        worst = max(errors, default=0.0)
        checks.append(Check("float32: values are NumPy's", close, f"largest relative difference {worst:.1e}"))
        own = [np.asarray(x).dtype for x in flatten(args)[0] if is_inexact(x)]
        found = [np.asarray(x).dtype for x in gradient if x is not None]
        kinds = list(zip(found, own, strict=True))
        checks.append(Check("float32: gradients are float32", all(a == b for a, b in kinds), _listed(kinds)))
        return checks

    def compiled(self, points: list[np.ndarray]) -> list[Check]:
        """One compiled object returns the eager value, tangent and gradient at every point, and the first
        again.
        """

        def everything(*args: Any) -> tuple:
            value, moved = ds.jvp(self.objective.f, args, self.tangents)
            return value, moved, self.objective.gradient(*args)

        fast, checks = ds.jit(everything), []
        for point in (*points, points[0]):
            args = self.parameters.fill(point, keep_dtype=True)
            found, expected = flatten(fast(*args))[0], flatten(everything(*args))[0]
            worst = max((_distance(a, b) for a, b in zip(found, expected, strict=True)), default=0.0)
            allowed = max(1e-12, self.floor)
            checks.append(
                Check("compiled = eager", worst <= allowed, f"largest relative difference {worst:.1e}")
            )
        return checks


def _moving(tangents: tuple) -> tuple:
    """The tangents as a cotangent of the gradient, which has nothing for static arguments."""
    leaves, tree = flatten(tangents)
    return unflatten(tree, [leaf if is_inexact(leaf) else None for leaf in leaves])


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


def _present(tangent: np.ndarray) -> np.ndarray:
    """Where a tangent is more than the rounding of its largest entry: NaN is, too.

    Entries that vanish come out as rounding where an elimination meets them: the zeros of a complex triangle.
    """
    size = float(np.max(np.abs(tangent[np.isfinite(tangent)]), initial=0.0))
    return ~(np.abs(tangent) <= 1e3 * np.finfo(tangent.dtype).eps * size)


def _single(leaf: Any) -> Any:
    wide = isinstance(leaf, np.ndarray) and leaf.dtype == np.float64
    return leaf.astype(np.float32) if wide else copy.deepcopy(leaf)


def _listed(kinds: list[tuple[np.dtype, np.dtype]]) -> str:
    return ", ".join(
        f"{found} where {expected} is expected" for found, expected in kinds if found != expected
    )
