"""Sparse derivatives on a device: the entries and the index arrays stay there."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import diffsci as ds
from tests.cuda.host_device import HostArray


def f(x):
    return x**2 * np.roll(x, 1) - np.sin(x)


def there(value):
    return HostArray(np.array(value))


X = np.linspace(0.5, 1.5, 12)


@pytest.mark.parametrize("mode", ["direct", "forward", "reverse"])
def test_kernels_give_the_entries(kernels, mode):
    J = ds.sparse_jacobian(f, mode=mode, backend="cupy")(there(X))
    assert isinstance(J.data, HostArray)
    assert isinstance(J.indices, HostArray)
    plain = ds.sparse_jacobian(f)(X)
    assert_allclose(J.data.get(), plain.data, rtol=1e-14)
    assert_array_equal(J.indices.get(), plain.indices)


def test_arguments_on_the_host_give_a_matrix_of_scipy(machine):
    J = ds.sparse_jacobian(f, backend="cupy")(X)
    assert_allclose(J.toarray(), ds.jacobian(f)(X), rtol=1e-14, atol=1e-15)


def test_nothing_is_copied_to_the_host_again(machine):
    jacobian = ds.sparse_jacobian(f, backend="cupy")
    J = jacobian(there(X))
    before = machine.device.copies_to_host
    second = jacobian(there(2 * X))
    assert second.indices is J.indices
    assert jacobian(there(3 * X), out=J) is J
    assert jacobian(there(3 * X), out=second.data) is second.data
    assert machine.device.copies_to_host == before
    for entries in (J.data, second.data):
        assert_allclose(entries.get(), ds.sparse_jacobian(f)(3 * X).data, rtol=1e-14)
    with pytest.raises(ValueError, match="out="):
        jacobian(there(X), out=ds.sparse_jacobian(f)(X))
    with pytest.raises(ValueError, match="out="):
        jacobian(there(X), out=there(np.ones(3)))


@pytest.mark.parametrize("mode", ["direct", "forward", "reverse", "bidirectional"])
def test_gathers_by_known_places_need_no_word_from_the_device(kernels, mode):
    """Entries are picked by constant places, and so are the elements that the function takes."""
    neighbors = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])
    jacobian = ds.sparse_jacobian(lambda x: np.sin(x[neighbors]) * x, mode=mode, backend="cupy")
    J = jacobian(there(X))
    before = kernels.device.copies_to_host
    jacobian(there(2 * X), out=J)
    assert kernels.device.copies_to_host == before
    plain = ds.sparse_jacobian(lambda x: np.sin(x[neighbors]) * x)(2 * X)
    assert_allclose(J.data.get(), plain.data, rtol=1e-14)


def test_products_with_a_traced_matrix(kernels):
    jacobian = ds.sparse_jacobian(f)
    product = ds.jit(lambda x, v: jacobian(x) @ v, backend="cupy")
    assert_allclose(product(there(X), there(X)).get(), ds.jacobian(f)(X) @ X, rtol=1e-13)
