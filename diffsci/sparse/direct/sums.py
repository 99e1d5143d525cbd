"""What sums and contractions do to terms."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from diffsci.graph import Node, lookup
from diffsci.sparse.direct.emitting import emit, number_of, spread
from diffsci.sparse.direct.moves import with_rows
from diffsci.sparse.direct.terms import Columns, Term
from diffsci.sparse.direct.work import Stop, Work

__all__ = ["contracted", "convolved", "reduced"]

MOST_SUMMED = 16  # terms of a sum that are written out


def reduced(work: Work, node: Node) -> list[Term]:
    """Sums over axes."""
    x, axes = node.inputs[0], node.params["axes"]
    labels = tuple(range(len(x.shape)))
    kept = tuple(axis for axis in labels if axis not in axes)
    sizes = dict(zip(labels, x.shape, strict=True))
    found: list[Term] = []
    for term in work.of(x):
        if term.rows is not None:
            numbers = np.arange(node.type.size).reshape(node.shape)
            rows = np.broadcast_to(np.expand_dims(numbers, axes), x.shape)
            found.append(with_rows(work, term, rows))
        else:
            found += _summed(work, term, None, (labels, (), kept), sizes)
    return work.merged(found)


def contracted(work: Work, node: Node) -> list[Term]:
    """Contractions with an array that is no tangent."""
    if all(work.of(x) for x in node.inputs):
        raise Stop("a contraction of two tangents is not linear", node)
    position = 0 if work.of(node.inputs[0]) else 1
    own, other, out = node.params["spec"][position], node.params["spec"][1 - position], node.params["spec"][2]
    factor = node.inputs[1 - position]
    sizes = dict(zip(own, node.inputs[position].shape, strict=True)) | dict(
        zip(other, factor.shape, strict=True)
    )
    alone = tuple(k for k, letter in enumerate(other) if letter not in own and letter not in out)
    if alone:
        factor = emit(work.b, "sum", factor, axes=alone)
        other = "".join(letter for letter in other if letter in own or letter in out)
    found: list[Term] = []
    for term in work.of(node.inputs[position]):
        if term.rows is not None:
            free = math.prod(sizes[label] for label in other if label not in own)
            work.check_size(node, term.columns.index.size * free)
            found.append(_contracted_entries(work, term, factor, (own, other, out), sizes))
            continue
        work.check_size(node, math.prod(sizes[label] for label in {*own, *out}))
        found += _summed(work, term, factor, (tuple(own), tuple(other), tuple(out)), sizes)
    return work.merged(found)


def _summed(work: Work, term: Term, factor: Node | None, labels: tuple, sizes: dict) -> list[Term]:
    """Return the terms of a sum of products: one for every place that is summed over, or entries with rows.

    `labels` are those of the axes of the term, of the factor and of the result.
    """
    own, other, out = labels
    gone = tuple(label for label in own if label not in out)
    many = math.prod(sizes[label] for label in gone)
    if many > MOST_SUMMED:
        box = (*out, *gone)
        value, columns = _spread_over(work, term, factor, (own, other, box), sizes)
        shape = tuple(sizes[label] for label in out)
        numbers = np.arange(math.prod(shape)).reshape(shape + (1,) * len(gone))
        rows = np.broadcast_to(numbers, columns.index.shape)
        return [Term(value, columns, rows, False)]
    found = []
    for place in product(*(range(sizes[label]) for label in gone)):
        at = dict(zip(gone, place, strict=True))
        value, mine = _cut(work, term.value, own, at)
        index = term.columns.index[tuple(at.get(label, slice(None)) for label in own)]
        part = Term(value, work.maps.share(index), None, term.clean)
        beside, theirs = (None, ()) if factor is None else _cut(work, factor, other, at)
        value, columns = _spread_over(work, part, beside, (mine, theirs, out), sizes)
        found.append(Term(value, columns, None, term.clean and (factor is None or columns.is_full)))
    return found


def convolved(work: Work, node: Node) -> list[Term]:
    """Convolutions with a few numbers, which may differ from lane to lane: a shifted copy for each."""
    if all(work.of(x) for x in node.inputs):
        raise Stop("a convolution of two tangents is not linear", node)
    position = 0 if work.of(node.inputs[0]) else 1
    x, kernel = node.inputs[position], node.inputs[1 - position]
    count, lanes = kernel.shape[-1], (0,) * (len(x.shape) - 1)
    if count > MOST_SUMMED:
        raise Stop(f"a convolution with {count} numbers has too many terms", node)
    labels = tuple(range(len(x.shape)))
    sizes = dict(zip(labels, x.shape, strict=True))
    found = []
    for term in work.of(x):
        if term.rows is not None:
            raise Stop("a convolution of sums has no structure of few terms", node)
        for k in range(count):
            factor, own = _cut(work, kernel, labels, {labels[-1]: k})
            value, columns = _spread_over(work, term, factor, (labels, own, labels), sizes)
            where = {"low": (*lanes, k), "high": (*lanes, count - 1 - k), "interior": (*lanes, 0)}
            index = lookup("pad").value(columns.index, **where)
            clean = term.clean or columns.is_full
            found.append(Term(emit(work.b, "pad", value, **where), work.maps.share(index), None, clean))
    return work.merged(found)


def _contracted_entries(work: Work, term: Term, factor: Node, labels: tuple, sizes: dict) -> Term:
    """Multiply entries by rows of a factor: each gives one for every place along the factor's own axes."""
    own, other, out = labels
    shared = [label for label in other if label in own]
    free = [label for label in other if label not in own]
    places = np.unravel_index(term.rows, [sizes[label] for label in own]) if own else ()
    at = dict(zip(own, places, strict=True))
    rows = np.zeros(term.rows.shape, dtype=np.int64)
    for label in shared:
        rows = rows * sizes[label] + at[label]
    x = emit(work.b, "transpose", factor, perm=tuple(other.index(label) for label in (*shared, *free)))
    behind = tuple(sizes[label] for label in free)
    x = emit(work.b, "reshape", x, shape=(math.prod(sizes[label] for label in shared), *behind))
    box = (*rows.shape, *behind)
    axes = tuple(range(rows.ndim))
    value = emit(work.b, "broadcast", term.value, shape=box, axes=axes)
    value = emit(work.b, "mul", value, work.b.take(x, work.b.const(rows), axis=0))
    at = {label: place.reshape(rows.shape + (1,) * len(free)) for label, place in at.items()}
    at |= dict(zip(free, np.indices(behind, sparse=True), strict=True))
    to: np.ndarray = np.zeros((), dtype=np.int64)
    for label in out:
        to = to * sizes[label] + at[label]
    columns = term.columns.index.reshape(rows.shape + (1,) * len(free))
    return Term(value, work.maps.share(np.broadcast_to(columns, box)), np.broadcast_to(to, box), False)


def _cut(work: Work, x: Node, labels: tuple, at: dict) -> tuple[Node, tuple]:
    """Return an array at fixed places of some axes, and the labels of the others."""
    kept = tuple(label for label in labels if label not in at)
    if len(kept) == len(labels):
        return x, labels
    shape = tuple(n for n, label in zip(x.shape, labels, strict=True) if label not in at)
    number = number_of(x)
    if number is not None:
        return spread(work.b, number, shape), kept
    start = tuple(at.get(label, 0) for label in labels)
    stop = tuple(at[label] + 1 if label in at else n for n, label in zip(x.shape, labels, strict=True))
    piece = emit(work.b, "slice", x, start=start, stop=stop, step=(1,) * len(labels))
    return emit(work.b, "reshape", piece, shape=shape), kept


def _spread_over(
    work: Work, term: Term, factor: Node | None, labels: tuple, sizes: dict
) -> tuple[Node, Columns]:
    """Return the coefficients times a factor, and the columns, over the box of some labels."""
    own, other, box = labels
    shape = tuple(sizes[label] for label in box)
    columns = _aligned_index(term.columns.index, own, box, shape)
    value = _aligned(work, term.value, own, box, shape)
    if factor is not None:
        beside = _aligned(work, factor, other, box, shape)
        known = None if number_of(factor) is not None else work.known(factor)
        if known is not None and not known.all():
            there = _aligned_index(known != 0, other, box, shape)
            columns = np.where(there, columns, columns.dtype.type(0))
        numbers = [number_of(x) for x in (value, beside)]
        if None not in numbers:
            value = spread(work.b, emit(work.b, "mul", *numbers), shape)
        else:
            value = emit(work.b, "mul", value, beside)
    return value, work.maps.share(columns)


def _order(labels: tuple, box: tuple) -> tuple[int, ...]:
    return tuple(sorted(range(len(labels)), key=lambda k: box.index(labels[k])))


def _aligned_index(index: np.ndarray, labels: tuple, box: tuple, shape: tuple[int, ...]) -> np.ndarray:
    index = index.transpose(_order(labels, box))
    full = tuple(n if label in labels else 1 for n, label in zip(shape, box, strict=True))
    return np.broadcast_to(index.reshape(full), shape)


def _aligned(work: Work, x: Node, labels: tuple, box: tuple, shape: tuple[int, ...]) -> Node:
    number = number_of(x)
    if number is not None:
        return spread(work.b, number, shape)
    x = emit(work.b, "transpose", x, perm=_order(labels, box))
    axes = tuple(k for k, label in enumerate(box) if label in labels)
    return emit(work.b, "broadcast", x, shape=shape, axes=axes)
