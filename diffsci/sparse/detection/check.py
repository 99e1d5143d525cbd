"""A pattern given by a user, looked at with random products: entries that it lacks make all others wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffsci.graph import Graph, Type, interpreter
from diffsci.sparse.detection.detect import jacobian_pattern
from diffsci.sparse.detection.pattern import Pattern
from diffsci.transforms import jvp_graph, vjp_graph

__all__ = ["check"]

PRODUCTS = 2  # random ones in each direction
MOST_LINES = 16  # rows and columns that are looked at one by one
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
    products with random vectors from both sides: entries that are zero there may be left out. Where products
    are not finite nothing can be told.

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
    if not pattern.missing(jacobian_pattern(graph, active, known=known))[0].size:
        return
    matrix = pattern.csr(np.asarray(entries, dtype=float))
    random = np.random.default_rng(seed)
    rows = _differing(products.forward, matrix, random)
    columns = _differing(products.reverse, matrix.T.tocsr(), random)
    if rows.size or columns.size:
        lacking = _lacking(pattern, products, rows, columns)
        raise ValueError(_message(lacking, products, outputs, arguments))


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

    def forward(self, v: np.ndarray) -> np.ndarray:
        """Return J v."""
        return self._run(self._pushed, _cut(v, self.sources))

    def reverse(self, w: np.ndarray) -> np.ndarray:
        """Return w J."""
        return self._run(self._pulled, _cut(w, self.results))

    def _run(self, graph: Graph, vectors: list[np.ndarray]) -> np.ndarray:
        found = interpreter.run(graph, [*self.values, *vectors])[self._skip :]
        return np.concatenate([np.zeros(0), *(np.ravel(x) for x in found)])

    def precision(self) -> float:
        """Return the rounding of the coarsest input or output."""
        return max((float(np.finfo(t.dtype).eps) for t in (*self.sources, *self.results)), default=0.0)


def _cut(vector: np.ndarray, types: Sequence[Type]) -> list[np.ndarray]:
    parts = np.split(vector, np.cumsum([t.size for t in types])[:-1])
    return [part.reshape(t.shape).astype(t.dtype) for part, t in zip(parts, types, strict=False)]


def _differing(product: Any, matrix: Any, random: np.random.Generator) -> np.ndarray:
    """Return the lines of a matrix that do not have the products they should have."""
    wrong = np.zeros(matrix.shape[0], dtype=bool)
    precision = product.__self__.precision() ** 0.75
    for _ in range(PRODUCTS):
        v = random.choice([-1.0, 1.0], matrix.shape[1]) * random.uniform(0.5, 1.0, matrix.shape[1])
        true = product(v)
        size = abs(matrix) @ np.abs(v) + np.abs(true)
        wrong |= np.abs(matrix @ v - true) > precision * size
    return np.flatnonzero(wrong)


def _lacking(
    pattern: Pattern, products: _Products, rows: np.ndarray, columns: np.ndarray
) -> list[tuple[int, int]]:
    """Return entries that are there and not in the pattern, in the lines that differ."""
    (m, n), found = pattern.shape, set()
    matrix = pattern.csr()
    for i in rows[:MOST_LINES]:
        line = products.reverse(np.eye(1, m, i)[0])
        line[matrix[[i]].indices] = 0
        found.update((int(i), int(j)) for j in np.flatnonzero(line))
    turned = matrix.T.tocsr()
    for j in columns[:MOST_LINES]:
        line = products.forward(np.eye(1, n, j)[0])
        line[turned[[j]].indices] = 0
        found.update((int(i), int(j)) for i in np.flatnonzero(line))
    return sorted(found)


def _message(
    lacking: list[tuple[int, int]],
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
    more = f" and {len(lacking) - MOST_NAMED} more" if len(lacking) > MOST_NAMED else ""
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
