"""Sparse derivatives inside other functions: products, solves, derivatives of derivatives, results."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg

import diffsci as ds

N = 20


def f(x):
    return x**2 * np.roll(x, 1) + np.sin(x) + 2.0


jacobian = ds.sparse_jacobian(f)
dense = ds.jacobian(f)
RNG = np.random.default_rng(0)
X, V = RNG.uniform(0.5, 1.5, N), RNG.normal(size=N)
EYE = sp.eye_array(N, format="csr")

USES = {
    "product": (lambda x: jacobian(x) @ V, lambda x: dense(x) @ V),
    "transposed product": (lambda x: jacobian(x).T @ V, lambda x: dense(x).T @ V),
    "product from the left": (lambda x: V @ jacobian(x), lambda x: V @ dense(x)),
    "product with its state": (lambda x: jacobian(x) @ x, lambda x: dense(x) @ x),
    "dense": (lambda x: jacobian(x).toarray(), dense),
    "entries": (lambda x: np.sum(jacobian(x).data ** 2), lambda x: np.sum(dense(x) ** 2)),
    "diagonal": (lambda x: jacobian(x).diagonal(), lambda x: np.diag(dense(x))),
    "implicit step": (
        lambda x: scipy.sparse.linalg.spsolve(EYE - 0.1 * jacobian(x), V),
        lambda x: np.linalg.solve(np.eye(N) - 0.1 * dense(x), V),
    ),
    "linear_solve": (
        lambda x: ds.linear_solve(jacobian(x), V),
        lambda x: np.linalg.solve(dense(x), V),
    ),
    "scaled": (lambda x: (2.0 * jacobian(x)) @ V, lambda x: 2.0 * dense(x) @ V),
    "squared": (lambda x: (jacobian(x) @ jacobian(x)).toarray(), lambda x: dense(x) @ dense(x)),
}


@pytest.mark.parametrize("name", USES)
def test_values_and_derivatives(name):
    sparse, plain = USES[name]
    np.testing.assert_allclose(ds.jit(sparse)(X), plain(X), rtol=1e-12, atol=1e-12)
    for scale in (1.0, 1.3):
        x = scale * X
        expected = ds.jvp(plain, (x,), (V,))[1]
        np.testing.assert_allclose(ds.jvp(sparse, (x,), (V,))[1], expected, rtol=1e-10, atol=1e-11)
        gradient = ds.grad(lambda x: np.sum(np.sin(sparse(x))))
        expected = ds.grad(lambda x: np.sum(np.sin(plain(x))))(x)
        np.testing.assert_allclose(gradient(x), expected, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(ds.jit(gradient)(x), expected, rtol=1e-10, atol=1e-11)


def test_matrices_as_results():
    for function in (jacobian, ds.jit(jacobian), ds.jit(lambda x: jacobian(x))):
        J = function(X)
        assert isinstance(J, sp.csr_array)
        np.testing.assert_allclose(J.toarray(), dense(X), rtol=1e-14, atol=1e-15)
    J, x = ds.jit(lambda x: (jacobian(x).T, 2.0 * x))(X)
    np.testing.assert_allclose(J.toarray(), dense(X).T, rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(x, 2.0 * X)


def test_tangents_are_matrices():
    J, moved = ds.jvp(jacobian, (X,), (V,))
    expected = ds.jvp(dense, (X,), (V,))[1]
    assert isinstance(moved, sp.csr_array)
    assert moved.indices is J.indices
    np.testing.assert_allclose(moved.toarray(), expected, rtol=1e-13, atol=1e-13)


def test_constant_matrices_as_results():
    A = sp.random_array((5, 4), density=0.5, rng=np.random.default_rng(1), format="csr")
    found = ds.jit(lambda c: A * c)(2.0)
    np.testing.assert_array_equal(found.toarray(), 2.0 * A.toarray())
    assert isinstance(ds.jit(lambda c: sp.csr_matrix(A) * c)(2.0), sp.csr_matrix)
    kept, _ = ds.jit(lambda c: (A.tocsc(), 2.0 * c))(2.0)
    assert isinstance(kept, sp.csc_array)
    np.testing.assert_array_equal(kept.toarray(), A.toarray())


def test_jacobian_of_a_jacobian():
    second = ds.sparse_jacobian(lambda x: jacobian(x).data)
    expected = ds.jacobian(lambda x: jacobian(x).data)(X)
    assert second(X).nnz < expected.size / 4
    np.testing.assert_allclose(second(X).toarray(), expected, rtol=1e-13, atol=1e-13)


def test_hessian_times_vector():
    def chain(x):
        return np.sum((x[1:] - x[:-1] ** 2) ** 2)

    hessian = ds.sparse_hessian(chain)
    found = ds.jit(lambda x, v: hessian(x) @ v)(X, V)
    np.testing.assert_allclose(found, ds.hvp(chain, (X,), (V,)), rtol=1e-12, atol=1e-12)


def test_inside_loops():
    newton = ds.jit(lambda x: ds.fori_loop(0, 5, lambda k, x: x - 0.01 * (jacobian(x) @ x), x))
    x = X
    for _ in range(5):
        x = x - 0.01 * (dense(x) @ x)
    np.testing.assert_allclose(newton(X), x, rtol=1e-12)


def test_of_a_jitted_function_and_as_a_method():
    class Model:
        def __init__(self, c):
            self.c = c

        @ds.jit
        def rhs(self, x):
            return self.c * f(x)

    model = Model(3.0)
    J = ds.sparse_jacobian(model.rhs)(X)
    np.testing.assert_allclose(J.toarray(), 3.0 * dense(X), rtol=1e-13, atol=1e-14)


def test_entries_over_members():
    found = ds.vmap(lambda x: jacobian(x).data)(np.stack([X, 2 * X]))
    np.testing.assert_allclose(found[1], jacobian(2 * X).data, rtol=1e-14)


def test_entries_that_are_not_finite_are_found():
    with ds.debug_nans():
        jacobian(X)
        with pytest.raises(ds.NonFiniteError):
            jacobian(X * np.nan)


def test_every_law_holds():
    assert ds.check_all(lambda x: jacobian(x) @ x, X).passed


def test_what_cannot_be():
    for call in (
        ds.jacobian(jacobian),
        ds.hessian(jacobian),
        ds.grad(jacobian),
        lambda x: ds.vjp(jacobian, x),
    ):
        with pytest.raises(TypeError, match=r"returns a sparse matrix: return its \.data"):
            call(X)
    with pytest.raises(TypeError, match=r"vmap.*returns a sparse matrix: return its \.data"):
        ds.vmap(lambda x: (x, jacobian(x)))(np.stack([X, X]))
    with pytest.raises(TypeError, match="pass its entries, and make the matrix inside"):
        ds.grad(lambda A: np.sum(A @ V))(EYE)
    with pytest.raises(ValueError, match="out="):
        ds.jit(lambda x: jacobian(x, out=jacobian(x)))(X)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_derivatives_where_only_one_branch_bends(mode, sign):
    """What the branch is absent from is no matter of the masks of the others."""

    def f(u):
        branch = ds.cond(np.sum(u[1:]) > 0, lambda z: np.sin(z), lambda z: z * 0.5, u[1:])
        return np.concatenate([branch, np.cumprod(np.tanh(u[1:])), np.exp(u[:1])])

    matrix = ds.sparse_jacobian(f, mode="reverse", backend="numpy")
    u, v = np.array([1.0, 0.3 * sign, 0.4 * sign]), np.array([1.0, 2.0, 3.0])
    found = ds.jacobian(lambda u: matrix(u) @ v, mode=mode)(u)
    expected = np.stack([ds.jvp(lambda u: matrix(u) @ v, (u,), (e,))[1] for e in np.eye(3)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
    assert np.isclose(found[-1, 0], np.exp(1.0))
