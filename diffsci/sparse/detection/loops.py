"""Dependences through loops: step by step where there are few steps, to a fixed point where there are many.

What a carry depends on after any number of steps is what it can reach from carry to carry (see `reach`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.graph import Type
from diffsci.primitives.custom_loop import CARRY, CONST, ITEM, Repeated
from diffsci.sparse import maps
from diffsci.sparse.detection.algebra import joined, product, relabelled, taken, union
from diffsci.sparse.detection.forms import Dependence, Maps, finished
from diffsci.sparse.detection.pattern import Pattern
from diffsci.sparse.detection.reach import reached
from diffsci.sparse.detection.rules import spread

__all__ = ["dense_results", "looped", "operand_patterns"]

MOST_STEPS = 64  # that are followed one by one

Parts = Sequence["Dependence | None"]


def looped(operands: Sequence[Type], step_pattern: Pattern, step: Repeated, parts: Parts, width: int) -> list:
    """Return the dependence of the results of a loop, without its tape.

    Parameters
    ----------
    operands : sequence of Type
        Of the loop.
    step_pattern : Pattern
        Of one step: all float outputs by all float inputs but its number.
    step : Repeated
    parts : sequence of Dependence or None
        Of the operands.
    width : int
    """
    return _Steps(step, step_pattern, width).results(operands, parts)


class _Steps:
    """The steps of one loop: a vector of all float inputs goes to a vector of all float outputs."""

    def __init__(self, step: Repeated, pattern: Pattern, width: int):
        self.step, self.width = step, width
        self.types = step.graph.input_types[1:]
        self.reals = [k for k, t in enumerate(self.types) if t.is_float]
        self.sizes = [self.types[k].size for k in self.reals]
        self.out_types = step.graph.output_types
        self.out_reals = [k for k, t in enumerate(self.out_types) if t.is_float]
        starts = np.cumsum([0, *(self.out_types[k].size for k in self.out_reals)])
        self.out_starts = dict(zip(self.out_reals, starts.tolist(), strict=False))
        self.size = int(starts[-1])
        self.rows, self.columns = pattern.rows, pattern.indices
        self.carries = [k for k in self.reals if step.roles[k] == CARRY]
        self.items = [k for k in self.reals if step.roles[k] == ITEM]
        self.out_carries = [k for k in self.out_reals if step.out_roles[k] == CARRY]
        self.out_items = [k for k in self.out_reals if step.out_roles[k] == ITEM]

    def results(self, operands: Sequence[Type], parts: Parts) -> list[Dependence | None]:
        """Return the dependence of all outputs."""
        length = self.step.length
        if length is not None and length <= MOST_STEPS:
            carries, rows = self._followed(operands, parts, length)
        else:
            carries, rows = self._closed(operands, parts)
        outputs: list[Dependence | None] = [None] * len(self.out_types)
        for k, start, part in zip(self.out_carries, self.carries, carries, strict=True):
            outputs[k] = part if self.step.rows is None else self._in_rows(parts[start], part, k)
        for k, part in zip(self.out_items, rows, strict=True):
            outputs[k] = part
        return outputs

    def _apply(self, own: dict[int, Dependence | None]) -> Dependence | None:
        """Return what the outputs of a step depend on, laid end to end, by what its inputs depend on."""
        vector = joined([own.get(k) for k in self.reals], self.sizes, self.width)
        if vector is None:
            return None
        return product((self.rows, self.columns), vector, (self.size,), self.width)

    def _output(self, outputs: Dependence | None, k: int) -> Dependence | None:
        if outputs is None:
            return None
        type_, start = self.out_types[k], self.out_starts[k]
        return taken(outputs, np.arange(start, start + type_.size), type_.shape, self.width)

    def _numbers(self, type_: Type, depth: int) -> np.ndarray:
        """Return the flat places of an array with items, by steps."""
        places = np.moveaxis(np.arange(type_.size).reshape(type_.shape), depth, 0)
        return places.reshape(places.shape[0], -1)

    def _in_rows(self, start: Dependence | None, later: Dependence | None, k: int) -> Dependence | None:
        """Stack a carry before the first step, and after some steps, as often as they are asked for."""
        type_ = self.out_types[k]
        whole = joined([start, later], [type_.size] * 2, self.width)
        if whole is None:
            return None
        source = np.repeat(np.arange(2 * type_.size).reshape(2, type_.size), self.step.rows, axis=0)
        return taken(whole, source.ravel(), (sum(self.step.rows), *type_.shape), self.width)

    # few steps -------------------------------------------------------------------------------------

    def _followed(self, operands: Sequence[Type], parts: Parts, length: int):
        own = {k: parts[k] for k in self.reals}
        numbers = {k: self._numbers(operands[k], self.step.depths[k]) for k in self.items}
        made: list[list[Dependence | None]] = []
        for t in reversed(range(length)) if self.step.reverse else range(length):
            for k in self.items:
                part = parts[k]
                own[k] = None if part is None else taken(part, numbers[k][t], self.types[k].shape, self.width)
            outputs = self._apply(own)
            own |= {
                k: self._output(outputs, out) for k, out in zip(self.carries, self.out_carries, strict=True)
            }
            made.append([self._output(outputs, k) for k in self.out_items])
        if self.step.reverse:
            made.reverse()
        rows = [self._stacked([row[j] for row in made], k) for j, k in enumerate(self.out_items)]
        return [own[k] for k in self.carries], rows

    def _stacked(self, rows: list[Dependence | None], k: int) -> Dependence | None:
        """Return the dependence of items that were made one by one."""
        type_ = self.out_types[k]
        whole = joined(rows, [type_.size] * len(rows), self.width)
        return None if whole is None else self._arranged(whole, k, len(rows))

    def _arranged(self, whole: Dependence, k: int, length: int) -> Dependence:
        """Put the axis of steps where it belongs."""
        shape, depth = self.out_types[k].shape, self.step.depth
        inside = np.arange(length * math.prod(shape)).reshape(length, *shape)
        outside = np.moveaxis(inside, 0, depth)
        return taken(whole, outside.ravel(), outside.shape, self.width)

    # many steps, or nobody knows how many ----------------------------------------------------------

    def _closed(self, operands: Sequence[Type], parts: Parts):
        own = {k: parts[k] for k in self.reals if self.step.roles[k] != ITEM}
        for k in self.items:
            own[k] = self._any_item(operands[k], parts[k], self.step.depths[k])
        outputs = self._apply(own)
        carried = dict(zip(self.carries, self.out_carries, strict=True))
        base = {k: self._both(parts[k], self._output(outputs, out)) for k, out in carried.items()}
        reached = self._reached(base)
        rows = []
        if self.out_items:
            known = {k: parts[k] for k in self.reals if self.step.roles[k] == CONST} | reached
            common = self._apply(known)
            rows = [self._row_of_items(common, k, operands, parts) for k in self.out_items]
        return [reached[k] for k in self.carries], rows

    def _both(self, *parts: Dependence | None) -> Dependence | None:
        return union([part for part in parts if part is not None], self.width)

    def _any_item(self, type_: Type, part: Dependence | None, depth: int) -> Dependence | None:
        if part is None or not type_.shape[depth]:
            return None
        axes = list(range(len(type_.shape)))
        kept = [axis for axis in axes if axis != depth]
        return relabelled(part, axes, kept, dict(enumerate(type_.shape)), self.width)

    def _reached(self, base: dict[int, Dependence | None]) -> dict[int, Dependence | None]:
        """Return what each carry depends on after any number of steps."""
        sizes = [self.types[k].size for k in self.carries]
        vector = joined([base[k] for k in self.carries], sizes, self.width)
        if vector is None:
            return base
        whole = reached(*self._between_carries(sum(sizes)), vector, self.width)
        starts = np.cumsum([0, *sizes])
        return {
            k: taken(whole, np.arange(first, last), self.types[k].shape, self.width)
            for k, first, last in zip(self.carries, starts, starts[1:], strict=False)
        }

    def _between_carries(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which element of the carry depends on which in one step."""
        ins, outs = np.full(sum(self.sizes), -1), np.full(self.size, -1)
        starts = dict(zip(self.reals, np.cumsum([0, *self.sizes]).tolist(), strict=False))
        first = 0
        for k, out in zip(self.carries, self.out_carries, strict=True):
            size = self.types[k].size
            ins[starts[k] : starts[k] + size] = np.arange(first, first + size)
            outs[self.out_starts[out] : self.out_starts[out] + size] = np.arange(first, first + size)
            first += size
        to, source = outs[self.rows], ins[self.columns]
        there = (to >= 0) & (source >= 0)
        return to[there], source[there]

    def _row_of_items(
        self, common: Dependence | None, k: int, operands: Sequence[Type], parts: Parts
    ) -> Dependence | None:
        """Every item depends on what all do, and on the items of its own step."""
        length, type_ = self.step.length, self.out_types[k]
        start = self.out_starts[k]
        found = []
        if common is not None:
            places = np.tile(np.arange(start, start + type_.size), length)
            found.append(taken(common, places, (places.size,), self.width))
        starts = dict(zip(self.reals, np.cumsum([0, *self.sizes]).tolist(), strict=False))
        for j in self.items:
            if parts[j] is None:
                continue
            inside = (self.rows >= start) & (self.rows < start + type_.size)
            inside &= (self.columns >= starts[j]) & (self.columns < starts[j] + self.types[j].size)
            rows, columns = self.rows[inside] - start, self.columns[inside] - starts[j]
            numbers = self._numbers(operands[j], self.step.depths[j])
            steps = np.arange(length)[:, None]
            own = (steps * type_.size + rows).ravel(), numbers[:, columns].ravel()
            found.append(product(own, parts[j], (length * type_.size,), self.width))
        whole = union(found, self.width)
        return None if whole is None else self._arranged(whole, k, length)


def operand_patterns(types: Sequence[Type], results: Any) -> list[list[tuple[np.ndarray, np.ndarray] | None]]:
    """Return the places of every result and operand that depend on each other.

    Parameters
    ----------
    types : sequence of Type
        Of the operands.
    results : callable
        ``results(parts, width)`` returns the dependence of the results, given that of the operands.
    """
    reals = [k for k, t in enumerate(types) if t.is_float]
    width = sum(types[k].size for k in reals)
    parts: list[Dependence | None] = [None] * len(types)
    starts, start = {}, 0
    for k in reals:
        parts[k] = Maps((maps.identity(types[k].shape, start, maps.number_type(width)),))
        starts[k], start = start, start + types[k].size
    rows = []
    for part in results(parts, width):
        row: list[tuple[np.ndarray, np.ndarray] | None] = [None] * len(types)
        if part is not None:
            whole = finished(part, math.prod(part.shape), width)
            to, source = whole.rows, whole.indices
            for k in reals:
                own = (source >= starts[k]) & (source < starts[k] + types[k].size)
                row[k] = (to[own], source[own] - starts[k]) if own.any() else None
        rows.append(row)
    return rows


def dense_results(results: Sequence[Type], operands: Sequence[Type], parts: Parts, width: int) -> list:
    """Return the dependence of results, each of whose elements depends on everything."""
    return [spread(type_, operands, parts, width) if type_.is_float else None for type_ in results]
