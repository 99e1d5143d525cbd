"""Loop nests that pass values on element by element become one nest.

A value that is stored, because it is a result or because several loops need it, is often read again at the
same place by the next loop over the same box. One loop does both then: it stores the value and goes on with
it in a register. What nobody else reads is not stored at all.
"""

from __future__ import annotations

import math
from collections import Counter

from diffsci.backends.plan.affine import Affine
from diffsci.backends.plan.body import Body
from diffsci.backends.plan.program import Buffer, GuardStep, Nest, Plan, Reduction, Store
from diffsci.backends.plan.regions import choose_blocks, live_statements, roots_of

__all__ = ["join_nests"]

_MOST_STATEMENTS = 400
_MOST_STREAMS = 40  # arrays walked through at a time: the processor fetches so many ahead
_FARTHEST = 100  # steps over which a nest moves to the front


def join_nests(plan: Plan) -> None:
    """Join nests of a plan wherever an earlier one stores what a later one reads at the same place."""
    steps: list = []
    for step in plan.steps:
        place = _partner(steps, step) if isinstance(step, Nest) and _joins(step) else None
        if place is None:
            steps.append(step)
        else:
            steps[place] = _joined(steps[place], step)
    plan.steps = steps
    _forget_unread(plan)


def _joins(nest: Nest) -> bool:
    """Tell whether every iteration of a nest is a whole of its own, sums over everything aside."""
    plain = all(store.mode == "set" and store.index < 0 for store in nest.stores)
    sums = all(r.whole and r.payload < 0 for r in nest.reductions)
    return plain and sums and not nest.sequential and not nest.range_loop and nest.rows < 0


def _partner(steps: list, nest: Nest) -> int | None:
    """Return the place of the step that the nest depends on, if the two can be one."""
    reads, writes = nest.reads(), nest.writes()
    for place in reversed(range(max(0, len(steps) - _FARTHEST), len(steps))):
        step = steps[place]
        if isinstance(step, GuardStep):
            return None
        written = step.writes()
        if written & reads or written & writes or step.reads() & writes:
            fits = isinstance(step, Nest) and _joins(step) and step.extents == nest.extents
            return place if fits and _passes_on(step, nest) and _is_small(step, nest) else None
    return None


def _is_small(first: Nest, second: Nest) -> bool:
    streams = first.reads() | first.writes() | second.reads() | second.writes()
    return len(first.live) + len(second.live) <= _MOST_STATEMENTS and len(streams) <= _MOST_STREAMS


def _passes_on(first: Nest, second: Nest) -> bool:
    """Tell whether all that the second nest needs of the first is stored by the same iteration."""
    if first.reads() & second.writes() or first.writes() & second.writes():
        return False
    places = _places(first)
    summed = {r.buffer for r in first.reductions}
    body = second.body
    for s in second.live:
        buffer = body.buffer_of(s)
        if buffer in summed:
            return False
        if buffer in places and not (
            body.ops[s] == "load"
            and body.attrs[s][1] in places[buffer]
            and _apart(list(places[buffer]), first.extents)
        ):
            return False
    return True


def _places(nest: Nest) -> dict[Buffer, dict[Affine, int]]:
    """Return where a nest stores which statements."""
    places: dict[Buffer, dict[Affine, int]] = {}
    for store in nest.stores:
        places.setdefault(store.buffer, {})[store.address] = store.stmt
    return places


def _apart(addresses: list[Affine], extents: tuple[int, ...]) -> bool:
    """Tell whether no two iterations, and no two of the addresses in any, meet at one element."""
    loops = [(abs(c), n) for c, n in zip(addresses[0][1:], extents, strict=True) if n > 1]
    span = 0
    for coefficient, n in sorted(loops):
        if coefficient <= span:
            return False
        span += coefficient * (n - 1)
    if any(address[1:] != addresses[0][1:] for address in addresses):
        return False
    grid = math.gcd(*(coefficient for coefficient, _ in loops))
    starts = sorted(address[0] for address in addresses)
    steps = [b - a for k, a in enumerate(starts) for b in starts[k + 1 :]]
    return all(step > span or (grid > 1 and step % grid) for step in steps)


def _joined(first: Nest, second: Nest) -> Nest:
    """Return one nest that does the work of two."""
    body = Body()
    moved = _moved(body, first, {})
    places = {
        (buffer, address): moved[stmt]
        for buffer, known in _places(first).items()
        for address, stmt in known.items()
    }
    again = _moved(body, second, places)
    stores = [_store(s, moved) for s in first.stores] + [_store(s, again) for s in second.stores]
    sums = [_sum(r, moved) for r in first.reductions] + [_sum(r, again) for r in second.reductions]
    nest = Nest(first.extents, body, [], stores, sums)
    nest.origins = tuple(dict.fromkeys((*first.origins, *second.origins)))
    nest.live = live_statements(body, roots_of(nest))
    choose_blocks(nest)
    return nest


def _moved(body: Body, nest: Nest, places: dict) -> dict[int, int]:
    """Write the statements of a nest again; `places` has those that were stored where they are loaded."""
    old, new = nest.body, {}
    for s in nest.live:
        known = places.get(old.attrs[s]) if old.ops[s] == "load" else None
        new[s] = body.again(old, s, [new[arg] for arg in old.args[s]]) if known is None else known
    return new


def _store(store: Store, new: dict[int, int]) -> Store:
    return Store(store.buffer, store.address, new[store.stmt])


def _sum(r: Reduction, new: dict[int, int]) -> Reduction:
    """Return the same sum, as the same object: who combines its parts has hold of the buffer only."""
    r.stmt = new[r.stmt]
    return r


def _forget_unread(plan: Plan) -> None:
    """Leave out stores to the workspace that no step reads."""
    read: Counter[Buffer] = Counter(buffer for step in plan.steps for buffer in step.reads())
    steps = []
    for step in plan.steps:
        if isinstance(step, Nest) and step.stores:
            wanted = [s for s in step.stores if s.buffer.kind != "work" or read[s.buffer]]
            if len(wanted) < len(step.stores):
                step.stores = wanted
                step.live = live_statements(step.body, roots_of(step))
            if not wanted and not step.reductions:
                continue
        steps.append(step)
    plan.steps = steps
