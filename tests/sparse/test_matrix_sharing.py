"""Traced sparse matrices share memory where SciPy's do, and entries at one place add up everywhere."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp

import diffsci as ds

X = np.arange(1.0, 7.0)
V = np.array([1.0, -2.0, 3.0])
ROWS, COLUMNS = [0, 0, 1, 2, 2, 2], [0, 0, 1, 2, 0, 2]  # two places twice
KNOWN = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0], [4.0, 5.0, 0.0]])


def repeated(x):
    return sp.coo_array((x, (ROWS, COLUMNS)), shape=(3, 3))


def transpose_of_written(x):
    A = repeated(x).tocsr()
    B, entries = A.T, A.data
    A[0, 0] = 100 * x[1]
    A[0, :2] = -x[1]
    return A, B, entries


def diagonal_of_shared(x):
    A = sp.csr_array((x, [0, 2, 0, 1, 2, 0], [0, 1, 3, 6]), shape=(3, 3))
    B = A.T
    A.setdiag(x[:3])
    A[1] = sp.csr_array((x[:1], ([0], [2])), shape=(1, 3))
    return A, B


def transposed_diagonals(x):
    A = sp.diags_array([x[:3], x[:2]], offsets=[0, 1])
    B = A.T
    A *= 2
    return A, B


def coordinates_share(x):
    A = sp.csr_array((1.0 * x, [0, 2, 0, 1, 1, 0], [0, 1, 3, 6]), shape=(3, 3))  # a place twice
    B, C = A.tocoo(), A.tocsc().tocoo()
    D, E = B.reshape((1, 9)), A.tocsc()
    B.data *= 3.0
    C.data *= x[0]
    return A, B, C, D, E


def zero_added(x):
    A = repeated(x).tocsr()
    B, C, D = A + 0, A - 0, sum([A, A])
    for other in (B, C, D):
        other *= x[0] + 1
    return A, B, C, D, 0 - A


def made_of_another(x):
    A = repeated(x).tocsr()
    B, C, D = sp.csr_array(A), sp.csr_array(A), sp.csr_matrix(A)
    B[0, 1] = 7 * x[0]
    C.data = 2 * C.data
    D *= x[1]
    return A, B, C, D


def lil_of_another(x):
    A = repeated(x).tocsr()
    B = A.tolil()
    A.data *= 2
    B[0, 1] = 3.0
    return A, B


def lil_keeps_values(x):
    A, diagonal = sp.lil_array((3, 3)), 1.0 * x[:3]
    A.setdiag(diagonal)
    A[0, 1:] = diagonal[1:]
    diagonal[:] = 50.0
    return A


def dictionary_added(x):
    A = sp.dok_array((3, 3))
    A[0, 0] = x[0]
    B = A
    B += sp.eye_array(3)
    C = B
    C *= 2
    return A.tocsr(), B.tocsr(), C.tocsr()


def stacked(x):
    A = repeated(x)
    return (
        sp.vstack([A, sp.eye_array(3)], format="csr"),
        sp.hstack([A, A], format="csc"),
        sp.bmat([[A, None], [None, A]], format="csr"),
        sp.block_diag([A, x[0], [x[1], x[2]], 2.0], format="csr"),
        sp.kron(A, np.eye(2), format="csr"),
        sp.kron(np.diag([1.0, 2.0]), A, format="csr"),
    )


def lists(x):
    A = repeated(x).tocsr()
    A.setdiag([x[0], 2.0, x[1]])
    return A.multiply([1.0, x[0], 2.0]), A * [1.0, 3.0, 2.0], A @ [x[1], 0.0, 1.0]


def of_rows(x):
    A = repeated(x).tocsr()
    return (
        A[2] @ A[0],
        A[2][0],
        A[2][1:].toarray(),
        abs(-A[2]).toarray(),
        (A[2] * A[0]).toarray(),
        A[2] / x[0],
    )


def sums(x):
    A = repeated(x)
    return A.sum(axis=(0, 1)), A.sum(axis=(0,)), A.mean(axis=-1)


def single(x):
    A = repeated(x.astype(np.float32)).tocsr()
    B = A.copy()
    B /= 2.0
    return A / 2.0, A * 2.0, B, A / V


PROGRAMS = (
    transpose_of_written,
    diagonal_of_shared,
    transposed_diagonals,
    coordinates_share,
    zero_added,
    made_of_another,
    lil_of_another,
    lil_keeps_values,
    dictionary_added,
    stacked,
    lists,
    of_rows,
    sums,
    single,
)


@pytest.mark.parametrize("f", PROGRAMS)
def test_as_scipy(f):
    compiled = ds.jit(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)
        for x in (X, X[::-1].copy()):
            expected, found = f(x.copy()), compiled(x)  # SciPy writes into the array given
            if not isinstance(expected, tuple):
                expected, found = (expected,), (found,)
            for a, b in zip(expected, found, strict=True):
                assert type(b) is type(a) or not sp.issparse(a)
                assert b.dtype == a.dtype
                assert getattr(b, "nnz", None) == getattr(a, "nnz", None)
                a, b = (y.toarray() if sp.issparse(y) else y for y in (a, b))
                np.testing.assert_allclose(b, a, rtol=1e-15 if a.dtype == float else 1e-7)


def test_index_arrays_cannot_be_written():
    """Matrices share them, also with those of other calls."""
    for name in ("indices", "indptr"):
        with pytest.raises(ValueError, match="read-only"):
            ds.jit(lambda x, name=name: getattr(repeated(x).tocsr(), name).sort())(X)


REFUSED = {
    "kron of an array": (lambda x: sp.kron(np.outer(x, x), repeated(x)), "zeros of arrays are not known"),
    "a vector": (lambda x: repeated(x) @ repeated(x).tocsr()[0], "toarray"),
    "largest of a vector": (lambda x: repeated(x).tocsr()[0].max(), r"entries \.data"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_advice_and_line(name):
    f, advice = REFUSED[name]
    with pytest.raises((ds.UnsupportedError, AttributeError), match=advice) as caught:
        ds.jit(f)(X)
    assert "test_matrix_sharing.py" in str(caught.value)


def at_a_place(A, s):
    A[0, 1] += s


def as_a_whole(A, s):
    A.data = s * A.data


@pytest.mark.parametrize(
    ("kind", "write"), [("lil_array", at_a_place), ("csr_array", at_a_place), ("csr_array", as_a_whole)]
)
def test_bodies_of_loops_write_into_copies(write, kind):
    """As with arrays: what a body leaves behind is not what the next round finds."""

    def f(x, copied):
        A = getattr(sp, kind)(repeated(x).tocsr())

        def body(_, s):
            own = A.copy() if copied else A
            write(own, s)
            return s + (own.tocsr() @ V)[0]

        return ds.fori_loop(0, 3, body, x[1])

    s = X[1]
    for _ in range(3):
        A = getattr(sp, kind)(repeated(X).tocsr())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)
            write(A, s)
        s = s + (A.tocsr() @ V)[0]
    np.testing.assert_allclose(ds.jit(f)(X, True), s, rtol=1e-15)
    with pytest.raises(ds.UnsupportedError, match=r"test_matrix_sharing\.py.*A\.copy\(\)"):
        ds.jit(f)(X, False)
