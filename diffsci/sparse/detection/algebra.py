"""What operations do to dependences, whichever form these have (see `forms`).

Elements depend on what several arrays do (`union`), are moved (`moved`, `taken`, `joined`), combined along
axes (`relabelled`, `grown`), left out (`masked`), or name the places that they depend on (`product`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci.graph import Node
from diffsci.sparse import maps
from diffsci.sparse.detection.forms import (
    BITS,
    CHUNK,
    FEW_MAPS,
    MOST_MAPS,
    Dependence,
    Maps,
    Rows,
    Words,
    canonical,
    check_room,
    is_small,
    leads_to_words,
    lean,
    rows_of,
    stacked,
    words_of,
)
from diffsci.sparse.detection.pattern import Pattern

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["few_words", "grown", "joined", "masked", "moved", "product", "relabelled", "taken", "union"]


def union(parts: Sequence[Dependence], width: int) -> Dependence | None:
    """Return the dependence of an array whose elements depend on what any of these says."""
    different = list({id(part): part for part in parts}.values())
    if len(different) <= 1:
        return different[0] if different else None
    if all(isinstance(part, Maps) for part in different):
        return _union_of_maps(different, width)
    shape, size = different[0].shape, math.prod(different[0].shape)
    some = any(isinstance(part, Words) for part in different)
    if is_small(size, width) or (some and leads_to_words(different, size, width)):
        check_room(size, -(-width // BITS))
        total = words_of(different[0], width).bits
        for part in different[1:]:
            total = total | words_of(part, width).bits
        return Words(total)
    total = rows_of(different[0], width)
    for part in different[1:]:
        total = total + rows_of(part, width)
    return lean(Rows(total, shape), width)


def _union_of_maps(parts: Sequence[Maps], width: int) -> Dependence:
    """Keep the maps of one part where the others add nothing, so that equal dependences are one object."""
    longest = max(parts, key=lambda part: len(part.arrays))
    own = {id(index): index for index in longest.arrays}
    added = {id(index): index for part in parts for index in part.arrays if id(index) not in own}
    if len(own) + len(added) > FEW_MAPS:
        if is_small(longest.arrays[0].size, width):
            return words_of(Maps((*longest.arrays, *added.values())), width)
        added = _not_among(added, longest.arrays)
    if not added:
        return longest
    arrays = (*longest.arrays, *added.values())
    if len(arrays) > FEW_MAPS:
        arrays = _side_by_side(longest.arrays, list(added.values()))
    if len(arrays) <= max(FEW_MAPS, min(MOST_MAPS, width // 16)):
        return Maps(arrays)
    found = canonical(stacked(arrays), longest.shape, width)
    return longest if isinstance(found, Maps) and found.exact == longest.exact else found


def _side_by_side(own: Sequence[np.ndarray], added: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Join maps of elements with maps of other elements, where no element has both."""
    there = np.logical_or.reduce([index > 0 for index in own])
    if any(np.any(there & (index > 0)) for index in added):
        return (*own, *added)
    nothing = np.zeros_like(own[0])
    return tuple(one | other for one, other in zip_longest(own, added, fillvalue=nothing))


def _not_among(maps_: dict[int, np.ndarray], others: Sequence[np.ndarray]) -> dict[int, np.ndarray]:
    """Leave out maps that are equal to others."""
    shape, size = others[0].shape, others[0].size
    probes = np.unravel_index(np.linspace(0, size - 1, 16, dtype=np.int64), shape) if size and shape else ()
    alike: dict[bytes, list[np.ndarray]] = {}
    for index in others:
        alike.setdefault(index[probes].tobytes(), []).append(index)
    return {
        key: index
        for key, index in maps_.items()
        if not any(np.array_equal(index, other) for other in alike.get(index[probes].tobytes(), ()))
    }


def moved(
    node: Node, parts: Sequence[Dependence | None], others: Callable[[Node], Any], width: int
) -> Dependence:
    """Return the dependence of an operation that only moves elements, as `maps.moved` does."""
    if all(part is None or isinstance(part, Maps) for part in parts):
        return _moved_maps(node, parts, others)
    if node.name == "broadcast":
        return _repeated(node, parts[0])
    if node.name == "reshape":
        return _reshaped(parts[0], node.shape)
    rows = any(isinstance(part, Rows) for part in parts)
    if is_small(node.type.size, width) and not rows and node.name != "put_add":  # that adds
        return _moved_words(node, parts, others, width)
    start, numbers, present = 0, [], []
    for x, part in zip(node.inputs, parts, strict=True):
        numbers.append(None if part is None else maps.identity(x.shape, start, np.int64))
        if part is not None:
            start += x.type.size
            present.append(part)
    source = np.ravel(maps.moved(node, numbers, others)) - 1
    whole = joined(present, [math.prod(part.shape) for part in present], width)
    return taken(whole, source, node.shape, width)


def joined(parts: Sequence[Dependence | None], sizes: Sequence[int], width: int) -> Dependence | None:
    """Return the dependence of arrays of these sizes, laid end to end; None where none has any."""
    present = [part for part in parts if part is not None]
    if not present:
        return None
    if all(isinstance(part, Maps) for part in present):
        rounds, dtype = max(len(part.arrays) for part in present), present[0].arrays[0].dtype
        table = np.zeros((rounds, sum(sizes)), dtype=dtype)
        starts = np.cumsum([0, *sizes])
        for part, first, last in zip(parts, starts, starts[1:], strict=False):
            for row, index in zip(table, () if part is None else part.arrays, strict=False):
                row[first:last] = index.ravel()
        return Maps(tuple(table))
    if leads_to_words(present, sum(sizes), width):
        count = -(-width // BITS)
        pairs = zip(parts, sizes, strict=True)
        return Words(
            np.concatenate(
                [
                    np.zeros((size, count), np.uint64)
                    if part is None
                    else words_of(part, width).bits.reshape(size, count)
                    for part, size in pairs
                ]
            )
        )
    from scipy.sparse import csr_array, vstack

    pairs = zip(parts, sizes, strict=True)
    rows = [csr_array((n, width), dtype=bool) if p is None else rows_of(p, width) for p, n in pairs]
    return Rows(vstack(rows, format="csr"), (sum(sizes),))


def taken(found: Dependence, source: np.ndarray, shape: tuple[int, ...], width: int) -> Dependence:
    """Return the dependence of an array whose element k is element ``source[k]`` of another, -1 nothing."""
    there = source >= 0
    if isinstance(found, Maps):
        arrays = [index.ravel()[source] for index in found.arrays]
        for index in arrays:
            index[~there] = 0
        return Maps(tuple(index.reshape(shape) for index in arrays))
    if isinstance(found, Words):
        count = found.bits.shape[-1]
        size = math.prod(found.shape)
        if source.size * count * size > found.entries() * np.count_nonzero(there):
            return taken(Rows(rows_of(found, width), found.shape), source, shape, width)
        check_room(source.size, count)
        bits = found.bits.reshape(-1, count)[source]
        bits[~there] = 0
        return Words(bits.reshape(*shape, count))
    if there.all():
        return lean(Rows(found.matrix[source], shape), width)
    places = np.flatnonzero(there)
    return product((places, source[places]), found, shape, width)


def _moved_maps(node: Node, parts: Sequence[Maps | None], others: Callable) -> Maps:
    if len(parts) == 1:
        value, params = node.primitive.value, node.params
        return Maps(tuple(value(index, **params) for index in parts[0].arrays))
    rounds = max(len(part.arrays) for part in parts if part is not None)
    found = []
    for k in range(rounds):
        own = [part.arrays[k] if part is not None and k < len(part.arrays) else None for part in parts]
        found.append(maps.moved(node, own, others))
    return Maps(tuple(found))


def _moved_words(node: Node, parts: Sequence[Dependence | None], others: Callable, width: int) -> Words:
    """The operation itself, run on elements that are whole sets."""
    kind = np.dtype((np.void, 8 * -(-width // BITS)))
    operands = []
    for x, part in zip(node.inputs, parts, strict=True):
        if part is not None:
            operands.append(np.ascontiguousarray(words_of(part, width).bits).view(kind)[..., 0])
        else:
            operands.append(np.zeros(x.shape, kind) if x.type.is_float else others(x))
    found = np.ascontiguousarray(node.primitive.value(*operands, **node.params))
    return Words(found.reshape(*node.shape, 1).view(np.uint64))


def _repeated(node: Node, part: Rows | Words) -> Dependence:
    """A broadcast of large sets."""
    if isinstance(part, Words):
        count = part.bits.shape[-1]
        shape, axes = node.shape, node.params["axes"]
        expanded = [1] * len(shape)
        for size, axis in zip(part.shape, axes, strict=True):
            expanded[axis] = size
        return Words(np.broadcast_to(part.bits.reshape(*expanded, count), (*shape, count)))
    source = node.primitive.value(np.arange(math.prod(part.shape)).reshape(part.shape), **node.params)
    return Rows(part.matrix[source.ravel()], node.shape)


def relabelled(found: Dependence, own: Sequence, out: Sequence, sizes: dict, width: int) -> Dependence:
    """Return the dependence of an operation that combines elements along axes (see `maps.relabelled`)."""
    own, out = list(own), list(out)
    kept = [label for label in out if label in own]
    shape = tuple(sizes[label] for label in kept)
    combined = found if kept == own else _combined(found, own, kept, shape, sizes, width)
    if kept == out:
        return combined
    full = tuple(sizes[label] for label in out)
    expanded = tuple(sizes[label] if label in kept else 1 for label in out)

    def stretched(index: np.ndarray, *tail: int) -> np.ndarray:
        return np.broadcast_to(index.reshape(*expanded, *tail), (*full, *tail))

    if isinstance(combined, Maps):
        return Maps(tuple(stretched(index) for index in combined.arrays))
    if isinstance(combined, Words):
        return Words(stretched(combined.bits, combined.bits.shape[-1]))
    source = stretched(np.arange(math.prod(shape))).ravel()
    return Rows(combined.matrix[source], full)


def _combined(
    found: Dependence, own: list, kept: list, shape: tuple[int, ...], sizes: dict, width: int
) -> Dependence:
    if isinstance(found, Words):
        parts = maps.relabelled(found.bits, own, kept, sizes)
        return Words(np.bitwise_or.reduce(parts, axis=0))
    if isinstance(found, Maps):
        parts = [maps.relabelled(index, own, kept, sizes) for index in found.arrays]
        total = sum(len(part) for part in parts)
        if 0 < total <= FEW_MAPS:
            return Maps(tuple(index for part in parts for index in part))
        stack = np.concatenate([part.reshape(len(part), math.prod(shape)) for part in parts])
        return canonical(stack, shape, width)
    numbers = np.arange(math.prod(found.shape)).reshape(found.shape)
    parts = maps.relabelled(numbers, own, kept, sizes)
    columns = parts.reshape(len(parts), -1)
    rows = np.broadcast_to(np.arange(columns.shape[1]), columns.shape)
    return product((rows.ravel(), columns.ravel()), found, shape, width)


def few_words(size: int, width: int) -> bool:
    """Tell whether bit sets of so many elements take little memory."""
    return size * -(-width // BITS) <= 8 * CHUNK


def grown(found: Dependence, axis: int, reverse: bool, width: int) -> Words:
    """Return the dependence of an array whose elements depend on those before them (or behind) on an axis."""
    bits = words_of(found, width).bits
    if not reverse:
        return Words(np.bitwise_or.accumulate(bits, axis=axis))
    return Words(np.flip(np.bitwise_or.accumulate(np.flip(bits, axis), axis=axis), axis))


def masked(found: Dependence, there: np.ndarray, width: int) -> Dependence:
    """Return the dependence of an array some of whose elements depend on nothing."""
    if there.all():
        return found
    if isinstance(found, Maps):
        return Maps(tuple(np.where(there, index, index.dtype.type(0)) for index in found.arrays))
    places = np.flatnonzero(there)
    if isinstance(found, Words):
        if few_words(there.size, width) or 8 * places.size > there.size:
            return Words(np.where(there[..., None], found.bits, np.uint64(0)))
        rows = rows_of(Words(found.bits[there]), width)
        return lean(Rows(_at_rows(rows, places, there.size), there.shape), width)
    return product((places, places), found, found.shape, width)


def _at_rows(matrix: csr_array, places: np.ndarray, size: int) -> csr_array:
    """Return a matrix with these rows at increasing places, and empty ones between them."""
    counts = np.zeros(size, dtype=np.int64)
    counts[places] = np.diff(matrix.indptr)
    return Pattern.counted(counts, matrix.indices, (size, matrix.shape[1])).csr()


def product(
    places: tuple[np.ndarray, np.ndarray], found: Dependence, shape: tuple[int, ...], width: int
) -> Dependence:
    """Return the dependence of an array whose element `places[0][k]` depends on element `places[1][k]`."""
    rows, columns = places
    size, operand = math.prod(shape), math.prod(found.shape)
    if (
        size == operand == rows.size
        and np.array_equal(rows, columns)
        and np.array_equal(rows, np.arange(size))
    ):
        return _reshaped(found, shape)
    by_words = (operand + rows.size) * -(-width // BITS)
    by_entries = rows.size * (found.entries() / max(operand, 1))
    if isinstance(found, Words) or (by_words <= 16 * by_entries and few_words(operand, width)):
        return _gathered(rows, columns, words_of(found, width).bits, shape)
    from scipy.sparse import csr_array

    through = csr_array((np.ones(rows.size, dtype=bool), (rows, columns)), shape=(size, operand))
    return lean(Rows(through @ rows_of(found, width), shape), width)


def _reshaped(found: Dependence, shape: tuple[int, ...]) -> Dependence:
    if isinstance(found, Maps):
        return Maps(tuple(index.reshape(shape) for index in found.arrays))
    if isinstance(found, Words):
        return Words(found.bits.reshape(*shape, found.bits.shape[-1]))
    return Rows(found.matrix, shape)


def _gathered(rows: np.ndarray, columns: np.ndarray, bits: np.ndarray, shape: tuple[int, ...]) -> Words:
    """Join the sets of all places of a row, so many at once that they fit into a cache."""
    count = bits.shape[-1]
    check_room(math.prod(shape), count)
    out = np.zeros((math.prod(shape), count), dtype=np.uint64)
    if rows.size and count:
        order = np.argsort(rows, kind="stable")
        rows, columns, table = rows[order], columns[order], bits.reshape(-1, count)
        step = max(CHUNK // count, 1)
        for first in range(0, rows.size, step):
            own = rows[first : first + step]
            starts = np.flatnonzero(np.diff(own, prepend=-1))
            joined = np.bitwise_or.reduceat(table[columns[first : first + step]], starts, axis=0)
            out[own[starts]] |= joined
    return Words(out.reshape(*shape, count))
