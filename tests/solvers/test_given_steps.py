"""Steps given by their ends: an adaptive run is repeated, and differenced, on its very own steps."""

import numpy as np
import pytest

import diffsci as ds
from solvers import solve_ivp


def van_der_pol(t, y, mu):
    return [y[1], mu * (1.0 - y[0] ** 2) * y[1] - y[0]]


def run(mu, **options):
    return solve_ivp(van_der_pol, (0.0, 3.0), [2.0, 0.0], args=(mu,), rtol=1e-6, atol=1e-8, **options)


@pytest.mark.parametrize("method", ["Tsit5", "DOP853", "Rodas5P"])
def test_values_and_gradients_repeat_those_of_the_adaptive_run(method):
    free = run(3.0, method=method)
    frozen = run(3.0, method=method, step=free.t)
    assert np.array_equal(frozen.t, free.t)
    assert np.array_equal(frozen.y, free.y)
    slopes = [
        ds.grad(lambda mu, options=options: run(mu, method=method, **options).y[0, -1])(3.0)
        for options in ({"t_eval": [3.0]}, {"t_eval": [3.0], "step": free.t})
    ]
    assert slopes[0] == slopes[1]


def test_differences_on_frozen_steps_see_no_step_control():
    free = run(3.0)

    def final(mu):
        return run(mu, step=free.t, t_eval=[3.0]).y[0, -1]

    assert ds.finite_difference(final, 3.0) == pytest.approx(ds.grad(final)(3.0), rel=1e-10)


@pytest.mark.parametrize(
    "ends",
    [[0.0, 1.0], [0.5, 3.0], [0.0, 2.0, 1.0, 3.0], [[0.0, 3.0]]],
    ids=["short", "late", "back", "nested"],
)
def test_ends_that_are_no_grid_of_the_span(ends):
    with pytest.raises(ValueError, match="ends of all steps"):
        run(3.0, step=np.array(ends))


def test_a_number_of_steps_beside_their_ends():
    with pytest.raises(ValueError, match="not both"):
        run(3.0, step=np.array([0.0, 3.0]), n_steps=1)
