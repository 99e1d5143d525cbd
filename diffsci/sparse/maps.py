"""Index maps: where the elements of an array come from, as one integer array of its shape.

A map gives every element of a node the number of one element of the inputs, counted from 1; 0 stands for
nothing. Operations that only move elements are run on maps as they are on values, so that slices, transposes
and reshapes are views, and what a pad adds is nothing by itself.

>>> import numpy as np
>>> from diffsci.sparse.maps import identity, pieces
>>> wrapped = np.roll(identity((6,)), 1)
>>> wrapped
array([6, 1, 2, 3, 4, 5], dtype=int32)
>>> for piece in pieces(wrapped):
...     print(piece.box, piece.offset, piece.strides)
(slice(0, 1, None),) 5 (0,)
(slice(1, 6, None),) 0 (1,)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from diffsci.graph import Node

__all__ = ["Piece", "identity", "moved", "number_type", "pieces", "relabelled"]

MOST_PIECES = 256


def number_type(width: int) -> np.dtype:
    """Return the integers that count `width` elements: 32 bits where that is enough."""
    return np.dtype(np.int32 if width < np.iinfo(np.int32).max else np.int64)


def identity(shape: Sequence[int], start: int = 0, dtype: np.dtype | type = np.int32) -> np.ndarray:
    """Return the map of an array that is itself elements ``start, start + 1, ...`` of the inputs."""
    return np.arange(start + 1, start + 1 + math.prod(shape), dtype=dtype).reshape(shape)


def moved(node: Node, maps: Sequence[np.ndarray | None], others: Callable[[Node], np.ndarray]) -> np.ndarray:
    """Return the map of an operation that only moves elements.

    Parameters
    ----------
    node : Node
        Of the family ``structural``, or `take`, `put`.
    maps : sequence of ndarray or None
        The map of every operand, of the operand's shape; None for nothing.
    others : callable
        The values of integer operands, indices say.
    """
    kinds = {m.dtype for m in maps if m is not None}
    dtype = max(kinds, key=lambda kind: kind.itemsize)
    operands = []
    for x, own in zip(node.inputs, maps, strict=True):
        if own is not None:
            operands.append(own)
        elif x.type.is_float:
            operands.append(np.broadcast_to(dtype.type(0), x.shape))
        else:
            operands.append(others(x))
    return node.primitive.value(*operands, **node.params)


def relabelled(index: np.ndarray, own: Sequence, out: Sequence, sizes: dict) -> np.ndarray:
    """Return the maps of an operation that combines elements along axes, in a new leading axis.

    Axes have labels, as in ``einsum``: an element of the result comes from all elements of the operand that
    agree with it in the labels they share. Axes along which a map repeats itself count once.

    Parameters
    ----------
    index : ndarray
        A map, or an array of sets with further axes behind those of the labels.
    own, out : sequence of hashable
        Labels of the operand's axes and of the result's.
    sizes : dict
        label -> extent

    Examples
    --------
    >>> relabelled(identity((2, 3)), "ij", "i", {"i": 2, "j": 3})
    array([[1, 4],
           [2, 5],
           [3, 6]], dtype=int32)
    """
    own, out = list(own), list(out)
    gone = [label for label in own if label not in out]
    kept = [label for label in out if label in own]
    behind = list(range(len(own), index.ndim))
    turned = index.transpose([own.index(label) for label in (*gone, *kept)] + behind)
    for axis in range(len(gone)):
        if turned.strides[axis] == 0 and turned.shape[axis] > 1:
            turned = turned[(slice(None),) * axis + (slice(0, 1),)]
    count = math.prod(turned.shape[: len(gone)])
    tail = tuple(index.shape[k] for k in behind)
    flat = turned.reshape((count, *(sizes[label] if label in kept else 1 for label in out), *tail))
    return np.broadcast_to(flat, (count, *(sizes[label] for label in out), *tail))


class Piece(NamedTuple):
    """A box on which a map is affine: ``offset + sum(strides * place inside the box)``, counted from 0."""

    box: tuple[slice, ...]
    offset: int
    strides: tuple[int, ...]


def pieces(index: np.ndarray, most: int = MOST_PIECES) -> list[Piece] | None:
    """Return boxes on which a map is affine and that cover all its elements but those that are nothing.

    None where it takes more than `most` boxes, or boxes are not enough.
    """
    if index.size == 0:
        return []
    runs = [_runs(index, axis) for axis in range(index.ndim)]
    if math.prod(len(own) for own in runs) > most:
        return None
    found = []
    for box in product(*runs):
        part = index[box]
        first = int(part.flat[0])
        strides = tuple(
            int(part[(0,) * axis + (1,) + (0,) * (index.ndim - axis - 1)]) - first if n > 1 else 0
            for axis, n in enumerate(part.shape)
        )
        if first == 0:
            if part.any():
                return None
            continue
        expected = np.full((1,) * index.ndim, first, dtype=np.int64)
        for axis, (n, stride) in enumerate(zip(part.shape, strides, strict=True)):
            expected = expected + stride * np.arange(n).reshape((-1,) + (1,) * (index.ndim - axis - 1))
        if not np.array_equal(part, expected):
            return None
        found.append(Piece(box, first - 1, strides))
    return found


def _runs(index: np.ndarray, axis: int) -> list[slice]:
    """Cut an axis where a line of the map begins or ends, or changes its steps."""
    lines = np.moveaxis(index, axis, 0)
    others = tuple(range(1, index.ndim))
    steps, there = np.diff(lines, axis=0), lines != 0
    edges = np.flatnonzero(np.any(there[1:] != there[:-1], axis=others)) + 1
    bends = np.any(steps[1:] != steps[:-1], axis=others)  # behind element k + 1
    runs = []
    for first, last in pairwise([0, *edges.tolist(), len(lines)]):
        runs += _straight(first, last, np.flatnonzero(bends[first : max(last - 2, first)]) + first)
    return runs


def _straight(first: int, last: int, bends: np.ndarray) -> list[slice]:
    """Cut ``first:last`` at bends; a step that stands alone before a longer run is a jump to that."""
    runs, start = [], first
    known = set(bends.tolist())
    for bend in sorted(known):
        if bend >= start:
            stop = start + 1 if bend == start and bend + 1 not in known else bend + 2
            runs.append(slice(start, stop))
            start = stop
    return [*runs, slice(start, last)] if start < last else runs
