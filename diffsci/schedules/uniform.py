"""Checkpoints at equal distances, about the square root of the number of steps apart.

The classical trade: memory for about ``2 sqrt(n)`` states, and no step advanced more than once more. A.
Griewank and A. Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 12; for the layers of a neural
network, T. Chen, B. Xu, C. Zhang and C. Guestrin, "Training deep nets with sublinear memory cost",
arXiv:1604.06174 (2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from diffsci.schedules.actions import Action, Discard, Forward, Load, Reverse, Store
from diffsci.schedules.schedule import Schedule


class Uniform(Schedule):
    """Keep the first state of every segment, then all states of the segment that is being reversed.

    Parameters
    ----------
    n_steps : int
        Number of steps of the loop.
    spacing : int, optional
        Length of a segment (the last one may be shorter); the square root of `n_steps`, rounded up, by
        default, which needs the fewest slots.

    Examples
    --------
    >>> schedule = Uniform(100)
    >>> schedule.spacing, schedule.slots, schedule.total_steps
    (10, 19, 280)
    """

    def __init__(self, n_steps: int, spacing: int | None = None):
        if n_steps < 0 or (spacing is not None and spacing < 1):
            raise ValueError(
                f"a uniform schedule needs n_steps >= 0 and spacing >= 1, got {n_steps} and {spacing}"
            )
        self.n_steps = n_steps
        self.spacing = max(1, isqrt(max(n_steps - 1, 0)) + 1 if spacing is None else spacing)

    @property
    def segments(self) -> int:
        """Number of segments."""
        return -(-self.n_steps // self.spacing)

    @property
    def slots(self) -> int:
        """First states of all segments, and the other states of one."""
        return self.segments + max(min(self.spacing, self.n_steps) - 1, 0)

    @property
    def extra_steps(self) -> int:
        """Steps advanced by all ``Forward`` actions together: to the last segment, and once inside each."""
        if self.n_steps == 0:
            return 0
        return (self.segments - 1) * self.spacing + self.n_steps - self.segments

    def __iter__(self) -> Iterator[Action]:
        starts = range(0, self.n_steps, self.spacing)
        for number, start in enumerate(starts):
            yield Store(start, number)
            if start != starts[-1]:
                yield Forward(start, start + self.spacing)
        for number, start in reversed(list(enumerate(starts))):
            if start != starts[-1]:
                yield Load(start, number)
            yield from self._segment(start, min(start + self.spacing, self.n_steps))
            yield Discard(number)

    def _segment(self, start: int, stop: int) -> Iterator[Action]:
        """Advance through a segment and keep its states; then reverse its steps."""
        for step in range(start + 1, stop):
            yield Forward(step - 1, step)
            if step + 1 < stop:
                yield Store(step, self.segments + step - start - 1)
        for step in reversed(range(start, stop)):
            slot = start // self.spacing if step == start else self.segments + step - start - 1
            if step + 1 < stop:
                yield Load(step, slot)
            yield Reverse(step)
            if start < step < stop - 1:
                yield Discard(slot)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Uniform) and (other.n_steps, other.spacing) == (self.n_steps, self.spacing)

    def __hash__(self) -> int:
        return hash((Uniform, self.n_steps, self.spacing))

    def __repr__(self) -> str:
        return f"Uniform(n_steps={self.n_steps}, spacing={self.spacing})"
