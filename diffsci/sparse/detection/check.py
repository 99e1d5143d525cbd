"""A pattern given by a user, looked at with random products: entries that it lacks make all others wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import Graph, Type, interpreter
from diffsci.sparse.detection.detect import jacobian_pattern
from diffsci.sparse.detection.pattern import Pattern
from diffsci.transforms import jvp_graph, vjp_graph

__all__ = ["check"]

PRODUCTS = 2  # random ones in each direction
MOST_LINES = 64  # rows and columns that are looked at one by one
MOST_SEARCHED = 256  # the same, as long as nothing is found in them
MOST_NAMED = 5


def check(
    pattern: Pattern,
    entries: np.ndarray,
    graph: Graph,
    values: Sequence[Any],
    active: Sequence[bool] | None = None,
    *,
    known: Mapping[int, Any] | None = None,
    seed: int = 0,
    outputs: Sequence[str] | None = None,
    arguments: Sequence[str] | None = None,
) -> None:
    """Raise where the Jacobian has entries that a pattern lacks.

    A pattern that has all that the program's structure allows is right without a look at numbers. Otherwise
    the entries that were computed on the strength of it are compared with the Jacobian at one point, by
    products with random vectors from both sides: entries that are zero there may be left out, and what is
    but a rounding of terms that cancel. Lines whose products are not finite tell nothing, nor do entries that
    are roundings both beside the rest of their row and beside that of their column.

    Where the products differ the lines themselves are computed, those that differ most first, and an error is
    raised for what is found in them; a difference without such an entry is one of rounding.

    Parameters
    ----------
    pattern : Pattern
        Of all float outputs, one below the other, by all active float inputs.
    entries : ndarray
        The Jacobian's entries at these places, computed as if there were no others.
    graph : Graph
    values : sequence of array_like
        Of all inputs.
    active, known
        As in `detect`.
    seed : int
        Of the random vectors.
    outputs, arguments : sequence of str, optional
        What to call the float outputs and the active float inputs in the message.

    Raises
    ------
    ValueError
        If the shape is not that of the Jacobian, or the pattern lacks entries; the message names some.
    """
    products = _Products(graph, values, active)
    if pattern.shape != products.shape:
        raise ValueError(
            f"the pattern has shape {pattern.shape}, the Jacobian {products.shape}: one row per element of "
            "the results, one column per element of the arguments"
        )
    if _is_enough(pattern, graph, active, known):
        return
    matrix = pattern.csr(np.asarray(entries, dtype=float))
    random = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        lines = _Lines(matrix, products, products.forward, products.reverse, random)
        turned = _Lines(matrix.T.tocsr(), products, products.reverse, products.forward, random)
        found = {*lines.lacking(lines.size), *((i, j) for j, i in turned.lacking(lines.size, along=True))}
    if found or not (lines.all_seen and turned.all_seen):
        whole = lines.all_seen and turned.all_seen
        raise ValueError(_message(sorted(found), whole, products, outputs, arguments))


def _is_enough(pattern: Pattern, graph: Graph, active: Any, known: Any) -> bool:
    """Tell whether a pattern has all that the program's structure allows; no, where that is too dense."""
    try:
        return not pattern.missing(jacobian_pattern(graph, active, known=known))[0].size
    except UnsupportedError:
        return False


class _Products:
    """The Jacobian of a program at one point, times vectors."""

    def __init__(self, graph: Graph, values: Sequence[Any], active: Sequence[bool] | None):
        flags = [True] * len(graph.inputs) if active is None else active
        self.values = list(values)
        self.sources = [x.type for x, f in zip(graph.inputs, flags, strict=True) if f and x.type.is_float]
        self.results = [t for t in graph.output_types if t.is_float]
        self.shape = tuple(sum(t.size for t in types) for types in (self.results, self.sources))
        self._pushed, self._pulled = jvp_graph(graph, active), vjp_graph(graph, active)
        self._skip = len(graph.outputs)

    def forward(self, v: np.ndarray, values: Sequence[Any] | None = None) -> np.ndarray:
        """Return J v, here or at other values of the inputs."""
        return self._run(self._pushed, values, _cut(v, self.sources))

    def reverse(self, w: np.ndarray, values: Sequence[Any] | None = None) -> np.ndarray:
        """Return w J, here or at other values of the inputs."""
        return self._run(self._pulled, values, _cut(w, self.results))

    def _run(self, graph: Graph, values: Sequence[Any] | None, vectors: list[np.ndarray]) -> np.ndarray:
        found = interpreter.run(graph, [*(self.values if values is None else values), *vectors])[self._skip :]
        return np.concatenate([np.zeros(0), *(np.ravel(x) for x in found)])

    def nearby(self, random: np.random.Generator) -> list[np.ndarray]:
        """Return values of the inputs close to those here."""
        near = self.precision() ** 0.5
        return [
            (x * random.uniform(1 - near, 1 + near, x.shape)).astype(x.dtype) if x.dtype.kind == "f" else x
            for x in map(np.asarray, self.values)
        ]

    def precision(self) -> float:
        """Return the rounding of the coarsest input or output."""
        return max((float(np.finfo(t.dtype).eps) for t in (*self.sources, *self.results)), default=0.0)


def _cut(vector: np.ndarray, types: Sequence[Type]) -> list[np.ndarray]:
    parts = np.split(vector, np.cumsum([t.size for t in types])[:-1])
    return [part.reshape(t.shape).astype(t.dtype) for part, t in zip(parts, types, strict=False)]


class _Lines:
    """The rows of a matrix, or its columns, beside those of the Jacobian.

    Parameters
    ----------
    matrix : csr_array
        The entries that were computed, by lines.
    products : _Products
    product, line : callable
        The Jacobian's products with vectors along a line, and the lines themselves, given a unit vector.
    random : numpy.random.Generator

    Attributes
    ----------
    size : ndarray
        What roundings of a line's products are relative to.
    all_seen : bool
        Whether all lines that differ have been looked at.
    """

    def __init__(
        self, matrix: Any, products: _Products, product: Any, line: Any, random: np.random.Generator
    ):
        self._matrix, self._products, self._line, self._random = matrix, products, line, random
        self._precision = products.precision() ** 0.75
        excess = np.zeros(matrix.shape[0])
        self.size = np.zeros(matrix.shape[0])
        for _ in range(PRODUCTS):
            v = random.choice([-1.0, 1.0], matrix.shape[1]) * random.uniform(0.5, 1.0, matrix.shape[1])
            true = product(v)
            size = abs(matrix) @ np.abs(v) + np.abs(true)
            apart = np.abs(matrix @ v - true)
            wrong = apart > self._precision * size
            excess[wrong] = np.maximum(excess, apart / size)[wrong]
            self.size = np.fmax(self.size, size)
        order = np.argsort(-excess, kind="stable")
        self._differing = order[: np.count_nonzero(excess)]
        self.all_seen = True

    def lacking(self, size: np.ndarray, along: bool = False) -> set[tuple[int, int]]:
        """Return entries (line, place) that the Jacobian has and the matrix has not, in lines that differ.

        Parameters
        ----------
        size : ndarray
            Of rows, by their number: entries that are roundings beside it are looked at more closely.
        along : bool
            Whether the places in a line are rows.
        """
        found: set[tuple[int, int]] = set()
        for count, k in enumerate(self._differing.tolist()):
            if count >= (MOST_LINES if found else MOST_SEARCHED):
                self.all_seen = False
                break
            entries = self._outside(k)
            large = np.abs(entries) > self._precision * (size if along else size[k])
            if np.any(large != (entries != 0)):
                large |= self._steady(k, entries)
            found.update((k, j) for j in np.flatnonzero(large).tolist())
        return found

    def _outside(self, k: int, scale: float = 1.0, values: Any = None) -> np.ndarray:
        """Return a line of the Jacobian, without the entries that the matrix has."""
        line = self._line(scale * np.eye(1, self._matrix.shape[0], k)[0], values) / scale
        line[self._matrix[[k]].indices] = 0
        return np.where(np.isfinite(line), line, 0)

    def _steady(self, k: int, entries: np.ndarray) -> np.ndarray:
        """Tell entries from roundings, which change when the point and the length of the vector do."""
        steady = entries != 0
        for _ in range(PRODUCTS + 1):
            scale = self._random.uniform(0.5, 1.0)
            again = self._outside(k, scale, self._products.nearby(self._random))
            steady &= np.abs(again - entries) < 1e-2 * np.abs(entries)
        return steady


def _message(
    lacking: list[tuple[int, int]],
    all_seen: bool,
    products: _Products,
    outputs: Sequence[str] | None,
    arguments: Sequence[str] | None,
) -> str:
    if not lacking:
        return "the entries computed with the pattern are not those of the Jacobian: leave the pattern out"
    named = []
    for i, j in lacking[:MOST_NAMED]:
        result = _named(i, products.results, outputs, "output")
        argument = _named(j, products.sources, arguments, "argument")
        named.append(f"{result} by {argument} (row {i}, column {j})")
    rest = len(lacking) - MOST_NAMED
    more = f" and {'' if all_seen else 'at least '}{rest} more" if rest > 0 else ""
    return (
        f"the pattern lacks entries that are not zero: {', '.join(named)}{more}: add them, or leave the "
        "pattern out and it is found from the program"
    )


def _named(place: int, types: Sequence[Type], names: Sequence[str] | None, what: str) -> str:
    """Say which element of which array this is."""
    for k, type_ in enumerate(types):
        if place < type_.size:
            name = names[k] if names is not None else what if len(types) == 1 else f"{what} {k}"
            index = ", ".join(str(int(n)) for n in np.unravel_index(place, type_.shape))
            return f"{name}[{index}]" if type_.shape else name
        place -= type_.size
    raise IndexError(place)
