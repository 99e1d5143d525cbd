"""Exactly optimal schedules for a known number of steps and a fixed number of slots.

A. Griewank and A. Walther, "Algorithm 799: revolve", ACM Trans. Math. Softw. 26(1), 19-45 (2000),
doi:10.1145/347837.347846. With ``beta(s, r) = C(s + r, s)`` and the repetition number ``r`` such that
``beta(s, r - 1) < n <= beta(s, r)``, reversing ``n`` steps with ``s`` slots, the initial state counting as
one of them, takes at least ``r * n - C(s + r, r - 1)`` advanced steps. The schedule below takes exactly that
many.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

from diffsci.schedules.actions import Action, Discard, Forward, Load, Reverse, Store
from diffsci.schedules.schedule import Schedule


def beta(slots: int, repetitions: int) -> int:
    """The longest loop that `slots` slots reverse with no step advanced more than `repetitions` times."""
    return comb(slots + repetitions, slots) if repetitions >= 0 else 0


def _repetitions(n_steps: int, slots: int) -> int:
    r = 0
    while beta(slots, r) < n_steps:
        r += 1
    return r


def optimal_extra_steps(n_steps: int, slots: int) -> int:
    """The least number of advanced steps that reverse `n_steps` steps with `slots` slots.

    Examples
    --------
    >>> 100 + optimal_extra_steps(100, 10), 1000 + optimal_extra_steps(1000, 10)
    (322, 4636)
    """
    if n_steps <= 1:
        return 0
    r = _repetitions(n_steps, slots)
    return r * n_steps - comb(slots + r, r - 1)


def _split(length: int, slots: int) -> int:
    """How far to advance before the next state is stored.

    A split is optimal if the left part (``slots`` slots) has a repetition number of ``r - 1`` and the right
    part (one slot fewer) one of ``r``, or either sits on the bound below it. The longest such left part needs
    the fewest stores.
    """
    r = _repetitions(length, slots)
    return max(1, min(beta(slots, r - 1), length - beta(slots - 1, r - 1)))


class Binomial(Schedule):
    """The optimal schedule of Griewank and Walther for `n_steps` steps and `slots` slots.

    Parameters
    ----------
    n_steps : int
        Number of steps of the loop.
    slots : int
        Number of states that may be kept at a time, the initial state among them.

    Examples
    --------
    >>> Binomial(100, 10).total_steps, Binomial(1000, 10).total_steps
    (322, 4636)
    >>> list(Binomial(2, 1))[:3]
    [Store(step=0, slot=0), Forward(start=0, stop=1), Reverse(step=1)]
    """

    def __init__(self, n_steps: int, slots: int):
        if n_steps < 0 or slots < 1:
            raise ValueError(
                f"a binomial schedule needs n_steps >= 0 and slots >= 1, got {n_steps} and {slots}"
            )
        self.n_steps = n_steps
        self.slots = slots

    @property
    def extra_steps(self) -> int:
        """Steps advanced by all ``Forward`` actions together: the optimum."""
        return optimal_extra_steps(self.n_steps, self.slots)

    def __iter__(self) -> Iterator[Action]:
        if self.n_steps == 0:
            return
        yield Store(0, 0)
        # Segments still to be reversed, the current one last. Segment i starts at the state in slot i and is
        # entered anew, shortened to the stored split, once all behind it has been reversed.
        segments = [(0, self.n_steps)]
        loaded = 0
        while segments:
            start, stop = segments[-1]
            slot = len(segments) - 1
            if loaded != start:
                yield Load(start, slot)
                loaded = start
            if stop - start == 1:
                yield Reverse(start)
                yield Discard(slot)
                segments.pop()
                continue
            free = self.slots - slot
            split = start + (_split(stop - start, free) if free > 1 else stop - start - 1)
            yield Forward(start, split)
            loaded = split
            segments[-1] = (start, split)
            if stop - split == 1:
                yield Reverse(split)
            else:
                yield Store(split, slot + 1)
                segments.append((split, stop))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Binomial) and (other.n_steps, other.slots) == (self.n_steps, self.slots)

    def __hash__(self) -> int:
        return hash((Binomial, self.n_steps, self.slots))

    def __repr__(self) -> str:
        return f"Binomial(n_steps={self.n_steps}, slots={self.slots})"
