"""`sparse_hessian`: every mode against the dense Hessian, and substitution along deep trees."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import diffsci as ds
from diffsci.coloring import Coloring, Problem
from diffsci.graph import Builder, Graph, Type, interpreter
from diffsci.sparse.recovery import recovered

MODES = ("auto", "direct", "star", "acyclic", "forward", "dense")


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def _arrow(x):
    return np.sum(x[0] * x**2) + np.exp(x[0])


def _grid(x):
    u = x.reshape(4, 3)
    return np.sum(np.cos(u[1:] - u[:-1])) + np.sum(u[:, 1:] * u[:, :-1] ** 2) + u[0, 0] * u[3, 2]


def _couples(x):
    pairs = np.array([[0, 5], [3, 9], [9, 1], [2, 2], [11, 5]])
    return np.sum(np.sin(x[pairs[:, 0]]) * x[pairs[:, 1]] ** 2)


def _linear(x):
    return 3.0 * np.sum(x) + x[2]


FUNCTIONS = (rosenbrock, _arrow, _grid, _couples, _linear)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("f", FUNCTIONS)
def test_every_mode_gives_the_dense_hessian(f, mode):
    hessian = ds.sparse_hessian(f, mode=mode)
    for x in np.random.default_rng(0).normal(size=(2, 12)):
        expected = ds.hessian(f)(x)
        H = hessian(x)
        np.testing.assert_allclose(
            H.toarray(), expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max(initial=1.0)
        )


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_number_made_of_all_elements(mode):
    x = np.linspace(0.1, 0.4, 20)
    H = ds.sparse_hessian(lambda x: np.cos(np.dot(x, x)), mode=mode)(x)
    s = np.dot(x, x)
    expected = -4.0 * np.cos(s) * np.outer(x, x) - 2.0 * np.sin(s) * np.eye(20)
    np.testing.assert_allclose(H.toarray(), expected, rtol=1e-12, atol=1e-13)


def test_patterns_are_exact():
    x = np.random.default_rng(1).normal(size=12)
    assert ds.sparse_hessian(rosenbrock)(x).nnz == 12 + 2 * 11
    assert ds.sparse_hessian(_arrow)(x).nnz == 12 + 2 * 11
    assert ds.sparse_hessian(_couples)(x).nnz == 7 + 2 * 4
    assert ds.sparse_hessian(_linear)(x).nnz == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(0, 2**31))
def test_substitution_in_trees(n, seed):
    """The matrix of a tree has an acyclic coloring with two colors: those of its levels."""
    rng = np.random.default_rng(seed)
    parent = np.array([rng.integers(max(0, k - 3), k) for k in range(1, n)])
    level = np.zeros(n, dtype=int)
    matrix = np.diag(rng.normal(size=n))
    for k, p in enumerate(parent, 1):
        level[k] = level[p] + 1
        matrix[k, p] = matrix[p, k] = rng.normal()
    shuffled = rng.permutation(n)
    matrix, colors = matrix[np.ix_(shuffled, shuffled)], level[shuffled] % 2
    pattern = sp.csr_array(matrix)
    coloring = Coloring(Problem(pattern, "acyclic"), np.full(n, -1, np.int32), colors.astype(np.int32))
    products = np.concatenate([matrix @ (colors == c) for c in (0, 1)])
    b = Builder()
    node = b.input(Type.of(products))
    entries = recovered(b, node, coloring.decompression)
    (found,) = interpreter.run(Graph([node], [entries]), [products])
    np.testing.assert_allclose(found, pattern.data, atol=1e-12)


def test_substitution_along_a_long_chain():
    n = 3000
    x = np.random.default_rng(2).normal(size=n)
    exact, found = (ds.sparse_hessian(rosenbrock, mode=mode)(x) for mode in ("star", "acyclic"))
    np.testing.assert_allclose(found.data, exact.data, rtol=1e-9, atol=1e-8)


def test_a_coloring_from_outside():
    x = np.random.default_rng(4).normal(size=12)
    pattern = ds.sparse_hessian(rosenbrock).plan(x).pattern
    for kind in ("star", "acyclic", "column"):
        coloring = ds.coloring.color(pattern, kind=kind)
        hessian = ds.sparse_hessian(rosenbrock, coloring=coloring)
        assert hessian.plan(x).ncolors == coloring.ncolors
        np.testing.assert_allclose(hessian(x).toarray(), ds.hessian(rosenbrock)(x), rtol=1e-12, atol=1e-11)
    with pytest.raises(TypeError, match="'star' or 'acyclic'"):
        ds.sparse_hessian(rosenbrock, coloring=ds.coloring.color(pattern, kind="row"))
    with pytest.raises(ValueError, match="same color"):
        ds.sparse_hessian(_arrow, coloring=ds.coloring.color(pattern, kind="star"))(x)


def test_several_arguments_are_one_matrix():
    def f(x, y):
        return np.sum(x**2 * y[0]) + np.sum(np.sin(y))

    x, y = np.arange(1.0, 5.0), np.arange(5.0, 8.0)
    H = ds.sparse_hessian(f, argnums=(0, 1))(x, y).toarray()
    blocks = ds.hessian(f, argnums=(0, 1))(x, y)
    np.testing.assert_allclose(H, np.block([list(row) for row in blocks]), rtol=1e-14)
    np.testing.assert_allclose(H, H.T, rtol=1e-14)


def test_out_and_float32():
    hessian = ds.sparse_hessian(rosenbrock)
    x = np.random.default_rng(3).normal(size=50)
    H = hessian(x)
    assert hessian(2 * x, out=H) is H
    np.testing.assert_array_equal(H.data, hessian(2 * x).data)
    assert hessian(x.astype(np.float32)).dtype == np.float32


def test_what_has_no_hessian():
    x = np.ones(3)
    with pytest.raises(TypeError, match="one real number"):
        ds.sparse_hessian(lambda x: x**2)(x)
    with pytest.raises(TypeError, match="complex"):
        ds.sparse_hessian(lambda z: np.sum(np.abs(z) ** 2))(x + 1j)
    with pytest.raises(ValueError, match="'star'"):
        ds.sparse_hessian(rosenbrock, mode="reverse")
