"""Index maps: where the elements of an array come from, as one integer array of its shape.

A map gives every element of a node the number of one element of the inputs, counted from 1; 0 stands for
nothing. Operations that only move elements are run on maps as they are on values, so that slices, transposes
and reshapes are views, and what a pad adds is nothing by itself.

>>> import numpy as np
>>> from diffsci.sparse.maps import identity
>>> np.roll(identity((6,)), 1)
array([6, 1, 2, 3, 4, 5], dtype=int32)
>>> np.pad(identity((2,)), 1)
array([0, 1, 2, 0], dtype=int32)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from diffsci.graph import Node

__all__ = ["identity", "moved", "number_type", "relabelled"]


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
