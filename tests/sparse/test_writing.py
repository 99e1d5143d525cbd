"""Sparse matrices that are filled and changed entry by entry, in the formats of SciPy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse import linalg as sla

import diffsci as ds

N = 6
X = np.linspace(0.5, 1.5, N)
V = np.arange(1.0, N + 1)
ROWS, COLUMNS = np.arange(N), np.array([5, 0, 3, 3, 2, 1])


def by_elements(x):
    A = sp.lil_matrix((N, N))
    for i in range(N):
        A[i, i] += x[i]
        A[i, (i + 1) % N] -= 0.1 * x[i] ** 2
        A[i, i] += 1.0
    return A.tocsr()


def by_blocks(x):
    A = sp.lil_array((N, N))
    for e in range(N - 1):
        own = [e, e + 1]
        A[np.ix_(own, own)] += x[e] * np.array([[1.0, -1.0], [-1.0, 1.0]])
    A[0, :] = 0
    A[0, 0] = 1
    A[:, [5]] = 0.0
    A[5, 5] = x[0]
    return A.tocsc()


def by_rows(x):
    A = sp.lil_array((N, N))
    A[0] = x
    A[1, :3] = x[:3]
    A.setdiag(2 * x)
    A[2:4, 4:] = np.outer(x[:2], x[1:3])
    A[4, [0, 3]] = [x[0], 1.0]
    A[5] = sp.csr_array((x[:2], ([0, 0], [1, 3])), shape=(1, N))
    return A.tocsr()


def swapped(x):
    A = sp.lil_array((N, N))
    A[0, 1], A[1, 0] = x[0], x[1]
    A[0, 1], A[1, 0] = A[1, 0], A[0, 1]
    return A.tocoo()


def with_boundary(x):
    A = sp.csr_array((x, (ROWS, COLUMNS)))
    A[1, :] = 0
    A[1, 1] = x[2]
    A.setdiag(x * 2)
    A[[3, 4], 0] = x[:2]
    return A


def by_keys(x):
    A = sp.dok_array((N, N))
    A[1, 2] = x[0]
    A[1, 2] += x[1]
    A[3, 3] = 2.0
    return A.tocsr()


def converted(x):
    A = sp.diags_array([x, x[1:]], offsets=[0, 1]).tolil()
    A[2, 2] = 0
    A[3, 0] = x[5]
    B = A.copy()
    B[0, 0] = 7.0
    return (A.tocsr() - 2 * B.tocsr()).tocsc()


def in_place(x):
    A = sp.lil_array(np.eye(N))
    same = A
    A += sp.diags_array(x)
    A *= 2.0
    A[0, 1] = x[0]
    A -= sp.eye_array(N)
    B = sp.csr_array((x, (ROWS, COLUMNS)))
    turned = B.T
    B *= x[0]
    B /= 3.0
    return same.tocsr() + B + turned


def constants_until_late(x):
    A = sp.lil_matrix((N, N))
    A.setdiag(2.0)
    A[0, 1] = 3.0
    fixed = A.tocsr()
    assert A.nnz == fixed.nnz == N + 1
    A[0, 1] = x[0] * A[0, 0]
    return A.tocsr() + fixed


WRITTEN = (
    by_elements,
    by_blocks,
    by_rows,
    swapped,
    with_boundary,
    by_keys,
    converted,
    in_place,
    constants_until_late,
)


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)
        yield


@pytest.mark.parametrize("make", WRITTEN)
def test_as_scipy(make):
    compiled = ds.jit(make)
    for x in (X, X[::-1].copy()):
        expected, found = make(x), compiled(x)
        assert type(found) is type(expected)
        np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-15, atol=1e-16)
    if make not in (converted, in_place):  # sums: SciPy leaves out what cancels
        np.testing.assert_allclose(found.data, expected.data, rtol=1e-15, atol=1e-16)


@pytest.mark.parametrize("make", WRITTEN)
def test_derivatives(make):
    def f(x):
        return np.sum(np.sin(make(x) @ V))

    h = 1e-5
    near, far = (f(X + k * h * V) - f(X - k * h * V) for k in (1, 2))
    slope = ds.jvp(f, (X,), (V,))[1]
    np.testing.assert_allclose(slope, (8 * near - far) / (12 * h), rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(ds.jit(ds.grad(f))(X) @ V, slope, rtol=1e-12, atol=1e-13)


def test_solves():
    def f(x):
        return sla.spsolve(by_blocks(x), V)

    np.testing.assert_allclose(ds.jit(f)(X), f(X), rtol=1e-12)
    assert ds.check_all(f, X).passed


def test_dtypes():
    def single(x):
        A = sp.lil_array((2, 2), dtype=np.float32)
        A[0, 1] = x
        return A.tocsr()

    assert ds.jit(single)(2.5).dtype == np.float32

    def whole(x):
        A = sp.lil_array((2, 2), dtype=int)
        A[0, 1] = x
        return A.tocsr()

    with pytest.raises(TypeError, match=r"test_writing.*dtype=float64"):
        ds.jit(whole)(2.5)


def test_formats_are_what_they_are():
    def f(x):
        A = sp.lil_matrix((2, 2))
        assert isinstance(A, sp.lil_matrix)
        assert not isinstance(A, sp.csr_matrix)
        A[0, 0] = x
        assert A.format == "lil"
        assert A.shape == (2, 2)
        assert sp.issparse(A)
        return A

    assert isinstance(ds.jit(f)(1.0), sp.lil_matrix)


def test_constants_are_left_to_scipy():
    def f(x):
        A = sp.lil_array((N, N))
        A.setdiag(np.arange(1.0, N + 1))
        return x * sla.eigsh(A.tocsr(), k=1, v0=np.ones(N))[0][0]

    np.testing.assert_allclose(ds.jit(f)(2.0), 2.0 * N, rtol=1e-12)


def test_written_at_places_that_may_change():
    def f(x, k):
        A = sp.lil_array((N, N))
        A[k, 0] = x
        return A.tocsr()

    with pytest.raises(ds.UnsupportedError, match="pattern would change"):
        ds.jit(f)(1.0, np.array([1, 2]))
