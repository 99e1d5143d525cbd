"""The schedule that keeps the initial state only: least memory, and work that grows with the square."""

from __future__ import annotations

from collections.abc import Iterator

from diffsci.schedules.actions import Action, Discard, Forward, Load, Reverse, Store
from diffsci.schedules.schedule import Schedule


class RecomputeAll(Schedule):
    """Advance from the initial state to every step that is reversed: one slot, ``n (n - 1) / 2`` steps.

    Parameters
    ----------
    n_steps : int
        Number of steps of the loop.

    Examples
    --------
    >>> RecomputeAll(100).slots, RecomputeAll(100).total_steps
    (1, 5050)
    >>> list(RecomputeAll(2))[:3]
    [Store(step=0, slot=0), Forward(start=0, stop=1), Reverse(step=1)]
    """

    def __init__(self, n_steps: int):
        if n_steps < 0:
            raise ValueError(f"a schedule needs n_steps >= 0, got {n_steps}")
        self.n_steps = n_steps
        self.slots = min(n_steps, 1)

    @property
    def extra_steps(self) -> int:
        """Steps advanced by all ``Forward`` actions together."""
        return self.n_steps * (self.n_steps - 1) // 2

    def __iter__(self) -> Iterator[Action]:
        if self.n_steps == 0:
            return
        yield Store(0, 0)
        for step in reversed(range(self.n_steps)):
            if step < self.n_steps - 1:
                yield Load(0, 0)
            if step:
                yield Forward(0, step)
            yield Reverse(step)
        yield Discard(0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecomputeAll) and other.n_steps == self.n_steps

    def __hash__(self) -> int:
        return hash((RecomputeAll, self.n_steps))

    def __repr__(self) -> str:
        return f"RecomputeAll({self.n_steps})"
