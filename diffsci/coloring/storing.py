"""Colorings in files: NumPy archives, checked when they are read."""

from __future__ import annotations

import os
import zipfile

import numpy as np

from diffsci.coloring.patterns import as_pattern
from diffsci.coloring.problems import Problem
from diffsci.coloring.result import Coloring

__all__ = ["load", "save"]

_FORMAT = "diffsci coloring 1"


class _Stored:
    """The arrays of a pattern."""

    def __init__(self, indptr: np.ndarray, indices: np.ndarray, shape: np.ndarray):
        self.indptr, self.indices, self.shape = indptr, indices, tuple(shape)


def save(coloring: Coloring, path: str | os.PathLike) -> None:
    """Write a coloring and its problem to a file; what was tried is not kept."""
    problem = coloring.problem
    with open(path, "wb") as file:
        np.savez_compressed(
            file,
            format=_FORMAT,
            kind=problem.kind,
            recovery=problem.recovery,
            costs=[problem.forward_cost, problem.reverse_cost],
            algorithm=coloring.algorithm,
            indptr=problem.pattern.indptr,
            indices=problem.pattern.indices,
            shape=np.array(problem.pattern.shape, np.int64),
            row_colors=coloring.row_colors,
            column_colors=coloring.column_colors,
        )


def load(path: str | os.PathLike) -> Coloring:
    """Read a coloring that `Coloring.save` has written.

    Raises
    ------
    ValueError
        If the file is no coloring, or if its matrix cannot be recovered with its colors.
    OSError
        If the file cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = {name: file[name] for name in file.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{os.fspath(path)} is not a coloring: {error}") from error
    if str(stored.get("format")) != _FORMAT:
        raise ValueError(f"{os.fspath(path)} is not a coloring of this version ({_FORMAT!r})")
    try:
        pattern = as_pattern(_Stored(stored["indptr"], stored["indices"], stored["shape"].tolist()))
        forward, reverse = stored["costs"].tolist()
        problem = Problem(pattern, str(stored["kind"]), str(stored["recovery"]), forward, reverse)
        coloring = Coloring(problem, stored["row_colors"], stored["column_colors"], str(stored["algorithm"]))
        coloring.check()
    except (KeyError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)} is not a good coloring: {error}") from error
    return coloring
