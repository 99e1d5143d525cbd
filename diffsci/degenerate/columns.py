"""Columns that depend on those before them: where R of a QR factorization has zeros on its diagonal.

The rule of `qr` divides by R. Beside a matrix of lower rank, R + e D with D on the zeros only, the inverse is
a Laurent series in e, which back substitution gives term by term. The columns of Q at the zeros are arbitrary
up to what is orthogonal to those before; the last column of a square matrix is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from diffsci.degenerate.turns import Turn
from diffsci.graph import Node
from diffsci.primitives.linalg.gaps import ties
from diffsci.transforms.limits import Moving

__all__ = ["Deficient"]


class Deficient:
    """The dependent columns of (a stack of) QR factorizations at a point."""

    advice = "a product q @ r, or numpy.linalg.lstsq, pinv and svdvals, which see the rank"

    def __init__(self, node: Node, outputs: Sequence[np.ndarray]):
        self.node = node
        self.q, self.r = (np.asarray(x) for x in outputs)
        self.length = np.sqrt(np.sum(self.r * self.r, axis=-2))

    def within(self, reach: Callable | None) -> tuple[tuple[int, ...], ...]:
        """Return for each matrix which columns depend on those before them."""
        n = self.r.shape[-1]
        share = reach(self.r.dtype) if reach else ties(self.r.dtype, n)
        height = np.abs(np.diagonal(self.r, axis1=-2, axis2=-1))
        lost = (height <= share * self.length).reshape(-1, n)
        return tuple(tuple(np.flatnonzero(row).tolist()) for row in lost)

    def moving(self, groups: tuple) -> Moving:
        """Return how many poles the inverse of R has at most."""
        return Moving(1, max(map(len, groups)))

    def kinks(self, groups: tuple) -> None:
        """Nothing is averaged over the bases of these columns."""

    def offsets(self, groups: tuple) -> list[np.ndarray]:
        """Return how far the columns are from dependent, relative to their lengths."""
        n = self.r.shape[-1]
        rows = zip(self.r.reshape(-1, n, n), self.length.reshape(-1, n), groups, strict=True)
        return [
            np.array([r[column, column] / (length[column] or 1.0)])
            for r, length, columns in rows
            for column in columns
        ]

    def operands(self, groups: tuple, turn: Turn, terms: int, step: float) -> list[np.ndarray]:
        """Return Q, R with exact zeros, the direction of R, and coefficients of its inverse."""
        n, poles = self.r.shape[-1], self.moving(groups).poles
        q, r = self.q.reshape(-1, *self.q.shape[-2:]).copy(), self.r.reshape(-1, n, n).copy()
        toward, series = np.zeros_like(r), np.zeros((terms, *r.shape), r.dtype)
        offsets = iter(self.offsets(groups))
        for k, columns in enumerate(groups):
            lost = list(columns)
            offset = np.concatenate([next(offsets) for _ in lost]) if lost else np.zeros(0)
            if turn.seed and any(column < q.shape[1] - 1 for column in lost):
                q[k], r[k] = _turned(q[k], r[k], lost, turn.seed)
            r[k][lost, lost] = 0.0
            size = self.length.reshape(-1, n)[k][lost]
            speeds = offset / step if step else turn.spread(len(lost))
            toward[k][lost, lost] = np.where(size == 0, 1.0, size) * speeds
            series[:, k] = _inverse(r[k], toward[k], poles, terms)
        shapes = [self.q.shape, self.r.shape, self.r.shape, *[self.r.shape] * terms]
        return [x.reshape(shape) for x, shape in zip((q, r, toward, *series), shapes, strict=True)]

    def described(self, groups: tuple) -> str:
        """Return which columns are dependent."""
        k, columns = next((k, columns) for k, columns in enumerate(groups) if columns)
        member = f" of matrix {k} of the stack" if self.r.ndim > 2 else ""
        plural = "columns {} depend" if len(columns) > 1 else "column {} depends"
        return (plural + "{} on those before").format(", ".join(map(str, columns)), member)


def _turned(q: np.ndarray, r: np.ndarray, lost: list[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return another factorization of the same matrix: other columns of Q where R has zeros."""
    a = q @ r
    other = a.copy()
    other[:, lost] = np.random.default_rng(seed).normal(size=(len(a), len(lost)))
    turned = np.linalg.qr(other)[0].astype(q.dtype)
    signs = np.sign(np.sum(turned * q, axis=0))
    turned *= np.where(signs == 0, 1.0, signs)
    return turned, np.triu(turned.T @ a)


def _inverse(r: np.ndarray, toward: np.ndarray, poles: int, terms: int) -> np.ndarray:
    """Return the first coefficients of e^poles (r + e toward)^-1, by back substitution of power series."""
    n, length = len(r), terms + 2 * poles + 1
    x = np.zeros((n, n, length))
    for i in reversed(range(n)):
        rest = -np.tensordot(r[i, i + 1 :], x[i + 1 :], axes=1)
        rest[i, poles] += 1.0
        if r[i, i] != 0:
            x[i] = rest / r[i, i]
        else:
            x[i, :, :-1] = rest[:, 1:] / toward[i, i]
    return np.moveaxis(x[..., :terms], -1, 0)
