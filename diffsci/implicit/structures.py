"""How the matrix of a linear system is made and solved.

The matrix is given by a graph ``(operands, v) -> A(operands) v``. A structure emits the solution of
A x = b as nodes. Matrices with a known pattern are compressed: columns without common rows share one product
(A. Curtis, M. Powell and J. Reid, On the estimation of sparse Jacobian matrices, 1974).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.choices import check_choice
from diffsci.errors import TraceError
from diffsci.graph import Builder, Graph, Node, interpreter
from diffsci.implicit.krylov import GraphOperator
from diffsci.source import at, user_location
from diffsci.sparse import pattern
from diffsci.tracing import TracedArray
from diffsci.transforms import batch_graph, simplify
from diffsci.transforms.calls import once

__all__ = ["Banded", "Dense", "MatrixFree", "Sparse", "Structure", "Traced", "check_covers", "structure_of"]


class Structure(ABC):
    """A way to solve linear systems."""

    @abstractmethod
    def solve(self, b: Builder, linear: Graph, operands: Sequence[Node], rhs: Node) -> Node:
        """Emit the solution of A(operands) x = rhs."""

    def covers(self, linear: Graph, values: Sequence[np.ndarray]) -> bool:
        """Tell whether the matrix at these operands is zero wherever the user says so."""
        return True


@dataclass(frozen=True)
class Dense(Structure):
    """All columns; LU factorization."""

    def solve(self, b: Builder, linear: Graph, operands: Sequence[Node], rhs: Node) -> Node:
        """See `Structure`."""
        made = once(linear, "dense", lambda: self._matrix(linear))
        matrix = b.project(b.call(*operands, graph=made), index=0)
        return b.solve(matrix, rhs, transposed=False)

    @staticmethod
    def _matrix(linear: Graph) -> Graph:
        n = linear.inputs[-1].shape[0]
        over = _products(linear, np.eye(n))
        b = Builder()
        b.adopt(over.nodes)
        return simplify(Graph(over.inputs, [b.transpose(over.outputs[0], perm=(1, 0))]))


@dataclass(frozen=True)
class Banded(Structure):
    """`lower` diagonals below the main one and `upper` above."""

    lower: int
    upper: int

    def solve(self, b: Builder, linear: Graph, operands: Sequence[Node], rhs: Node) -> Node:
        """See `Structure`."""
        bands = b.project(b.call(*operands, graph=self._diagonals(linear)), index=0)
        n = rhs.shape[0]
        column = b.reshape(rhs, shape=(n, 1))
        solved = b.solve_banded(bands, column, lower=self.lower, upper=self.upper, transposed=False)
        return b.reshape(solved, shape=(n,))

    def covers(self, linear: Graph, values: Sequence[np.ndarray]) -> bool:
        """See `Structure`."""
        i, j, inside = self._places(linear.inputs[-1].shape[0])
        (bands,) = interpreter.run(self._diagonals(linear), values)
        return _has_products(linear, values, bands[inside], i[inside], j[inside])

    def _diagonals(self, linear: Graph) -> Graph:
        """The matrix by diagonals, as LAPACK keeps it: ``ab[upper + i - j, j] = a[i, j]``."""

        def make() -> Graph:
            n = linear.inputs[-1].shape[0]
            i, j, inside = self._places(n)
            colors = np.arange(n) % (self.lower + self.upper + 1)
            return _entries(linear, colors, np.where(inside, i, 0), j, inside)

        return once(linear, ("banded", self.lower, self.upper), make)

    def _places(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return row and column of every element of `ab`, and whether it is one of the matrix."""
        r, j = np.ogrid[: self.lower + self.upper + 1, :n]
        i = r - self.upper + j
        return i, np.broadcast_to(j, i.shape), (i >= 0) & (i < n)


class Sparse(Structure):
    """Nonzero only where a pattern says; sparse LU factorization.

    Parameters
    ----------
    pattern : scipy.sparse matrix or array_like
        Nonzero where the matrix may be.
    """

    def __init__(self, pattern: Any):
        from scipy.sparse import csc_array

        from diffsci.coloring import color

        kept = csc_array(_fixed(pattern))
        kept.sum_duplicates()
        self.shape = kept.shape
        self.rows, self.starts = kept.indices.astype(np.int64), kept.indptr.astype(np.int64)
        self.columns = np.repeat(np.arange(self.shape[1]), np.diff(self.starts))
        self.colors = color(kept).column_colors

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sparse) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple:
        return self.shape, self.rows.tobytes(), self.starts.tobytes()

    def solve(self, b: Builder, linear: Graph, operands: Sequence[Node], rhs: Node) -> Node:
        """See `Structure`."""
        n = rhs.shape[0]
        if self.shape != (n, n):
            raise ValueError(f"the pattern has shape {self.shape}, the system has {n} unknowns")
        data = b.project(b.call(*operands, graph=self._data(linear)), index=0)
        column = b.reshape(rhs, shape=(n, 1))
        solved = b.sparse_solve(data, column, rows=self.rows, starts=self.starts, transposed=False)
        return b.reshape(solved, shape=(n,))

    def covers(self, linear: Graph, values: Sequence[np.ndarray]) -> bool:
        """See `Structure`."""
        (data,) = interpreter.run(self._data(linear), values)
        return _has_products(linear, values, data, self.rows, self.columns)

    def _data(self, linear: Graph) -> Graph:
        """The elements of the pattern, column by column."""
        everywhere = np.ones(len(self.rows), bool)
        return once(
            linear,
            ("sparse", self),
            lambda: _entries(linear, self.colors, self.rows, self.columns, everywhere),
        )


@dataclass(frozen=True)
class Traced(Structure):
    """Nonzero only where the program says that it may be; sparse LU factorization."""

    def solve(self, b: Builder, linear: Graph, operands: Sequence[Node], rhs: Node) -> Node:
        """See `Structure`."""
        flags = [False] * (len(linear.inputs) - 1) + [True]
        known = once(linear, "sparse", lambda: Sparse(pattern(linear, flags)[0]))
        return known.solve(b, linear, operands, rhs)


@dataclass(frozen=True)
class MatrixFree(Structure):
    """Products only: an iterative method."""

    method: str = "gmres"

    def solve(self, b: Builder, linear: Graph, operands: Sequence[Node], rhs: Node) -> Node:
        """See `Structure`."""
        return b.operator_solve(*operands, rhs, operator=GraphOperator(linear, self.method))


def _fixed(pattern: Any) -> Any:
    """Return a pattern that was made in a traced function as a plain array."""
    if not isinstance(pattern, TracedArray):
        return pattern
    if not pattern.is_const:
        raise TraceError(
            f"the pattern is an array of floats that may change{at(user_location())}: give booleans, or a "
            "scipy.sparse array"
        )
    return pattern.constant()


def _products(linear: Graph, seeds: np.ndarray) -> Graph:
    """Return the graph of the matrix's products with several vectors, the rows of `seeds`."""
    flags = [False] * (len(linear.inputs) - 1) + [True]
    over = batch_graph(linear, flags, len(seeds))
    b = Builder()
    known = b.fixed(seeds, linear.inputs[-1].dtype, structural=True)
    moved = dict(zip(over.inputs, (*over.inputs[:-1], known), strict=True))
    for node in over.nodes:
        if node not in moved:
            b.location = node.location
            moved[node] = b.emit(node.primitive, *(moved[x] for x in node.inputs), **node.params)
    return simplify(Graph(over.inputs[:-1], [moved[over.outputs[0]]]))


def _entries(
    linear: Graph, colors: np.ndarray, rows: np.ndarray, columns: np.ndarray, inside: np.ndarray
) -> Graph:
    """Return the graph of single entries of the matrix, 0 where not `inside`."""
    n = len(colors)
    seeds = (np.arange(colors.max(initial=0) + 1)[:, None] == colors).astype(float)
    over = _products(linear, seeds)
    b = Builder()
    b.adopt(over.nodes)
    flat = b.reshape(over.outputs[0], shape=(seeds.size,))
    found = b.take(flat, b.const(np.where(inside, colors[columns] * n + rows, 0)), axis=0)
    if not inside.all():
        found = b.select(b.const(inside), found, b.zeros(found.type))
    return simplify(Graph(over.inputs, [found]))


def _has_products(
    linear: Graph, values: Sequence[np.ndarray], data: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> bool:
    """Tell whether a matrix of these elements has the products of the graph, with a vector at random."""
    type_ = linear.inputs[-1].type
    v = np.random.default_rng(2).standard_normal(type_.shape).astype(type_.dtype)
    (expected,) = interpreter.run(Graph(linear.inputs, linear.outputs), [*values, v])
    terms = data * v[columns]
    found, size = (np.bincount(rows, weights, len(v)) for weights in (terms, np.abs(terms)))
    allowed = np.sqrt(np.finfo(type_.dtype).eps) * (size + np.abs(expected))
    return not np.any(np.abs(found - expected) > allowed)


def structure_of(
    what: str, name: Any, bands: Any = None, places: Any = None, method: str = "gmres"
) -> Structure:
    """Return the structure that a user names."""
    if isinstance(name, Structure):
        return name
    if name is None or name == "dense":
        return Dense()
    if name == "banded":
        if bands is None or len(bands) != 2:
            raise ValueError(f"{what}: structure='banded' needs bands=(lower, upper)")
        return Banded(*(int(k) for k in bands))
    if name == "sparse":
        return Traced() if places is None else Sparse(places)
    check_choice(f"{what}: structure", name, ("dense", "banded", "sparse", "matrix-free"))
    return MatrixFree(method)


def check_covers(what: str, structure: Structure, linear: Graph, values: Sequence[np.ndarray]) -> None:
    """Raise where a user's bands or pattern leave out elements of the matrix: numbers would be wrong."""
    if not structure.covers(linear, values):
        raise ValueError(
            f"{what}: the matrix has nonzeros outside the given bands or pattern: give wider ones, or "
            "structure='sparse' without a pattern, which is then that of the program"
        )
