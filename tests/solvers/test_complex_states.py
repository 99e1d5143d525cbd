"""Complex states, parameters and constants in solve_ivp: Schroedinger's equation and linear problems."""

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

import diffsci as ds
from solvers import solve_ivp

RNG = np.random.default_rng(20261122)
HAMILTONIAN = RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3))
HAMILTONIAN = HAMILTONIAN + HAMILTONIAN.conj().T
START = np.array([1, 1j, 0.5])
TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def schroedinger(t, psi):
    return -1j * (HAMILTONIAN @ psi)


def propagated(t):
    return scipy.linalg.expm(-1j * t * HAMILTONIAN)


@pytest.mark.parametrize("method", ["Tsit5", "DOP853", "Rodas5P"])
def test_schroedinger(method):
    found = solve_ivp(schroedinger, (0, 0.5), START, method=method, **TIGHT)
    expected = scipy.integrate.solve_ivp(schroedinger, (0, 0.5), START, **TIGHT)
    assert found.y.dtype == complex
    assert found.y.shape == (3, len(found.t))
    np.testing.assert_allclose(found.y[:, -1], propagated(0.5) @ START, rtol=1e-7)
    np.testing.assert_allclose(expected.y[:, -1], found.y[:, -1], rtol=1e-7)


def test_output_times_and_dense_output():
    found = solve_ivp(
        schroedinger, (0, 1), START, t_eval=[0, 0.4, 1], dense_output=True, names=["a", "b", "c"], **TIGHT
    )
    np.testing.assert_allclose(found.y[:, 1], propagated(0.4) @ START, rtol=1e-7)
    np.testing.assert_allclose(found.sol([0, 0.4]), found.y[:, :2], rtol=1e-12)
    assert found.sol(0.4).shape == (3,)


def test_gradient_with_respect_to_the_state():
    def occupation(psi):
        y = solve_ivp(schroedinger, (0, 1), psi, t_eval=[0.5, 1.0], **TIGHT).y
        return np.abs(y[0]) ** 2

    rows = [2 * (u @ START)[0] * u[0].conj() for u in (propagated(0.5), propagated(1.0))]
    np.testing.assert_allclose(ds.jacobian(occupation)(START), rows, rtol=1e-6)
    gradient = ds.grad(lambda psi: occupation(psi).sum())
    np.testing.assert_allclose(gradient(START), np.sum(rows, 0), rtol=1e-6)
    compiled = ds.jit(gradient)
    for point in (START, START * 1j, START):
        np.testing.assert_allclose(compiled(point), gradient(point), rtol=1e-12)


def test_complex_parameters_and_lists():
    def final(p, w):
        def rates(t, y, w, q):
            return [1j * w * y[0] * q, -0.5 * y[1]]

        return solve_ivp(rates, (0, 1), [1 + 0j, p], args=(w, 2.0), **TIGHT).y[:, -1]

    w = 1.5 + 0.3j
    np.testing.assert_allclose(final(0.5, w), [np.exp(2j * w), 0.5 * np.exp(-0.5)], rtol=1e-7)
    by_w = ds.jacobian(final, 1)(0.5, w)
    np.testing.assert_allclose(by_w, [2j * np.exp(2j * w), 0], rtol=1e-6, atol=1e-12)
    by_p = ds.jacobian(final, 0)(0.5, w)
    np.testing.assert_allclose(by_p, [0, np.exp(-0.5)], rtol=1e-6, atol=1e-12)


RATE = 2 + 1j


def decay(t, y):
    return -RATE * y


def test_globals_are_read_again():
    global RATE
    for rate in (2 + 1j, 3.0, 1j):
        RATE = rate
        found = solve_ivp(decay, (0, 1), [1j], **TIGHT).y[0, -1]
        assert found == pytest.approx(1j * np.exp(-rate), rel=1e-7)


def test_real_and_complex_states_of_one_shape_are_told_apart():
    for state in (np.array([[1.0, 2.0]]), np.array([1 + 2j]), np.array([[1.0, 2.0]])):
        found = solve_ivp(lambda t, y: -y, (0, 1), state, **TIGHT).y[..., -1]
        np.testing.assert_allclose(found, state * np.exp(-1), rtol=1e-7)


def test_quadrature():
    found = solve_ivp(lambda t, y: 1j * y, (0, 1), [2j], quadrature=lambda t, y: np.abs(y[0]) ** 2, **TIGHT)
    assert found.q[-1] == pytest.approx(4.0)


def test_gradient_with_respect_to_a_complex_constant_of_a_closure():
    def final(w):
        return solve_ivp(lambda t, y: 1j * w * y, (0, 1), [1 + 0j], **TIGHT).y[0, -1]

    for w in (0.5 + 0.2j, 1.5 - 0.1j):
        assert ds.jacobian(final)(w) == pytest.approx(1j * np.exp(1j * w), rel=1e-7)
