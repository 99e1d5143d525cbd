"""What a coloring is: colors, how good they are, and what was tried."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from diffsci.coloring.checking import check
from diffsci.coloring.decompression import Decompression, decompression
from diffsci.coloring.problems import Problem

__all__ = ["Candidate", "Coloring"]


class Candidate(NamedTuple):
    """An algorithm that was tried: its colors, what they cost, the seconds it took, and a remark."""

    algorithm: str
    ncolors: int | None
    cost: float | None
    seconds: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Coloring:
    """Colors of rows and columns from which a sparse matrix can be recovered.

    Attributes
    ----------
    problem : Problem
    row_colors, column_colors : int32 array
        From 0 on; -1 for none. Star and acyclic colorings are column colors.
    algorithm : str
        What found it.
    candidates : tuple of Candidate
        What was tried, in this order.

    Examples
    --------
    >>> import numpy as np
    >>> from diffsci.coloring import color
    >>> matrix = np.diag([1.0, 2.0, 3.0, 4.0]) + np.diag([5.0, 6.0, 7.0], 1)
    >>> coloring = color(matrix)
    >>> coloring.column_colors
    array([0, 1, 0, 1], dtype=int32)
    >>> forward, reverse = coloring.compress(matrix)
    >>> coloring.decompress(forward, reverse)  # the entries, row by row
    array([1., 5., 2., 6., 3., 7., 4.])
    """

    problem: Problem
    row_colors: np.ndarray
    column_colors: np.ndarray
    algorithm: str = ""
    candidates: tuple[Candidate, ...] = field(default=(), repr=False)

    @property
    def kind(self) -> str:
        """The kind of the problem."""
        return self.problem.kind

    @property
    def column_count(self) -> int:
        """The number of column colors: products with the matrix."""
        return int(self.column_colors.max(initial=-1)) + 1

    @property
    def row_count(self) -> int:
        """The number of row colors: products with its transpose."""
        return int(self.row_colors.max(initial=-1)) + 1

    @property
    def ncolors(self) -> int:
        """The number of colors."""
        return self.column_count + self.row_count

    @property
    def cost(self) -> float:
        """What the products cost."""
        return self.problem.cost(self.column_count, self.row_count)

    @property
    def lower_bound(self) -> int:
        """No coloring of this problem has fewer colors."""
        return self.problem.lower_bound

    @functools.cached_property
    def decompression(self) -> Decompression:
        """How the entries follow from the products."""
        return decompression(self.problem.pattern, self.kind, self.row_colors, self.column_colors)

    def column_seeds(self, dtype: Any = float) -> np.ndarray:
        """Return what the matrix is multiplied with, by rows: shape (column_count, columns)."""
        return _seeds(self.column_colors, self.column_count, dtype)

    def row_seeds(self, dtype: Any = float) -> np.ndarray:
        """Return what its transpose is multiplied with, by rows: shape (row_count, rows)."""
        return _seeds(self.row_colors, self.row_count, dtype)

    def compress(self, matrix: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the products of a matrix, and of its transpose, with the seeds, one in each row.

        Parameters
        ----------
        matrix : scipy.sparse array or array, shape (rows, columns)

        Returns
        -------
        forward : array, shape (column_count, rows)
        reverse : array, shape (row_count, columns)
        """
        if tuple(matrix.shape) != self.problem.pattern.shape:
            raise ValueError(
                f"the coloring is for matrices of shape {self.problem.pattern.shape}, "
                f"got {tuple(matrix.shape)}"
            )
        forward = (matrix @ self.column_seeds(matrix.dtype).T).T
        reverse = (matrix.T @ self.row_seeds(matrix.dtype).T).T
        return forward, reverse

    def decompress(self, forward: np.ndarray | None = None, reverse: np.ndarray | None = None) -> np.ndarray:
        """Return the entries of a matrix, in the order of the pattern, from products with the seeds.

        Parameters
        ----------
        forward : array, shape (column_count, rows)
            May be left out if there are no column colors.
        reverse : array, shape (row_count, columns)
            May be left out if there are no row colors.

        Returns
        -------
        array, shape (nnz,)
        """
        rows, columns = self.problem.pattern.shape
        parts = []
        for name, part, shape in (
            ("forward", forward, (self.column_count, rows)),
            ("reverse", reverse, (self.row_count, columns)),
        ):
            if part is None and not shape[0]:
                continue
            if part is None or np.shape(part) != shape:
                raise ValueError(f"{name} has shape {shape}, got {None if part is None else np.shape(part)}")
            parts.append(np.ravel(part))
        return self.decompression(np.concatenate(parts) if parts else np.zeros(0))

    def check(self) -> None:
        """Raise `ColoringError` if an entry of the pattern cannot be recovered."""
        check(self.problem, self.row_colors, self.column_colors)

    def save(self, path: str | os.PathLike) -> None:
        """Write the coloring to a NumPy archive; `diffsci.coloring.load` reads it."""
        from diffsci.coloring.storing import save

        save(self, path)

    def __str__(self) -> str:
        """The colors and what was tried, as a table."""
        rows, columns = self.problem.pattern.shape
        lines = [
            f"{self.kind} coloring, {rows} x {columns}, {self.problem.pattern.nnz} entries: "
            f"{self.ncolors} colors "
            f"({self.column_count} of columns, {self.row_count} of rows), at least {self.lower_bound}; "
            f"by {self.algorithm}"
        ]
        for each in self.candidates:
            number = "-" if each.ncolors is None else str(each.ncolors)
            lines.append(
                f"  {each.algorithm:<32} {number:>6} {each.seconds * 1e3:9.2f} ms  {each.note}".rstrip()
            )
        return "\n".join(lines)


def _seeds(colors: np.ndarray, count: int, dtype: Any) -> np.ndarray:
    seeds = np.zeros((count, colors.size), dtype)
    colored = np.flatnonzero(colors >= 0)
    seeds[colors[colored], colored] = 1
    return seeds
