"""Arguments, fields and shapes of solve_ivp; what is refused."""

import dataclasses
import signal
import threading
import time

import numpy as np
import pytest
import scipy.integrate

import diffsci as ds
from solvers import solve_ivp


def decay(t, y, rate=1.0):
    return -rate * y


def test_every_step_is_returned_without_t_eval():
    sol = solve_ivp(decay, (0, 2), [1.0, 2.0])
    assert sol.t[0] == 0
    assert sol.t[-1] == 2
    assert sol.y.shape == (2, len(sol.t))
    assert sol.nsteps == len(sol.t) - 1
    np.testing.assert_allclose(np.cumsum(sol.h), sol.t[1:])
    np.testing.assert_allclose(sol.y[1], 2 * np.exp(-sol.t), rtol=1e-3)


def test_fields_are_those_of_scipy():
    ours = solve_ivp(decay, (0, 1), [1.0], t_eval=[0, 0.5, 1])
    theirs = scipy.integrate.solve_ivp(decay, (0, 1), [1.0], t_eval=[0, 0.5, 1])
    assert set(theirs) <= set(ours)
    assert ours["status"] == ours.status == 0
    assert ours.success is True
    assert ours.message == theirs.message
    assert ours.sol is None
    assert ours.nfev > 0
    assert ours.njev == ours.nlu == 0
    with pytest.raises(AttributeError):
        _ = ours.nonsense


def test_counters_of_an_implicit_method():
    calls = []

    def counted(t, y):
        calls.append(1)
        return -y

    sol = solve_ivp(counted, (0, 1), [1.0], "Rodas5P")
    assert sol.nlu == sol.njev == sol.nsteps + sol.nrejected
    assert len(calls) < 10, "the model is traced, not called in every step"


@pytest.mark.parametrize("method", ["RK4", "Tsit5", "DOP853", "Rodas5P"])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (2, 2, 2)])
def test_states_of_any_shape(method, shape):
    y0 = 1.0 + np.arange(np.prod(shape, dtype=int)).reshape(shape)
    points = [0.0, 0.3, 1.0]
    sol = solve_ivp(
        decay, (0, 1), y0, method, points, rtol=1e-8, atol=1e-8, n_steps=50 if method == "RK4" else None
    )
    assert sol.y.shape == (*shape, 3)
    np.testing.assert_allclose(sol.y, y0[..., None] * np.exp(-np.array(points)), rtol=1e-6)


@pytest.mark.parametrize("method", ["RK4", "Tsit5", "Rodas5P"])
def test_single_precision_stays_single(method):
    steps = 20 if method == "RK4" else None
    sol = solve_ivp(decay, (0, 1), np.ones(3, np.float32), method, [0.5, 1.0], args=(2.0,), n_steps=steps)
    assert sol.y.dtype == np.float32
    np.testing.assert_allclose(sol.y[:, -1], np.exp(-2), rtol=2e-3)
    loss = ds.grad(lambda y0: np.sum(solve_ivp(decay, (0, 1), y0, method, [1.0], n_steps=steps).y))
    gradient = loss(np.ones(3, np.float32))
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, np.exp(-1), rtol=2e-3)


def test_lists_scalars_and_nested_arguments():
    @dataclasses.dataclass
    class Rates:
        fast: float
        slow: np.ndarray

    def model(t, y, rates, options):
        return [-rates.fast * y[0], -rates.slow[0] * y[1] * options["scale"]]

    sol = solve_ivp(
        model, (0, 1), (1, 2), args=(Rates(2.0, np.array([3.0])), {"scale": 2, "name": "x"}), rtol=1e-8
    )
    np.testing.assert_allclose(sol.y[:, -1], [np.exp(-2), 2 * np.exp(-6)], rtol=1e-3)


def test_values_from_outside_are_read_again():
    rate = np.array([1.0])

    def model(t, y):
        return -rate * y

    first = solve_ivp(model, (0, 1), [1.0], rtol=1e-9, atol=1e-9).y[0, -1]
    rate[0] = 2.0
    second = solve_ivp(model, (0, 1), [1.0], rtol=1e-9, atol=1e-9).y[0, -1]
    np.testing.assert_allclose([first, second], [np.exp(-1), np.exp(-2)], rtol=1e-7)


def test_branches_on_values_inside_the_model():
    def bouncing_force(t, y):
        if y[0] > 0:
            return [y[1], -1.0]
        return [y[1], -1.0 - 50 * y[0]]

    ours = solve_ivp(bouncing_force, (0, 4), [1.0, 0.0], rtol=1e-8, atol=1e-8)
    theirs = scipy.integrate.solve_ivp(bouncing_force, (0, 4), [1.0, 0.0], "DOP853", rtol=1e-10, atol=1e-10)
    assert ours.success, ours.message
    np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], atol=1e-5)


def test_quadrature_adds_integrals():
    def cost(t, y, rate):
        return [y[0], y[0] ** 2]

    sol = solve_ivp(
        decay, (0, 2), [1.0], args=(0.5,), t_eval=[1.0, 2.0], quadrature=cost, rtol=1e-9, atol=1e-9
    )
    assert sol.y.shape == (1, 2)
    assert sol.q.shape == (2, 2)
    t = np.array([1.0, 2.0])
    np.testing.assert_allclose(sol.q, [2 * (1 - np.exp(-t / 2)), 1 - np.exp(-t)], rtol=1e-7)
    field = solve_ivp(decay, (0, 1), np.ones((2, 3)), quadrature=lambda t, y: np.sum(y), rtol=1e-8, atol=1e-8)
    assert field.y.shape[:2] == (2, 3)
    np.testing.assert_allclose(field.q[-1], 6 * (1 - np.exp(-1)), rtol=1e-6)


def test_fixed_steps_land_exactly():
    sol = solve_ivp(decay, (0, 1), [1.0], "RK4", step=0.3)
    np.testing.assert_allclose(sol.t, [0, 0.25, 0.5, 0.75, 1.0])
    assert solve_ivp(decay, (0, 1), [1.0], "RK4", step=0.1).nsteps == 10
    adaptive = solve_ivp(decay, (0, 1 / 3), [1.0])
    assert adaptive.t[-1] == 1 / 3


def test_zero_length_interval():
    sol = solve_ivp(decay, (1, 1), [2.0], t_eval=[1.0])
    assert sol.success
    np.testing.assert_array_equal(sol.y, [[2.0]])
    assert solve_ivp(decay, (1, 1), [2.0]).y.shape == (1, 1)


def test_step_bounds():
    assert np.all(solve_ivp(decay, (0, 10), [1.0], max_step=0.1).h <= 0.1 * 1.0101)
    assert solve_ivp(decay, (0, 10), [1.0], first_step=1e-5).h[0] == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "RK45"}, ValueError, "unknown method 'RK45': use 'Tsit5'"),
        ({"method": "rodas5p"}, ValueError, "use 'Rodas5P'"),
        ({"method": "Euler?"}, ValueError, "available: RK4, Tsit5, DOP853, Rodas5P"),
        ({"method": "RK4"}, ValueError, "give n_steps"),
        ({"n_steps": 3, "step": 0.1}, ValueError, "not both"),
        ({"n_steps": 0}, ValueError, "n_steps must be a whole number"),
        ({"step": -0.1}, ValueError, "step must be positive"),
        ({"t_span": (0, 1, 2)}, ValueError, "t_span must be"),
        ({"t_span": (0, np.inf)}, ValueError, "finite"),
        ({"t_eval": [0.5, 2.0]}, ValueError, "not within t_span"),
        ({"t_eval": [0.5, 0.4]}, ValueError, "not properly sorted"),
        ({"t_eval": [[0.5]]}, ValueError, "1-dimensional"),
        ({"y0": []}, ValueError, "at least one component"),
        ({"y0": [1.0, np.nan]}, ValueError, r"y0\[1\] = nan"),
        ({"y0": ["a"]}, ValueError, "real numbers"),
        ({"fun": lambda t, y: 1j * y}, ds.UnsupportedError, "y0 must be complex"),
        ({"atol": -1}, ValueError, "atol"),
        ({"atol": [1e-3, 1e-3]}, ValueError, "atol has shape"),
        ({"rtol": -1}, ValueError, "rtol"),
        ({"max_step": 0}, ValueError, "max_step"),
        ({"max_steps": 0}, ValueError, "max_steps"),
        ({"first_step": 5}, ValueError, "first_step"),
        ({"checkpoints": 0}, ValueError, "checkpoints"),
        ({"names": ["a", "b"]}, ValueError, "2 names for 1 components"),
        ({"args": 3.0}, TypeError, "must be a tuple"),
        ({"fun": 3}, TypeError, "callable"),
        ({"events": decay}, ds.UnsupportedError, "events"),
        ({"vectorized": True}, ds.UnsupportedError, "vectorized"),
        ({"fun": lambda t, y: [y[0], y[0]]}, ValueError, "one derivative for every component"),
        ({"fun": lambda t, y: []}, ValueError, "empty"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    given = {"fun": decay, "t_span": (0, 1), "y0": [1.0], **arguments}
    with pytest.raises(error, match=message):
        solve_ivp(**given)


def test_an_interrupt_stops_a_long_integration():
    def raise_soon():
        time.sleep(0.6)
        signal.raise_signal(signal.SIGINT)

    wide = np.ones(2000)
    long = ({"method": "RK4", "n_steps": 3 * 10**6}, {"max_step": 1e-9, "max_steps": 10**12})
    for settings in ({"method": "RK4", "n_steps": 3}, {}):
        solve_ivp(decay, (0, 1), wide, t_eval=[1.0], **settings)  # compiled before the clock starts
    for settings in long:
        threading.Thread(target=raise_soon).start()
        start = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            solve_ivp(decay, (0, 1), wide, t_eval=[1.0], **settings)
        assert time.perf_counter() - start < 5


def test_progress_is_reported():
    seen = []
    solve_ivp(decay, (0, 1), [1.0], progress=seen.append)
    assert seen
    assert seen[-1] == 1.0
