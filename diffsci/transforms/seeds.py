"""Directions in which derivatives are swept at once: the identity, or one per color."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffsci.graph import Builder, Graph, Guard, Node, Type
from diffsci.transforms.batch import batch_graph
from diffsci.transforms.inline import inline_directions

__all__ = ["colored_seeds", "identity_seeds", "swept"]


def identity_seeds(b: Builder, types: Sequence[Type]) -> list[Node]:
    """Return the identity over all elements of several values, cut into one block per value.

    Block k has shape ``(total, *types[k].shape)``. It is a padded diagonal, so its zeros are known to
    be structural and vanish from unrolled code.
    """
    total = sum(type_.size for type_ in types)
    seeds, offset = [], 0
    for type_ in types:
        n = type_.size
        ones = b.full(Type((n,), type_.dtype), 1.0)
        diagonal = b.pad(ones, low=(0,), high=(0,), interior=(n,)) if n else b.zeros(Type((0,), type_.dtype))
        square = b.reshape(diagonal, shape=(n, n))
        placed = b.pad(square, low=(offset, 0), high=(total - offset - n, 0), interior=(0, 0))
        seeds.append(b.reshape(placed, shape=(total, *type_.shape)))
        offset += n
    return seeds


def colored_seeds(b: Builder, types: Sequence[Type], colors: np.ndarray, count: int) -> list[Node]:
    """Return the sums of the unit vectors of each color, cut into one block per value.

    Parameters
    ----------
    types : sequence of Type
    colors : ndarray of int
        Of all elements of the values, in order; those below 0 are in no direction.
    count : int
        Number of colors. Block k has shape ``(count, *types[k].shape)``.
    """
    seeds, offset = [], 0
    for type_ in types:
        shape = (count, *type_.shape)
        own = b.const(colors[offset : offset + type_.size].reshape(type_.shape), np.int64)
        spread = b.broadcast(own, shape=shape, axes=tuple(range(1, len(shape))))
        number = b.broadcast(b.const(np.arange(count)), shape=shape, axes=(0,))
        inside = b.eq(spread, number)
        target = Type(shape, type_.dtype)
        seeds.append(b.select(inside, b.full(target, 1.0), b.zeros(target)))
        offset += type_.size
    return seeds


def swept(
    b: Builder, graph: Graph, inputs: Sequence[Node], seeds: Sequence[Node], count: int
) -> tuple[list[Node], list[Guard]]:
    """Inline a graph that is linear in its last inputs, over `count` directions of these at once."""
    flags = [False] * len(inputs) + [True] * len(seeds)
    return inline_directions(b, batch_graph(graph, flags, count), [*inputs, *seeds], seeds)
