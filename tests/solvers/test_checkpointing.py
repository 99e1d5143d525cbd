"""Store-all and binomial sweeps give the same bits, at the optimal number of steps."""

import numpy as np
import pytest

import diffsci as ds
from diffsci.schedules import Binomial, Uniform
from solvers import solve_ivp
from solvers.ode import loop


def spring(t, y, p):
    return [y[1], -p[0] * np.sin(y[0]) - p[1] * y[1] + 0.1 * np.cos(t)]


def cost(p, y0, checkpoints, method, **settings):
    sol = solve_ivp(
        spring,
        (0, 3),
        y0,
        method,
        args=(p,),
        t_eval=[0.0, 0.5, 1.3, 3.0],
        checkpoints=checkpoints,
        **settings,
    )
    return np.sum(sol.y**2)


METHODS = [("RK4", {"n_steps": 60}), ("Tsit5", {}), ("DOP853", {"rtol": 1e-9}), ("Rodas5P", {"rtol": 1e-6})]


@pytest.mark.parametrize(("method", "settings"), METHODS)
@pytest.mark.parametrize("slots", [1, 2, 5, 1000, Uniform])
def test_binomial_equals_store_all_bitwise_at_two_points(method, settings, slots):
    stored = ds.jit(ds.value_and_grad(lambda p, y0: cost(p, y0, None, method, **settings), argnums=(0, 1)))
    sparse = ds.jit(ds.value_and_grad(lambda p, y0: cost(p, y0, slots, method, **settings), argnums=(0, 1)))
    for p in (np.array([1.0, 0.1]), np.array([1.7, 0.3]), np.array([1.0, 0.1])):
        y0 = np.array([0.3, p[0]])
        value, (dp, dy0) = stored(p, y0)
        value2, (dp2, dy02) = sparse(p, y0)
        assert value == value2
        np.testing.assert_array_equal(dp, dp2)
        np.testing.assert_array_equal(dy0, dy02)


@pytest.mark.parametrize(("steps", "slots"), [(100, 10), (200, 3), (57, 56)])
def test_fixed_steps_are_taken_as_often_as_the_optimum_demands(monkeypatch, steps, slots):
    """The solve itself is the first sweep; it takes the last step too, whose result only the user wants."""
    tapes = []
    run = loop.IvpLoop.run

    def recorded(self, x):
        outputs, tape = run(self, x)
        tapes.append(tape)
        return outputs, tape

    monkeypatch.setattr(loop.IvpLoop, "run", recorded)
    ds.grad(lambda p: cost(p, np.ones(2), slots, "RK4", n_steps=steps))(np.array([1.0, 0.1]))
    schedule = Binomial(steps, slots)
    assert tapes[-1].advanced == schedule.extra_steps + 1
    assert tapes[-1].reversed == steps
    assert tapes[-1].advanced - 1 + tapes[-1].reversed == schedule.total_steps


def test_stored_checkpoints_are_used_once_and_later_pullbacks_recompute():
    _, pullback = ds.vjp(lambda p: cost(p, np.ones(2), 4, "RK4", n_steps=50), np.array([1.0, 0.1]))
    first, second = pullback(1.0)[0], pullback(1.0)[0]
    np.testing.assert_array_equal(first, second)


def test_second_order_with_checkpoints():
    p, v = np.array([1.0, 0.1]), np.array([0.5, -1.0])

    def product(slots, settings):
        return ds.hvp(lambda p: cost(p, np.ones(2), slots, **settings), (p,), (v,))

    for settings in ({"method": "RK4", "n_steps": 50}, {"method": "Tsit5"}):
        np.testing.assert_array_equal(product(None, settings), product(3, settings))


def test_memory_of_a_field_stays_near_the_checkpoints():
    import tracemalloc

    def heat(t, u, k):
        return (
            k * (np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u) - u**3
        )

    def loss(u0, k):
        return np.sum(
            solve_ivp(heat, (0, 1), u0, "RK4", args=(k,), n_steps=80, t_eval=[1.0], checkpoints=20).y ** 2
        )

    u0 = np.random.default_rng(0).normal(size=(100, 100))
    gradient = ds.jit(ds.grad(loss, argnums=(0, 1)))
    gradient(u0, 0.2)
    tracemalloc.start()
    gradient(u0, 0.2)
    peak = tracemalloc.get_traced_memory()[1] / u0.nbytes
    tracemalloc.stop()
    assert peak < 20 + 12  # checkpoints, then working states and the workspace of the step and its adjoint
