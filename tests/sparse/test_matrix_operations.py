"""Sparse matrices with traced entries: operations are SciPy's, with their structure; the rest is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse import linalg as sla

import diffsci as ds

N = 5
RNG = np.random.default_rng(3)
PLACES = np.array([0, 0, 1, 3, 4, 2, 2, 0, 4]), np.array([1, 0, 1, 0, 4, 3, 2, 4, 0])  # in no order
X = RNG.uniform(0.2, 0.9, PLACES[0].size)
V = RNG.normal(size=N)
OTHER = sp.random_array((N, N), density=0.4, rng=RNG, format="csc")
SOLID = RNG.uniform(1, 2, (N, N))
KINDS = ("csr_array", "csc_array", "coo_array", "csr_matrix", "csc_matrix")


def matrix(kind, x):
    """The same entries in a format."""
    return getattr(sp, kind)((x, PLACES), shape=(N, N))


SAME = {  # with the structure that SciPy gives
    "itself": lambda A: A,
    "transposed": lambda A: A.T,
    "negative": lambda A: -A,
    "times a number": lambda A: 2.0 * A / 3.0,
    "scaled rows": lambda A: A.multiply(V[:, None]).tocsr(),
    "scaled columns": lambda A: A.multiply(V[None, :]).tocsr(),
    "tocsr": lambda A: A.tocsr(),
    "tocsc": lambda A: A.tocsc(),
    "tocoo": lambda A: A.tocoo(),
    "to and fro": lambda A: A.T.tocsc().tocoo().T.tocsr(),
    "absolute": abs,
    "numpy.abs": np.abs,
    "numpy.sin": np.sin,
    "expm1": lambda A: A.expm1(),
    "power": lambda A: A.power(2),
    "conjugate": lambda A: A.conj(),
    "float32": lambda A: A.astype(np.float32),
    "rows": lambda A: A.tocsr()[1:4],
    "rows and columns": lambda A: A.tocsr()[1:, :3],
    "chosen rows": lambda A: A.tocsc()[[3, 0]],
    "mask": lambda A: A.tocsr()[V > 0],
    "reversed": lambda A: A.tocsr()[::-1, ::-1],
    "product of indices": lambda A: A.tocsr()[np.ix_([0, 2, 3], [1, 0])],
    "tril": lambda A: sp.tril(A, format="csr"),
    "triu": lambda A: sp.triu(A, k=1, format="csc"),
    "vstack": lambda A: sp.vstack([A, OTHER, A.T], format="csr"),
    "hstack": lambda A: sp.hstack([A, A], format="csr"),
    "block_array": lambda A: sp.block_array([[A, None], [OTHER, A.T]], format="csr"),
    "bmat": lambda A: sp.bmat([[A, SOLID]], format="csr"),
    "block_diag": lambda A: sp.block_diag([A, SOLID], format="csr"),
    "kron": lambda A: sp.kron(A, OTHER, format="csr"),
    "reshaped": lambda A: A.reshape((1, N * N)).tocsr(),
}
NUMBERS = {  # dense results, and sums, whose entries SciPy leaves out where they cancel
    "toarray": lambda A: A.toarray(),
    "sum": lambda A: A.tocsr() + OTHER,
    "reflected sum": lambda A: OTHER - A,
    "with itself": lambda A: A + A.T,
    "dense sum": lambda A: A + SOLID,
    "dense difference": lambda A: SOLID - A,
    "product": lambda A: A @ OTHER,
    "reflected product": lambda A: OTHER @ A,
    "squared": lambda A: A @ A.T,
    "entries times entries": lambda A: A.multiply(A.T),
    "vector": lambda A: A @ V,
    "from the left": lambda A: V @ A,
    "columns": lambda A: A @ SOLID,
    "dot": lambda A: A.dot(V),
    "sandwich": lambda A: sp.diags_array(V) @ A @ sp.diags_array(V),
    "trace": lambda A: A.trace(),
    "diagonal": lambda A: A.diagonal(),
    "upper diagonal": lambda A: A.diagonal(1),
    "total": lambda A: A.sum(),
    "sum of columns": lambda A: A.sum(axis=0),
    "sum of rows": lambda A: A.sum(axis=-1),
    "numpy.sum": lambda A: np.sum(A),
    "mean": lambda A: A.mean(axis=1),
    "element": lambda A: A.tocsr()[0, 1],
    "empty element": lambda A: A.tocsr()[1, 4],
    "elements": lambda A: np.ravel(A.tocsr()[[0, 2, 1], [1, 2, 4]]),
    "row": lambda A: A.tocsr()[2].toarray(),
    "row of rows": lambda A: [row.sum() for row in A.tocsr()],
    "row times vector": lambda A: A.tocsr()[0] @ V,
    "column": lambda A: A.tocsc()[:, 0].toarray(),
    "entries": lambda A: A.data,
    "Frobenius norm": lambda A: sla.norm(A),
    "norm by columns": lambda A: sla.norm(A, 1),
    "norm by rows": lambda A: sla.norm(A, np.inf),
    "solve": lambda A: sla.spsolve((A + 3 * sp.eye_array(N)).tocsc(), V),
    "factors": lambda A: sla.splu((A + 3 * sp.eye_array(N)).tocsc()).solve(V, "T"),
    "linear_solve": lambda A: ds.linear_solve((A + 3 * sp.eye_array(N)).tocsc(), V),
    "kind": lambda A: (
        1.0 * (A.format == "csr") + 2 * isinstance(A, sp.csr_matrix) + 4 * sp.issparse(A) + A.nnz
    ),
    "places": lambda A: A.tocoo().coords[0] + 10.0 * A.tocsr().indices + A.tocsr().indptr[-1],
}


def plain(value):
    return value.toarray() if sp.issparse(value) else value


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)
        yield


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SAME)
def test_structure_and_entries_are_those_of_scipy(name, kind):
    def f(x):
        return SAME[name](matrix(kind, x))

    for x in (X, X[::-1].copy()):
        expected, found = f(x), ds.jit(f)(x)
        assert type(found) is type(expected)
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-15, atol=1e-16)
        np.testing.assert_allclose(found.data, expected.data, rtol=1e-15, atol=1e-16)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NUMBERS)
def test_values(name, kind):
    def f(x):
        return NUMBERS[name](matrix(kind, x))

    expected, found = f(X), ds.jit(f)(X)
    np.testing.assert_allclose(plain(found), plain(expected), rtol=1e-13, atol=1e-15)
    assert np.shape(plain(found)) == np.shape(plain(expected))


@pytest.mark.parametrize("name", [x for x in {**SAME, **NUMBERS} if x not in ("float32", "kind", "places")])
def test_derivatives(name):
    operation = {**SAME, **NUMBERS}[name]

    def f(x):
        found = operation(matrix("csr_array", x))
        found = found.data if sp.issparse(found) else found
        return np.sum(np.cos(np.asarray(found, dtype=float)))

    moved = np.linspace(-1, 1, X.size)
    slope = ds.jvp(f, (X,), (moved,))[1]
    h = 1e-5
    near, far = (f(X + k * h * moved) - f(X - k * h * moved) for k in (1, 2))
    central = (8 * near - far) / (12 * h)
    np.testing.assert_allclose(slope, central, rtol=1e-8, atol=1e-9)
    gradient = ds.jit(ds.grad(f))
    for x in (X, X[::-1].copy()):
        np.testing.assert_allclose(gradient(x) @ moved, ds.jvp(f, (x,), (moved,))[1], rtol=1e-12, atol=1e-13)


REFUSED = {
    "numpy.linalg.solve": (lambda A: np.linalg.solve(A, V), "spsolve"),
    "numpy.linalg.norm": (lambda A: np.linalg.norm(A), r"scipy\.sparse\.linalg\.norm"),
    "numpy.dot": (lambda A: np.dot(A, V), "A @ x"),
    "numpy.einsum": (lambda A: np.einsum(A, [0, 1], V, [1]), "A @ x"),
    "numpy.concatenate": (lambda A: np.concatenate([A, A]), "toarray"),
    "numpy.asarray": (lambda A: np.asarray(A), "toarray"),
    "numpy.exp": (lambda A: np.exp(A), "toarray"),
    "a number added": (lambda A: A + 1.0, "toarray"),
    "comparison": (lambda A: A > 0, r"A\.data"),
    "equality": (lambda A: A == 0, r"A\.data"),
    "maximum": (lambda A: A.max(), r"numpy\.max"),
    "eliminate_zeros": (lambda A: A.eliminate_zeros(), "leave the call out"),
    "a method of a constant": (lambda A: OTHER.multiply(A.data[:5]), r"multiply.*A \* x"),
    "one divided": (lambda A: 1.0 / A, "spsolve"),
    "cg": (lambda A: sla.cg(A, V)[0], r"linear_solve\(lambda v"),
    "inverse": (lambda A: sla.inv(A), "spsolve"),
    "eigenvalues": (lambda A: sla.eigs(A)[0], "toarray"),
    "factors": (lambda A: sla.splu(A.tocsc()).L, r"solve\(\)"),
    "sparse right-hand side": (lambda A: sla.spsolve(A, OTHER), r"b\.toarray\(\)"),
    "length": (lambda A: len(A), r"A\.nnz"),
    "truth": (lambda A: bool(A), r"its \.data"),
    "lil": (lambda A: sp.lil_array((A.data, (PLACES)), shape=(N, N)), "csr_array"),
    "dense array": (lambda A: sp.csr_array(np.outer(A.data, A.data)), "entries and their places"),
    "data of diagonals": (lambda A: sp.diags(A.data).data, "tocsr"),
    "rectangular": (lambda A: sla.spsolve(A[:3], V), "square"),
    "index": (lambda A: A[(A.data * 9).astype(int)], "pattern would change"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_advice_and_line(name):
    operation, advice = REFUSED[name]
    with pytest.raises((ds.UnsupportedError, AttributeError, ValueError, TypeError), match=advice) as caught:
        ds.jit(lambda x: operation(matrix("csr_array", x)))(X)
    assert "test_matrix_operations.py" in str(caught.value)


def test_rectangular_constants():
    with pytest.raises(ValueError, match=r"shape \(3, 5\), not square"):
        ds.linear_solve(OTHER[:3], V)
    with pytest.raises(ValueError, match=r"test_matrix_operations\.py.*shape \(3, 5\), not square"):
        ds.jit(lambda v: ds.linear_solve(OTHER[:3], v))(V)


def test_entries_written_in_place():
    def f(x):
        A = matrix("csr_array", x)
        A.data *= 2.0
        A.data[1:3] = 0.0
        return A @ V

    np.testing.assert_allclose(ds.jit(f)(X), f(X), rtol=1e-15)


def test_constant_vectors():
    row = sp.csr_array(SOLID)[0]
    np.testing.assert_allclose(ds.jit(lambda v: row @ v)(V), row @ V, rtol=1e-15)
