"""Patterns of solutions of equations: what unknowns reach through equations, where matrices have zeros."""

import numpy as np
import pytest
import scipy.linalg
from scipy.sparse import csc_array

import diffsci as ds
from diffsci.sparse.detection import jacobian_pattern
from diffsci.sparse.detection.forms import Maps, finished
from diffsci.sparse.detection.reach import solved
from diffsci.sparse.maps import identity
from diffsci.tracing import trace_function
from tests.sparse.detection_cases import dense, detected, hessian_detected, jacobian_at, point

N = 6
ALONE, BEFORE, BLOCKS = np.eye(N) > 0, np.tri(N) > 0, np.kron(np.eye(3), np.ones((2, 2))) > 0
ORDER = np.array([3, 0, 5, 1, 4, 2])


def exact(f, n, expected):
    """The pattern is the expected one, and so are the numbers at a point; what `f` reads does not change."""
    traced = trace_function(f, (point(n),))
    values = [traced.values[x] for x in traced.graph.inputs]
    active = [k == 0 for k in range(len(values))]
    found = jacobian_pattern(traced.graph, active, known=dict(enumerate(values[1:], start=1)))
    assert np.array_equal(dense(found), expected)
    seen = abs(jacobian_at(f, point(n, 1))) > 1e-12
    assert np.array_equal(seen, expected)


def chain_of(x):
    """A matrix with traced entries on two diagonals."""
    out = np.zeros((N, N))
    for k in range(N):
        out[k, k] = 2 + x[k]
        if k:
            out[k, k - 1] = x[k] ** 2
    return out


DOWN = np.eye(N, k=-1) + np.eye(N)


@pytest.mark.parametrize(("links", "reached"), [(BLOCKS, BLOCKS), (BEFORE, BEFORE), (DOWN, BEFORE)])
@pytest.mark.parametrize("permuted", [False, True])
def test_constant_matrices(links, reached, permuted):
    """Also where the triangle or the blocks are found only after rows have changed their places."""
    matrix = np.where(links, np.random.default_rng(0).uniform(1, 2, (N, N)), 0.0) + 3 * np.eye(N)
    rows = ORDER if permuted else np.arange(N)
    sparse = csc_array(matrix[rows])
    exact(lambda x: np.linalg.solve(matrix[rows], x[rows]), N, reached)
    exact(lambda x: ds.linear_solve(sparse, x[rows]), N, reached)


def test_matrices_that_are_made_in_the_function():
    exact(lambda x: np.linalg.solve(chain_of(x), np.ones(N)), N, BEFORE)
    exact(lambda x: np.linalg.solve(np.diag(x), np.ones(N)), N, ALONE)
    exact(lambda x: np.linalg.solve(np.eye(N) - 0.1 * np.diag(np.sin(x)), x), N, ALONE)


def test_inverse_matrices():
    """Of blocks, and of triangles: their zeros are seen by what comes after."""

    def paired(x):
        matrix = np.diag(2 + x**2)
        matrix[0, 1] = 0.5
        return matrix

    upper = ALONE.copy()
    upper[0, 1] = True
    exact(lambda x: np.linalg.inv(paired(x)) @ np.ones(N), N, upper)
    exact(lambda x: np.linalg.inv(chain_of(x)) @ x, N, BEFORE)
    found = dense(detected(lambda x: np.linalg.inv(paired(x)).ravel(), point(N))).sum(axis=1)
    assert found.reshape(N, N).tolist() == (ALONE + 2 * (upper ^ ALONE)).astype(int).tolist()


def test_columns_are_solved_side_by_side():
    matrix = np.random.default_rng(1).uniform(0, 1, (3, 3)) + 3 * np.eye(3)
    apart = np.kron(np.ones((3, 3)), np.eye(2)) > 0
    exact(lambda x: np.linalg.solve(matrix, x.reshape(3, 2)).ravel(), N, apart)
    exact(lambda x: np.linalg.lstsq(matrix, x.reshape(3, 2), rcond=None)[0].ravel(), N, apart)


@pytest.mark.parametrize("lower", [True, False])
def test_triangles(lower):
    matrix = np.random.default_rng(1).uniform(1, 2, (N, N))
    reached = BEFORE if lower else BEFORE.T
    exact(lambda x: scipy.linalg.solve_triangular(matrix, x, lower=lower), N, reached)
    first = 0 if lower else N - 1

    def by_matrix(x):
        return scipy.linalg.solve_triangular(x.reshape(N, N), np.ones(N), lower=lower)[first]

    found = dense(detected(by_matrix, point(N * N))).reshape(N, N)
    assert np.array_equal(np.argwhere(found), [[first, first]])


def test_bands():
    ab = np.array([[0, 0, 0, 0, 0, 0], [3.0] * N, [1.0] * (N - 1) + [0.0]])
    exact(lambda x: scipy.linalg.solve_banded((1, 0), np.array(ab[1:].tolist()), x), N, BEFORE)
    exact(lambda x: scipy.linalg.solve_banded((0, 0), x[None], np.ones(N)), N, ALONE)


def test_sparse_jacobians_in_systems():
    def apart(y):
        return np.sin(y) + np.repeat(y[::2], 2)

    lower = np.kron(np.eye(3), [[1, 0], [1, 1]]) > 0
    exact(lambda x: ds.linear_solve(np.eye(N) * 5 + ds.sparse_jacobian(apart)(x), x), N, lower)


def coupled(x, a):
    """Unknowns in pairs."""
    other = x.reshape(3, 2)[:, ::-1].ravel()
    return x**3 + a * x + 0.1 * other - 1


def downstream(x, a):
    return x**3 + x - a - np.concatenate([np.zeros(1), x[:-1]])


@pytest.mark.parametrize("structure", ["dense", "sparse", "matrix-free"])
@pytest.mark.parametrize(("residual", "reached"), [(coupled, BLOCKS), (downstream, BEFORE)])
def test_roots(residual, reached, structure):
    exact(lambda a: ds.root(residual, np.ones(N), a, structure=structure), N, reached)


def test_roots_do_not_see_their_start():
    assert detected(lambda x: ds.root(coupled, x, np.ones(N)), point(N)).nnz == 0


def test_fixed_points():
    exact(lambda a: ds.fixed_point(lambda x, a: 0.5 * np.cos(a * x), np.ones(N), a), N, ALONE)


def test_members_have_roots_of_their_own():
    def one(a):
        return ds.root(lambda x, a: x**3 + x - a - 0.1 * np.roll(x, 1), np.ones(2), a)

    exact(lambda a: ds.vmap(one)(a.reshape(3, 2)).ravel(), N, BLOCKS)


def test_products():
    """Systems whose matrix is given by its products."""

    def f(x):
        return ds.linear_solve(lambda v: x * v + 0.2 * v.reshape(3, 2)[:, ::-1].ravel(), np.ones(N))

    exact(f, N, BLOCKS)

    def one(x):
        return ds.linear_solve(lambda v: x * v + 0.2 * v[::-1], np.ones(2))

    exact(lambda x: ds.vmap(one)(x.reshape(3, 2)).ravel(), N, BLOCKS)


@pytest.mark.parametrize(
    ("f", "reached"),
    [
        (lambda a: ds.root(coupled, np.ones(N), a), BLOCKS),
        (lambda x: np.linalg.solve(np.diag(x), np.ones(N)), ALONE),
        (lambda x: ds.linear_solve(lambda v: x * v, np.ones(N)), ALONE),
    ],
)
def test_second_derivatives(f, reached):
    found = dense(hessian_detected(lambda x: np.sum(f(x) ** 2), point(N)))
    assert np.array_equal(found, reached)


def test_structurally_singular_systems_are_dense():
    """Their solutions are not finite; nothing is claimed of them."""
    right = Maps((identity((3,)),))
    found = solved(np.array([0, 1, 2]), np.array([0, 0, 2]), right, 3)
    assert dense(finished(found, 3, 3)).all()


def test_products_with_zeros_that_pads_make():
    """Elements that a pad adds are zero, and so is what they are multiplied by."""

    def f(x):
        return np.pad(x[:3], (0, 3)) * x + np.pad(x[3:], (3, 0))

    exact(f, N, ALONE)

    def matrix(x):
        whole = np.zeros((2, 2))
        whole[0, 0] = x[0]
        return whole @ x[1:3]

    assert np.array_equal(dense(detected(matrix, point(3))), [[True, True, False], [False] * 3])
