"""From a stretch of operations that repeats itself to a loop: where the operands of each iteration come from.

An operand is the same in all iterations, or comes from the same or an earlier iteration (it is carried), or
from the iterations of an earlier loop, forwards or backwards (rows of a stack), or it is a constant that
changes (rows of a table), or a part of an array that changes from one iteration to the next. In all cases but
the last, an operation may look at a part of it, the same in all iterations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from diffsci.backends.rolling.stretches import FEWEST, Stretch
from diffsci.backends.rolling.views import Views, is_whole, moving_parts, root
from diffsci.graph import Node

__all__ = ["Constant", "Loop", "Moving", "Own", "Same", "Walked", "is_array", "loops_of", "written"]

_OUTSIDE = -(1 << 40)  # so far from positions that no pace leads from one to the other
_DEEPEST = 4  # a value is carried over so many iterations at most


@dataclass(frozen=True)
class Same:
    """The same value in all iterations."""

    node: Node


@dataclass(frozen=True)
class Constant:
    """A constant that changes: one per iteration."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Moving:
    """A part of the same array, another one in each iteration; a view of that may be what is read."""

    whole: Node
    views: tuple[Node, ...]


@dataclass(frozen=True)
class Own:
    """What the operation at `place` of the body gave `lag` iterations ago."""

    place: int
    lag: int


@dataclass(frozen=True)
class Walked:
    """What the operation at `place` of another loop gave in its iteration ``first + stride * k``."""

    loop: Loop
    place: int
    first: int
    stride: int


Source = Same | Constant | Moving | Own | Walked


@dataclass(eq=False)
class Loop:
    """`count` iterations of `period` operations each, from `start` in the sequence.

    Attributes
    ----------
    sources : list of list of Source
        For every operation of the body, where its operands come from.
    writes : set of int
        Operations of the body that write to a place that changes: together they fill a part of an array.
    """

    nodes: Sequence[Node]
    start: int
    period: int
    count: int
    sources: list[list[Source]] = field(default_factory=list)
    writes: set[int] = field(default_factory=set)

    @property
    def stop(self) -> int:
        """Where the sequence goes on behind the loop."""
        return self.start + self.count * self.period

    def at(self, place: int, iteration: int) -> Node:
        """Return an operation of one iteration (earlier than the first: what was there before)."""
        return self.nodes[self.start + iteration * self.period + place]

    def all_of(self, place: int) -> Sequence[Node]:
        """Return an operation in all iterations."""
        return self.nodes[self.start + place : self.stop : self.period]


def loops_of(
    nodes: Sequence[Node],
    position: dict[Node, int],
    users: dict[Node, list[Node | None]],
    views: Views,
    stretches: Sequence[Stretch],
) -> list[Loop]:
    """Return the loops that the stretches are, in order; what does not fit at their ends is left out.

    `users` has None for an output or a guard.
    """
    loops: list[Loop] = []
    for stretch in stretches:
        loop = _Candidate(nodes, position, users, views, stretch, loops).loop()
        if loop is not None:
            loops.append(loop)
    return loops


class _Candidate:
    """One stretch: the operands of all its iterations as a table of positions.

    A constant or an input has a position far below all others.
    """

    def __init__(self, nodes, position: dict[Node, int], users, views: Views, stretch: Stretch, earlier):
        self.nodes, self.position, self.users, self.earlier = nodes, position, users, earlier
        self.period = stretch.period
        self.outside: dict[Node, int] = {}
        shift = self._quiet_place(stretch)
        self.start = stretch.start + shift
        self.count = (stretch.length - shift) // stretch.period
        self.slots = [
            (place, slot)
            for place in range(self.period)
            for slot in range(len(nodes[self.start + place].inputs))
        ]
        rows = range(self.count)
        operands = [[self._operand(k, *slot) for slot in self.slots] for k in rows]
        self.table = np.array([[self._at(root(x)) for x in row] for row in operands], np.int64)
        self.parts = np.array([[views.of(x)[0] for x in row] for row in operands], np.int64)

    def _quiet_place(self, stretch: Stretch) -> int:
        """Return where to begin an iteration: where the fewest values are wanted by the next one."""
        period = self.period
        middle = stretch.start + stretch.length // (2 * period) * period
        values, uses = np.zeros(period + 1, np.int64), np.zeros(period + 1, np.int64)
        last: dict[int, int] = {}
        for place in range(middle, middle + period):
            for x in self.nodes[place].inputs:
                made = self.position.get(root(x), -1)
                if place - period < made < place:
                    _add_between(uses, made - middle, place - middle)
                    last[made % period] = max(place - made, last.get(made % period, 0))
        for made, distance in last.items():
            price = 1 if is_array(self.nodes[stretch.start + (made - stretch.start) % period]) else period
            made = (made - middle) % period
            _add_between(values, made, made + distance, price)
        crossing = np.cumsum(values)[:period] * len(self.nodes) + np.cumsum(uses)[:period]
        return int(np.argmin(crossing))

    def _operand(self, iteration: int, place: int, slot: int) -> Node:
        return self.nodes[self.start + iteration * self.period + place].inputs[slot]

    def _at(self, node: Node) -> int:
        found = self.position.get(node)
        return self.outside.setdefault(node, _OUTSIDE - len(self.outside)) if found is None else found

    def loop(self) -> Loop | None:
        """Return the longest loop in the stretch, None where there is none."""
        constant = self._constants()
        first, last = self._regular(constant)
        while last - first + 1 >= FEWEST:
            sources = self._sources(first, last, constant)
            if isinstance(sources, tuple):
                first, last = sources
                continue
            return self._finished(first, last, sources)
        return None

    def _constants(self) -> np.ndarray:
        """Mark the operands that are constants throughout, and not the same one."""
        known = {at for node, at in self.outside.items() if node.is_const and not node.is_structural}
        if not known:
            return np.zeros(len(self.slots), bool)
        always = np.isin(self.table, np.array(sorted(known))).all(axis=0)
        return always & (self.parts == 0).all(axis=0) & (self.table != self.table[0]).any(axis=0)

    def _regular(self, constant: np.ndarray) -> tuple[int, int]:
        """Return the longest range of iterations whose operands move at a constant pace."""
        steps = np.diff(self.table, axis=0)
        steps[:, constant] = 0
        same = np.concatenate([[False], (steps[1:] == steps[:-1]).all(axis=1), [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        if not len(edges):
            return 0, 0
        lengths = edges[1::2] - edges[::2]
        best = int(np.argmax(lengths))
        return int(edges[2 * best]), int(edges[2 * best] + lengths[best] + 1)

    def _sources(self, first: int, last: int, constant: np.ndarray):
        """Return the source of every operand, or a shorter range of iterations to try."""
        begin = self.start + first * self.period
        sources: list[Source] = []
        for number, (place, slot) in enumerate(self.slots):
            at = self.table[first : last + 1, number]
            parts = self.parts[first : last + 1, number]
            one_part = bool((parts == parts[0]).all())
            step = int(at[1] - at[0])
            if constant[number] or (step == 0 and not one_part):
                operands = tuple(self._operand(k, place, slot) for k in range(first, last + 1))
            if step == 0 and at[0] >= begin:  # made in the first iteration, for all of them
                return first + 1, last
            if constant[number]:
                sources.append(Constant(operands))
            elif step == 0:
                node = self._operand(first, place, slot)
                sources.append(Same(node) if one_part else Moving(root(node), moving_parts(operands)))
            elif not one_part:
                return 0, -1
            elif step == self.period and int(at[-1]) >= begin:
                lag = -((int(at[0]) - begin) // self.period)
                if lag > _DEEPEST:
                    return 0, -1
                if lag > first + 1:  # what is carried comes from iterations that look alike
                    return first + 1, last
                sources.append(Own((int(at[0]) - begin) % self.period, lag))
            else:
                walked = self._walked(at, step)
                if isinstance(walked, tuple):
                    return first + walked[0], first + walked[1]
                sources.append(walked)
        return sources

    def _walked(self, at: np.ndarray, step: int) -> Walked | tuple[int, int]:
        """Return the walk through an earlier loop, or the range of iterations in which there is one."""
        best = (0, -1)
        for loop in self.earlier:
            inside = np.flatnonzero((at >= loop.start) & (at < loop.stop))
            if step % loop.period or not len(inside):
                continue
            if len(inside) == len(at):
                iteration, place = divmod(int(at[0]) - loop.start, loop.period)
                return Walked(loop, place, iteration, step // loop.period)
            found = int(inside[0]), int(inside[-1])
            best = max(best, found, key=lambda pair: pair[1] - pair[0])
        return best

    def _finished(self, first: int, last: int, sources: list[Source]) -> Loop | None:
        loop = Loop(self.nodes, self.start + first * self.period, self.period, last - first + 1)
        by_slot = dict(zip(self.slots, sources, strict=True))
        for place in range(self.period):
            node = loop.at(place, 0)
            loop.sources.append([by_slot[place, slot] for slot in range(len(node.inputs))])
            if _is_moving_write(loop, place):
                if not self._can_move(loop, place):
                    return None
                loop.writes.add(place)
            if not is_array(node) and not self._stays_inside(loop, place):
                return None
        return loop

    def _stays_inside(self, loop: Loop, place: int) -> bool:
        """Tell whether every iteration alone uses what it made."""
        for begin, node in zip(range(loop.start, loop.stop, loop.period), loop.all_of(place), strict=True):
            found = [-1 if user is None else self.position.get(user, -1) for user in self.users[node]]
            if not all(begin <= at < begin + loop.period for at in found):
                return False
        return True

    def _can_move(self, loop: Loop, place: int) -> bool:
        """Tell whether all iterations together can write their parts."""
        base, value = loop.sources[place]
        if base != Own(place, 1) or isinstance(value, Same) or written(loop, place) is None:
            return False
        if isinstance(value, Own) and (value.lag or value.place in loop.writes):
            return False
        bottom = value.views[0] if isinstance(value, Moving) else None
        if not is_whole(loop.at(place, 0).inputs[1], bottom):
            return False
        steps = list(loop.all_of(place))
        return all(self.users[node] == [following] for node, following in pairwise(steps))


def is_array(node: Node) -> bool:
    """Tell whether a value can be a row of an array: several results and tapes of loops cannot."""
    return not isinstance(node.type, tuple) and not node.dtype.hasobject


def written(loop: Loop, place: int) -> tuple[int, int] | None:
    """Return the axis along which writes move and by how much, None where they move otherwise."""
    starts = np.array([node.params["start"] for node in loop.all_of(place)])
    paces = np.diff(starts, axis=0)
    axes = np.flatnonzero(paces.any(axis=0))
    if len(axes) != 1 or (paces != paces[0]).any():
        return None
    axis = int(axes[0])
    value = loop.at(place, 0).inputs[1]
    return (axis, int(paces[0, axis])) if value.shape[axis] == 1 else None


def _add_between(changes: np.ndarray, made: int, used: int, price: int = 1) -> None:
    """Enter a value that lives from one place to another; places are those of one iteration, in a circle."""
    period = len(changes) - 1
    first, last = (made + 1) % period, used % period
    changes[first] += price
    changes[last + 1] -= price
    if first > last:
        changes[0] += price


def _is_moving_write(loop: Loop, place: int) -> bool:
    first = loop.at(place, 0)
    return first.name == "set_slice" and any(
        node.params["start"] != first.params["start"] for node in loop.all_of(place)
    )
