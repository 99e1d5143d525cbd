"""Workspaces: no two arrays that are needed at a time overlap, and the peak is near what it must be."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import log_softmax

import diffsci as ds
from diffsci.backends.plan.memory import allocate, lifetimes
from diffsci.backends.plan.program import Buffer, Plan
from tests.backends.common import loops_only

N = 4000


@dataclass
class Use:
    """A step that uses some buffers."""

    buffers: tuple

    def reads(self):
        return set(self.buffers)

    def writes(self):
        return set()


def plan_of(steps) -> Plan:
    plan = Plan("", [], [], [], [], [], list(steps))
    allocate(plan)
    return plan


def live_bytes(plan: Plan) -> int:
    """The most bytes that any step needs: no placing needs less."""
    lives = lifetimes(plan)
    return max(
        sum(-(-b.nbytes // 64) * 64 for b, (first, last) in lives.items() if first <= time <= last)
        for time in range(len(plan.steps))
    )


def test_random_programs_need_little_more_than_what_lives_at_a_time():
    rng = np.random.default_rng(0)
    excess = []
    for _ in range(60):
        count = int(rng.integers(2, 24))
        buffers = [Buffer(np.dtype(float), int(rng.integers(300, 5000)), "work") for _ in range(count)]
        steps = [[] for _ in range(count + 4)]
        for place, buffer in enumerate(buffers):
            for time in range(place, min(len(steps), place + 1 + int(rng.integers(1, 6)))):
                steps[time].append(buffer)
        plan = plan_of(Use(tuple(found)) for found in steps)
        lives = lifetimes(plan)
        for i, a in enumerate(buffers):
            for b in buffers[:i]:
                together = lives[a][0] <= lives[b][1] and lives[b][0] <= lives[a][1]
                apart = a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset
                assert apart or not together
        excess.append(plan.workspace_bytes / live_bytes(plan))
    assert min(excess) == 1.0
    assert max(excess) <= 1.25
    assert np.mean(excess) <= 1.05


def peak(f, *args) -> int:
    return ds.jit(f).plan(*args).peak_bytes


def chain(x):
    """Every value is read by a sum and by its successor, in loops that cannot be one."""
    for _ in range(5):
        y = np.exp(np.sin(x) * np.mean(x))
        x = y / np.sum(y)
    return x


def test_a_value_takes_the_place_of_the_one_it_is_made_of(monkeypatch):
    loops_only(monkeypatch)
    x = np.linspace(0, 1, N)
    plan = ds.jit(chain).plan(x)
    large = [b for b in plan.buffers if b.role == "workspace" and b.size == N]
    assert len(large) > 2
    assert plan.peak_bytes < 1.2 * 8 * N
    got, want = ds.jit(chain)(x), chain(x)
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("shifted", [lambda y: y[::-1], lambda y: np.roll(y, 1), np.cumsum])
def test_no_value_is_overwritten_before_it_is_read(monkeypatch, shifted):
    loops_only(monkeypatch)

    def f(x):
        for _ in range(3):
            y = np.exp(np.sin(x) * np.sum(x) / N)
            x = shifted(y) / np.sum(y) + y
        return x

    x = np.linspace(0, 1, N)
    np.testing.assert_allclose(ds.jit(f)(x), f(x), rtol=1e-11)
    v, w = np.random.default_rng(0).normal(size=(2, N))
    tangent = ds.jvp(f, (x,), (v,))[1]
    (cotangent,) = ds.jit(lambda x: ds.vjp(f, x)[1](w))(x)
    assert cotangent @ v == pytest.approx(tangent @ w, rel=1e-9)


def log_probability(b):
    y = log_softmax(b, axis=1)
    return np.sum(y * np.cos(y))


@pytest.mark.parametrize("shape", [(20, 32, 64), (64, 32, 8)])
def test_sums_that_begin_early_have_memory_of_their_own(shape):
    b, direction = np.random.default_rng(0).normal(size=(2, *shape))
    program = ds.jit(lambda b: ds.hvp(log_probability, (b,), (direction,)))
    held = [b for b in program.plan(b).buffers if b.role == "workspace"]
    for i, one in enumerate(held):
        for other in held[:i]:
            together = one.first < other.last and other.first < one.last
            apart = one.offset + one.bytes <= other.offset or other.offset + other.bytes <= one.offset
            assert apart or not together
    expected = ds.jit(program.function, backend="numpy")(b)
    np.testing.assert_allclose(program(b), expected, rtol=1e-12, atol=1e-12 * np.max(np.abs(expected)))
