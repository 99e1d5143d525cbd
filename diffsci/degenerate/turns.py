"""Which bases of equal values a limit is taken in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Turn"]


@dataclass(frozen=True)
class Turn:
    """A choice of bases: a turn at random (or none), then a permutation of the vectors and a sign."""

    seed: int
    step: int = 0
    sign: int = 1

    def random(self, n: int, kind: type) -> np.ndarray:
        """Return a rotation (unitary for complex vectors)."""
        if not self.seed:
            return np.eye(n)
        parts = np.random.default_rng(self.seed).normal(size=(2, n, n))
        q = np.linalg.qr(parts[0] + 1j * parts[1] if kind is complex else parts[0])[0]
        q[:, 0] /= np.linalg.det(q)  # no mirror: those of two vectors are symmetric, and no proof
        return q

    def bases(self, n: int, zero: bool, kind: type) -> tuple[np.ndarray, np.ndarray]:
        """Return how left and right vectors of n equal values turn: alike, but for values at zero."""
        left = np.roll(self.random(n, kind), self.step, axis=1)
        right = left
        if zero and self.seed:
            right = left @ Turn(self.seed + 1).random(n, kind)
            right[:, 0] *= -1.0
        return (left * self.sign if zero else left), right

    def spread(self, n: int) -> np.ndarray:
        """Return a different speed for each of n equal values."""
        speeds = (1.0 + np.arange(n)) / n
        return speeds if not self.seed else 0.3 + 0.8 * np.roll(speeds[::-1], self.seed)
