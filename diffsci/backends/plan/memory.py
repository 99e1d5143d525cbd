"""Workspace: buffers that are not needed at the same time share memory.

A buffer that a loop reads for the last time where it stores another one's elements hands its memory on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diffsci.backends.plan.program import Buffer, Nest, Plan
from diffsci.backends.plan.traffic import touched
from diffsci.backends.staggering import LARGE, PAGE, phase

__all__ = ["allocate", "lifetimes"]

_ALIGN = 64
_SMALL = 2048
_MANY = 256  # spaces beyond which one order of placing has to do


@dataclass(eq=False)
class _Space:
    """Memory of a buffer, and of those it is handed on to."""

    size: int
    first: int
    last: int
    buffers: list[Buffer]
    offset: int = -1


def allocate(plan: Plan) -> None:
    """Give every work buffer of the plan an offset and set the size of the workspace."""
    lives = lifetimes(plan)
    small = [buffer for buffer in lives if buffer.nbytes <= _SMALL]
    top = 0
    for buffer in small:
        buffer.offset = top
        top += _rounded(buffer.nbytes)
    spaces = _spaces(plan, {b: life for b, life in lives.items() if b.nbytes > _SMALL})
    orders = _ORDERS if len(spaces) <= _MANY else _ORDERS[:1]
    placed = min((_placed(spaces, order) for order in orders), key=lambda found: found[0])
    for space, offset in placed[1].items():
        for buffer in space.buffers:
            buffer.offset = top + offset
    plan.work = list(lives)
    plan.workspace_bytes = top + placed[0]


def lifetimes(plan: Plan) -> dict[Buffer, tuple[int, int]]:
    """Return the first and the last time a work buffer is used, in the order of use.

    Steps have successive times; nests that go together run at one time.
    """
    lives: dict[Buffer, tuple[int, int]] = {}
    before, time = None, -1
    for step in plan.steps:
        same = isinstance(step, Nest) and step.goes_with(before)
        before = step
        time += not same
        for buffer in sorted(step.reads() | step.writes(), key=lambda b: b.number):
            if buffer.kind == "work":
                lives[buffer] = (lives.get(buffer, (time, time))[0], time)
    return lives


def _spaces(plan: Plan, lives: dict[Buffer, tuple[int, int]]) -> list[_Space]:
    spaces = {buffer: _Space(_rounded(buffer.nbytes), *life, [buffer]) for buffer, life in lives.items()}
    for nest in plan.steps:
        if not isinstance(nest, Nest) or nest.sequential or nest.rows >= 0 or nest.sweep:
            continue
        reads, writes = nest.reads(), nest.writes()
        for heir in (store.buffer for store in nest.stores if store.buffer in spaces):
            if heir in reads or spaces[heir].buffers != [heir]:
                continue
            for buffer in sorted(reads - writes, key=lambda b: b.number):
                free = buffer in spaces and spaces[buffer].buffers[-1] is buffer
                if free and _hands_on(nest, buffer, heir, lives):
                    joined = spaces[buffer]
                    joined.last = lives[heir][1]
                    joined.buffers.append(heir)
                    spaces[heir] = joined
                    break
    return list(dict.fromkeys(spaces.values()))


def _hands_on(nest: Nest, buffer: Buffer, heir: Buffer, lives) -> bool:
    """Tell whether a nest reads a buffer for the last time, and only where it stores elements of another."""
    stores = [store for store in nest.stores if store.buffer is heir]
    if lives[buffer][1] != lives[heir][0] or len(stores) != 1 or buffer.dtype != heir.dtype:
        return False
    address = stores[0].address
    if stores[0].index >= 0 or buffer.size != heir.size:
        return False
    body = nest.body
    found = [body.attrs[s] for s in nest.live if body.buffer_of(s) is buffer]
    if any(len(attr) != 2 or attr[1] != address for attr in found):
        return False
    volume = 1
    for n in nest.extents:
        volume *= n
    return touched([address], nest.extents, heir.size) == volume  # no element is written twice


_ORDERS: tuple[Callable[[_Space], tuple], ...] = (
    lambda space: (-space.size, space.first),
    lambda space: (space.first, -space.size),
    lambda space: (-space.size * (space.last - space.first + 1), space.first),
)


def _placed(spaces: list[_Space], order: Callable[[_Space], tuple]) -> tuple[int, dict[_Space, int]]:
    """Place spaces one after another, each in the tightest gap that lasts as long as it lives."""
    end, offsets = 0, {}
    for space in sorted(spaces, key=order):
        rivals = [
            (offset, other.size)
            for other, offset in offsets.items()
            if other.first <= space.last and space.first <= other.last
        ]
        offsets[space] = _tightest(sorted(rivals), space.size)
        end = max(end, offsets[space] + space.size)
    return end, offsets


def _tightest(rivals: list[tuple[int, int]], size: int) -> int:
    best, least, end = -1, None, 0
    for offset, taken in rivals:
        gap = offset - end
        if gap >= size and (least is None or gap < least):
            best, least = end, gap
        end = max(end, offset + taken)
    return end if least is None else best


def _rounded(nbytes: int) -> int:
    """Return the size of a space: what lies behind a large one begins at another place within a page."""
    size = -(-nbytes // _ALIGN) * _ALIGN
    return size if size < LARGE else size + (phase(0) - size) % PAGE
