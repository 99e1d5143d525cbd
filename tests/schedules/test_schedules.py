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
    RecomputeAll,
    Reverse,
    Store,
    StoreAll,
    Uniform,
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


@given(st.integers(0, 400), st.none() | st.integers(1, 450))
def test_uniform_replays_and_advances_no_step_more_than_twice(n, spacing):
    schedule = Uniform(n, spacing)
    machine = replay(schedule)
    assert machine.advanced == schedule.extra_steps <= max(2 * (n - 1), 0)
    if spacing is None and n:
        assert schedule.slots <= 2 * np.sqrt(n) + 1
        assert schedule.slots == min(Uniform(n, other).slots for other in range(1, n + 1))


@given(st.integers(0, 120))
def test_recompute_all_replays_with_one_slot(n):
    schedule = RecomputeAll(n)
    assert schedule.slots <= 1
    assert replay(schedule).advanced == schedule.extra_steps == n * (n - 1) // 2
    if n:
        assert schedule.extra_steps == optimal_extra_steps(n, 1)


@pytest.mark.parametrize("kind", [StoreAll, Uniform, RecomputeAll])
def test_rules_are_values_and_make_schedules(kind):
    assert for_slots(30, kind) == kind(30)
    assert hash(kind(30)) == hash(kind(30))
    assert kind(30) != kind(31)
    assert repr(kind(30)).startswith(kind.__name__)
    assert kind(30).encoded() is kind(30).encoded()
    with pytest.raises(ValueError, match="n_steps >= 0"):
        kind(-1)


def test_rules_that_make_no_schedule_are_refused():
    for rule in (lambda n: n, lambda n: Uniform(n + 1)):
        with pytest.raises(TypeError, match="a rule takes the number of steps"):
            for_slots(10, rule)
