"""Entries of one sparse pattern among those of another."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.sparse.detection import Pattern

__all__ = ["holds", "is_dense", "places_in"]


def holds(pattern: Pattern, matrix: Any) -> bool:
    """Tell whether the entries of a `csr_array` stand at the places of a pattern, in this order."""
    if matrix.indices is pattern.indices and matrix.indptr is pattern.indptr:
        return True
    return (
        matrix.shape == pattern.shape
        and np.array_equal(matrix.indptr, pattern.indptr)
        and np.array_equal(matrix.indices, pattern.indices)
    )


def is_dense(pattern: Pattern) -> bool:
    """Tell whether more than half of all places have an entry."""
    return 2 * pattern.nnz > pattern.shape[0] * pattern.shape[1]


def places_in(pattern: Pattern, other: Pattern) -> np.ndarray:
    """Return for each entry where it stands among the entries of `other`, -1 where it has none there."""
    own, theirs = (p.rows.astype(np.int64) * p.shape[1] + p.indices for p in (pattern, other))
    if theirs.size == 0:
        return np.full(own.size, -1)
    places = np.minimum(np.searchsorted(theirs, own), theirs.size - 1)
    return np.where(theirs[places] == own, places, -1)
