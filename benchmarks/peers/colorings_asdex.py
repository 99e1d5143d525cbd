"""Colorings by asdex, which makes sparse derivatives for JAX."""

from __future__ import annotations

from collections.abc import Callable

import asdex
import scipy.sparse as sp


def contestant(pattern: sp.csr_array, kind: str) -> Callable[[], int]:
    """A function that colors a pattern and returns the number of colors."""
    entries = pattern.tocoo()
    rows, columns = (x.astype("int32") for x in entries.coords)
    asked = kind == "star"

    def run() -> int:
        # A new object every time: what it works out about a pattern is kept in it.
        sparsity = asdex.SparsityPattern(rows, columns, pattern.shape)
        return (asdex.color_symmetric if asked else asdex.color_cols)(sparsity)[1]

    return run
