"""Nests over the same rows that pass values on row by row run in turn, a few rows at a time.

A softmax is a maximum per row, exponentials, a sum per row and a division: four nests, as the sum of a row
is known behind its last element only. What one nest stores the next one reads: while the rows are few, it
is still in the cache. Rows are here the iterations of the loop of each nest that may be divided
(`range_loop`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from diffsci.backends.plan.affine import Affine
from diffsci.backends.plan.program import Buffer, FillStep, Nest, Plan, Sweep

__all__ = ["dissolve", "form_sweeps"]

_CACHED = 1 << 18  # bytes of the rows that run at a time: within the second level of any cache
_ALIGNED = 64
_MOST_NESTS = 16


@dataclass(frozen=True)
class _Access:
    """Elements of a buffer that one nest touches: an address, and the loops it depends on."""

    address: Affine
    extents: tuple[int, ...]
    along: int

    @property
    def stride(self) -> int:
        """Elements from one row to the next."""
        return self.address[self.along + 1]

    @property
    def inner(self) -> list[tuple[int, int]]:
        """Coefficient and extent of the other loops."""
        terms = enumerate(zip(self.address[1:], self.extents, strict=True))
        return [(c, n) for loop, (c, n) in terms if loop != self.along and c and n > 1]


def form_sweeps(plan: Plan) -> bool:
    """Mark nests of a plan that run in turn over a few rows at a time; tell whether there are any."""
    steps: list = []
    open_ = _Open(steps)
    for step in plan.steps:
        if isinstance(step, FillStep) and open_.nests and step.out.buffer not in open_.touched:
            steps.insert(open_.start, step)
            open_.start += 1
            continue
        if not (isinstance(step, Nest) and open_.takes(step)):
            open_.close()
            open_ = _Open(steps)
            if isinstance(step, Nest) and _may_divide(step):
                open_.add(step)
        steps.append(step)
    open_.close()
    formed = any(isinstance(step, Nest) and step.sweep for step in steps)
    if formed:  # else the order stays the one that memory was given out by
        plan.steps = steps
    return formed


def dissolve(plan: Plan) -> None:
    """Take all marks away."""
    for step in plan.steps:
        if isinstance(step, Nest):
            step.sweep = None


def _may_divide(nest: Nest) -> bool:
    """Tell whether the rows of a nest are independent of each other."""
    if not nest.extents or not nest.divisible or nest.rows >= 0 or nest.blocks > 1:
        return False
    if any(r.whole or r.loops >> nest.range_loop & 1 for r in nest.reductions):
        return False
    return nest.units > 1 and all(store.index < 0 for store in nest.stores)


class _Open:
    """Nests that may still become a sweep; `start` is where the first one stands."""

    def __init__(self, steps: list):
        self.steps, self.start = steps, len(steps)
        self.nests: list[Nest] = []
        self.touched: set[Buffer] = set()
        self.written: set[Buffer] = set()
        self.accesses: dict[Buffer, list[_Access | None]] = {}

    def takes(self, nest: Nest) -> bool:
        """Add a nest if it goes over the same rows and needs of what the others do its own row only."""
        if not self.nests or len(self.nests) == _MOST_NESTS or not _may_divide(nest):
            return False
        if nest.units != self.nests[0].units:
            return False
        reads, writes = nest.reads(), nest.writes()
        if not (self.written & reads):
            return False
        own = _accesses(nest)
        shared = (self.touched & writes) | (self.written & reads)
        if not all(_private([*self.accesses[buffer], *own[buffer]], nest.units) for buffer in shared):
            return False
        self._enter(nest, own, reads, writes)
        return True

    def add(self, nest: Nest) -> None:
        """Begin with a nest."""
        self._enter(nest, _accesses(nest), nest.reads(), nest.writes())

    def _enter(self, nest: Nest, own, reads: set[Buffer], writes: set[Buffer]) -> None:
        self.nests.append(nest)
        self.touched |= reads | writes
        self.written |= writes
        for buffer, found in own.items():
            self.accesses.setdefault(buffer, []).extend(found)

    def close(self) -> None:
        """Mark the nests, if there are several."""
        if len(self.nests) < 2:
            return
        units = self.nests[0].units
        each = sum(buffer.nbytes / units for buffer, found in self.accesses.items() if _moves(found))
        chunk = max(8, int(_CACHED / max(each, 1.0)))
        if chunk > _ALIGNED:
            chunk -= chunk % _ALIGNED
        sweep = Sweep(units if 2 * chunk > units else chunk)
        for nest in self.nests:
            nest.sweep = sweep


def _moves(found: list[_Access | None]) -> bool:
    return any(access is not None and access.stride for access in found)


def _accesses(nest: Nest) -> dict[Buffer, list[_Access | None]]:
    """Return what a nest touches of each buffer; None stands for an address that is not affine."""
    body, found = nest.body, {}
    for s in nest.live:
        buffer = body.buffer_of(s)
        if buffer is not None:
            plain = body.ops[s] == "load"
            found.setdefault(buffer, []).append(_access(nest, body.attrs[s][1]) if plain else None)
    for end in (*nest.stores, *nest.reductions):
        found.setdefault(end.buffer, []).append(_access(nest, end.address))
    return found


def _access(nest: Nest, address: Affine) -> _Access:
    return _Access(address, nest.extents, nest.range_loop)


def _private(accesses: list[_Access | None], units: int) -> bool:
    """Tell whether no element is touched in two different rows.

    Addresses are ``constant + stride * row + inner terms``. Inner terms are either smaller than the stride,
    and stay within one row together, or multiples of something larger than all rows together.
    """
    if any(access is None or not access.stride for access in accesses):
        return False
    stride = accesses[0].stride
    if stride < 0 or any(access.stride != stride for access in accesses):
        return False
    inner = [term for access in accesses for term in access.inner]
    grid = math.gcd(*(c for c, _ in inner if abs(c) >= stride))
    low = high = 0
    for access in accesses:
        start = access.address[0] - accesses[0].address[0]
        if grid:
            start = (start + grid // 2) % grid - grid // 2
        small = [c * (n - 1) for c, n in access.inner if abs(c) < stride]
        low = min(low, start + sum(c for c in small if c < 0))
        high = max(high, start + sum(c for c in small if c > 0))
    span = high - low
    return span < stride and (not grid or stride * (units - 1) + span < grid)
