"""Patterns of integrations: what the right-hand side couples, any number of steps later."""

import numpy as np
import pytest

import diffsci as ds
from solvers import solve_ivp
from tests.sparse.detection_cases import dense, detected, hessian_detected, jacobian_at, point

pytestmark = pytest.mark.filterwarnings("ignore:.*computed as a dense matrix")

N = 4
METHODS = ["Tsit5", "Rodas5P"]


def logistic(t, y, rate):
    return rate * y * (1 - y)


def chain(t, y, rate):
    """Every compartment feeds the next one."""
    flow = rate * y
    return np.concatenate([-flow[:1], flow[:-1] - flow[1:]])


def ring(t, y, rate):
    return rate * (np.roll(y, 1) - y)


def states(rhs, z, times=(0.0, 0.3, 1.0), method="Tsit5", **options):
    """The states at all times, one row per time, by the initial state and the rates together."""
    sol = solve_ivp(
        rhs, (0, 1), z[:N], args=(z[N:],), t_eval=times, method=method, rtol=1e-8, atol=1e-8, **options
    )
    return np.concatenate([sol.y.T.ravel(), [] if sol.q is None else sol.q.ravel()])


ALONE, BEFORE = np.eye(N, dtype=bool), np.tri(N, dtype=bool)
NOTHING = np.zeros((N, N), dtype=bool)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rhs", "reached"), [(logistic, ALONE), (chain, BEFORE), (ring, ALONE | True)])
def test_states_depend_on_what_they_can_reach(rhs, reached, method):
    def f(z):
        return states(rhs, z, method=method)

    found = dense(detected(f, point(2 * N)))
    later = np.hstack([reached, reached])
    assert np.array_equal(found, np.vstack([np.hstack([ALONE, NOTHING]), later, later]))
    assert np.array_equal(found, abs(jacobian_at(f, point(2 * N, 1))) > 1e-14)


def test_integrals_depend_on_all_states_before():
    def f(z):
        return states(chain, z, quadrature=lambda t, y, rate: y[2] ** 2)

    found = dense(detected(f, point(2 * N)))
    assert np.array_equal(found[-1], np.tile([True, True, True, False], 2))
    assert np.array_equal(found, jacobian_at(f, point(2 * N)) != 0)


def test_backward_in_time_and_at_the_end_alone():
    def f(z):
        return solve_ivp(chain, (1, 0), z[:N], args=(z[N:],)).y[:, -1]

    assert np.array_equal(dense(detected(f, point(2 * N))), np.hstack([BEFORE, BEFORE]))


def test_values_read_from_outside_of_the_right_hand_side():
    def f(z):
        def rhs(t, y):
            return -z[N:] * y

        return solve_ivp(rhs, (0, 1), z[:N], t_eval=[0.5, 1.0]).y[:, -1]

    assert np.array_equal(dense(detected(f, point(2 * N))), np.hstack([ALONE, ALONE]))


def test_members_of_an_ensemble():
    def one(z):
        return solve_ivp(ring, (0, 1), z[:N], args=(z[N],), t_eval=[1.0]).y[:, -1]

    found = dense(detected(lambda z: ds.vmap(one)(z.reshape(3, N + 1)).ravel(), point(3 * (N + 1))))
    assert np.array_equal(found, np.kron(np.eye(3), np.ones((N, N + 1))).astype(bool))


def test_a_right_hand_side_that_branches_may_take_any_path():
    def switching(t, y, rate):
        return rate * y if y[0] > 0.5 else rate * y[::-1]

    assert dense(detected(lambda z: states(switching, z), point(2 * N)))[N:].all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rhs", "curved"), [(logistic, True), (lambda t, y, rate: rate - y, False)])
def test_second_derivatives(rhs, curved, method):
    """A system that is linear in states and parameters together has none."""

    def f(z):
        return np.sum(states(rhs, z, method=method))

    found = dense(hessian_detected(f, point(2 * N)))
    expected = np.tile(ALONE, (2, 2)) if curved else np.zeros((2 * N, 2 * N), dtype=bool)
    assert np.array_equal(found, expected)
    true = np.asarray(ds.hessian(f)(point(2 * N)))
    assert not np.any((abs(true) > 1e-12) & ~found)


@pytest.mark.parametrize("rhs", [logistic, chain])
def test_derivatives_of_derivatives(rhs):
    """The pattern of a tangent, of an adjoint, and of their derivatives covers the numbers."""
    direction = point(2 * N, 3)

    def tangent(z):
        return ds.jvp(lambda z: states(rhs, z), (z,), (direction,))[1]

    def curvature(z):
        return ds.grad(lambda z: np.sum(tangent(z) ** 2))(z)

    for f in (tangent, curvature):
        found = dense(detected(f, point(2 * N)))
        assert not np.any((abs(jacobian_at(f, point(2 * N))) > 1e-12) & ~found)
    assert not dense(detected(tangent, point(2 * N))).all()


def test_times_are_no_zeros():
    """Derivatives by times are refused; a pattern without them would give zeros instead."""

    def f(z):
        return solve_ivp(logistic, (0, z[0]), np.ones(2), args=(z[1:],), t_eval=[z[0]]).y[:, -1]

    assert dense(detected(f, point(3)))[:, 0].all()
    with pytest.raises(ds.UnsupportedError, match="end time"):
        ds.sparse_jacobian(f)(point(3))


def test_matrices_of_ensembles():
    def f(z):
        return states(logistic, z)

    def total(z):
        return np.sum(states(logistic, z) ** 2)

    z = point(2 * N)
    jacobian = ds.sparse_jacobian(f)
    assert jacobian.plan(z).ncolors == 2
    assert np.allclose(jacobian(z).toarray(), ds.jacobian(f)(z), rtol=1e-12, atol=0)
    hessian = ds.sparse_hessian(total)
    assert hessian.plan(z).ncolors == 2
    assert np.allclose(hessian(z).toarray(), ds.hessian(total)(z), rtol=1e-10, atol=1e-14)


def test_loops_that_are_linear_have_no_second_derivative():
    def f(x):
        return np.sum(ds.fori_loop(0, 5, lambda k, y: 0.5 * y + np.roll(y, 1), x))

    assert hessian_detected(f, point(6)).nnz == 0
