"""Equal eigenvalues and singular values, and how the bases of their vectors turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from diffsci.degenerate.turns import Turn
from diffsci.graph import Node
from diffsci.primitives.linalg.gaps import ties
from diffsci.transforms.limits import Moving

__all__ = ["FACTORS", "Equal"]


@dataclass(frozen=True)
class Factor:
    """Which output of a factorization are its values, and how its bases turn.

    Attributes
    ----------
    values : int
    turned : callable
        ``turned(outputs, left, right)``: the same factorization with the vectors of equal values turned.
    signed : bool
        Whether values at zero have two bases, which turn apart.
    what : str
    dtype : type
        Of the turns: vectors of Hermitian matrices turn by unitary ones.
    """

    values: int
    turned: Callable
    signed: bool
    what: str
    dtype: type = float


def _turn_eigh(outputs, left, right):
    w, v = outputs
    return w, v @ left


def _turn_hermitian(outputs, left, right):
    w, x, y = outputs
    v = (x + 1j * y) @ left
    return w, v.real, v.imag


def _turn_svd(outputs, left, right):
    u, s, vt = outputs
    return u @ left, s, np.swapaxes(right, -1, -2) @ vt


FACTORS = {
    "eigh": Factor(0, _turn_eigh, False, "eigenvalues"),
    "hermitian_eigh": Factor(0, _turn_hermitian, False, "eigenvalues", complex),
    "svd": Factor(1, _turn_svd, True, "singular values"),
}


class Equal:
    """The equal values of (a stack of) factorizations at a point."""

    advice = (
        "the values (numpy.linalg.eigvalsh, svdvals), a function (v * f(w)) @ v.T, a projector "
        "p = v[:, group] @ v[:, group].T onto all vectors of equal values"
    )

    def __init__(self, node: Node, outputs: Sequence[np.ndarray]):
        self.node, self.record = node, FACTORS[node.name]
        self.outputs = list(outputs)
        self.w = np.asarray(outputs[self.record.values])

    def within(self, reach: Callable | None) -> tuple[tuple[tuple[tuple[int, ...], bool], ...], ...]:
        """Return for each matrix its groups of equal values, each with whether they are zero."""
        n = self.w.shape[-1]
        share = reach(self.w.dtype) if reach else ties(self.w.dtype, n)
        return tuple(self._groups(w, share) for w in self.w.reshape(-1, n))

    def _groups(self, w: np.ndarray, share: float) -> tuple[tuple[tuple[int, ...], bool], ...]:
        size = np.max(np.abs(w), initial=0.0)
        if not np.isfinite(size):
            return ()
        apart = np.flatnonzero(np.abs(np.diff(w)) > share * size) + 1
        runs = [tuple(run.tolist()) for run in np.split(np.arange(w.size), apart) if run.size]
        marked = [(run, bool(self.record.signed and np.abs(w[run[-1]]) <= share * size)) for run in runs]
        return tuple((run, zero) for run, zero in marked if zero or len(run) > 1)

    def moving(self, groups: tuple) -> Moving:
        """Return which output moves."""
        return Moving(self.record.values)

    def kinks(self, groups: tuple) -> list[tuple[int, bool]]:
        """Return how many values are equal in each group, and whether they are zero."""
        return [(len(run), zero) for runs in groups for run, zero in runs]

    def offsets(self, groups: tuple) -> list[np.ndarray]:
        """Return how far the values of each group are from equal, relative to the largest."""
        found = []
        for w, runs in zip(self.w.reshape(-1, self.w.shape[-1]), groups, strict=True):
            size = np.max(np.abs(w), initial=0.0) or 1.0
            found += [(w[list(run)] - (0.0 if zero else np.mean(w[list(run)]))) / size for run, zero in runs]
        return found

    def operands(self, groups: tuple, turn: Turn, terms: int, step: float) -> list[np.ndarray]:
        """Return outputs with values exactly equal and bases turned, and the direction of the values.

        With a step, the values move to where they are within it.
        """
        n = self.w.shape[-1]
        w, toward = self.w.reshape(-1, n).copy(), np.zeros((self.w.size // max(n, 1), n), self.w.dtype)
        kind = np.result_type(self.w, np.complex64 if self.record.dtype is complex else np.float32)
        left, right = (np.tile(np.eye(n, dtype=kind), (len(w), 1, 1)) for _ in range(2))
        offsets = iter(self.offsets(groups))
        for k, runs in enumerate(groups):
            size = np.max(np.abs(w[k]), initial=0.0) or 1.0
            for run, zero in runs:
                run = list(run)
                w[k, run] = 0.0 if zero else np.mean(w[k, run])
                offset = next(offsets)
                toward[k, run] = size * (offset / step if step else turn.spread(len(run)))
                block, bases = np.ix_(run, run), turn.bases(len(run), zero, self.record.dtype)
                left[k][block], right[k][block] = bases
        square = (*self.w.shape, n)
        outputs = list(self.outputs)
        outputs[self.record.values] = w.reshape(self.w.shape)
        outputs = self.record.turned(outputs, left.reshape(square), right.reshape(square))
        return [np.ascontiguousarray(x) for x in (*outputs, toward.reshape(self.w.shape))]

    def described(self, groups: tuple) -> str:
        """Return which values coincide."""
        k, runs = next((k, runs) for k, runs in enumerate(groups) if runs)
        n = self.w.shape[-1]
        w, (run, zero) = self.w.reshape(-1, n)[k], runs[0]
        places = ", ".join(map(str, run[:4])) + (", ..." if len(run) > 4 else "")
        member = f" of matrix {k} of the stack" if self.w.ndim > 1 else ""
        what = self.record.what if len(run) > 1 else self.record.what[:-1]
        verb = "coincide" if not zero else "are zero" if len(run) > 1 else "is zero"
        value = "" if zero else f" ({w[run[0]]:.6g})"
        return f"{what} {places}{member} {verb}{value}"
