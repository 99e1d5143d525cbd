"""Linear algebra at its edges: repeated values, singular, empty and odd matrices, errors, nothing stale."""

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse as sp

import diffsci as ds
from diffsci.errors import UnsupportedError
from diffsci.trees import flatten, tree_map

la = np.linalg
RNG = np.random.default_rng(7)


def leibniz_gradient(a):
    """Cofactors from minors: exact for every rank."""
    n = a.shape[0]
    minors = np.array([[la.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)] for i in range(n)])
    return minors * (-1.0) ** np.add.outer(np.arange(n), np.arange(n))


# determinants at singular matrices ----------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_gradient_of_det_is_the_matrix_of_cofactors_at_every_rank(n, lost):
    a = RNG.integers(-3, 4, (n, n)).astype(float)
    a[: min(lost + 1, n)] = a[0]
    gradient = ds.grad(la.det)(a)
    np.testing.assert_allclose(gradient, leibniz_gradient(a), atol=1e-11)
    np.testing.assert_allclose(ds.jit(ds.grad(la.det))(a), gradient, atol=1e-11)


@pytest.mark.parametrize("a", [np.zeros((2, 2)), np.ones((3, 3)), np.ones((4, 4)), np.zeros((5, 5))])
def test_second_derivative_of_det_at_low_rank(a):
    """D2 det(A)[E, F] for rank-one directions is a determinant of det's own: polarisation is exact."""
    e, f = RNG.normal(size=(2, *a.shape))
    along = ds.hvp(la.det, (a,), (e,))
    n = a.shape[0]
    nodes = np.arange(-n, n + 1.0)
    grid = np.array([[la.det(a + s * e + t * f) for t in nodes] for s in nodes])
    powers = np.vander(nodes, increasing=True)
    mixed = la.solve(powers, la.solve(powers, grid).T)[1, 1]
    assert np.sum(along * f) == pytest.approx(mixed, abs=1e-8)


def test_slogdet_of_a_singular_matrix():
    assert ds.vjp(la.slogdet, np.ones((2, 2)))[0] == la.slogdet(np.ones((2, 2)))


# repeated values ----------------------------------------------------------------------------------


def test_functions_of_repeated_eigenvalues():
    turn = la.qr(RNG.normal(size=(4, 4)))[0]
    for a in (np.eye(4), np.zeros((4, 4)), turn @ np.diag([2.0, 2.0, 2.0, 5.0]) @ turn.T):
        gradient = ds.grad(lambda x: np.sum(la.eigh(x)[0] ** 2))(a)
        whole = gradient + gradient.T
        np.testing.assert_allclose(whole, 4 * a, atol=1e-13)
        np.testing.assert_allclose(ds.grad(lambda x: np.sum(la.svdvals(x) ** 2))(a), 2 * a, atol=1e-13)


def test_vectors_of_other_eigenvalues_where_some_repeat():
    """A low-rank covariance: its leading direction has a derivative, the basis of its null space has none."""
    direction = np.array([1.0, 2.0, 2.0, 0.0]) / 3

    def leading(x):
        return la.eigh(x)[1][:, -1] ** 2

    a = 9 * np.outer(direction, direction)
    step = RNG.normal(size=(4, 4))
    step = step + step.T
    moved = ds.jvp(leading, (a,), (step,))[1]
    change = (step @ direction - direction * (direction @ step @ direction)) / 9
    np.testing.assert_allclose(moved, 2 * direction * change, atol=1e-13)
    gradient = ds.vjp(leading, a)[1](np.arange(4.0))[0]
    assert np.sum(gradient * step) == pytest.approx(np.arange(4.0) @ moved, abs=1e-12)


def test_singular_values_of_a_deficient_matrix():
    a = np.outer([1.0, 2.0, 2.0], [3.0, 4.0])
    gradient = ds.grad(lambda x: la.norm(x, 2))(a)
    np.testing.assert_allclose(gradient, a / 15, atol=1e-13)
    assert la.norm(ds.grad(lambda x: la.svd(x, full_matrices=False)[0][0, 0] ** 2)(a)) < np.inf


def test_defective_eigenvalues_give_no_number():
    gradient = ds.grad(lambda x: la.eigvals(x).real[0])(np.array([[1.0, 1.0], [0.0, 1.0]]))
    assert not np.all(np.abs(gradient) < 1e6)


# empty, tiny, stacked -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (0, 3, 3), (2, 0, 0)])
@pytest.mark.parametrize(
    "f", [la.inv, la.det, la.slogdet, la.qr, la.eigh, la.svd, la.pinv, la.cholesky, la.eigvals]
)
def test_empty_and_tiny_matrices(f, shape):
    a = np.ones(shape) if shape == (1, 1) else np.zeros(shape)
    value, pullback = ds.vjp(f, a)
    expected = f(a)
    for found, plain in zip(flatten(value)[0], flatten(expected)[0], strict=True):
        np.testing.assert_array_equal(found, plain)
    (gradient,) = pullback(tree_map(np.ones_like, value))
    assert gradient.shape == shape


# values that are none -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        la.inv,
        la.det,
        la.qr,
        la.eigh,
        la.svd,
        la.pinv,
        la.cholesky,
        la.eigvalsh,
        sl.expm,
        sl.lu,
        lambda x: la.norm(x, 2),
    ],
)
def test_nan_in_gives_nan_out(f):
    a = np.eye(3)
    a[1, 0] = np.nan
    value = ds.jit(f)(a)
    assert any(np.isnan(leaf).any() for leaf in flatten(value)[0])


def test_one_bad_matrix_of_a_stack_spoils_only_itself():
    stack = np.stack([np.eye(2), np.ones((2, 2)), 2 * np.eye(2)])
    found = ds.jit(lambda x: la.inv(x + 0.0))
    found(stack + np.eye(2))
    value = found(stack)
    assert not np.isfinite(value[1]).any()
    np.testing.assert_array_equal(value[[0, 2]], la.inv(stack[[0, 2]]))


def not_definite(x):
    return la.cholesky(-x)  # not positive definite


@pytest.mark.parametrize(
    ("f", "a"),
    [
        (not_definite, np.eye(2)),
        (la.inv, np.ones((2, 2))),
        (lambda x: la.solve(x, x[0]), np.zeros((3, 3))),
        (lambda x: sl.solve_triangular(x, np.ones(2)), np.ones((2, 2)) - np.eye(2)),
        (lambda x: sl.solve_banded((0, 0), x, np.ones(2)), np.zeros((1, 2))),
        (la.det, np.ones((2, 3))),
        (la.qr, np.ones(3)),
        (la.eigh, np.ones((2, 3))),
        (la.inv, np.ones(4)),
    ],
)
def test_errors_are_numpys_own_with_the_line(f, a):
    with pytest.raises(la.LinAlgError, match=r"\.py:\d+"):
        ds.vjp(lambda x: f(x), a)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: la.solve(x, np.ones(3)),
        lambda x: sl.cho_solve((x, True), np.ones(3)),
        lambda x: la.lstsq(x, np.ones(3)),
        lambda x: la.multi_dot([x, x, np.ones(3)]),
        lambda x: la.norm(x, 7),
        lambda x: sp.eye(3) @ x,
    ],
)
def test_shapes_that_do_not_fit(f):
    with pytest.raises((ValueError, la.LinAlgError)):
        ds.vjp(f, np.eye(2))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: la.svd(x)[0],
        lambda x: la.qr(x, mode="complete")[0],
        lambda x: sl.qr(x)[0],
        lambda x: sl.logm(-x[:2]),
        lambda x: sp.csr_array(np.eye(3)).multiply(x),
    ],
)
def test_what_has_no_derivative_is_refused(f):
    with pytest.raises(UnsupportedError, match=r"\.py:\d+"):
        ds.vjp(f, np.eye(3, 2) + 0.1)


# norms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [2, 3, 0.5, 1.5, np.inf, 1])
@pytest.mark.parametrize("scale", [1e200, 1e-200, 1.0])
def test_norms_of_huge_and_tiny_vectors(order, scale):
    x = np.array([3.0, -4.0])
    value, gradient = ds.value_and_grad(lambda x: la.norm(x, order))(scale * x)
    plain, slope = ds.value_and_grad(lambda x: la.norm(x, order))(x)
    assert value == pytest.approx(scale * plain, rel=1e-14)
    np.testing.assert_allclose(gradient, slope, rtol=1e-14)


@pytest.mark.parametrize("order", [2, 3, 0.5, 1, np.inf])
def test_norms_at_zero(order):
    np.testing.assert_array_equal(ds.grad(lambda x: la.norm(x, order))(np.zeros(3)), np.zeros(3))


# sparse matrices ----------------------------------------------------------------------------------

TABLE = sp.csr_array(np.array([[1.0, 2.0], [0.0, 3.0]]))


class Model:
    def __init__(self):
        self.matrix = sp.csr_matrix(TABLE)

    def rates(self, x):
        return self.matrix @ x


@pytest.mark.parametrize("kind", ["global", "attribute", "argument", "dense"])
def test_sparse_matrices_do_not_go_stale(kind):
    x = np.array([1.0, 1.0])
    model = Model()
    matrix = {"attribute": model.matrix}.get(kind, TABLE)
    f = {
        "global": lambda x, a: TABLE @ x,
        "attribute": lambda x, a: model.rates(x),
        "argument": lambda x, a: a @ x,
        "dense": lambda x, a: TABLE.toarray() @ x,
    }[kind]
    compiled = ds.jit(f) if kind == "argument" else ds.jit(lambda x: f(x, None))
    rest = (matrix,) if kind == "argument" else ()
    before = compiled(x, *rest)
    matrix.data *= 2
    try:
        np.testing.assert_array_equal(compiled(x, *rest), 2 * before)
    finally:
        matrix.data /= 2


def test_vmap_and_hessian_through_sparse_solves():
    factors = sp.linalg.splu(sp.csc_matrix(TABLE))
    xs = RNG.normal(size=(3, 2))
    found = ds.vmap(lambda x: factors.solve(x**2))(xs)
    np.testing.assert_allclose(found, la.solve(TABLE.toarray(), xs.T**2).T, rtol=1e-14)
    hessian = ds.hessian(lambda x: np.sum(factors.solve(x**2)))(xs[0])
    np.testing.assert_allclose(hessian, np.diag(2 * factors.solve(np.ones(2), "T")), rtol=1e-14)


def test_vmap_of_factorizations():
    stack = RNG.normal(size=(3, 3, 3))
    for f in (
        la.svdvals,
        la.pinv,
        lambda x: la.qr(x)[1],
        sl.expm,
        lambda x: la.cholesky(x @ x.T + np.eye(3)),
    ):
        np.testing.assert_allclose(ds.vmap(f)(stack), np.stack([f(x) for x in stack]), rtol=1e-12, atol=1e-14)


# functions of matrices ----------------------------------------------------------------------------


def test_third_derivative_of_expm():
    """d3/dt3 of exp(A + t B) in mixed directions is the corner of a larger exponential; here A, B commute."""
    a = np.diag([0.3, -0.2])

    def f(t):
        return sl.expm(a * t)[0, 0]

    third = ds.grad(ds.grad(ds.grad(f)))(0.7)
    assert third == pytest.approx(0.3**3 * np.exp(0.21), rel=1e-12)


def test_polar_factors_of_equal_singular_values():
    """At a multiple of a rotation, dU = U skew(U^T dA) / s: no gap between singular values is divided by."""
    turn, scale = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0], 2.0
    change = np.random.default_rng(4).normal(size=(3, 3))
    inside = turn.T @ change
    for f in (lambda a: sl.polar(a)[0], ds.jit(lambda a: sl.polar(a)[0])):
        moved = ds.jvp(f, (scale * turn,), (change,))[1]
        np.testing.assert_allclose(moved, turn @ (inside - inside.T) / (2 * scale), atol=1e-14)


def test_a_number_beside_a_sparse_matrix():
    matrix = sp.csr_array(np.diag([1.0, 2.0]))
    assert ds.grad(lambda x: ((x * matrix + 0) @ np.ones(2)).sum())(2.0) == 3.0
    for number in (lambda x: 1.0, lambda x: x):
        with pytest.raises(UnsupportedError, match=r"sparse matrix and a number.*test_linalg\.py.*toarray"):
            ds.grad(lambda x, n=number: ((x * matrix + n(x)) @ np.ones(2)).sum())(2.0)
