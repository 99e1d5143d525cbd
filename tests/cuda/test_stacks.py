"""LU factors of stacks of matrices by kernels, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffsci as ds
from tests.cuda.host_device import HostArray


def there(value):
    return HostArray(np.array(value))


def matrices(batch, n, dtype=float):
    return np.random.default_rng(n).standard_normal((batch, n, n)).astype(dtype)


@pytest.mark.parametrize(
    ("batch", "n", "columns"), [(2, 1, 1), (3, 2, 5), (5, 7, 1), (300, 3, 2), (2, 40, 3)]
)
def test_solutions(batch, n, columns, kernels):
    a, b = matrices(batch, n), np.random.default_rng(1).standard_normal((batch, n, columns))
    solve = ds.jit(np.linalg.solve, backend="cupy")
    assert_allclose(solve(there(a), there(b)).get(), np.linalg.solve(a, b), rtol=1e-9, atol=1e-11)


def test_transposed_solutions_are_those_of_the_adjoint(kernels):
    a, b = matrices(4, 6), matrices(4, 6)[:, :, :2]
    slope = ds.jit(ds.grad(lambda a, b: np.sum(np.linalg.solve(a, b) ** 2), argnums=(0, 1)), backend="cupy")
    plain = ds.grad(lambda a, b: np.sum(np.linalg.solve(a, b) ** 2), argnums=(0, 1))(a, b)
    for found, expected in zip(slope(there(a), there(b)), plain, strict=True):
        assert_allclose(found.get(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_determinants(n, kernels):
    a = matrices(9, n)
    assert_allclose(ds.jit(np.linalg.det, backend="cupy")(there(a)).get(), np.linalg.det(a), rtol=1e-12)


@pytest.mark.parametrize("n", [2, 5])
def test_singular_matrices_have_the_determinant_zero(n, kernels):
    a = np.stack([np.zeros((n, n)), np.ones((n, n)), np.pad([[2.0]], (0, n - 1)), np.eye(n)])
    assert_allclose(ds.jit(np.linalg.det, backend="cupy")(there(a)).get(), [0, 0, 0, 1])


def test_single_precision(kernels):
    a, b = matrices(3, 4, np.float32), np.ones((3, 4, 1), np.float32)
    found = ds.jit(np.linalg.solve, backend="cupy")(there(a), there(b)).get()
    assert found.dtype == np.float32
    assert_allclose(found, np.linalg.solve(a.astype(float), b), rtol=2e-4)


def test_one_singular_matrix_spoils_no_other(kernels):
    a = matrices(3, 3)
    a[1] = 1.0
    solve = ds.jit(np.linalg.solve, backend="cupy")
    solve(there(matrices(3, 3)), there(np.ones((3, 3, 1))))
    found = solve(there(a), there(np.ones((3, 3, 1)))).get()
    assert not np.isfinite(found[1]).all()
    assert_allclose(found[::2], np.linalg.solve(a[::2], np.ones((2, 3, 1))), rtol=1e-10)
