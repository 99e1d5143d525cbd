"""Colorings by CasADi, those that its Jacobians and Hessians are made with."""

from __future__ import annotations

from collections.abc import Callable

import casadi
import scipy.sparse as sp


def contestant(pattern: sp.csr_array, kind: str) -> Callable[[], int]:
    """A function that colors a pattern and returns the number of colors."""
    # CasADi keeps columns; those of the transpose are the rows given here.
    rows, columns = pattern.shape
    transposed = casadi.Sparsity(columns, rows, pattern.indptr.tolist(), pattern.indices.tolist())
    if kind == "star":
        return lambda: transposed.star_coloring().size2()
    asked = transposed.T
    return lambda: asked.uni_coloring().size2()
