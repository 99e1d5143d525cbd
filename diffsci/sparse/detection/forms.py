"""Three ways to say which inputs the elements of an array depend on.

`Maps`: a few index maps, one input each per element (see `diffsci.sparse.maps`); for structured programs.
`Rows`: a sparse boolean matrix; where rows differ much in length.
`Words`: bit sets, 64 inputs in a machine word; where sets are large. `canonical` and `lean` take what is
smallest. What operations do to them stands in `algebra`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diffsci.primitives.dependence import TooDense
from diffsci.sparse import maps
from diffsci.sparse.detection.pattern import Pattern

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = [
    "BITS",
    "CHUNK",
    "FEW_MAPS",
    "MOST_MAPS",
    "Dependence",
    "Maps",
    "Rows",
    "Words",
    "canonical",
    "check_room",
    "finished",
    "is_small",
    "leads_to_words",
    "lean",
    "rows_of",
    "stacked",
    "words_of",
]

FEW_MAPS = 8  # that are not looked at for duplicates
MOST_MAPS = 32
SMALL_WORDS = 1 << 15  # that an operation takes no longer for than to be called
MOST_WORDS = 1 << 28  # 2 GB
MOST_ENTRIES = 1 << 29
CHUNK = 1 << 21  # words that are gathered at once
BITS = 64


@dataclass(frozen=True, eq=False)
class Maps:
    """Index maps, each of the array's shape; an element depends on what any of them says.

    `exact` is the number of dependences where that has been counted.
    """

    arrays: tuple[np.ndarray, ...]
    exact: int = -1

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array whose elements depend on inputs."""
        return self.arrays[0].shape

    def entries(self) -> int:
        """Return how many dependences these are at most."""
        return len(self.arrays) * self.arrays[0].size


@dataclass(frozen=True, eq=False)
class Rows:
    """A boolean matrix: one row per element, in C order."""

    matrix: csr_array
    shape: tuple[int, ...]

    def entries(self) -> int:
        """Return how many dependences these are."""
        return self.matrix.nnz


@dataclass(frozen=True, eq=False)
class Words:
    """Bit sets: an array of words with one further axis, the last."""

    bits: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array whose elements depend on inputs."""
        return self.bits.shape[:-1]

    def entries(self) -> int:
        """Return how many dependences these are; what is repeated is looked at once."""
        axes = range(self.bits.ndim - 1)
        repeated = [k for k in axes if self.bits.strides[k] == 0 and self.bits.shape[k] > 1]
        once = self.bits[tuple(slice(0, 1) if k in repeated else slice(None) for k in axes)]
        count = int(np.bitwise_count(once).sum(dtype=np.int64))
        return count * math.prod(self.bits.shape[k] for k in repeated)


Dependence = Maps | Rows | Words


# one form into another ---------------------------------------------------------------------------------


def rows_of(found: Dependence, width: int) -> csr_array:
    """Return the boolean matrix of any form."""
    if isinstance(found, Rows):
        return found.matrix
    return _listed(found, width).csr()


def _listed(found: Maps | Words, width: int) -> Pattern:
    if isinstance(found, Maps):
        return _pattern(_sorted(stacked(found.arrays)), width)
    size, count = math.prod(found.shape), found.bits.shape[-1]
    bits = found.bits.reshape(size, count)
    counts = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    entries, dtype = int(counts.sum()), maps.number_type(width)
    if entries > MOST_ENTRIES:
        raise TooDense(f"its pattern has {entries} nonzeros")
    if entries == size * width:
        return Pattern.counted(counts, np.tile(np.arange(width, dtype=dtype), size), (size, width))
    parts, step = [np.zeros(0, dtype)], max(CHUNK // max(count, 1), 1)
    for first in range(0, size, step):
        words = np.ascontiguousarray(bits[first : first + step]).ravel()
        used = np.flatnonzero(words)
        places = np.flatnonzero(np.unpackbits(words[used].view(np.uint8), bitorder="little"))
        starts = (used % max(count, 1) * BITS).astype(dtype)
        parts.append(starts[places // BITS] + (places % BITS).astype(dtype))
    return Pattern.counted(counts, np.concatenate(parts), (size, width))


def check_room(size: int, count: int) -> None:
    """Raise where bit sets would take too much memory."""
    if size * count > MOST_WORDS:
        raise TooDense(f"the inputs that its {size} elements depend on fill {size * count * 8e-9:.3g} GB")


def words_of(found: Dependence, width: int) -> Words:
    """Return the bit sets of any form."""
    if isinstance(found, Words):
        return found
    size, count = math.prod(found.shape), -(-width // BITS)
    check_room(size, count)
    bits = np.zeros((size, count), dtype=np.uint64)
    if isinstance(found, Maps):
        places = np.arange(size)
        for index in found.arrays:
            flat = index.ravel()
            there = flat > 0
            _set(bits, places[there], flat[there] - 1)
    else:
        _set(bits, np.repeat(np.arange(size), np.diff(found.matrix.indptr)), found.matrix.indices)
    return Words(bits.reshape(*found.shape, count))


def _set(bits: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> None:
    ones = np.left_shift(np.uint64(1), (columns % BITS).astype(np.uint64))
    np.bitwise_or.at(bits, (rows, columns // BITS), ones)


def is_small(size: int, width: int) -> bool:
    """Tell whether bit sets take so little memory that one operation on them costs less than on many maps."""
    return size * -(-width // BITS) <= SMALL_WORDS


def finished(found: Dependence | None, size: int, width: int) -> Pattern:
    """Return the pattern that dependences stand for."""
    if found is None:
        return Pattern.counted(np.zeros(size, int), np.zeros(0, np.int32), (size, width))
    if isinstance(found, Rows):
        matrix = found.matrix
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        return Pattern.counted(np.diff(matrix.indptr), matrix.indices, matrix.shape)
    return _listed(found, width)


# canonical forms ---------------------------------------------------------------------------------------


def stacked(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Return maps as the rows of one array."""
    out = np.empty((len(arrays), arrays[0].size), dtype=arrays[0].dtype)
    for row, index in zip(out, arrays, strict=True):
        row.reshape(index.shape)[...] = index
    return out


def _sorted(stack: np.ndarray) -> np.ndarray:
    """Sort every column of an array that may be overwritten; a few long rows by an exchange network."""
    count, size = stack.shape
    if count > 24 or size < 256:
        stack.sort(axis=0)
        return stack
    spare, quiet = np.empty_like(stack[0]), 0
    for first in range(count):  # odd-even transposition: `count` rounds sort, two quiet ones end it
        quiet += 1
        for k in range(first % 2, count - 1, 2):
            low, high = stack[k], stack[k + 1]
            np.minimum(low, high, out=spare)
            if not np.array_equal(spare, low):
                np.maximum(low, high, out=high)
                low[:] = spare
                quiet = 0
        if quiet == 2:
            break
    return stack


def _pattern(stack: np.ndarray, width: int) -> Pattern:
    """Return the pattern whose rows are the sorted columns of an array."""
    size = stack.shape[1]
    keep = _kept(stack)
    counts = np.count_nonzero(keep, axis=0)
    table = np.ascontiguousarray(stack.T)
    table -= 1
    columns = table.ravel() if keep.all() else table[np.ascontiguousarray(keep.T)]
    return Pattern.counted(counts, columns, (size, width))


def _kept(stack: np.ndarray) -> np.ndarray:
    keep = stack > 0
    keep[1:] &= stack[1:] != stack[:-1]
    return keep


def canonical(stack: np.ndarray, shape: tuple[int, ...], width: int) -> Dependence:
    """Return the smallest form of the maps in the rows of an array, which may be overwritten."""
    stack = _sorted(stack)
    keep = _kept(stack)
    counts = np.count_nonzero(keep, axis=0)
    most, entries, size = int(counts.max(initial=0)), int(counts.sum()), stack.shape[1]
    words = -(-width // BITS) * 8 * size
    if most <= MOST_MAPS and 4 * most * size <= min(2 * words, 12 * entries + 256):
        if most < len(stack):
            stack[~keep] = 0
            stack.sort(axis=0)
            stack = stack[len(stack) - most :]
        arrays = tuple(stack.reshape(-1, *shape)) if most else (np.zeros(shape, stack.dtype),)
        return Maps(arrays, entries)
    found = Rows(_pattern(stack, width).csr(), shape)
    return words_of(found, width) if words <= 8 * entries else found


def lean(found: Rows | Words, width: int) -> Dependence:
    """Return the smallest form of what an operation gave."""
    size = math.prod(found.shape)
    if isinstance(found, Words):
        return found
    matrix = found.matrix
    counts = np.diff(matrix.indptr)
    most, entries, words = int(counts.max(initial=0)), matrix.nnz, -(-width // BITS) * 8 * size
    if 0 < most <= MOST_MAPS and 4 * most * size <= min(2 * words, 12 * entries + 256):
        table = np.zeros((most, size), dtype=maps.number_type(width))
        rows = np.repeat(np.arange(size), counts)
        table[np.arange(entries) - matrix.indptr[rows], rows] = matrix.indices + 1
        return Maps(tuple(table.reshape(-1, *found.shape)))
    return words_of(found, width) if words <= 8 * entries else found


def leads_to_words(parts: Sequence[Dependence], size: int, width: int) -> bool:
    """Tell whether what comes of these is better kept as bit sets."""
    entries = sum(part.entries() for part in parts)
    return -(-width // BITS) * 8 * size <= 8 * entries
