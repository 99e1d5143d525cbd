"""Sparse solves of compiled programs: in narrow bands, by fronts, and by SciPy if exchanges are too few."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import splu, spsolve

import diffsci as ds
from diffsci.backends import factoring
from diffsci.backends.factoring import factoring_of, narrow_band
from diffsci.elimination import fronts_of
from diffsci.graph import lookup
from diffsci.primitives.linalg.multifrontal import GROWTH


def _diagonal_heavy(n, density, seed):
    rng = np.random.default_rng(seed)
    a = sp.random_array((n, n), density=density, rng=rng, data_sampler=lambda size: rng.standard_normal(size))
    return sp.csc_array(a + sp.eye_array(n) * (1.0 + abs(a).sum(axis=0).max()))


def _grid(n):
    """Two species on a periodic grid."""
    line = sp.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(n, n)).tolil()
    line[0, n - 1] = line[n - 1, 0] = 1.0
    plane = sp.kron(line, sp.eye_array(n)) + sp.kron(sp.eye_array(n), line)
    identity = sp.eye_array(n * n)
    return sp.csc_array(sp.block_array([[plane - 3 * identity, identity], [2 * identity, plane - identity]]))


def _backward_error(a, x, b):
    return np.max(np.abs(a @ x - b) / (abs(a) @ np.abs(x) + np.abs(b)), initial=0.0)


@st.composite
def _systems(draw):
    n = draw(st.integers(1, 60))
    return _diagonal_heavy(n, draw(st.floats(0.0, 0.3)), draw(st.integers(0, 2**31)))


@settings(max_examples=25, deadline=None)
@given(_systems(), st.booleans(), st.integers(1, 3))
def test_solutions_have_the_backward_error_of_rounding(a, transposed, columns):
    n = a.shape[0]
    b = np.random.default_rng(1).standard_normal((n, columns))
    x = ds.jit(lambda d, b: splu(a + sp.diags_array(d)).solve(b, "T" if transposed else "N"))(np.zeros(n), b)
    assert _backward_error(a.T if transposed else a, x, b) < 1e-14


@settings(max_examples=50, deadline=None)
@given(_systems())
def test_plan_holds_every_entry_and_every_column_once(a):
    fronts = fronts_of(a.indices, a.indptr)
    heads = fronts.heads()
    n = a.shape[0]
    assert heads[:-1, 0].sum() == n
    assert np.array_equal(np.sort(fronts.part("order")[:n]), np.arange(n))
    assert np.array_equal(np.sort(fronts.part("sources")[: a.nnz]), np.arange(a.nnz))
    assert heads[-1, 5] == a.nnz


def test_a_grid_fills_far_less_than_a_dense_matrix():
    a = _grid(17)
    fronts = fronts_of(a.indices, a.indptr)
    assert fronts.factors < 0.12 * a.shape[0] ** 2
    assert fronts.flops < 0.02 * 2 / 3 * a.shape[0] ** 3


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_native_where_the_diagonal_serves_as_pivots(dtype):
    a = _grid(8).astype(dtype)
    n = a.shape[0]
    b = np.ones(n, dtype)
    f = ds.jit(lambda d, b: spsolve(a + sp.diags_array(d), b))
    x = f(np.zeros(n, dtype), b)
    assert x.dtype == dtype
    assert _backward_error(a, x, b) < 20 * np.finfo(dtype).eps
    text = str(f.plan(np.zeros(n, dtype), b))
    assert "sparse factors: order 128" in text
    assert "sparse solve: order 128" in text


def test_factors_are_shared_by_solves():
    a = _grid(8)

    def four(d, b):
        lu = splu(a + sp.diags_array(d))
        return lu.solve(lu.solve(lu.solve(b)), "T")

    d, b = np.full(128, 0.5), np.ones(128)
    f = ds.jit(four)
    expected = four(d, b)
    assert np.allclose(f(d, b), expected, rtol=1e-13)
    assert str(f.plan(d, b)).count("sparse factors: order") == 1


def _saddle_point():
    """Zeros on the diagonal: their pivots come from other fronts, or nowhere."""
    rng = np.random.default_rng(3)
    b = sp.csc_array(rng.standard_normal((20, 80)) * (rng.random((20, 80)) < 0.05))
    b += sp.eye_array(20, 80)
    h = sp.diags_array(np.linspace(1.0, 2.0, 80))
    return sp.csc_array(sp.block_array([[h, b.T], [b, sp.csc_array((20, 20))]]))


def _cycle(n):
    """A permutation: every front has zero pivots."""
    return sp.csc_array((np.arange(1.0, n + 1), (np.arange(n), np.roll(np.arange(n), 1))), shape=(n, n))


def _tiny_pivot():
    """The last pivot of every front is tiny: without exchanges between fronts L grows by 1e12 and more."""
    return sp.csc_array(_cycle(300) + 1e-12 * sp.eye_array(300))


def _shuffled():
    """A grid with its rows exchanged: most of the diagonal is zero, and no order makes a narrow band."""
    return sp.csc_array(_grid(6).tocsr()[np.random.default_rng(5).permutation(72)])


# The kind of factors that each is planned for; those by fronts turn out to be of no use.
_HARD = {
    "saddle": (_saddle_point(), "sparse"),
    "shuffled": (_shuffled(), "sparse"),
    "cycle": (_cycle(300), "banded"),
    "tiny": (_tiny_pivot(), "banded"),
}


@pytest.mark.parametrize(("a", "kind"), _HARD.values(), ids=_HARD)
def test_matrices_that_need_more_exchanges_are_solved_as_well(a, kind):
    n = a.shape[0]
    assert factoring_of(a.indices, a.indptr).kind == kind
    b = np.cos(np.arange(n))
    zeros = np.zeros(n)
    plain = lambda d, b: spsolve(a + sp.diags_array(d), b)  # noqa: E731
    assert _backward_error(a, ds.jit(plain)(zeros, b), b) < 1e-13
    gradient = ds.jit(ds.grad(lambda d: np.sum(plain(d, b) ** 2)))(zeros)
    inverse = np.linalg.inv(a.toarray())
    x = inverse @ b
    assert np.allclose(gradient, -(inverse.T @ (2 * x)) * x, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([np.float64, np.float32]), st.booleans())
def test_matrices_of_any_kind_are_solved_or_singular(seed, dtype, transposed):
    """Unsymmetric patterns, diagonals with gaps, numbers of all sizes: the error is one of rounding."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 50))
    a = sp.random_array((n, n), density=float(rng.uniform(0.02, 0.2)), rng=rng).tocsc()
    a = sp.csc_array(a + sp.diags_array(rng.standard_normal(n) * (rng.random(n) < 0.8)))
    a.data *= 10.0 ** rng.integers(-2, 3, a.nnz)
    a, b = sp.csc_array(a.astype(dtype)), rng.standard_normal((n, 2)).astype(dtype)
    x = ds.jit(lambda d: splu(a + sp.diags_array(d)).solve(b, "T" if transposed else "N"))(np.zeros(n, dtype))
    dense = (a.T if transposed else a).toarray().astype(np.float64)
    eps = np.finfo(dtype).eps
    if np.linalg.cond(dense) * n * eps < 1.0:
        size = np.linalg.norm(dense, np.inf) * np.abs(x).max() + np.abs(b).max()
        assert np.abs(dense @ x - b).max() < 100 * eps * size
    if np.any(np.all(dense == 0, axis=0)):
        assert np.all(np.isnan(x))


@pytest.mark.parametrize("transposed", [False, True])
def test_factors_that_would_be_too_large_are_left_to_superlu(monkeypatch, transposed):
    a = _grid(8)
    monkeypatch.setattr(factoring, "_MOST", 1000)
    assert factoring.factoring_of(a.indices, a.indptr).form.startswith("SuperLU")
    n = a.shape[0]
    b, zeros = np.cos(np.arange(n)), np.zeros(n)
    f = ds.jit(lambda d: splu(a + sp.diags_array(d)).solve(b, "T" if transposed else "N"))
    assert _backward_error(a.T if transposed else a, f(zeros), b) < 1e-14
    assert "sparse factors" not in str(f.plan(zeros))


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_singular_and_non_finite_matrices_give_nan(value):
    a = sp.csc_array(sp.diags_array(np.array([1.0, 2.0, 3.0])))
    d = np.array([0.0, -2.0 if value == 0.0 else value, 0.0])
    with np.errstate(all="ignore"):
        assert np.all(np.isnan(ds.jit(lambda d: spsolve(a + sp.diags_array(d), np.ones(3)))(d)))


@pytest.mark.parametrize(
    ("a", "good"),
    [(_grid(5), True), (_tiny_pivot(), False), (_cycle(300), False), (_shuffled(), False)],
    ids=["grid", "tiny", "cycle", "shuffled"],
)
def test_factors_tell_whether_they_are_of_use(a, good):
    fronts = fronts_of(a.indices, a.indptr)
    factors, _, found = lookup("sparse_factor").value(a.data, fronts.table, **fronts.sizes)
    assert found == good
    if good:
        assert np.abs(factors).max() < GROWTH


def test_derivatives_agree_with_dense_solves():
    a = _grid(3)
    n = a.shape[0]
    rng = np.random.default_rng(0)
    d, b, v = rng.standard_normal((3, n))
    sparse = lambda d, b: np.sum(np.sin(spsolve(a + sp.diags_array(d), b)))  # noqa: E731
    dense = lambda d, b: np.sum(np.sin(np.linalg.solve(a.toarray() + np.diag(d), b)))  # noqa: E731
    for ours, theirs in zip(ds.jit(ds.grad(sparse, (0, 1)))(d, b), ds.grad(dense, (0, 1))(d, b), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-11, atol=1e-13)
    found = ds.jit(lambda d: ds.hvp(lambda d: sparse(d, b), (d,), (v,)))(d)
    assert np.allclose(found, ds.hvp(lambda d: dense(d, b), (d,), (v,)), rtol=1e-10, atol=1e-12)


def _line(n, offsets):
    return sp.csc_array(
        sp.diags_array([np.full(n - abs(k), 1.0 + 9 * (k == 0)) for k in offsets], offsets=offsets)
    )


def _circle(n):
    ones = sp.diags_array([1.0, 8.0, 1.0], offsets=[-1, 0, 1], shape=(n, n)).tolil()
    ones[0, n - 1] = ones[n - 1, 0] = 1.0
    return sp.csc_array(ones)


def _side_by_side(n):
    """Two quantities along a line, all values of one before those of the other."""
    line = _line(n, (-1, 0, 1))
    return sp.csc_array(sp.block_array([[line, -sp.eye_array(n)], [sp.eye_array(n), line]]))


_BANDS = {  # the matrix, its diagonals below and above, and whether rows are reordered
    "line": (_line(50, (-1, 0, 1)), 1, 1, False),
    "upwind": (_line(50, (-1, 0)), 1, 0, False),
    "third order": (_line(50, (-2, -1, 0, 1)), 2, 1, False),
    "circle": (_circle(50), 2, 2, True),
    "two quantities": (_side_by_side(40), 2, 2, True),
    "diagonal": (sp.csc_array(sp.eye_array(5)), 0, 0, False),
    "empty": (sp.csc_array((0, 0)), 0, 0, False),
}


@pytest.mark.parametrize(("a", "lower", "upper", "moved"), _BANDS.values(), ids=_BANDS)
def test_narrow_bands_are_found_and_solved_as_such(a, lower, upper, moved):
    band = narrow_band(a.indices, a.indptr)
    assert (band.lower, band.upper, band.order is not None) == (lower, upper, moved)
    n = a.shape[0]
    if n == 0:
        return
    d, b = np.linspace(0, 1, n), np.cos(np.arange(2 * n)).reshape(n, 2)
    for form in "NT":
        f = ds.jit(lambda d, b, form=form: splu(a + sp.diags_array(d)).solve(b, form))
        full = a.toarray() + np.diag(d)
        for _ in range(2):
            assert np.allclose(f(d, b), np.linalg.solve(full.T if form == "T" else full, b), rtol=1e-13)
        assert "banded factors" in str(f.plan(d, b))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("diagonal", "place"), [(0, 0), (0, 48), (1, 0), (1, 30), (1, 49), (2, 0), (2, 48)])
def test_an_entry_that_is_no_number_spoils_the_whole_solution(value, diagonal, place):
    """As in SuperLU, which refuses it."""
    diagonals = [np.ones(49), np.full(50, 4.0), np.ones(49)]
    solve = ds.jit(lambda *d: spsolve(sp.diags_array(d, offsets=[-1, 0, 1]), np.ones(50)))
    assert np.isfinite(solve(*diagonals)).all()
    diagonals[diagonal][place] = value
    assert np.isnan(solve(*diagonals)).all()
