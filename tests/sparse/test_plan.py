"""Plans: numbers, the way chosen, the picture."""

from __future__ import annotations

import numpy as np
import pytest

import diffsci as ds


def brusselator(n):
    """Two species on a periodic n x n grid."""

    def laplacian(w):
        return np.roll(w, 1, 0) + np.roll(w, -1, 0) + np.roll(w, 1, 1) + np.roll(w, -1, 1) - 4 * w

    def f(y):
        u, v = y.reshape(2, n, n)
        du = 1.0 + u * u * v - 4.4 * u + 10.0 * laplacian(u)
        dv = 3.4 * u - u * u * v + 10.0 * laplacian(v)
        return np.concatenate([du.ravel(), dv.ravel()])

    return f


@pytest.mark.parametrize(("n", "colors"), [(6, 6), (24, 6), (32, 8)])
def test_brusselator(n, colors):
    y = np.random.default_rng(0).random(2 * n * n)
    plan = ds.sparse_jacobian(brusselator(n)).plan(y)
    assert (plan.rows, plan.columns, plan.nnz) == (2 * n * n, 2 * n * n, 12 * n * n)
    assert plan.pattern.shape == (2 * n * n, 2 * n * n)
    assert plan.pattern.dtype == bool
    assert plan.ncolors == colors
    assert plan.lower_bound == 6
    assert plan.mode == "direct"
    assert plan.cost < 5
    assert plan.coloring.column_colors.shape == (2 * n * n,)
    names = [candidate.mode for candidate in plan.candidates]
    assert names == ["direct", "forward", "reverse", "bidirectional", "dense"]
    assert plan.candidates[1].ncolors == colors


def test_an_arrow_needs_both_directions():
    def f(x):
        return np.concatenate([[np.prod(x)], x[1:] ** 2 * x[0]])

    x = np.arange(1.0, 31.0)
    plan = ds.sparse_jacobian(f, mode="bidirectional").plan(x)
    assert plan.ncolors == 3
    candidates = {candidate.mode: candidate.ncolors for candidate in plan.candidates}
    assert candidates["forward"] == candidates["reverse"] == 30
    np.testing.assert_allclose(
        ds.sparse_jacobian(f, mode="bidirectional")(x).toarray(), ds.jacobian(f)(x), rtol=1e-12
    )


def test_hessian_candidates():
    x = np.ones(40)
    plan = ds.sparse_hessian(lambda x: np.sum(x[1:] ** 2 * x[:-1])).plan(x)
    candidates = {candidate.mode: candidate.ncolors for candidate in plan.candidates}
    assert candidates["star"] == 3
    assert candidates["acyclic"] == 2
    assert candidates["forward"] == 3


def test_the_text():
    text = str(ds.sparse_jacobian(brusselator(24)).plan(np.ones(2 * 24**2)))
    lines = text.splitlines()
    assert lines[0] == "Jacobian: 1152 x 1152, 6912 entries (0.521 %), 4608 of them constant"
    picture = [line for line in lines if line.startswith("  │")]
    assert len(picture) <= 20
    assert max(map(len, picture)) <= 44
    assert "mode: direct" in text
    assert "colors: 6, lower bound 6" in text


@pytest.mark.parametrize(
    "pattern", [None, np.eye(4) + np.diag([1.0, 1.0, 1.0], 1) + np.eye(1, 16, 9).reshape(4, 4)]
)
def test_constant_entries(pattern):
    """Of a pattern that is wider than needed the further entries are zeros, constants too."""

    def f(x, k):
        y = k * x
        y[2] += x[1] * x[3]
        return y

    x = np.arange(1.0, 5.0)
    derivative = ds.sparse_jacobian(f, pattern=pattern)
    plan = derivative.plan(x, 2.0)
    at = [derivative(point, 2.0) for point in (x, x + 0.5)]
    assert np.array_equal(at[0].data[plan.constant], at[1].data[plan.constant])
    found = plan.pattern.astype(int)
    found.data[:] = ~plan.constant
    assert np.transpose(found.nonzero()).tolist() == [[2, 1], [2, 3]]


def test_local_patterns():
    """With the choices at a point, of a matrix and of the derivatives in it."""

    def f(x):
        return np.where(x > 1, x[::-1], x) + x[0] * x

    x = np.array([0.0, 2.0, 3.0])
    jacobian = ds.sparse_jacobian(f)
    assert jacobian.local_pattern(x).toarray().tolist() == (ds.jacobian(f)(x) != 0).tolist()
    assert jacobian.pattern(x).nnz > jacobian.local_pattern(x).nnz
    hessian = ds.sparse_hessian(lambda x: np.sum(np.where(x > 1, x**2 * x[0], x**3)))
    assert hessian.local_pattern(x).toarray().tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    with pytest.raises(ValueError, match=r"test_plan\.py:.* a local pattern needs values"):
        ds.jit(lambda x: jacobian.local_pattern(x) @ x)(x)


def test_a_mode_that_cannot_be_says_why():
    matrix = np.random.default_rng(0).normal(size=(6, 6))

    def f(x):
        return np.fft.rfft(x).real[:3] * x[:3]

    with pytest.raises(ValueError, match=r"test_plan\.py"):
        ds.sparse_jacobian(f, mode="direct")(matrix[0])
    with pytest.raises(ValueError, match="'bidirectional'"):
        ds.sparse_jacobian(f, mode="sideways")


def test_plans_are_made_once():
    jacobian = ds.sparse_jacobian(brusselator(6))
    y = np.ones(72)
    J = jacobian(y)
    assert jacobian.plan(y) is jacobian.plan(2 * y)
    assert jacobian.plan(y).places.indices is J.indices
