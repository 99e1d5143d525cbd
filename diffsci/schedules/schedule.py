"""What a schedule is, the schedule that keeps every state, and the choice between schedules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from diffsci.schedules.actions import Action, Discard, Forward, Load, Reverse, Store, encode


class Schedule(ABC):
    """A finite sequence of actions that reverses ``n_steps`` steps, last step first, with ``slots`` slots.

    Iterating gives the actions. The sweep that leads to the first ``Reverse`` ends at state ``n_steps - 1``:
    reversing a step evaluates the step itself, so the final state is of no use to the reverse sweep.
    """

    n_steps: int
    slots: int

    @abstractmethod
    def __iter__(self) -> Iterator[Action]:
        """The actions in order; state 0 is the working state at the start."""

    @property
    @abstractmethod
    def extra_steps(self) -> int:
        """Steps advanced by all ``Forward`` actions together."""

    @property
    def total_steps(self) -> int:
        """Evaluations of the step in all: advanced ones, and one inside every reversed step."""
        return self.n_steps + self.extra_steps

    def encoded(self) -> np.ndarray:
        """The actions as a read-only int64 array (see `encode`), computed once for equal schedules."""
        return _encoded(self)


@lru_cache(maxsize=64)
def _encoded(schedule: Schedule) -> np.ndarray:
    table = encode(schedule)
    table.flags.writeable = False
    return table


class StoreAll(Schedule):
    """Keep every state: no step is advanced twice.

    Examples
    --------
    >>> [type(action).__name__ for action in StoreAll(2)]
    ['Store', 'Forward', 'Store', 'Reverse', 'Discard', 'Load', 'Reverse', 'Discard']
    >>> StoreAll(100).total_steps
    199
    """

    def __init__(self, n_steps: int):
        if n_steps < 0:
            raise ValueError(f"a schedule needs n_steps >= 0, got {n_steps}")
        self.n_steps = n_steps
        self.slots = n_steps

    def __iter__(self) -> Iterator[Action]:
        for step in range(self.n_steps):
            yield Store(step, step)
            if step + 1 < self.n_steps:
                yield Forward(step, step + 1)
        for step in reversed(range(self.n_steps)):
            if step + 1 < self.n_steps:
                yield Load(step, step)
            yield Reverse(step)
            yield Discard(step)

    @property
    def extra_steps(self) -> int:
        """Steps advanced by all ``Forward`` actions together."""
        return max(self.n_steps - 1, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoreAll) and other.n_steps == self.n_steps

    def __hash__(self) -> int:
        return hash((StoreAll, self.n_steps))

    def __repr__(self) -> str:
        return f"StoreAll({self.n_steps})"


Checkpoints = int | Callable[[int], Schedule] | None


def for_slots(n_steps: int, slots: Checkpoints) -> Schedule:
    """The schedule that a user asks for.

    Parameters
    ----------
    n_steps : int
        Number of steps of the loop.
    slots : int, callable or None
        A number of slots means the cheapest schedule for it, `StoreAll` where they suffice; None means
        `StoreAll`; a callable is a rule that makes the schedule of a number of steps, such as the class
        `Uniform` or `RecomputeAll`.

    Raises
    ------
    TypeError
        If a rule returns anything but a schedule of that many steps.

    Examples
    --------
    >>> from diffsci.schedules import Uniform
    >>> for_slots(100, 10), for_slots(100, Uniform)
    (Binomial(n_steps=100, slots=10), Uniform(n_steps=100, spacing=10))
    >>> for_slots(100, None)
    StoreAll(100)
    """
    from diffsci.schedules.binomial import Binomial

    if callable(slots):
        schedule = slots(n_steps)
        if not isinstance(schedule, Schedule) or schedule.n_steps != n_steps:
            raise TypeError(
                f"checkpoints: {slots!r} returned {schedule!r} for {n_steps} steps: a rule takes the number"
                " of steps and returns a schedule of that many, as diffsci.schedules.Uniform does"
            )
        return schedule
    if slots is None or slots >= n_steps:
        return StoreAll(n_steps)
    return Binomial(n_steps, slots)
