"""qr and lstsq: where normal equations have no digit left."""

from __future__ import annotations

import numpy as np
import pytest

import diffsci as ds


def lauchli(epsilon):
    """Singular values sqrt(3 + epsilon**2), epsilon, epsilon (P. Läuchli, Numerische Mathematik 3 (1961))."""
    return np.vstack([np.ones(3), epsilon * np.eye(3)])


def test_normal_equations_are_singular_where_these_are_not():
    a = lauchli(1e-9)
    assert np.linalg.matrix_rank(a.T @ a) == 1
    x = np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(ds.stable.lstsq(a, a @ x), x, rtol=1e-6)
    q, r = ds.stable.qr(a)
    np.testing.assert_allclose(q.T @ q, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(q @ r, a, atol=1e-15)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_derivatives_of_an_ill_conditioned_fit(compiled):
    """For b in the range, x moves by -A^+ dA x; the derivative has condition 1 / epsilon**2."""
    epsilon, x = 1e-5, np.array([1.0, -2.0, 3.0])
    a = lauchli(epsilon)
    b = a @ x
    take = ds.jit if compiled else (lambda f: f)
    direction = np.zeros_like(a)
    direction[0, 1] = 1.0
    found = take(lambda a: ds.jvp(lambda a: ds.stable.lstsq(a, b), (a,), (direction,))[1])(a)
    np.testing.assert_allclose(found, -x[1] / (3 + epsilon**2) * np.ones(3), rtol=1e-4)
    slopes = take(ds.grad(lambda b: ds.stable.lstsq(a, b).sum()))(b)
    np.testing.assert_allclose(slopes[0], 3 / (3 + epsilon**2), rtol=1e-9)


def test_spellings_and_lists():
    a, b = [[1, 2], [3, 4], [5, 7]], [1, 2, 3]
    np.testing.assert_array_equal(ds.stable.lstsq(a, b), np.linalg.lstsq(np.array(a, float), b)[0])
    q, r = ds.stable.qr(a)
    assert q.shape == (3, 2)
    np.testing.assert_allclose(q @ r, a)

    def volume(a):
        return np.prod(np.diagonal(ds.stable.qr(a)[1]))

    def same(a):
        return np.prod(np.diagonal(np.linalg.qr(a)[1]))

    a = np.array(a, float)
    np.testing.assert_array_equal(ds.grad(volume)(a), ds.grad(same)(a))
    assert ds.check_all(volume, a).passed


def test_vectors_are_refused():
    with pytest.raises(np.linalg.LinAlgError):
        ds.stable.qr([1.0, 2.0])
    with pytest.raises(np.linalg.LinAlgError):
        ds.grad(lambda x: ds.stable.qr(x)[1].sum())(np.ones(3))
