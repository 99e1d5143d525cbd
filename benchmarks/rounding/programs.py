"""Random programs of the kind people write, made so that their values stay finite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import diffsci as ds

__all__ = ["RandomProgram", "random_program"]

LARGEST = 1e6  # of the values on the way


def _solved(u, v, right):
    return np.linalg.solve(np.eye(np.size(u)) + np.outer(u, v), right)


ONE = [
    np.sin,
    np.cos,
    np.tanh,
    np.arctan,
    np.exp,
    np.square,
    lambda v: np.log(1 + v * v),
    lambda v: np.sqrt(np.abs(v) + 0.01),
    lambda v: 1 / (v * v + 0.1),
    lambda v: v**3 - v,
    lambda v: 1 - np.cos(v),
    lambda v: np.exp(v) - 1,
    lambda v: np.log(np.abs(v) + 1e-3),
    lambda v: np.where(v > 0.3, v * v, np.sin(v)),
    lambda v: np.maximum(v, 0.2),
    np.expm1,
    lambda v: np.log1p(v * v),
    lambda v: np.cumsum(v) if np.ndim(v) else v,
    lambda v: v[::-1] if np.ndim(v) else -v,
    lambda v: np.roll(v, 1) - v if np.ndim(v) else 3 * v,
    lambda v: v - np.mean(v),
    lambda v: np.concatenate([v[1:], v[:1]]) * 1.1 if np.ndim(v) else v * 0.7,
    lambda v: ds.fori_loop(0, 3, lambda k, u: np.sin(u) + 0.1 * v * u, v),
    lambda v: ds.jit(np.tanh)(v) * v,
]
TWO = [
    np.add,
    np.subtract,
    np.multiply,
    np.hypot,
    np.arctan2,
    np.minimum,
    lambda u, v: u / (np.abs(v) + 0.05),
    lambda u, v: u * u - v * v,
    lambda u, v: np.abs(u + 0.01) ** 1.5 * v,
    lambda u, v: u - np.sum(v),
    lambda u, v: u * np.max(v),
    lambda u, v: _solved(np.sin(u), np.cos(v), u + v) if np.ndim(u) else u,
]
LAST = [
    np.sum,
    lambda v: np.sum(v * v),
    lambda v: np.sqrt(np.sum(v * v) + 1e-4),
    lambda v: np.mean(v * v) - np.mean(v) ** 2,
    lambda v: np.log(np.sum(np.exp(np.tanh(v)))),
    lambda v: np.sum(v) / (1 + np.sum(np.abs(v))),
]


@dataclass(frozen=True)
class RandomProgram:
    """A function of a vector, its point, and the steps that it consists of."""

    steps: tuple[tuple[Callable, tuple[int, ...]], ...]
    matrix: np.ndarray
    last: Callable
    point: np.ndarray

    def __call__(self, x):
        """Return a number."""
        values = [x, self.matrix @ x]
        for function, places in self.steps:
            values.append(function(*(values[place] for place in places)))
        return self.last(values[-1])


def random_program(seed: int) -> RandomProgram:
    """Return the program of that number: 5 to 25 steps on vectors of 2 to 5 elements."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 6))
    point, matrix = rng.normal(size=size), rng.normal(size=(size, size))
    values, steps = [point, matrix @ point], []
    wanted = int(rng.integers(5, 26))
    while len(steps) < wanted:
        table, count = (ONE, 1) if rng.random() < 0.5 else (TWO, 2)
        function = table[int(rng.integers(len(table)))]
        back = np.minimum(rng.geometric(0.4, count), len(values))  # operands are among the last values
        places = tuple(len(values) - int(k) for k in back)
        with np.errstate(all="ignore"):
            value = function(*(values[place] for place in places))
        if np.all(np.isfinite(value)) and np.max(np.abs(value)) < LARGEST:
            values.append(value)
            steps.append((function, places))
    return RandomProgram(tuple(steps), matrix, LAST[int(rng.integers(len(LAST)))], point)
