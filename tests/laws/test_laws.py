"""The laws every call form obeys: value, tangent, transpose, second order, nesting, dtype, jit = eager."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import diffsci as ds
from diffsci.trees import flatten, tree_map
from tests.laws.cases import CASES
from tests.laws.domains import arguments
from tests.laws.judges import close, first_derivative, flat, second_derivative

QUICK = settings(max_examples=4, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
ONCE = settings(QUICK, max_examples=1)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:Arrays of 2-dim:DeprecationWarning")
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def seeds_for(args, seed):
    """A direction: entries of both signs, none small."""
    rng = np.random.default_rng(seed)
    return tuple(rng.choice([-1.0, 1.0], a.shape) * rng.uniform(0.5, 1.0, a.shape) for a in args)


def cotangent_of(value, seed):
    """A random cotangent in the structure of a result, and the same as a vector."""
    rng = np.random.default_rng(seed)
    tree = tree_map(lambda leaf: rng.uniform(0.5, 1.0, np.shape(leaf)), value)
    return tree, flat(tree)


def inner(vectors, others):
    return sum(float(np.sum(np.asarray(a) * b)) for a, b in zip(vectors, others, strict=True))


def size_of(args, gradient, direction):
    """The sum of the magnitudes that an inner product adds: rounding is relative to it."""
    return 1e-300 + sum(
        float(np.sum(np.abs(g) * np.abs(v))) for g, v in zip(gradient, direction, strict=True)
    )


@every_case
@QUICK
@given(st.data())
def test_value_and_first_order(case, data):
    args = data.draw(arguments(case.domains))
    before = [a.copy() for a in args]
    expected = case.function(*[a.copy() for a in args])
    v = seeds_for(args, 1)
    tangent = first_derivative(case.judge, args, v)

    value, moved = ds.jvp(case.function, args, v)
    assert close(value, expected, 1e-14)
    assert close(moved, tangent, 1e-12, scale=1e-3)

    value, pullback = ds.vjp(case.function, *args)
    assert close(value, expected, 1e-14)
    w, weights = cotangent_of(value, 2)
    gradient = pullback(w)
    assert [np.shape(g) for g in gradient] == [a.shape for a in args]
    slope = float(np.sum(weights * flat(moved)))
    assert abs(inner(gradient, v) - slope) <= 1e-13 * (size_of(args, gradient, v) + abs(slope))
    for a, old in zip(args, before, strict=True):
        assert np.array_equal(a, old)


@every_case
@QUICK
@given(st.data())
def test_second_order_in_every_nesting(case, data):
    args = data.draw(arguments(case.domains))
    v = seeds_for(args, 3)
    bend = second_derivative(case.judge, args, v)
    value = case.function(*args)
    w, weights = cotangent_of(value, 4)
    expected = float(np.sum(weights * bend))
    size = float(np.sum(np.abs(weights * bend)) + np.sum(np.abs(weights * flat(value)))) + 1e-3

    def tangent(*x):
        return ds.jvp(case.function, x, v)[1]

    def gradient(*x):
        return ds.vjp(case.function, *x)[1](w)

    def close_to_expected(number, how):
        assert abs(number - expected) <= 1e-10 * size, how

    close_to_expected(float(np.sum(weights * flat(ds.jvp(tangent, args, v)[1]))), "forward over forward")
    close_to_expected(inner(ds.vjp(tangent, *args)[1](w), v), "reverse over forward")
    close_to_expected(inner(ds.jvp(gradient, args, v)[1], v), "forward over reverse")
    close_to_expected(inner(ds.vjp(gradient, *args)[1](v), v), "reverse over reverse")


@every_case
@ONCE
@given(st.data())
def test_jit_is_eager_at_two_points(case, data):
    first = data.draw(arguments(case.domains, first_shape=True))
    second = data.draw(arguments(case.domains, first_shape=True))
    v = seeds_for(first, 5)
    w, _ = cotangent_of(case.function(*first), 6)

    def everything(*x):
        value, moved = ds.jvp(case.function, x, v)
        return value, moved, ds.vjp(case.function, *x)[1](w)

    compiled = ds.jit(everything)
    for args in (first, second, first):
        before = [a.copy() for a in args]
        for found, expected in zip(compiled(*args), everything(*args), strict=True):
            assert close(found, expected, 1e-13, scale=1e-3)
        for a, old in zip(args, before, strict=True):
            assert np.array_equal(a, old)


@pytest.mark.parametrize("case", [c for c in CASES if c.single], ids=lambda case: case.name)
@ONCE
@given(st.data())
def test_single_precision_is_kept(case, data):
    args = data.draw(arguments(case.domains, first_shape=True))
    single = tuple(a.astype(np.float32) for a in args)
    expected = case.function(*[a.copy() for a in single])
    value, pullback = ds.vjp(case.function, *single)
    for found, plain in zip(flatten(value)[0], flatten(expected)[0], strict=True):
        if isinstance(plain, (np.ndarray, np.generic)):  # a Python float has no precision to keep
            assert found.dtype == plain.dtype
    w = tree_map(lambda leaf: np.ones(np.shape(leaf), np.asarray(leaf).dtype), value)
    gradient = pullback(w)
    assert all(np.asarray(g).dtype == np.float32 for g in gradient)
    reference = ds.vjp(case.function, *args)[1](tree_map(lambda leaf: np.ones(np.shape(leaf)), value))
    assert close(gradient, reference, 1e-4, scale=1e-2)


@every_case
@ONCE
@given(st.data())
def test_result_is_of_the_same_kind(case, data):
    """Shape, dtype and container of the traced result are those of plain NumPy."""
    args = data.draw(arguments(case.domains, first_shape=True))
    found, tree = flatten(ds.vjp(case.function, *args)[0])
    plain, plain_tree = flatten(case.function(*args))
    assert tree == plain_tree
    for leaf, expected in zip(found, plain, strict=True):
        assert np.shape(leaf) == np.shape(expected)
        assert np.asarray(leaf).dtype == np.asarray(expected).dtype
