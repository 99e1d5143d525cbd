"""Products of sparse matrices with arrays, products and sums of them with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.sparse.entries import joined, picked, summed
from diffsci.tracing.sparse.places import COMPRESSED, Places

if TYPE_CHECKING:
    from diffsci.tracing.sparse.matrix import TracedSparse

__all__ = ["at_common_places", "of_matrices", "sum_of", "with_dense"]


def with_dense(a: TracedSparse, x: TracedArray) -> TracedArray:
    """Return the product with a vector, or with the columns of an array."""
    if x.ndim not in (1, 2) or x.shape[0] != a.shape[1]:
        raise ValueError(f"matmul: dimension mismatch, {a.shape} @ {x.shape}{at(user_location())}")
    a = a.settle()
    places = a.places
    data, x = ops.common([a.entries, x])
    products = (data if x.ndim == 1 else ops.expand(data, 1)) * picked(x, places.columns)
    count = places.even
    if not count:
        return summed(products, places.rows, a.shape[0])
    # Rows of one length are the rows of a dense array.
    return ops.reduce("sum", ops.reshape(products, (a.shape[0], count, *products.shape[1:])), 1)


def of_matrices(x: TracedSparse, y: TracedSparse) -> TracedSparse:
    """Return the product: every entry of x meets the entries of y in the row of its column."""
    from diffsci.tracing.sparse.matrix import TracedSparse

    if x.shape[1] != y.shape[0]:
        raise ValueError(f"matmul: dimension mismatch, {x.shape} @ {y.shape}{at(user_location())}")
    x, y = x.settle(), y.settle()
    left, right = x.places, y.places
    order = np.argsort(right.rows, kind="stable")
    starts = np.searchsorted(right.rows[order], np.arange(y.shape[0] + 1))
    counts = np.diff(starts)[left.columns]
    first = np.repeat(np.arange(left.size), counts)
    within = np.arange(first.size) - np.repeat(np.cumsum(counts) - counts, counts)
    second = order[starts[left.columns[first]] + within]
    entries = picked(x.entries, first) * picked(y.entries, second)
    shape = (x.shape[0], y.shape[1])
    places = Places(left.rows[first], right.columns[second], shape, _format(x, y), x.matrix)
    return TracedSparse(entries, places, settled=False)


def at_common_places(x: TracedSparse, y: TracedSparse) -> TracedSparse:
    """Return the elementwise product of matrices whose entries have places of their own."""
    from diffsci.tracing.sparse.matrix import TracedSparse

    if x.shape != y.shape:
        raise ValueError(f"inconsistent shapes {x.shape} and {y.shape}{at(user_location())}")
    width = x.shape[1]
    keys = (p.rows * width + p.columns for p in (x.places, y.places))
    _, left, right = np.intersect1d(*keys, assume_unique=True, return_indices=True)
    places = Places(x.places.rows[left], x.places.columns[left], x.shape, _format(x, y), x.matrix)
    return TracedSparse(picked(x.entries, left) * picked(y.entries, right), places, settled=False)


def sum_of(x: TracedSparse, y: TracedSparse) -> TracedSparse:
    """Return the sum: the entries of both, those at one place to be added up."""
    from diffsci.tracing.sparse.matrix import TracedSparse

    if x.shape != y.shape:
        raise ValueError(f"inconsistent shapes {x.shape} and {y.shape}{at(user_location())}")
    both = x.places, y.places
    rows, columns = (np.concatenate([getattr(p, name) for p in both]) for name in ("rows", "columns"))
    places = Places(rows, columns, x.shape, _format(x, y), x.matrix)
    return TracedSparse(joined([x.entries, y.entries]), places, settled=False)


def _format(x: TracedSparse, y: TracedSparse) -> str:
    """Return the format that SciPy gives a result of two matrices."""
    return x.format if x.format in COMPRESSED or x.format == y.format == "dia" else "csr"
