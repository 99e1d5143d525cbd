"""Derivatives at equal eigenvalues and singular values: a limit, or an error that explains why there is none.

Programs run as they are until a derivative divides by no gap (`diffsci.primitives.linalg.gaps`). Then the
program is run again as the power series of `diffsci.transforms.limits`. Whether the question makes sense is
decided by the numbers. Its poles must vanish, and the answer must be the same when all bases of equal values
are turned at random: what passes does not depend on what LAPACK returned. Two smooth functions need not be
asked for: single eigenvalues of a tie share its slope equally, as the entries of a sort do (the mean over
permutations of the basis), and singular values at zero, where they are kinks, have the slope 0 (the mean over
both signs of a vector).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.errors import DegenerateError, UnsupportedError
from diffsci.graph import Builder, Graph, Node, interpreter
from diffsci.primitives.linalg.gaps import Unresolved, near, only_ties, ties
from diffsci.primitives.series import linear, product
from diffsci.source import at
from diffsci.transforms.calls import once
from diffsci.transforms.limits import limit_graph
from diffsci.transforms.taylor import rule_of

__all__ = ["resolved"]

ROUNDING = 2e4  # units in the last place of what a result was summed from
MOST_TURNS = 240


def resolved(
    graph: Graph, inputs: Sequence[Any], problem: Unresolved, again: Callable[[], list[Any]]
) -> list[Any]:
    """Return the outputs of a derivative that met equal values.

    Parameters
    ----------
    graph : Graph
        The whole program: the factorizations are in it.
    inputs : sequence of array
    problem : Unresolved
        What running it raised.
    again : callable
        Runs it again, where values are close and no limit is asked for.

    Raises
    ------
    DegenerateError
        If the question depends on the basis of a space of equal values.
    """
    graph = once(graph, "without calls", lambda: _without_calls(graph))
    values = interpreter.Values(zip(graph.inputs, map(np.asarray, inputs), strict=True))
    factors = [node for node in graph.nodes if node.name in FACTORS]
    found = {node: _Equal(node, values[node]) for node in factors if _is_primal(node)}
    tried: list[list] = []
    for reach in (near, None):
        cut = {node: equal.within(reach) for node, equal in found.items()}
        cut = {node: groups for node, groups in cut.items() if any(groups)}
        if cut in tried:
            continue
        if not cut:
            with only_ties():
                return again()
        tried.append(cut)
        try:
            return _limit(graph, inputs, {node: found[node] for node in cut}, cut)
        except DegenerateError as error:
            problem = error
    raise problem


def _without_calls(graph: Graph) -> Graph:
    """Return a program with its sub-programs written out."""
    if not any(node.name == "call" for node in graph.nodes):
        return graph
    b = Builder()
    moved: dict[Node, Any] = {x: x for x in graph.inputs}
    _write(b, graph, moved)
    return Graph(graph.inputs, [moved[y] for y in graph.outputs])


def _write(b: Builder, graph: Graph, moved: dict[Node, Any]) -> None:
    for node in graph.nodes:
        if node in moved:
            continue
        b.location = node.location
        operands = [moved[x] for x in node.inputs]
        if node.name == "call":
            callee = node.params["graph"]
            inner = dict(zip(callee.inputs, operands, strict=True))
            _write(b, callee, inner)
            moved[node] = [inner[y] for y in callee.outputs]
        elif node.name == "project" and isinstance(operands[0], list):
            moved[node] = operands[0][node.params["index"]]
        else:
            moved[node] = b.emit(node.primitive, *operands, **node.params)


def _is_primal(node: Node) -> bool:
    """Tell whether no derivative went into a factorization."""
    seen, stack = set(), [node]
    while stack:
        last = stack.pop()
        if last.name == "gap_quotient":
            return False
        fresh = [x for x in last.inputs if x not in seen]
        seen.update(fresh)
        stack += fresh
    return True


# equal values, and their bases ----------------------------------------------------------------------


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


class _Equal:
    """The equal values of (a stack of) factorizations at a point."""

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

    def operands(self, groups: tuple, turn: _Turn) -> list[np.ndarray]:
        """Return outputs with values exactly equal and bases turned, and the direction of the values."""
        n = self.w.shape[-1]
        w, toward = self.w.reshape(-1, n).copy(), np.zeros((self.w.size // max(n, 1), n), self.w.dtype)
        kind = np.result_type(
            self.w, np.zeros((), np.complex64 if self.record.dtype is complex else np.float32)
        )
        left, right = (np.tile(np.eye(n, dtype=kind), (len(w), 1, 1)) for _ in range(2))
        for k, runs in enumerate(groups):
            size = np.max(np.abs(w[k]), initial=0.0) or 1.0
            for run, zero in runs:
                run = list(run)
                w[k, run] = 0.0 if zero else np.mean(w[k, run])
                toward[k, run] = size * turn.spread(len(run))
                left[k][np.ix_(run, run)], right[k][np.ix_(run, run)] = turn.bases(
                    len(run), zero, self.record.dtype
                )
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
        if len(run) == 1:
            return f"{self.record.what[:-1]} {places}{member} is zero"
        return f"{self.record.what} {places}{member} " + (
            "are zero" if zero else f"coincide ({w[run[0]]:.6g})"
        )


@dataclass(frozen=True)
class _Turn:
    """A choice of bases: a turn at random (or none), then a permutation of the vectors and a sign."""

    seed: int
    step: int = 0
    sign: int = 1

    def _random(self, n: int, kind: type) -> np.ndarray:
        if not self.seed:
            return np.eye(n)
        parts = np.random.default_rng(self.seed).normal(size=(2, n, n))
        q = np.linalg.qr(parts[0] + 1j * parts[1] if kind is complex else parts[0])[0]
        q[:, 0] /= np.linalg.det(q)  # no mirror: those of two vectors are symmetric, and no proof
        return q

    def bases(self, n: int, zero: bool, kind: type) -> tuple[np.ndarray, np.ndarray]:
        """Return how left and right vectors of n equal values turn: alike, but for values at zero."""
        left = np.roll(self._random(n, kind), self.step, axis=1)
        right = left
        if zero and self.seed:
            right = left @ _Turn(self.seed + 1)._random(n, kind)
            right[:, 0] *= -1.0
        return (left * self.sign if zero else left), right

    def spread(self, n: int) -> np.ndarray:
        """Return a different speed for each of n equal values."""
        speeds = (1.0 + np.arange(n)) / n
        return speeds if not self.seed else np.roll(speeds[::-1], self.seed) * (1.0 + speeds / 8)


# the limit ------------------------------------------------------------------------------------------


def _limit(graph: Graph, inputs: Sequence[Any], equal: dict, cut: dict) -> list[np.ndarray]:
    places = tuple(equal)
    try:
        limit = once(
            graph, ("limit", places), lambda: limit_graph(graph, {x: FACTORS[x.name].values for x in places})
        )
    except UnsupportedError as error:
        raise DegenerateError(
            _explained(equal, cut, f"its limit cannot be taken here, because {error}")
        ) from None

    def at_turn(turn: _Turn) -> _Answer:
        given = [x for node in places for x in equal[node].operands(cut[node], turn)]
        return _Answer(limit, [*inputs, *given, np.zeros(()), np.ones(())])

    first, second = at_turn(_Turn(0)), at_turn(_Turn(5))
    if not first.regular() or not second.regular():
        raise DegenerateError(_explained(equal, cut, "the derivative asked for is infinite"))
    if first.agrees(second):
        return first.values
    return _mean(at_turn, equal, cut)


def _mean(at_turn: Callable, equal: dict, cut: dict) -> list[np.ndarray]:
    """Return the mean over permutations and signs of the bases, if it is the same for other bases."""
    runs = [(len(run), zero) for groups in cut.values() for some in groups for run, zero in some]
    steps = math.lcm(*(n for n, _ in runs))
    signs = (1, -1) if any(zero for _, zero in runs) else (1,)
    if steps * len(signs) > MOST_TURNS:
        raise DegenerateError(_explained(equal, cut, "too many values are equal in different groups"))
    first, second = (
        _Answer.mean([at_turn(_Turn(seed, *turn)) for turn in itertools.product(range(steps), signs)])
        for seed in (0, 5)
    )
    if not first.agrees(second):
        raise DegenerateError(_explained(equal, cut, "the derivative asked for differs from basis to basis"))
    return first.values


def _explained(equal: dict, cut: dict, what: str) -> str:
    node = next(iter(equal))
    return (
        f"{node.name}{at(node.location)}: {equal[node].described(cut[node])}, so the basis of their vectors "
        f"is arbitrary, and {what}: ask for what does not depend on the basis: the values "
        "(numpy.linalg.eigvalsh, svdvals), a function (v * f(w)) @ v.T, a projector "
        "p = v[:, group] @ v[:, group].T onto all vectors of equal values; or move the values apart"
    )


class _Answer:
    """Values at a point, the poles beside them, and how large the terms were that both were summed from."""

    def __init__(self, limit, inputs: Sequence[Any]):
        graph = limit.graph
        values, sizes = {}, {}
        with np.errstate(all="ignore"):
            for node, x in zip(graph.inputs, inputs, strict=True):
                values[node] = np.asarray(x)
            for node in graph.nodes:
                if node not in values:
                    values[node] = interpreter.evaluate(node, [values[x] for x in node.inputs])
                sizes[node] = _size(node, values, sizes)
        self.values, self.sizes, self.poles = [], [], []
        for rows, power in zip(_coefficients(graph, limit.powers), limit.powers, strict=True):
            self.values.append(np.asarray(values[rows[power]]))
            self.sizes.append(np.asarray(sizes[rows[power]]))
            self.poles += [(values[row], sizes[row]) for row in rows[:power]]

    @classmethod
    def mean(cls, answers: Sequence[_Answer]) -> _Answer:
        """Return the mean of several."""
        mean = cls.__new__(cls)
        mean.values = [
            np.mean(x, axis=0, dtype=x[0].dtype) for x in zip(*(a.values for a in answers), strict=True)
        ]
        mean.sizes = [np.max(x, axis=0) for x in zip(*(a.sizes for a in answers), strict=True)]
        mean.poles = []
        return mean

    def regular(self) -> bool:
        """Tell whether the poles are rounding errors."""
        return all(_is_rounding(pole, size) for pole, size in self.poles)

    def agrees(self, other: _Answer) -> bool:
        """Tell whether two answers differ by rounding errors."""
        pairs = zip(self.values, other.values, self.sizes, other.sizes, strict=True)
        return all(
            _is_rounding(x - y, np.maximum(s, t)) if x.dtype.kind == "f" else True for x, y, s, t in pairs
        )


def _is_rounding(x: np.ndarray, size: np.ndarray) -> bool:
    if x.dtype.kind != "f":
        return True
    small = np.abs(x) <= ROUNDING * np.finfo(x.dtype).eps * np.max(size, initial=0.0)
    return bool(np.all(small | np.isnan(x)))


def _coefficients(graph: Graph, powers: Sequence[int]) -> Iterator[list[Node]]:
    """Yield the coefficients of every output: all of order 0, then those of the float outputs."""
    count, order = len(powers), max(1, *powers)
    floats = [k for k, y in enumerate(graph.outputs[:count]) if y.type.is_float]
    for k in range(count):
        rows = [graph.outputs[k]]
        if k in floats:
            rows += [graph.outputs[count + j * len(floats) + floats.index(k)] for j in range(order)]
        yield rows


def _size(node: Node, values: dict, sizes: dict) -> Any:
    """Return how large the terms are that a value was summed from."""
    value = values[node]
    if isinstance(node.type, tuple) or value.dtype.kind != "f" or not node.inputs:
        return value if isinstance(node.type, tuple) else np.abs(value)
    own = [np.abs(sizes[x]) if not isinstance(x.type, tuple) else None for x in node.inputs]
    if node.name in ("add", "sub"):
        return own[0] + own[1]
    if node.name == "neg":
        return own[0]
    if node.name == "select":
        return np.where(values[node.inputs[0]], own[1], own[2])
    if node.name == "div":
        return own[0] / np.abs(values[node.inputs[1]])
    rule = rule_of(node.primitive)
    if rule is linear or rule is product or node.name == "mul":
        operands = [size if x.type.is_float else values[x] for size, x in zip(own, node.inputs, strict=True)]
        return np.maximum(np.abs(interpreter.evaluate(node, operands)), np.abs(value))
    return np.abs(value)
