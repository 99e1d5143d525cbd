"""Data tables: CSV files with a header line; lines that begin with # are comments."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from solvers.studies.problems import BadInputError, Problem, nearest
from solvers.studies.text import read_text


@dataclass(frozen=True)
class DataTable:
    """The numbers of a table by column, and the line of the file on which each row stands."""

    path: Path
    text: str
    columns: dict[str, np.ndarray]
    lines: tuple[int, ...]

    def column(self, name: str) -> np.ndarray:
        """Return a column, or raise with the nearest name that exists."""
        if name not in self.columns:
            raise BadInputError(Problem(f'no column "{name}"; {nearest(name, self.columns)}', str(self.path)))
        return self.columns[name]

    def problem(self, row: int, column: str, message: str) -> Problem:
        """Return a problem located at one cell."""
        return Problem(message, str(self.path), self.lines[row], f"column {column}")


def read_table(path: Path) -> DataTable:
    r"""Read a table; every cell that is not a finite number is reported.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "data.csv"
    >>> _ = file.write_text("# a comment\ntime,hare\n0, 30\n1, 47.2\n")
    >>> read_table(file).column("hare")
    array([30. , 47.2])
    """
    text = read_text(path)
    rows = [
        (number, next(csv.reader([line])))
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if len(rows) < 2:
        raise BadInputError(Problem("expected a header line and at least one row of numbers", str(path)))
    header = [name.strip() for name in rows[0][1]]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        message = f"two columns are called {', '.join(map(repr, twice))}"
        raise BadInputError(Problem(message, str(path), rows[0][0]))
    problems: list[Problem] = []
    values = [_numbers(path, number, header, cells, problems) for number, cells in rows[1:]]
    if problems:
        raise BadInputError(problems)
    columns = dict(zip(header, np.array(values, dtype=float).T, strict=True))
    return DataTable(path, text, columns, tuple(number for number, _ in rows[1:]))


def _numbers(
    path: Path, number: int, header: list[str], cells: list[str], problems: list[Problem]
) -> list[float]:
    if len(cells) != len(header):
        problems.append(
            Problem(
                f"expected {len(header)} values ({', '.join(header)}), got {len(cells)}", str(path), number
            )
        )
        return []
    row = []
    for name, cell in zip(header, cells, strict=True):
        try:
            value = float(cell)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            problems.append(
                Problem(
                    f'expected a finite number, got "{cell.strip()}"', str(path), number, f"column {name}"
                )
            )
        row.append(value)
    return row
