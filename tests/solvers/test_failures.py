"""A failed integration says when, where and why, and never gives a number."""

import numpy as np
import pytest

import diffsci as ds
from solvers import solve_ivp


def explosion(t, y):
    return [1.0, y[1] ** 2]


def test_singularity_is_a_step_underflow():
    sol = solve_ivp(explosion, (0, 2), [0.0, 1.0], names=["time", "blow-up"], rtol=1e-6)
    assert not sol.success
    assert sol.status == -1
    assert sol.t_last == pytest.approx(1.0, abs=1e-4)
    assert sol.t[-1] == sol.t_last
    assert sol.y.shape == (2, len(sol.t))
    assert "step size" in sol.message
    assert "'blow-up' (y[1])" in sol.message
    assert "% of the error" in sol.message


def test_failed_outputs_are_cut_to_what_was_reached():
    sol = solve_ivp(explosion, (0, 2), [0.0, 1.0], t_eval=[0.2, 0.9, 1.5], rtol=1e-8)
    np.testing.assert_array_equal(sol.t, [0.2, 0.9])
    np.testing.assert_allclose(sol.y[1], [1.25, 10.0], rtol=1e-4)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P"])
def test_non_finite_right_hand_side(method):
    def root(t, y):
        return [-1.0 + 0 * y[0], -np.sqrt(y[0])]

    sol = solve_ivp(root, (0, 2), [1.0, 0.0], method)
    assert not sol.success
    assert "not finite" in sol.message
    assert sol.t_last == pytest.approx(1.0, abs=1e-2)
    at_start = solve_ivp(root, (0, 2), [-1.0, 0.0], method)
    assert at_start.t_last == 0
    assert "in step 1" in at_start.message
    assert "y[1]" in at_start.message


def test_non_finite_fixed_steps():
    sol = solve_ivp(lambda t, y: [1.0, y[1] ** 3], (0, 5), [0.0, 3.0], "RK4", n_steps=50)
    assert not sol.success
    assert "not finite" in sol.message
    assert "y[1]" in sol.message
    assert np.all(np.isfinite(sol.y))
    assert len(sol.t) == sol.nsteps + 1


def test_too_many_steps():
    sol = solve_ivp(lambda t, y: -y, (0, 100), [1.0], max_steps=5)
    assert not sol.success
    assert sol.nsteps == 5
    assert "raise max_steps" in sol.message


def test_singular_iteration_matrix_shortens_the_step():
    """At h = 1 / (gamma * 2) the matrix I / (h gamma) - J is singular; a shorter step is not."""
    gamma = 0.21193756319429014
    sol = solve_ivp(
        lambda t, y: 2.0 * y, (0, 3), [1.0], "Rodas5P", first_step=1 / (2 * gamma), rtol=1e-6, atol=1e-6
    )
    assert sol.success, sol.message
    assert sol.y[0, -1] == pytest.approx(np.exp(6), rel=1e-4)


def test_index_out_of_range_is_raised_as_in_scipy():
    table = np.arange(4.0)

    def model(t, y):
        return 1.0 + 0.1 * np.take(table, np.floor(y * 4).astype(int))

    with pytest.raises(IndexError, match=r"out of bounds.*test_failures.py"):
        solve_ivp(model, (0, 1), np.array([0.5]))


def failing(p):
    return np.sum(solve_ivp(lambda t, y, p: p * y**2, (0, 2), np.array([1.0]), args=(p,)).y[:, -1])


def test_derivatives_of_failed_integrations_are_nan():
    value, gradient = ds.value_and_grad(failing)(1.0)
    assert np.isnan(value)
    assert np.isnan(gradient)
    assert np.isnan(ds.jvp(failing, (1.0,), (1.0,))[1])
    assert np.isnan(ds.hvp(failing, (1.0,), (1.0,)))
    compiled = ds.jit(ds.value_and_grad(failing))
    assert np.isfinite(compiled(0.2)[1])
    assert np.isnan(compiled(1.0)[1])
    assert np.isfinite(compiled(0.2)[1])


def test_status_is_seen_under_differentiation():
    seen = []

    def watched(p):
        sol = solve_ivp(lambda t, y, p: p * y**2, (0, 2), np.array([1.0]), args=(p,), t_eval=[1.0])
        seen.append((sol.status, sol.success, sol.message))
        return np.sum(sol.y)

    ds.grad(watched)(0.2)
    ds.grad(watched)(1.0)
    assert [entry[0] for entry in seen] == [0, -1]
    assert "step size" in seen[1][2]


def test_a_model_that_raises_is_not_hidden():
    def model(t, y):
        raise RuntimeError("no such species")

    with pytest.raises(RuntimeError, match="no such species"):
        solve_ivp(model, (0, 1), [1.0])
