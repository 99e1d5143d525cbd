"""hypot, norm, variance, std and sum: the ends of the range, cancellations, both modes and every nesting."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import mpmath as mp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import diffsci as ds

SCALES = (1.0, 1e200, 1e-200, 1e-300, 5e-324, 1e307)
VECTORS = ([3.0, 4.0, 12.0], [1.0, 1e-9, -1e-12], [-2.0, 0.0, 0.0], [1.0, 1.0, 1.0])
RNG = np.random.default_rng(4)


def exact(x):
    return [mp.mpf(float(v)) for v in x]


def exact_norm(x):
    with mp.workdps(60):
        return mp.sqrt(mp.fsum(v * v for v in exact(x)))


def exact_gradient(x):
    with mp.workdps(60):
        h = exact_norm(x)
        return [float(v / h) if h else 0.0 for v in exact(x)]


def exact_hessian(x):
    with mp.workdps(60):
        x, h = exact(x), exact_norm(x)
        rest = [mp.fsum(v * v for k, v in enumerate(x) if k != i) for i in range(len(x))]
        entries = [
            [float((rest[i] if i == j else -x[i] * x[j]) / h**3) for j in range(len(x))]
            for i in range(len(x))
        ]
        return np.array(entries)


def forward(f, i):
    return lambda x: ds.jvp(f, (x,), (np.eye(len(x))[i],))[1]


def reverse(f, i):
    return lambda x: ds.grad(f)(x)[i]


def close(found, expected, tolerance):
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert np.all(np.abs(found - expected) <= tolerance * np.maximum(np.abs(expected), 2.0**-1022)), (
        found,
        expected,
    )


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("vector", VECTORS, ids=str)
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_norm_and_its_derivatives(vector, scale, compiled):
    x = np.array(vector) * scale
    take = ds.jit if compiled else (lambda f: f)
    norm = ds.stable.norm
    close(take(norm)(x), float(exact_norm(x)), 2e-16)
    close(take(ds.grad(norm))(x), exact_gradient(x), 4e-16)
    close([take(forward(norm, i))(x) for i in range(3)], exact_gradient(x), 4e-16)
    if exact_norm(x) < 1e-300:
        return  # the second derivative overflows
    expected = exact_hessian(x)
    for (i, j), outer, inner in product([(0, 0), (0, 1), (2, 1)], (forward, reverse), (forward, reverse)):
        close(take(outer(inner(norm, i), j))(x), expected[i, j], 2e-15)


SPELLINGS = {
    "numpy norm": (np.linalg.norm, ds.stable.norm),
    "vector_norm": (np.linalg.vector_norm, ds.stable.norm),
    "scipy norm": (scipy.linalg.norm, ds.stable.norm),
    "var": (np.var, ds.stable.variance),
    "std": (np.std, ds.stable.std),
    "std ddof": (lambda x: np.std(x, ddof=1), lambda x: ds.stable.std(x, ddof=1)),
    "var axis": (lambda x: np.var(x, axis=1).sum(), lambda x: ds.stable.variance(x, axis=1).sum()),
    "frobenius": (lambda x: np.linalg.norm(x, "fro"), ds.stable.norm),
    "rows": (lambda x: np.linalg.norm(x, axis=-1).sum(), lambda x: ds.stable.norm(x, axis=-1).sum()),
    "hypot": (lambda x: np.hypot(x[0], x[1]).sum(), lambda x: ds.stable.hypot(x[0], x[1]).sum()),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_numpy_and_scipy_reach_the_same_rules(name):
    theirs, ours = SPELLINGS[name]
    x = RNG.normal(size=(2, 3)) * 1e200 if "var" not in name else RNG.normal(size=(2, 3)) + 1e8
    for take in (ds.jit, ds.grad, lambda f: ds.jit(ds.grad(f)), ds.hessian):
        np.testing.assert_array_equal(take(theirs)(x), take(ours)(x))


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(
    "x", [[1e8 + 0.1, 1e8 + 0.3, 1e8 + 0.2], [1e-310, 3e-310, 1.5e-310], [1e200, 3e200, -1e200]]
)
def test_deviations_keep_their_digits(x, compiled):
    take = ds.jit if compiled else (lambda f: f)
    x, n = np.array(x), 3
    with mp.workdps(60):
        values = exact(x)
        apart = [v - mp.fsum(values) / n for v in values]
        variance = mp.fsum(v * v for v in apart) / n
        root = mp.sqrt(variance)
    if 1e-300 < variance < 1e300:
        close(take(ds.stable.variance)(x), float(variance), 6e-16)
    close(take(ds.grad(ds.stable.variance))(x), [float(2 * v / n) for v in apart], 4e-16)
    close(take(ds.stable.std)(x), float(root), 6e-16)
    close(take(ds.grad(ds.stable.std))(x), [float(v / (n * root)) for v in apart], 6e-16)


def test_conventions_where_there_is_no_length():
    for f in (ds.stable.norm, ds.stable.std):
        for x in (np.zeros(3), np.full(3, 0.0), np.full(3, 7.0) if f is ds.stable.std else np.zeros(3)):
            np.testing.assert_array_equal(ds.grad(f)(x), 0.0)
            np.testing.assert_array_equal(ds.jit(ds.grad(f))(x), 0.0)
    assert ds.grad(ds.stable.hypot, argnums=(0, 1))(0.0, 0.0) == (0.0, 0.0)


def test_infinite_and_missing_numbers():
    assert ds.stable.norm([math.inf, 1.0]) == math.inf
    assert math.isnan(ds.stable.norm([math.nan, math.inf]))
    np.testing.assert_array_equal(ds.grad(ds.stable.norm)(np.array([-math.inf, 1.0])), [-1.0, 0.0])
    assert ds.grad(ds.stable.hypot, argnums=(0, 1))(math.inf, 1.0) == (1.0, 0.0)
    assert math.isnan(ds.stable.std([math.nan, 1.0]))
    assert math.isnan(ds.stable.sum([math.inf, -math.inf]))
    assert ds.stable.sum([math.inf, 1.0]) == math.inf


def test_axes_types_and_empty_vectors():
    x = RNG.normal(size=(2, 3, 4))
    for ours, theirs in ((ds.stable.norm, np.linalg.vector_norm), (ds.stable.std, np.std)):
        for axis, keepdims in product((None, 1, (0, 2)), (False, True)):
            np.testing.assert_allclose(
                ours(x, axis=axis, keepdims=keepdims), theirs(x, axis=axis, keepdims=keepdims)
            )
        assert ours(x.astype(np.float32)).dtype == np.float32
        z = x + 1j * x[::-1]
        np.testing.assert_allclose(ours(z, axis=1), theirs(z, axis=1))
        np.testing.assert_allclose(ds.jit(ours)(z), theirs(z))
    np.testing.assert_allclose(ds.stable.variance(x, ddof=1), np.var(x, ddof=1))
    assert ds.stable.norm([]) == 0.0
    assert ds.stable.norm([3, 4]) == 5.0
    assert ds.stable.hypot([3, 5], 4).tolist() == [5.0, math.hypot(5, 4)]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_sums_are_rounded_once(x):
    total = sum(map(Fraction, x))
    try:
        expected = float(total)
    except OverflowError:
        expected = math.inf if total > 0 else -math.inf
    assert ds.stable.sum(x) == expected


def test_a_sum_differentiates_like_any_other():
    x = np.array([[1e16, 1.0, -1e16], [1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(ds.stable.sum(x, axis=1), [1.0, 6.0])
    np.testing.assert_array_equal(ds.jit(ds.stable.sum)(x), 7.0)
    assert ds.stable.sum(x, axis=1, keepdims=True).shape == (2, 1)
    assert ds.stable.sum(x.astype(np.float32)).dtype == np.float32
    weights = np.array([2.0, 3.0])
    found = ds.grad(lambda x: np.sum(weights * ds.stable.sum(x, axis=1)))(x)
    np.testing.assert_array_equal(found, np.repeat(weights, 3).reshape(2, 3))
    square = ds.hvp(lambda x: ds.stable.sum(x) ** 2, (x,), (np.ones((2, 3)),))
    np.testing.assert_array_equal(square, 12.0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=6), st.integers(-900, 900))
def test_lengths_scale_with_powers_of_two(x, power):
    x = np.array(x)
    scaled = np.ldexp(x, power)
    if not np.array_equal(np.ldexp(scaled, -power), x):
        return  # digits were lost below the range
    assert ds.stable.norm(scaled) == math.ldexp(ds.stable.norm(x), power)
    np.testing.assert_array_equal(ds.grad(ds.stable.norm)(scaled), ds.grad(ds.stable.norm)(x))


@pytest.mark.parametrize(
    "f", [ds.stable.norm, ds.stable.std, ds.stable.variance, lambda x: ds.stable.hypot(x[0], x[1])]
)
def test_every_law(f):
    assert ds.check_all(f, np.array([0.3, -0.7, 1.9])).passed
