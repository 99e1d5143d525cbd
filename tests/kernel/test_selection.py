"""Selections by masks, and integers that serve as indices, hold for every value where they can."""

import numpy as np
import pytest

import diffsci as ds
from diffsci.tracing import trace_function

X = np.array([1.0, -2.0, 3.0, -0.5, 0.2])
POINTS = [X, -X, np.array([-1.0, 0.3, -0.2, 0.1, 2.0]), np.ones(5)]


def square_root_where_positive(x):
    z = np.zeros_like(x)
    z[x > 0] = 2.0 * np.sqrt(x[x > 0]) + 1.0
    return z * x


def in_place_under_a_mask(x):
    y = x.copy()
    low = x < 0
    y[low] *= x[low] ** 2
    y[~low] += x[~low].sum() + np.mean(x[low] ** 2 if low.any() else x)
    return y


def table_lookup(x):
    table = np.array([1.0, 3.0, -2.0, 0.5, 4.0, 7.0])
    i = int(abs(x[0]))
    f = abs(x[0]) - i
    return table[i] * (1 - f) + table[i + 1] * f


def guards(f):
    return len(trace_function(f, (X,)).graph.guards)


def test_a_box_needs_no_guard():
    assert guards(square_root_where_positive) == 0


def test_the_length_of_a_selection_is_guarded():
    assert guards(lambda x: x[x > 0].size * x) == 1


def test_a_settled_selection_is_an_array_of_its_own():
    def f(x):
        chosen = x[x > 0]
        chosen[0] = 5.0
        return chosen.sum() * x, np.sort(chosen)

    for x in POINTS:
        for found, expected in zip(ds.jit(f)(x), f(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("f", [square_root_where_positive, in_place_under_a_mask, table_lookup])
def test_compiled_at_other_masks_and_indices(f):
    compiled = ds.jit(f)
    slopes = ds.jit(ds.jacobian(f))
    for x in POINTS:
        np.testing.assert_allclose(compiled(x), f(x), rtol=1e-13)
        np.testing.assert_allclose(slopes(x), ds.complex_step(f, x), rtol=1e-12, atol=1e-13)


def test_one_program_serves_every_mask():
    compiled = ds.jit(square_root_where_positive)
    for x in POINTS:
        compiled(x)
    assert sum(map(len, compiled._paths.values())) == 1


def test_derivatives_outside_the_mask_are_zero_though_the_box_has_none():
    gradient = ds.grad(lambda x: np.log(x[x > 0]).sum())
    np.testing.assert_array_equal(gradient(np.array([1.0, -1.0, 0.0, 2.0])), [1.0, 0.0, 0.0, 0.5])


def test_the_largest_of_nothing_raises_as_in_numpy():
    f = ds.jit(lambda x: np.max(x[x > 0]))
    assert f(X) == 3.0
    with pytest.raises(ValueError, match="zero-size"):
        f(-np.abs(X))


def test_an_index_out_of_range_raises_in_a_compiled_program_too():
    f = ds.jit(lambda x: np.array([1.0, 2.0])[int(x)] * x)
    assert f(1.5) == 3.0
    assert f(0.5) == 0.5
    with pytest.raises(IndexError, match="out of bounds"):
        f(2.5)
    assert f(-1.5) == -3.0


@pytest.mark.parametrize(("x", "error"), [(np.nan, ValueError), (np.inf, OverflowError)])
def test_no_integer_of_what_is_no_number(x, error):
    f = ds.jit(lambda x: x * int(x))
    assert f(2.5) == 5.0
    with pytest.raises(error, match="cannot convert float"):
        f(x)
