"""The function under test as one number of one vector: float outputs weighted, float arguments laid out in a
row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffsci as ds
from diffsci.evidence.lines import EPS
from diffsci.evidence.parameters import Parameters, inexact_leaves, is_inexact, real_entries
from diffsci.tracing.complex.boundary import whole_of
from diffsci.trees import flatten, unflatten

__all__ = ["Objective", "Reverse"]


@dataclass(frozen=True)
class Reverse:
    """A reverse-mode result that can be asked for again: value, gradient, and how it was pulled back."""

    value: float
    gradient: np.ndarray
    pull: Callable[[], np.ndarray]


def _weight(weights: np.ndarray, value: Any) -> Any:
    """Weights of a leaf in its kind and precision."""
    weights = whole_of(weights) if np.iscomplexobj(value) else weights
    return np.asarray(weights, np.asarray(value).dtype)[()]


class Objective:
    """``phi(p) = sum(w * f(p))`` with fixed random weights (one, if ``f`` returns a single number).

    Exceptions among ``refusals`` say that a point lies outside the function's domain; the last one is kept.
    """

    def __init__(
        self,
        f: Callable,
        parameters: Parameters,
        rng: np.random.Generator,
        refusals: tuple[type[Exception], ...] = (ArithmeticError, ValueError),
    ):
        self.f, self.parameters, self.refusals = f, parameters, refusals
        self.precision = parameters.precision
        self.refused: Exception | None = None
        with np.errstate(all="ignore"):
            output = f(*parameters.fill(parameters.vector, keep_dtype=True))
        leaves = inexact_leaves(output)
        if not leaves:
            raise TypeError("the function returns no float, so there is nothing to differentiate")
        single = len(leaves) == 1 and real_entries(leaves[0]).ndim == 0
        self.weights = (
            [np.ones(())] if single else [rng.uniform(0.5, 1.5, real_entries(leaf).shape) for leaf in leaves]
        )
        self._counted = [is_inexact(leaf) for leaf in flatten(output)[0]]
        self.cotangent = self.weights_like(output)

    def weigh(self, output: Any) -> Any:
        """The weighted sum of the numbers in an output.

        A complex leaf counts with its parts; a program on complex numbers gives such parts, complex
        themselves, along a last axis.
        """
        leaves = zip(flatten(output)[0], self._counted, strict=True)
        numbers = [np.asarray(leaf) for leaf, counts in leaves if counts]
        entries = [
            leaf if leaf.shape == w.shape else real_entries(leaf)
            for w, leaf in zip(self.weights, numbers, strict=True)
        ]
        return sum((np.sum(w * entry) for w, entry in zip(self.weights, entries, strict=True)), 0.0)

    def weights_like(self, output: Any) -> Any:
        """The weights in the structure, and the precision, of an output."""
        leaves, tree = flatten(output)
        weights = iter(self.weights)
        parts = [_weight(next(weights), x) if is_inexact(x) else np.zeros_like(x) for x in leaves]
        return unflatten(tree, parts)

    def number(self, vector: np.ndarray, f: Callable | None = None) -> float:
        """The plain function's value at a vector of parameters, or that of `f` in its place."""
        return float(self.weigh((f or self.f)(*self.parameters.fill(vector))))

    def quiet_number(self, vector: np.ndarray, f: Callable | None = None) -> float:
        """The plain function's value, NaN where the model refuses the point."""
        try:
            with np.errstate(all="ignore"):
                return self.number(vector, f)
        except self.refusals as error:
            self.refused = error
            return np.nan

    def line(
        self, origin: np.ndarray, direction: np.ndarray, f: Callable | None = None
    ) -> Callable[[float], float]:
        """The plain function along a straight line, NaN where it refuses the point; or `f` in its place."""
        return lambda t: self.quiet_number(origin + t * direction, f)

    def reverse(self, vector: np.ndarray) -> Reverse:
        """Value and gradient by ``ds.vjp``."""
        with np.errstate(all="ignore"):
            output, pullback = ds.vjp(self.f, *self.parameters.fill(vector, keep_dtype=True))

            def pull() -> np.ndarray:
                return self.parameters.gather(pullback(self.cotangent))

            return Reverse(float(self.weigh(output)), pull(), pull)

    def forward(self, vector: np.ndarray, direction: np.ndarray) -> float:
        """The directional derivative by ``ds.jvp``."""
        args, tangents = self.parameters.fill(vector, keep_dtype=True), self.parameters.tangents(direction)
        with np.errstate(all="ignore"):
            return float(self.weigh(ds.jvp(self.f, args, tangents)[1]))

    def gradient(self, *args: Any) -> Any:
        """The gradient of the weighted outputs, as a function that can be differentiated again."""
        return ds.vjp(self.f, *args)[1](self.cotangent)

    def hessian_vector(self, vector: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """The product of the Hessian with a direction, forward over reverse."""
        args, tangents = self.parameters.fill(vector, keep_dtype=True), self.parameters.tangents(direction)
        with np.errstate(all="ignore"):
            return self.parameters.gather(ds.jvp(self.gradient, args, tangents)[1])

    def direction(self, rng: np.random.Generator) -> np.ndarray:
        """A random direction in which every parameter changes by a good part of its size."""
        size = self.parameters.size
        return self.parameters.scale() * rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.0, size)

    def nearby(
        self, origin: np.ndarray, rng: np.random.Generator, distance: float = 1e-2
    ) -> np.ndarray | None:
        """A second point at a relative distance where the function is finite, nearer or on the other side if
        need be; None if none is.
        """
        move = self.direction(rng)
        distances = (distance, distance**2, distance**3)
        for reach in (*distances, *(-far for far in distances)):
            candidate = self._rounded(origin + reach * move)
            if np.isfinite(self.quiet_number(candidate)):
                return candidate
        return None

    def _rounded(self, vector: np.ndarray) -> np.ndarray:
        """The vector in the precision of its leaves, so that every evaluation sees the same numbers."""
        leaves = self.parameters.leaves
        return np.concatenate(
            [
                vector[leaf.start : leaf.stop].astype(real_entries(leaf.value).dtype).astype(float)
                for leaf in leaves
            ]
        )

    def same_value(self, traced: float, plain: float) -> bool:
        """Whether two evaluations agree to rounding (not asked of single precision, where references are
        double).
        """
        if self.precision > EPS or (np.isnan(traced) and np.isnan(plain)):
            return True
        return traced == plain or abs(traced - plain) <= 1e3 * EPS * max(abs(traced), abs(plain))
