"""Arguments, patterns and options that are odd, empty or wrong: the right answer or a clear error."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

import diffsci as ds

jacobian = ds.sparse_jacobian(lambda x: x**2 - np.roll(x, 1))


@pytest.mark.parametrize(
    ("f", "x", "shape"),
    [
        (lambda x: x**2, np.zeros(0), (0, 0)),
        (lambda x: x[:0] ** 2, np.ones(4), (0, 4)),
        (lambda x: np.concatenate([x, np.ones(3)]), np.zeros(0), (3, 0)),
        (lambda x: np.ones(3), np.ones(4), (3, 4)),
        (lambda x: np.floor(x), np.ones(4), (4, 4)),
        (lambda x: (x > 0).astype(int), np.ones(4), (4, 4)),
        (lambda x: (), np.ones(4), (0, 4)),
    ],
)
@pytest.mark.parametrize("mode", ["auto", "direct", "forward", "reverse", "bidirectional", "dense"])
def test_nothing_to_compute(f, x, shape, mode):
    for backend in ("numba", "numpy"):
        jacobian = ds.sparse_jacobian(f, mode=mode, backend=backend)
        J = jacobian(x)
        assert J.shape == shape
        assert J.nnz == 0 or mode != "auto"
        assert not J.toarray().any()
        assert jacobian(x, out=J) is J


def test_numbers():
    with pytest.warns(UserWarning, match="dense"):
        J = ds.sparse_jacobian(lambda x: np.array([x, x**2]))(3.0)
    np.testing.assert_array_equal(J.toarray(), [[1.0], [6.0]])
    with pytest.warns(UserWarning, match="dense"):
        assert ds.sparse_jacobian(lambda x: x**2)(np.array(3.0)).toarray() == [[6.0]]
    np.testing.assert_array_equal(
        ds.sparse_jacobian(lambda x: x[2] ** 2)(np.ones(4)).toarray(), [[0, 0, 2, 0]]
    )


def test_dense_problems_are_told_once_in_a_line(recwarn):
    dense = ds.sparse_jacobian(lambda x: x * np.sum(np.sin(np.arange(100.0)[:, None] * x)))
    x = np.arange(1.0, 6.0)
    for _ in range(3):
        dense(x)
        assert dense.plan(x).mode == "dense"
    assert len(recwarn) == 1
    assert "25 of 25" in str(recwarn[0].message)
    assert "\n" not in str(recwarn[0].message)
    assert recwarn[0].filename == __file__


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.arange(4), "int64"),
        (3, "int"),
        ("a", "str"),
        (np.ones(4) * 1j, "complex"),
        (np.ones(4, dtype=bool), "bool"),
        (np.ones(4, dtype=object), "object"),
    ],
)
def test_arguments_without_derivatives(x, message):
    for derivative in (jacobian, ds.sparse_hessian(lambda x: np.sum(x**3))):
        with pytest.raises((TypeError, ds.UnsupportedError), match=message):
            derivative(x)


def test_complex_results():
    with pytest.raises(TypeError, match="result is complex"):
        ds.sparse_jacobian(lambda x: x * 1j)(np.ones(3))


def test_functions_that_return_nothing():
    """A missing `return` is told with the function and its line; None beside results is no result."""

    def forgotten(x):
        x**2

    for derivative in (ds.sparse_jacobian, ds.sparse_hessian, ds.jacobian, ds.grad):
        name = derivative.__name__
        with pytest.raises(
            TypeError, match=rf"^{name}: the function forgotten \(.*test_bad_input.py:\d+\) returns None"
        ):
            derivative(forgotten)(np.ones(3))
    for call in (
        lambda: ds.vjp(forgotten, 1.0),
        lambda: ds.linearize(forgotten, 1.0),
        lambda: ds.jvp(forgotten, (1.0,), (1.0,)),
        lambda: ds.hvp(forgotten, (1.0,), (1.0,)),
        lambda: ds.taylor(forgotten, (1.0,), [(1.0,)], 1),
    ):
        with pytest.raises(TypeError, match="returns None"):
            call()
    assert ds.sparse_jacobian(lambda x: (x**2, None))(np.ones(3)).shape == (3, 3)


def test_single_precision_beside_double():
    """One matrix has one dtype, into which all blocks fit; float32 alone is kept."""
    x = np.arange(1.0, 5.0)
    J = ds.sparse_jacobian(lambda x: ((x**2).astype(np.float32), x**3))(x)
    assert J.dtype == np.float64
    np.testing.assert_allclose(J.data, np.concatenate([2 * x, 3 * x**2]), rtol=1e-7)
    assert ds.sparse_jacobian(lambda x: (x**2).astype(np.float32))(x).dtype == np.float32


def test_options_that_are_wrong():
    with pytest.raises(ValueError, match=r"mode='dens', expected 'auto', .*: did you mean 'dense'"):
        ds.sparse_jacobian(np.sin, mode="dens")
    with pytest.raises(TypeError, match="callable"):
        ds.sparse_jacobian(3)
    with pytest.raises(ValueError, match="backend"):
        ds.sparse_jacobian(np.sin, backend="fortran")
    with pytest.raises(ValueError, match="argnums=2"):
        ds.sparse_jacobian(np.sin, argnums=2)(np.ones(3))
    with pytest.raises(ValueError, match="increasing"):
        ds.sparse_jacobian(lambda x, y: x * y, argnums=(1, 0))(np.ones(3), np.ones(3))


# ---- patterns that are given -------------------------------------------------------------------------

X = np.arange(1.0, 7.0)
RIGHT = sp.csr_array(np.eye(6) + np.roll(np.eye(6), 1, axis=0))


def unsorted(pattern):
    """The same with the columns of each row in reverse order."""
    found = sp.csr_array(pattern, copy=True)
    for start, stop in zip(found.indptr, found.indptr[1:], strict=False):
        found.indices[start:stop] = found.indices[start:stop][::-1]
    found.has_sorted_indices = False
    return found


def repeated(pattern):
    """The same with every entry twice."""
    found = pattern.tocoo()
    rows, columns = (np.concatenate([k, k]) for k in found.coords)
    return sp.coo_array((np.ones(rows.size), (rows, columns)), shape=pattern.shape)


@pytest.mark.parametrize(
    "pattern",
    [
        RIGHT,
        RIGHT.tocsc(),
        RIGHT.tocoo(),
        sp.csr_matrix(RIGHT),
        RIGHT.toarray() != 0,
        (RIGHT.toarray() != 0).tolist(),
        unsorted(RIGHT),
        repeated(RIGHT),
        RIGHT * 0,  # explicit zeros are entries
    ],
    ids=["csr", "csc", "coo", "matrix", "array", "list", "unsorted", "repeated", "zeros"],
)
def test_patterns_in_every_form(pattern):
    J = ds.sparse_jacobian(lambda x: x**2 - np.roll(x, 1), pattern=pattern)(X)
    assert J.nnz == 12
    assert J.has_canonical_format
    np.testing.assert_array_equal(J.toarray(), jacobian(X).toarray())


@pytest.mark.filterwarnings("ignore:.*computed as a dense matrix")
@pytest.mark.parametrize("mode", ["auto", "direct", "forward", "reverse", "bidirectional", "dense"])
def test_patterns_with_more_entries(mode):
    wide = RIGHT + RIGHT.T
    J = ds.sparse_jacobian(lambda x: x**2 - np.roll(x, 1), pattern=wide, mode=mode)(X)
    assert J.nnz == wide.nnz
    np.testing.assert_array_equal(J.toarray(), jacobian(X).toarray())


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (np.eye(5), r"\(5, 5\).*\(6, 6\)"),
        (np.ones(6), "two dimensions"),
        (np.array([["a"]]), "booleans"),
        (sp.csr_array((6, 7)), r"\(6, 7\)"),
    ],
)
def test_patterns_that_are_none(pattern, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ds.sparse_jacobian(lambda x: x**2 - np.roll(x, 1), pattern=pattern)(X)


@pytest.mark.parametrize("pattern", [np.tri(3), np.ones((2, 3)), np.eye(3, 2)])
def test_hessian_patterns_are_symmetric(pattern):
    with pytest.raises(ValueError, match="symmetric"):
        ds.sparse_hessian(lambda x: np.sum(x**3), pattern=pattern)


def test_patterns_that_lack_entries():
    def f(x):
        return x**2 - np.roll(x, 1)

    for mode in ("auto", "direct", "forward", "reverse"):
        with pytest.raises(ValueError, match=r"result\[\d\] by argument 0\[\d\] \(row \d, column \d\)"):
            ds.sparse_jacobian(f, pattern=np.eye(6), mode=mode)(X)
    with pytest.raises(ValueError, match="lacks"):
        ds.sparse_jacobian(lambda p: {"a": f(p[0]), "n": 3}, pattern=np.eye(7, 6))([X])
    with pytest.raises(ValueError, match="lacks"):
        ds.sparse_hessian(lambda x: np.sum(f(x) ** 2), pattern=np.eye(6))(X)


def test_patterns_that_know_more_than_the_program():
    """Entries that cancel are zero, which the structure of the program does not show."""

    def f(x):
        return x**2 + np.sin(np.roll(x, 1)) - np.sin(np.roll(x, 1) + 0.0)

    J = ds.sparse_jacobian(f, pattern=np.eye(6))(X)
    assert J.nnz == 6
    np.testing.assert_allclose(J.data, 2 * X)


@pytest.mark.parametrize("format", ["csr", "csc", "bsr"])
@pytest.mark.parametrize(
    ("where", "place", "value"),
    [("indices", 3, -1), ("indices", 3, 99), ("indptr", 3, 6), ("indptr", -1, 10)],
)
def test_patterns_whose_index_arrays_are_broken(format, where, place, value):
    pattern = sp.eye_array(8).asformat(format)
    broken = getattr(pattern, where).copy()
    broken[place] = value
    setattr(pattern, where, broken)
    with pytest.raises(ValueError, match=r"ind|Last value"):
        ds.sparse_jacobian(lambda x: x**2, pattern=pattern)
    with pytest.raises(ValueError, match=r"ind|Last value"):
        ds.coloring.color(pattern)


@pytest.mark.parametrize("made", [sp.coo_array, sp.coo_matrix])
@pytest.mark.parametrize(("axis", "place"), [(0, -1), (1, -1), (0, 9), (1, 9)])
def test_patterns_with_places_outside(made, axis, place):
    broken = made(np.eye(4))
    broken.coords[axis][0] = place
    with pytest.raises(ValueError, match="index"):
        ds.sparse_jacobian(lambda x: x**2, pattern=broken)
