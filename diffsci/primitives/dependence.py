"""Structural dependence: which elements of a result depend on which elements of an operand.

A rule ``rule(node, known)`` returns one entry per operand: a pair of flat index arrays (of the result, of
the operand) with one place for every dependence, or None for no dependence at all. It covers the
dependence for every value of the operands; `known` tells values of operands, and zeros in them, that are the
same for all inputs (see `Known`). Operations with several results return such a list for each of them.

Most rules name axes: elements depend on each other where they agree in the labels they share, as in
``"ij,jk->ik"`` an element (i, k) of the product depends on (i, j) of the first matrix for every j.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from diffsci.graph import Node, Type

Places = tuple[np.ndarray, np.ndarray]
Labels = Sequence[Any]


MOST_PLACES = 1 << 26


class Known(Protocol):
    """What rules may ask about the operands of a node."""

    def __call__(self, node: Node) -> np.ndarray | None:
        """Return the value of a node that depends on no input of the program, None for others."""

    def nonzero(self, node: Node) -> np.ndarray | None:
        """Return where the value of a node can be nonzero, as booleans; None: anywhere."""


class TooDense(Exception):
    """More dependences than fit into memory."""


def crossed(result: Labels, operand: Labels, sizes: Mapping[Any, int]) -> Places:
    """Return all places of a result and an operand whose shared labels agree.

    Raises
    ------
    TooDense
        If these are more than `MOST_PLACES`.
    """
    labels = list(dict.fromkeys((*result, *operand)))
    shape = tuple(sizes[label] for label in labels)
    if math.prod(shape) > MOST_PLACES:
        raise TooDense(f"there are {math.prod(shape)} dependences")

    def flat(own: Labels) -> np.ndarray:
        index: Any = np.zeros((1,) * len(labels), dtype=np.int64)
        for label in own:
            along = [1] * len(labels)
            along[labels.index(label)] = -1
            index = index * sizes[label] + np.arange(sizes[label]).reshape(along)
        return np.broadcast_to(index, shape).ravel()

    return flat(result), flat(operand)


def every(type_: Type) -> np.ndarray:
    """Return the flat numbers of all elements."""
    return np.arange(type_.size)


def elementwise(node: Node, known: Known) -> list[Places]:
    """Each element of the result depends on the same element of every operand."""
    return [(every(node.type), every(node.type)) for _ in node.inputs]


def elementwise_product(node: Node, known: Known) -> list[Places]:
    """An element multiplied by a zero that is always there is not seen."""
    return [_without(node, known.nonzero(other)) for other in reversed(node.inputs)]


def _without(node: Node, there: np.ndarray | None) -> Places:
    places = every(node.type) if there is None else np.flatnonzero(there)
    return places, places


def divided(node: Node, known: Known) -> list[Places]:
    """What divides a zero that is always there is not seen."""
    return [_without(node, None), _without(node, known.nonzero(node.inputs[0]))]


def power(node: Node, known: Known) -> list[Places]:
    """A base with the exponent zero is not seen."""
    if len(node.inputs) == 2:
        return [_without(node, known.nonzero(node.inputs[1])), _without(node, None)]
    return [_without(node, None if node.params["exponent"] else np.zeros(node.shape, bool))]


def of_first(node: Node, known: Known) -> list[Places | None]:
    """Each element of the result depends on the same element of the first operand; others make it jump."""
    return [_without(node, None), *[None] * (len(node.inputs) - 1)]


def chosen(node: Node, known: Known) -> list[Places | None]:
    """`select` sees one of two elements, and which one if the condition is a constant."""
    condition = known(node.inputs[0])
    if condition is None:
        return elementwise(node, known)
    picked = [np.flatnonzero(condition), np.flatnonzero(np.logical_not(condition))]
    return [None, *((places, places) for places in picked)]


def moved(node: Node, known: Known) -> list[Places]:
    """The operation only moves elements: it is run on their numbers, counted from 1."""
    return _followed(node, node.inputs, lambda numbers: numbers)


def moved_by_index(node: Node, known: Known) -> list[Places | None]:
    """The operation moves elements along one axis to or from places that its second operand names."""
    index = known(node.inputs[1])
    if index is None:
        return _anywhere_along_axis(node)
    data = [x for k, x in enumerate(node.inputs) if k != 1]
    first, *rest = _followed(node, data, lambda numbers: [numbers[0], index, *numbers[1:]])
    return [first, None, *rest]


def _followed(node: Node, data: Sequence[Node], arrange: Callable) -> list[Places]:
    starts = np.cumsum([1, *(x.type.size for x in data)])
    numbers = [
        np.arange(start, start + x.type.size).reshape(x.shape) for start, x in zip(starts, data, strict=False)
    ]
    out = np.ravel(node.primitive.value(*arrange(numbers), **node.params))
    found = []
    for start, stop in pairwise(starts):
        rows = np.flatnonzero((out >= start) & (out < stop))
        found.append((rows, out[rows] - start))
    return found


def _anywhere_along_axis(node: Node) -> list[Places | None]:
    """`take`, `put` and `put_add` with an index that is only known when the program runs."""
    axis = node.params["axis"]
    moving = node.inputs[-1] if len(node.inputs) == 3 else node
    count = len(node.inputs[1].shape)
    base = node.inputs[0]
    sizes = {("base", k): n for k, n in enumerate(base.shape)}
    sizes |= {("index", k): n for k, n in enumerate(node.inputs[1].shape)}
    whole = [("base", k) for k in range(len(base.shape))]
    part = [*whole[:axis], *(("index", k) for k in range(count)), *whole[axis + 1 :]]
    if moving is node:
        return [crossed(part, whole, sizes), None]
    return [(every(base.type), every(base.type)), None, crossed(whole, part, sizes)]


def summed_by_index(node: Node, known: Known) -> list[Places | None]:
    """`put_add` keeps its base and adds the values at places that the index names."""
    index = known(node.inputs[1])
    if index is None:
        return _anywhere_along_axis(node)
    base, _, value = node.inputs
    where = np.arange(base.type.size).reshape(base.shape)
    rows = np.take(where, index, axis=node.params["axis"]).ravel()
    return [(every(base.type), every(base.type)), None, (rows, every(value.type))]


def reduced(node: Node, known: Known) -> list[Places]:
    """An element of the result depends on all elements along the axes that vanish."""
    x = node.inputs[0]
    axes = node.params["axes"]
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    return [crossed(kept, range(len(x.shape)), dict(enumerate(x.shape)))]


def accumulated(node: Node, known: Known) -> list[Places]:
    """An element depends on those before it along an axis (behind it, for a reverse scan), and on itself."""
    x, axis = node.inputs[0], node.params["axis"]
    sizes = {**dict(enumerate(x.shape)), "from": x.shape[axis]}
    labels = list(range(len(x.shape)))
    rows, columns = crossed(labels, [*labels[:axis], "from", *labels[axis + 1 :]], sizes)
    to, source = (np.unravel_index(flat, x.shape)[axis] for flat in (rows, columns))
    seen = source >= to if node.params.get("reverse", False) else source <= to
    return [(rows[seen], columns[seen])]


@dataclass(frozen=True)
class Labelled:
    """The rule of operations with one result that labels say all about: those of an operand may differ from
    the result's along axes that are combined.

    Attributes
    ----------
    labels : callable
        ``labels(node)`` returns the labels of the result, those of every operand, and the sizes of all.
    """

    labels: Callable[[Node], tuple[Labels, Sequence[Labels], Mapping[Any, int]]]

    def __call__(self, node: Node, known: Known) -> list[Places]:
        """Return the places of every operand."""
        result, operands, sizes = self.labels(node)
        return [crossed(result, own, sizes) for own in operands]


class Members:
    """The rule of a stack of independent operations on the last `core` axes of the first operand:
    everything in a member depends on everything in it, but results that do not move (`flat`, by number).
    """

    def __init__(self, core: int, flat: tuple[int, ...] = ()):
        self.core, self.flat = core, flat

    def labels(self, node: Node, shape: tuple[int, ...], who: str) -> tuple[list, dict]:
        """Return the labels of the axes of a result or operand, and their sizes."""
        stack = len(node.inputs[0].shape) - self.core
        own = [*range(stack), *((who, k) for k in range(stack, len(shape)))]
        return own, dict(zip(own, shape, strict=True))

    def __call__(self, node: Node, known: Known) -> list:
        """Return the places of every result and operand."""
        several = isinstance(node.type, tuple)
        results = enumerate(node.type if several else (node.type,))
        nothing: list[Places | None] = [None] * len(node.inputs)
        rows = [nothing if k in self.flat else self._places(node, result) for k, result in results]
        return rows if several else rows[0]

    def _places(self, node: Node, result: Type) -> list[Places]:
        out, sizes = self.labels(node, result.shape, "result")
        found = []
        for x in node.inputs:
            own, own_sizes = self.labels(node, x.shape, "operand")
            found.append(crossed(out, own, {**sizes, **own_sizes}))
        return found


along_last_axis = Members(1)


@dataclass(frozen=True)
class Solved:
    """The rule of systems A x = b: columns of b side by side, stacks of systems, matrices kept in any way.

    Unknowns depend on what they reach through equations, where zeros of the matrix are always there.

    Attributes
    ----------
    entries : callable
        ``entries(node, known)`` returns the equation and the unknown of every element of a member of the
        first operand, -1 where it is no entry of the matrix, and which elements can be nonzero, by members
        (None: all). It returns None where all entries are there, in C order.
    core : int
        Number of axes of a member of the first operand; 0: there is no such operand, and the entries are
        those of a constant matrix.
    diagonal : bool
        The diagonal is there, too, whether it is among the entries or not.
    """

    entries: Callable[[Node, Known], tuple[np.ndarray, np.ndarray, np.ndarray | None] | None]
    core: int
    diagonal: bool = False


def contracted(node: Node, known: Known) -> list[Places]:
    """A contraction, given by its letters; products with zeros that are always there are not seen."""
    left, right, out = node.params["spec"]
    sizes = {
        letter: n
        for letters, x in ((left, node.inputs[0]), (right, node.inputs[1]))
        for letter, n in zip(letters, x.shape, strict=True)
    }
    pairs = ((left, right, node.inputs[1]), (right, left, node.inputs[0]))
    return [_contracted(out, own, other, sizes, known.nonzero(operand)) for own, other, operand in pairs]


def _contracted(out: str, own: str, other: str, sizes: dict, there: np.ndarray | None) -> Places:
    rows, columns = crossed(out, own, sizes)
    if there is None:
        return rows, columns
    labels = [letter for letter in dict.fromkeys(out + own) if letter in other]
    alone = tuple(k for k, letter in enumerate(other) if letter not in labels)
    letters = [letter for letter in other if letter in labels]
    seen = np.any(there, axis=alone)
    grid = list(dict.fromkeys(out + own))
    shape = [sizes[letter] if letter in letters else 1 for letter in grid]
    aligned = np.transpose(seen, [letters.index(letter) for letter in labels]).reshape(shape)
    keep = np.broadcast_to(aligned, [sizes[letter] for letter in grid]).ravel()
    return rows[keep], columns[keep]


def convolved(node: Node, known: Known) -> list[Places]:
    """Element i of a full convolution depends on element j where i - j is a place of the other operand."""
    x, y = node.inputs
    lanes = list(range(len(node.shape) - 1))

    def places(own: Node, other: Node) -> Places:
        sizes = {**dict(enumerate(node.shape[:-1])), "i": node.shape[-1], "j": own.shape[-1]}
        rows, columns = crossed([*lanes, "i"], [*lanes, "j"], sizes)
        apart = rows % sizes["i"] - columns % sizes["j"]
        near = (apart >= 0) & (apart < other.shape[-1])
        return rows[near], columns[near]

    return [places(x, y), places(y, x)]


def dense(node: Node, known: Known) -> list[list[Places]]:
    """Every element of every result depends on every element of every operand."""
    results = node.type if isinstance(node.type, tuple) else (node.type,)
    sizes = [(t.size, x.type.size) for t in results for x in node.inputs]
    flat: Iterable[Places] = (crossed("i", "j", {"i": n, "j": m}) for n, m in sizes)
    rows = [[next(it) for _ in node.inputs] for it in [iter(flat)] for _ in results]
    return rows if isinstance(node.type, tuple) else rows[0]


FAMILIES = {
    "elementwise": elementwise,
    "structural": moved,
    "reduction": reduced,
    "linalg": Members(2),
    "host": dense,
    "implicit": dense,
}
