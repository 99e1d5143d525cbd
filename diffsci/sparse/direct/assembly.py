"""From the terms of the outputs to the arrays of a CSR matrix: where entries are, and what writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from diffsci.graph import Node, Type
from diffsci.sparse.direct.emitting import emit, number_of, spread
from diffsci.sparse.direct.segments import affine_places, box_index, boxes_of, layout_codes
from diffsci.sparse.direct.signs import Signs
from diffsci.sparse.direct.terms import Term
from diffsci.sparse.direct.work import Work
from diffsci.sparse.direct.written import Chains

__all__ = ["Assembly", "leaves"]

_MOST_PIECES = 3000
_MANY_BOXES, _LEAST_ROWS = 100, 4  # boxes beyond that number must have so many rows on average


def leaves(node: Node, chains: Chains) -> list[Node]:
    """Return the arrays whose elements follow each other in an output, in order."""
    found: list[Node] = []
    stack = [node]
    while stack:
        last = stack.pop()
        if last.name == "reshape":
            stack.append(last.inputs[0])
        elif last.name == "concatenate" and all(n == 1 for n in last.shape[: last.params["axis"]]):
            stack += reversed(last.inputs)
        elif last.name == "set_slice" and (pieces := chains.pieces(last)) is not None:
            stack += reversed(pieces)
        else:
            found.append(last)
    return found


@dataclass
class Assembly:
    """Rows of a matrix, collected output by output.

    Attributes
    ----------
    work : Work
    dtype : dtype
        Of the entries.
    counts, indices : list of ndarray
        Entries per row, and the columns of all entries.
    boxes, starts, strides : list
        Entries by boxes, and where they go.
    nnz : int
    """

    work: Work
    dtype: np.dtype
    counts: list[np.ndarray] = field(default_factory=list)
    indices: list[np.ndarray] = field(default_factory=list)
    boxes: list[Node] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    strides: list[tuple[int, ...]] = field(default_factory=list)
    nnz: int = 0

    def nothing(self, rows: int) -> None:
        """Enter rows without entries."""
        self.counts.append(np.zeros(rows, dtype=np.int64))

    def leaf(self, node: Node, terms: Sequence[Term]) -> None:
        """Enter the rows of an array."""
        if not terms or not node.type.size:
            self.nothing(node.type.size)
            return
        self.work.b.location = node.location
        if any(term.rows is not None for term in terms) or not self._in_boxes(node, terms):
            self._one_by_one(node, terms)

    def _place(self, value: Node, start: int, strides: tuple[int, ...]) -> None:
        if value.dtype != self.dtype:
            value = self.work.b.convert(value, dtype=self.dtype)
        self.boxes.append(value)
        self.starts.append(self.nnz + start)
        self.strides.append(strides)

    # ---- rows that are made alike -------------------------------------------------------------------

    def _in_boxes(self, node: Node, terms: Sequence[Term]) -> bool:
        """Write the entries of a row side by side, box by box of equal rows; False if there are too many."""
        rows = _Rows(np.stack([term.columns.index.ravel() for term in terms]))
        codes = rows.codes().reshape(node.shape)
        boxes = boxes_of(codes)
        if boxes is None or (len(boxes) > _MANY_BOXES and codes.size < _LEAST_ROWS * len(boxes)):
            return False
        first = rows.first.reshape(node.shape)
        placed = []
        for box in boxes:
            index = box_index(box)
            where = affine_places(first[index])
            if where is None:
                return False
            start, strides = where
            row = int(np.ravel_multi_index(tuple(segment.start for segment in box), node.shape))
            placed += [(box, group, start + k, strides) for k, group in enumerate(rows.groups(row))]
        if len(placed) > _MOST_PIECES:
            return False
        for box, group, start, strides in placed:
            parts = [self._part(terms[k].value, box) for k in group]
            value = parts[0]
            for part in parts[1:]:
                value = emit(self.work.b, "add", value, part)
            self._place(value, start, strides)
        self._rows(rows.counts, rows.indices)
        return True

    def _rows(self, counts: np.ndarray, indices: np.ndarray) -> None:
        self.counts.append(counts)
        self.indices.append(indices)
        self.nnz += len(indices)

    def _part(self, value: Node, box: Sequence) -> Node:
        b = self.work.b
        number = number_of(value)
        if number is not None:
            return spread(b, number, tuple(segment.count for segment in box))
        slices = box_index(box)
        return emit(
            b,
            "slice",
            value,
            start=tuple(s.start for s in slices),
            stop=tuple(s.stop for s in slices),
            step=tuple(s.step for s in slices),
        )

    # ---- entries in any order -------------------------------------------------------------------------

    def _one_by_one(self, node: Node, terms: Sequence[Term]) -> None:
        """Write entries where they belong, term by term if each follows its box, else by their places."""
        columns = np.concatenate([term.columns.index.ravel() for term in terms])
        rows = np.concatenate([_rows_of(term) for term in terms])
        there = np.flatnonzero(columns)
        rows, columns = rows[there], columns[there] - 1
        order = _sorted(rows, columns)
        rows, columns = rows[order], columns[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
        in_place = len(there) == sum(term.value.type.size for term in terms) and bool(new.all())
        if not (in_place and self._term_by_term(terms, order)) and len(order):
            self._place(self._gathered(terms, there[order], new), 0, (1,))
        self._rows(np.bincount(rows[new], minlength=node.type.size), columns[new])

    def _term_by_term(self, terms: Sequence[Term], order: np.ndarray) -> bool:
        """Write all entries of each term at affine places, if they are that."""
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        found, start = [], 0
        for term in terms:
            size = term.value.type.size
            where = affine_places(place[start : start + size].reshape(term.value.shape)) if size else None
            if size and where is None:
                return False
            found.append((term, where))
            start += size
        for term, where in found:
            if where is not None:
                self._place(term.value, *where)
        return True

    def _gathered(self, terms: Sequence[Term], sources: np.ndarray, new: np.ndarray) -> Node:
        """Return the entries in order: each looked up, those that meet in one place added to the first.

        They are added in the order in which they are computed: neighbors then rarely go to one place, where
        each would wait for the one before.
        """
        b = self.work.b
        flat, sources = self._side_by_side(terms, sources)
        data = b.take(flat, b.const(sources[new]), axis=0)
        if new.all():
            return data
        more, place = sources[~new], (np.cumsum(new) - 1)[~new]
        order = _counted(more)
        added = b.take(flat, b.const(more[order]), axis=0)
        return b.put_add(data, b.const(place[order]), added, axis=0)

    def _side_by_side(self, terms: Sequence[Term], sources: np.ndarray) -> tuple[Node, np.ndarray]:
        """Return the coefficients of all terms as one array, equal ones once, and the places in it."""
        b = self.work.b
        signs = Signs(b)
        parts = [signs.signed(term.value) for term in terms]
        starts, size = {}, 0
        for part in parts:
            if part not in starts:
                starts[part] = size
                size += part.type.size
        flat = [emit(b, "reshape", part, shape=(part.type.size,)) for part in starts]
        ends = np.cumsum([part.type.size for part in parts])
        owner = np.searchsorted(ends, sources, side="right")
        moved = np.array([starts[part] + part.type.size - end for part, end in zip(parts, ends, strict=True)])
        return (emit(b, "concatenate", *flat, axis=0) if len(flat) > 1 else flat[0]), sources + moved[owner]

    # ---- all of them ------------------------------------------------------------------------------------

    def data(self) -> Node:
        """Return the array of all entries."""
        b = self.work.b
        b.location = None
        if not self.nnz:
            return b.zeros(Type((0,), self.dtype))
        whole = len(self.boxes) == 1 and self.strides == [(1,)]
        if whole:
            return self.boxes[0]
        return b.place(*self.boxes, shape=(self.nnz,), starts=tuple(self.starts), strides=tuple(self.strides))


def _rows_of(term: Term) -> np.ndarray:
    shape = term.columns.index.shape
    rows = np.arange(term.columns.index.size).reshape(shape) if term.rows is None else term.rows
    return np.broadcast_to(rows, shape).ravel()


def _sorted(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the order of entries by rows, and by columns inside of a row: two passes that count."""
    order = np.arange(len(rows))
    for keys in (columns, rows):
        order = order[_counted(keys[order])]
    return order


def _counted(keys: np.ndarray) -> np.ndarray:
    """Return the stable order of small numbers, in time proportional to their count."""
    from scipy.sparse import csr_array

    count = len(keys)
    shape = (count, int(keys.max(initial=0)) + 1)
    return csr_array((np.arange(count), keys, np.arange(count + 1)), shape=shape).tocsc().data


class _Rows:
    """The entries of rows, by terms: their order and which of them meet in one place.

    Attributes
    ----------
    first, counts : ndarray
        Place of the first entry of every row, and how many it has.
    indices : ndarray
        Columns of all entries, row by row, from 0.
    """

    def __init__(self, columns: np.ndarray):
        big = np.iinfo(columns.dtype).max
        keys = np.where(columns > 0, columns, big)
        order = np.argsort(keys, axis=0, kind="stable")
        ordered = np.take_along_axis(keys, order, axis=0)
        self.order = order.astype(np.uint8)
        self.there = ordered < big
        self.new = self.there.copy()
        self.new[1:] &= ordered[1:] != ordered[:-1]
        self.counts = self.new.sum(axis=0)
        self.first = np.cumsum(self.counts) - self.counts
        self.indices = ordered.T[self.new.T] - 1

    def codes(self) -> np.ndarray:
        """Return a number per row: equal for rows whose entries come from the same terms in one order."""
        digits = np.where(self.there, self.order * np.uint16(2) + self.new + np.uint16(1), np.uint16(0))
        return layout_codes(digits, 2 * len(self.order) + 2)

    def groups(self, row: int) -> list[list[int]]:
        """Return for each entry of a row the terms that add up to it."""
        found: list[list[int]] = []
        column = zip(
            self.order[:, row].tolist(), self.there[:, row].tolist(), self.new[:, row].tolist(), strict=True
        )
        for term, there, new in column:
            if not there:
                break
            if new:
                found.append([])
            found[-1].append(term)
        return found
