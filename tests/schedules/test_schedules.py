"""Every schedule is replayed on a simulated machine that refuses any illegal action."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsci.schedules import (
    Binomial,
    Discard,
    Forward,
    Load,
    Reverse,
    Store,
    StoreAll,
    encode,
    for_slots,
    optimal_extra_steps,
)


class Machine:
    """Holds one working state and some slots; checks each action against what it holds."""

    def __init__(self, n_steps, slots):
        self.working = 0
        self.kept = {}
        self.slots = slots
        self.advanced = 0
        self.next_reverse = n_steps - 1

    def execute(self, action):
        match action:
            case Forward(start, stop):
                assert self.working == start < stop
                self.working = stop
                self.advanced += stop - start
            case Store(step, slot):
                assert self.working == step
                assert 0 <= slot < self.slots, "slot out of range"
                assert slot not in self.kept, "slot occupied"
                self.kept[slot] = step
            case Load(step, slot):
                assert self.kept[slot] == step
                self.working = step
            case Reverse(step):
                assert self.working == step == self.next_reverse
                self.next_reverse -= 1
            case Discard(slot):
                del self.kept[slot]


def replay(schedule):
    machine = Machine(schedule.n_steps, schedule.slots)
    for action in schedule:
        machine.execute(action)
    assert machine.next_reverse == -1, "not every step was reversed"
    assert not machine.kept, "slots left occupied"
    return machine


@cache
def cheapest(length, slots):
    """Least number of advanced steps by exhaustive search over all splits."""
    if length <= 1:
        return 0
    if slots == 1:
        return length * (length - 1) // 2
    return min(m + cheapest(length - m, slots - 1) + cheapest(m, slots) for m in range(1, length))


def test_binomial_is_optimal_for_all_small_loops():
    for n in range(61):
        for slots in range(1, 13):
            assert optimal_extra_steps(n, slots) == cheapest(n, slots)
            assert replay(Binomial(n, slots)).advanced == cheapest(n, slots)


@pytest.mark.parametrize(("n", "slots", "total"), [(100, 10, 322), (1000, 10, 4636)])
def test_published_counts(n, slots, total):
    schedule = Binomial(n, slots)
    assert schedule.total_steps == total
    assert replay(schedule).advanced + n == total


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 3000), st.integers(1, 200))
def test_binomial_replays_on_the_machine(n, slots):
    assert replay(Binomial(n, slots)).advanced == optimal_extra_steps(n, slots)


@given(st.integers(0, 300))
def test_store_all_replays_and_advances_each_step_once(n):
    assert replay(StoreAll(n)).advanced == StoreAll(n).extra_steps == max(n - 1, 0)


@given(st.integers(0, 200), st.integers(1, 250))
def test_enough_slots_store_everything(n, slots):
    schedule = for_slots(n, slots)
    assert isinstance(schedule, StoreAll) == (slots >= n)
    replay(schedule)


def test_encoding_is_cached_and_read_only():
    table = Binomial(20, 3).encoded()
    assert table is Binomial(20, 3).encoded()
    assert table.dtype == np.int64
    assert not table.flags.writeable
    np.testing.assert_array_equal(table, encode(Binomial(20, 3)))
    assert encode([]).shape == (0, 3)


@pytest.mark.parametrize("arguments", [(-1, 3), (5, 0)])
def test_wrong_sizes_are_refused(arguments):
    with pytest.raises(ValueError, match="binomial schedule needs"):
        Binomial(*arguments)
