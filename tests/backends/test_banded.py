"""Banded systems of compiled programs: own routines for narrow bands, LAPACK's for wide ones."""

import numpy as np
import pytest
import scipy.linalg as sl
from hypothesis import given, settings
from hypothesis import strategies as st

import diffsci as ds
from diffsci.backends.cpu import compile_graph
from diffsci.backends.plan.banded import Band
from diffsci.graph import Builder, Graph
from diffsci.graph.interpreter import run
from tests.backends.common import F4, F8, close, one_op, type_of


def whole(ab, lower, upper):
    """Return the matrix; its places in `ab` that lie outside become NaN."""
    n = ab.shape[-1]
    a = np.zeros((n, n))
    for r in range(lower + upper + 1):
        for j in range(n):
            i = r - upper + j
            if 0 <= i < n:
                a[i, j] = ab[r, j]
            else:
                ab[r, j] = np.nan
    return a


# n, lower, upper: diagonals, triangles, square and lopsided bands, wider than the matrix, LAPACK's.
SHAPES = [
    (1, 0, 0), (6, 0, 0), (40, 1, 1), (40, 0, 2), (40, 2, 0), (30, 3, 2), (25, 2, 6), (2, 5, 5), (3, 1, 7),
    (60, 8, 8), (50, 1, 30), (60, 9, 20), (3, 30, 40),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [F8, F4])
@pytest.mark.parametrize("shape", SHAPES)
def test_solutions_with_exchanges_have_the_backward_error_of_rounding(shape, dtype):
    n, lower, upper = shape
    rng = np.random.default_rng(n + lower)
    ab = rng.standard_normal((lower + upper + 1, n))
    ab[upper] *= 0.1  # so that pivots lie below; triangles have nothing there
    if lower == 0 or upper == 0:
        ab[upper] = 2.0
    ab = ab.astype(dtype)
    a = whole(ab, lower, upper)
    for columns in (1, 3, 11):
        b = rng.standard_normal((n, columns)).astype(dtype)
        for transposed in (False, True):
            options = {"lower": lower, "upper": upper, "transposed": transposed}
            graph = one_op("solve_banded", [type_of(ab.shape, dtype), type_of(b.shape, dtype)], **options)
            status, (x,) = compile_graph(graph).run([ab, b])
            assert status == 0
            assert x.dtype == dtype
            # A law of LU: the error is that of rounding times the growth of the factors (Higham, 2002, 9.5).
            _, left, right = sl.lu(a.T if transposed and lower == 0 else a)
            growth = np.max(abs(left) @ abs(right)) / np.max(abs(a))
            bound = 4 * (lower + upper + 3) * growth * np.finfo(dtype).eps
            m = a.T if transposed else a
            residual = np.max(np.abs(m @ x - b), axis=0)
            scale = np.max(abs(m)) * np.sum(np.abs(x), axis=0) + np.max(np.abs(b), axis=0)
            assert np.all(residual <= bound * scale)


@st.composite
def heavy(draw):
    """A stack of matrices with a heavy diagonal, which need no exchanges, and right-hand sides."""
    lower, upper = draw(st.sampled_from([(0, 0), (1, 1), (1, 2), (3, 0), (4, 4), (12, 9)]))
    n, columns = draw(st.integers(0, 30)), draw(st.sampled_from([0, 1, 2, 9]))
    stack = draw(st.sampled_from([(), (3,), (2, 0)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    ab = rng.uniform(-1, 1, (*stack, lower + upper + 1, n))
    ab[..., upper, :] += lower + upper + 2
    return ab, rng.uniform(-1, 1, (*stack, n, columns)), lower, upper


@settings(max_examples=15, deadline=None)
@given(heavy(), st.booleans(), st.sampled_from([F8, F4]))
def test_stacks_of_any_size_agree_with_the_interpreter(system, transposed, dtype):
    ab, b, lower, upper = system
    arrays = [ab.astype(dtype), b.astype(dtype)]
    options = {"lower": lower, "upper": upper, "transposed": transposed}
    graph = one_op("solve_banded", [type_of(x.shape, dtype) for x in arrays], **options)
    status, (x,) = compile_graph(graph).run(arrays)
    assert status == 0
    close(x, run(graph, arrays)[0], 1e-13)


@pytest.mark.parametrize("shape", [(30, 1, 1), (30, 2, 3), (60, 20, 20)])
def test_places_outside_of_the_matrix_are_not_read(shape):
    n, lower, upper = shape
    ab = np.random.default_rng(0).standard_normal((lower + upper + 1, n))
    a = whole(ab, lower, upper)
    assert np.isnan(ab).any()
    b = np.cos(np.arange(n))
    solve = ds.jit(lambda ab, b: sl.solve_banded((lower, upper), ab, b, check_finite=False))
    for _ in range(2):
        assert np.allclose(solve(ab, b), np.linalg.solve(a, b), rtol=1e-9)
    gradient = ds.jit(ds.grad(lambda ab: np.sum(solve(ab, b))))(ab)
    assert np.array_equal(gradient == 0, np.isnan(ab))


@pytest.mark.parametrize("shape", [(12, 0, 0), (12, 1, 1), (12, 2, 1), (40, 20, 20)])
@pytest.mark.parametrize("transposed", [False, True])
def test_singular_and_non_finite_matrices_give_no_number(shape, transposed):
    n, lower, upper = shape
    types = [type_of((lower + upper + 1, n)), type_of((n, 2))]
    options = {"lower": lower, "upper": upper, "transposed": transposed}
    program = compile_graph(one_op("solve_banded", types, **options))
    regular = np.zeros((lower + upper + 1, n))
    regular[upper] = 1.0
    for spoiled, everywhere in ((0.0, True), (np.nan, False)):
        ab = regular.copy()
        ab[upper, n // 2] = spoiled
        status, (x,) = program.run([ab, np.ones((n, 2))])
        assert status == 0
        assert np.isnan(x).all() if everywhere else np.isnan(x).any()
    status, (x,) = program.run([regular, np.ones((n, 2))])  # nothing is left of the last time
    assert np.array_equal(x, np.ones((n, 2)))


def test_columns_are_solved_alike_whether_alone_or_together():
    band = Band(1, 50, 3, 2)
    assert band.narrow
    ab, b = (
        np.random.default_rng(0).standard_normal((6, 50)),
        np.random.default_rng(1).standard_normal((50, 13)),
    )
    solve = ds.jit(lambda ab, b: sl.solve_banded((3, 2), ab, b))
    together = solve(ab, b)
    for c in range(13):
        assert np.array_equal(together[:, c], solve(ab, b[:, c].copy()))


def test_factors_are_shared_by_solves_and_their_transposes():
    def loss(ab, b):
        x = sl.solve_banded((1, 1), ab, b)
        return np.sum(sl.solve_banded((1, 1), ab, np.sin(x)) ** 2)

    ab, b = np.ones((3, 20)) + np.array([[0], [4], [0]]), np.linspace(0, 1, 20)
    f = ds.jit(ds.grad(loss, (0, 1)))
    f(ab, b)
    text = str(f.plan(ab, b))
    assert text.count("banded factors: 1 x order 20, diagonals -1 to 1") == 1
    assert text.count("banded solve") == 4
    assert "operation in Python" not in text


def test_one_matrix_with_two_readings_has_two_factors():
    """The same numbers may be a band of three diagonals below, or above."""
    b = Builder()
    ab, rhs = b.input(type_of((4, 9))), b.input(type_of((9, 1)))
    outputs = [b.solve_banded(ab, rhs, lower=k, upper=3 - k, transposed=False) for k in range(4)]
    graph = Graph([ab, rhs], outputs)
    arrays = [np.random.default_rng(0).uniform(1, 2, (4, 9)), np.ones((9, 1))]
    _, found = compile_graph(graph).run(arrays)
    for got, want in zip(found, run(graph, arrays), strict=True):
        close(got, want, 1e-10)


def test_derivatives_agree_with_dense_solves_and_complex_steps():
    n, lower, upper = 15, 2, 1
    rng = np.random.default_rng(4)
    ab, b, v = rng.standard_normal((4, n)), rng.standard_normal(n), rng.standard_normal((4, n))
    ab[upper] += 3.0
    r, j = np.indices(ab.shape)
    inside = (r - upper + j >= 0) & (r - upper + j < n)
    rows, columns = (r - upper + j)[inside], j[inside]

    def banded(ab, b):
        return np.sum(np.sin(sl.solve_banded((lower, upper), ab, b)))

    def dense(ab, b):
        a = np.zeros((n, n), ab.dtype)
        a[rows, columns] = ab[inside]
        return np.sum(np.sin(np.linalg.solve(a, b)))

    for ours, theirs in zip(
        ds.jit(ds.grad(banded, (0, 1)))(ab, b), ds.grad(dense, (0, 1))(ab, b), strict=True
    ):
        assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-14)
    slope = ds.jit(lambda ab: ds.jvp(lambda ab: banded(ab, b), (ab,), (v,))[1])(ab)
    stepped = ds.complex_step(lambda t: dense(ab + t * v, b), 0.0)
    assert slope == pytest.approx(stepped, rel=1e-12)
    curved = ds.jit(lambda ab: ds.hvp(lambda ab: banded(ab, b), (ab,), (v,)))(ab)
    assert np.allclose(curved, ds.hvp(lambda ab: dense(ab, b), (ab,), (v,)), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("lower", [False, True])
def test_symmetric_bands_by_one_triangle(lower):
    n = 20
    ab = np.random.default_rng(0).standard_normal((3, n))
    ab[0 if lower else 2] += 6.0
    b = np.arange(n, dtype=float)
    solve = ds.jit(lambda ab, b: sl.solveh_banded(ab, b, lower=lower))
    assert np.allclose(solve(ab, b), sl.solveh_banded(ab, b, lower=lower), rtol=1e-13)
    assert "operation in Python" not in str(solve.plan(ab, b))
