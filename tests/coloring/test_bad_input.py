"""Patterns and requests as they come: the right answer, or an error that says what to do."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp

import diffsci as ds
from benchmarks import patterns as samples
from diffsci.coloring import Greedy, Lattice, LatticeOrder, Portfolio, Problem, as_pattern, check, color, load

KINDS = ("column", "row", "bidirectional", "star", "acyclic")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_nothing_to_recover(kind, n):
    coloring = color(sp.csr_array((n, n)), kind)
    assert coloring.ncolors == coloring.lower_bound == 0
    assert coloring.decompress().shape == (0,)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 5)])
@pytest.mark.parametrize("kind", KINDS[:3])
def test_no_entries_in_a_rectangle(shape, kind):
    assert color(sp.csr_array(shape), kind).ncolors == 0
    assert color(np.zeros(shape), kind).ncolors == 0


@pytest.mark.parametrize("kind", KINDS)
def test_dense(kind):
    coloring = color(np.ones((6, 6)), kind)
    coloring.check()
    assert coloring.ncolors == 6


def test_zero_rows_and_columns_have_no_color():
    dense = np.zeros((5, 6), bool)
    dense[1, 2] = dense[3, 2] = dense[3, 4] = True
    coloring = color(dense, algorithm=Greedy())
    np.testing.assert_array_equal(coloring.column_colors, [-1, -1, 0, -1, 1, -1])
    assert color(dense, "row").ncolors == 2


@pytest.mark.parametrize("layout", ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"])
def test_every_layout_of_scipy(layout):
    expected = as_pattern(samples.laplace(3, 4))
    found = as_pattern(samples.laplace(3, 4).astype(float).asformat(layout))
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.indptr, expected.indptr)
    matrix = as_pattern(sp.csc_matrix(samples.laplace(3, 4).astype(float)))
    np.testing.assert_array_equal(matrix.indices, expected.indices)


def test_unsorted_duplicated_and_zero_entries():
    stored = SimpleNamespace(indptr=np.array([0, 4, 4, 5]), indices=np.array([2, 0, 2, 0, 1]), shape=(3, 3))
    found = as_pattern(stored)
    np.testing.assert_array_equal(found.indices, [0, 2, 1])
    np.testing.assert_array_equal(found.indptr, [0, 2, 2, 3])
    explicit = sp.csr_array((np.zeros(2), [1, 0], [0, 1, 2]), shape=(2, 2))
    assert as_pattern(explicit).nnz == 2
    before = explicit.indices.copy()
    color(sp.csr_array((np.ones(3), [1, 0, 1], [0, 3, 3]), shape=(2, 2)))
    np.testing.assert_array_equal(explicit.indices, before)


@pytest.mark.parametrize("made", [sp.coo_array, sp.coo_matrix])
@pytest.mark.parametrize(("axis", "place"), [(0, -1), (1, -1), (0, 9), (1, 9)])
def test_places_outside_of_a_matrix(made, axis, place):
    broken = made(np.eye(4))
    broken.coords[axis][0] = place
    with pytest.raises(ValueError, match="index"):
        color(broken)


def test_patterns_do_not_change_with_the_matrix_that_they_are_of():
    matrix = samples.laplace(4, 5).astype(float)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    coloring = color(matrix)
    before = coloring.problem.pattern.indices.copy()
    matrix.data[::3] = 0.0
    matrix.eliminate_zeros()  # moves what is left in the same index arrays
    np.testing.assert_array_equal(coloring.problem.pattern.indices, before)
    coloring.check()


WIDE = 2**32 + 1  # 1 if it is cut to 32 bits


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (np.ones(3), "two dimensions"),
        (np.ones((2, 2, 2)), "two dimensions"),
        ("abc", "array of numbers"),
        (np.array([["a"]]), "array of numbers"),
        (SimpleNamespace(indptr=np.array([0, 1]), indices=np.array([5]), shape=(1, 3)), "from 0 to 2"),
        (SimpleNamespace(indptr=np.array([0, 1]), indices=np.array([-1]), shape=(1, 3)), "from 0 to 2"),
        (SimpleNamespace(indptr=np.array([0, 1]), indices=np.array([WIDE]), shape=(1, 3)), "from 0 to 2"),
        (SimpleNamespace(indptr=np.array([0, WIDE]), indices=np.array([0]), shape=(1, 3)), "never falls"),
        (SimpleNamespace(indptr=np.array([0, 2, 1]), indices=np.array([0, 1]), shape=(2, 3)), "never falls"),
        (SimpleNamespace(indptr=np.array([0, 9]), indices=np.array([0]), shape=(1, 3)), "never falls"),
        (SimpleNamespace(indptr=np.array([0, 1]), indices=np.array([0]), shape=(2, 3)), "an indptr of 3"),
        (SimpleNamespace(indptr=np.array([0.0, 1.0]), indices=np.array([0]), shape=(1, 3)), "are integers"),
        (SimpleNamespace(indptr=np.array([0]), indices=np.array([], int), shape=(0, 2**31)), "less than 2"),
        (sp.coo_array(([1.0], ([0],)), shape=(3,)), "rows and columns"),
    ],
)
def test_what_is_no_pattern(pattern, message):
    with pytest.raises(ValueError, match=message):
        color(pattern)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (lambda: color(np.eye(2), "rows"), "kind='rows', expected 'column', .*: did you mean 'row'"),
        (
            lambda: color(np.eye(2), recovery="substitution"),
            "column coloring: recovery='substitution', expected 'direct'",
        ),
        (lambda: color(np.eye(2), "acyclic", recovery="direct"), "expected 'substitution'"),
        (lambda: color(np.eye(2), forward_cost=0.0), "forward_cost must be positive"),
        (lambda: color(np.eye(2), reverse_cost=np.nan), "reverse_cost must be positive"),
        (lambda: color(np.ones((2, 3)), "star"), "square pattern"),
        (lambda: color(np.tri(3), "star"), r"entry \(1, 0\) has no mirror image \(0, 1\)"),
        (lambda: color(Problem(np.eye(2)), "row"), "leave out kind"),
        (lambda: Greedy("biggest_first"), "order='biggest_first', expected 'natural'"),
        (lambda: color(np.eye(2), "column", "greedy"), "algorithm= is a Greedy"),
        (lambda: Lattice(shape=(3, 0)), "positive"),
        (lambda: Lattice(species=0), "at least one species"),
        (lambda: LatticeOrder(shape=(0,)), "positive"),
        (lambda: LatticeOrder(trials=0), "positive number"),
        (lambda: color(samples.band(9, 1, 1), algorithm=LatticeOrder()), "no linear coloring"),
        (lambda: Portfolio(()), "at least one member"),
        (lambda: Portfolio(time_limit=np.nan), "time_limit"),
        (lambda: color(samples.arrow(300), algorithm=Lattice()), "no lattice"),
        (lambda: check(Problem(np.eye(3)), column_colors=[0, 1]), "column_colors are 3 integers"),
        (lambda: check(Problem(np.eye(3)), column_colors=[0.0, 1, 1]), "column_colors are 3 integers"),
        (lambda: check(Problem(np.eye(3)), column_colors=[0, -2, 0]), "-1 for none"),
        (lambda: check(Problem(np.eye(3)), column_colors=[0, 10**9, 0]), "numbered from 0"),
        (lambda: color(np.eye(3)).compress(np.eye(4)), r"shape \(3, 3\), got \(4, 4\)"),
        (lambda: color(np.eye(3)).decompress(np.ones((2, 3))), r"forward has shape \(1, 3\)"),
        (lambda: color(np.eye(3)).decompress(), "got None"),
    ],
)
def test_requests_that_cannot_be_met(request_, message):
    with pytest.raises((TypeError, ValueError), match=message):
        request_()


def test_files_that_are_no_colorings(tmp_path):
    path = tmp_path / "file.npz"
    path.write_bytes(b"not an archive")
    with pytest.raises(ValueError, match="is not a coloring"):
        load(path)
    np.savez(path, format="something else")
    with pytest.raises(ValueError, match="of this version"):
        load(path)
    color(np.tri(3)).save(path)
    with np.load(path) as file:
        stored = dict(file)
    np.savez(path, **stored | {"column_colors": np.zeros(3, np.int32)})
    with pytest.raises(ValueError, match="have the same color 0"):
        load(path)
    del stored["indptr"]
    np.savez(path, **stored)
    with pytest.raises(ValueError, match="indptr"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.npz")


def test_the_package_is_found_when_it_is_asked_for():
    assert ds.coloring.color is color
