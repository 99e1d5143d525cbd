"""Inputs on which a call form is smooth: every domain builds valid values, none is filtered.

Entries come from a fine grid that contains neither its end points nor zero, so that no draw falls on a kink
by accident; shrinking moves towards the low end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

CELLS = 1 << 12
ELEMENTWISE_SHAPES = ((3,), (), (2, 3), (1,), (2, 1, 2), (0,))


@dataclass(frozen=True)
class Domain:
    """A box of real arrays; ``shapes`` are drawn from, ``build`` makes one valid array of a shape."""

    shapes: tuple[tuple[int, ...], ...]
    low: float
    high: float
    kind: str = "box"

    def build(self, draw, shape: tuple[int, ...]) -> np.ndarray:
        """One array of this domain."""
        size = int(np.prod(shape))
        cells = np.array(draw(st.lists(st.integers(0, CELLS - 1), min_size=size, max_size=size)), dtype=float)
        unit = (cells + 0.5) / CELLS
        if self.kind == "distinct":
            order = np.array(draw(st.permutations(range(size))), dtype=float)
            unit = (order + 0.25 + 0.5 * unit) / max(size, 1)
        values = (self.low + (self.high - self.low) * unit).reshape(shape)
        if self.kind == "away":
            signs = np.array(draw(st.lists(st.sampled_from([1.0, -1.0]), min_size=size, max_size=size)))
            return values * signs.reshape(shape)
        if self.kind == "dominant":
            return values + 2.0 * shape[-1] * np.eye(shape[-1])
        return values

    def typical(self) -> np.ndarray:
        """One array of the first shape, always the same."""
        rng = np.random.default_rng(20261122)
        shape = self.shapes[0]
        size = int(np.prod(shape))
        places = (rng.permutation(size) + 0.5) / max(size, 1)
        values = (self.low + (self.high - self.low) * places).reshape(shape)
        if self.kind == "away":
            return values * rng.choice([-1.0, 1.0], shape)
        return values + 2.0 * shape[-1] * np.eye(shape[-1]) if self.kind == "dominant" else values

    def any_shape(self) -> st.SearchStrategy[tuple[int, ...]]:
        """A shape of this domain."""
        return st.sampled_from(self.shapes)


def real(*shapes, low: float = -2.0, high: float = 2.0) -> Domain:
    """Arrays of numbers of both signs."""
    return Domain(shapes or ELEMENTWISE_SHAPES, low, high)


def positive(*shapes, low: float = 0.3, high: float = 3.0) -> Domain:
    """Arrays of positive numbers, away from zero."""
    return Domain(shapes or ELEMENTWISE_SHAPES, low, high)


def away(*shapes, low: float = 0.4, high: float = 2.0) -> Domain:
    """Arrays of numbers of both signs, away from a kink at zero."""
    return Domain(shapes or ELEMENTWISE_SHAPES, low, high, "away")


def distinct(*shapes, low: float = -2.0, high: float = 2.0) -> Domain:
    """Arrays without two close entries: no ties in max, min, sort."""
    return Domain(shapes, low, high, "distinct")


def matrix(*shapes) -> Domain:
    """Square matrices, well conditioned: diagonally dominant."""
    return Domain(shapes or ((3, 3),), -1.0, 1.0, "dominant")


@st.composite
def arguments(draw, domains: tuple[Domain, ...], first_shape: bool = False) -> tuple[np.ndarray, ...]:
    """One array per domain; domains that offer the same shapes are given the same one."""
    chosen: dict[tuple, tuple[int, ...]] = {}
    for domain in domains:
        if domain.shapes not in chosen:
            chosen[domain.shapes] = domain.shapes[0] if first_shape else draw(domain.any_shape())
    return tuple(domain.build(draw, chosen[domain.shapes]) for domain in domains)
