"""Derivatives at kinks and singular points: one published convention, the same in both modes and compiled.

A kink gives the midpoint of the one-sided derivatives; ties share equally.
"""

import math

import numpy as np
import pytest

import diffsci as ds


def masked_log(x):
    return np.where(x > 0, np.log(x), 0.0)


def masked_sinc(x):
    return np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1.0, x))


def masked_norm(x):
    return np.sqrt(np.sum(np.where(x > 5, x, 0.0) ** 2))


# name, function of an array, point, gradient of the sum
CONVENTIONS = [
    ("abs at 0", np.abs, [0.0, -1.0], [0.0, -1.0]),
    ("maximum with 0 at 0", lambda x: np.maximum(x, 0.0), [0.0, 1.0, -1.0], [0.5, 1.0, 0.0]),
    ("minimum with 0 at 0", lambda x: np.minimum(x, 0.0), [0.0, 1.0, -1.0], [0.5, 0.0, 1.0]),
    ("maximum of equals", lambda x: np.maximum(x[0], x[1]), [2.0, 2.0], [0.5, 0.5]),
    ("clip at its bounds", lambda x: np.clip(x, 0.0, 1.0), [0.0, 0.5, 1.0, 2.0], [0.5, 1.0, 0.5, 0.0]),
    ("max with a three-way tie", np.max, [3.0, 1.0, 3.0, 3.0], [1 / 3, 0.0, 1 / 3, 1 / 3]),
    ("min with a two-way tie", np.min, [3.0, 1.0, 1.0], [0.0, 0.5, 0.5]),
    (
        "max along an axis",
        lambda x: np.max(x.reshape(2, 2), axis=1),
        [1.0, 1.0, 2.0, 3.0],
        [0.5, 0.5, 0.0, 1.0],
    ),
    ("Python's max takes its branch", lambda x: max(x[0], x[1]), [2.0, 2.0], [1.0, 0.0]),
    ("norm at 0", np.linalg.norm, [0.0, 0.0], [0.0, 0.0]),
    ("hypot at (0, 0)", lambda x: np.hypot(x[0], x[1]), [0.0, 0.0], [0.0, 0.0]),
    ("arctan2 at (0, 0)", lambda x: np.arctan2(x[0], x[1]), [0.0, 0.0], [0.0, 0.0]),
    ("std of constants", np.std, [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]),
    ("sqrt at 0", np.sqrt, [0.0], [math.inf]),
    ("sqrt(x)**2 at 0 stays NaN", lambda x: np.sqrt(x) ** 2, [0.0], [math.nan]),
    ("prod with one zero", np.prod, [2.0, 0.0, 3.0], [0.0, 6.0, 0.0]),
    ("prod with two zeros", np.prod, [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
    ("x**2.0 at 0", lambda x: x**2.0, [0.0, -1.5], [0.0, -3.0]),
    ("x**p with p an array at 0", lambda x: x ** np.array([0.0, 1.0, 2.0]), [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]),
    ("x**0 at 0", lambda x: x**0, [0.0], [0.0]),
    ("where masks an infinite slope", masked_log, [0.0, -1.0, 2.0], [0.0, 0.0, 0.5]),
    ("where masks 0/0", masked_sinc, [0.0], [0.0]),
    ("masked sqrt", lambda x: np.where(x > 0, np.sqrt(x), 0.0), [0.0, 4.0], [0.0, 0.25]),
    ("sqrt of a masked value", lambda x: np.sqrt(np.where(x > 0, x, 0.0)), [0.0, 4.0], [0.0, 0.25]),
    ("sqrt of a maximum", lambda x: np.sqrt(np.maximum(x, 0.0)), [-1.0, 4.0], [0.0, 0.25]),
    ("norm of masked values", masked_norm, [1.0, 4.0], [0.0, 0.0]),
    ("sigmoid, far out", lambda x: 1 / (1 + np.exp(-x)), [800.0, -40.0], [0.0, math.exp(-40.0)]),
    ("logaddexp of equals", lambda x: np.logaddexp(x[0], x[1]), [1.0, 1.0], [0.5, 0.5]),
    ("logaddexp, far apart", lambda x: np.logaddexp(x[0], x[1]), [1000.0, -1000.0], [1.0, 0.0]),
    ("logaddexp of -inf", lambda x: np.logaddexp(x[0], -np.inf), [1.0], [1.0]),
    ("sum of nothing", lambda x: np.sum(x[2:]), [1.0, 2.0], [0.0, 0.0]),
]

named = pytest.mark.parametrize(
    ("name", "f", "point", "expected"), CONVENTIONS, ids=[row[0] for row in CONVENTIONS]
)


def total(f):
    return lambda x: np.sum(f(x))


@named
def test_reverse_mode(name, f, point, expected):
    np.testing.assert_allclose(ds.grad(total(f))(np.array(point)), expected, rtol=1e-13)


@named
def test_forward_mode(name, f, point, expected):
    x = np.array(point)
    columns = [ds.jvp(total(f), (x,), (unit,))[1] for unit in np.eye(x.size)]
    np.testing.assert_allclose(columns, expected, rtol=1e-13)


@named
def test_compiled(name, f, point, expected):
    np.testing.assert_allclose(ds.jit(ds.grad(total(f)))(np.array(point)), expected, rtol=1e-13)


SECOND = [
    ("masked log", masked_log, [0.0, 2.0], [0.0, -0.25]),
    ("masked sqrt", lambda x: np.where(x > 0, np.sqrt(x), 0.0), [0.0, 4.0], [0.0, -1 / 32]),
    ("sqrt of a masked value", lambda x: np.sqrt(np.where(x > 0, x, 0.0)), [0.0, 4.0], [0.0, -1 / 32]),
    ("masked sin(x)/x", lambda x: np.where(x == 0, 1.0, np.sin(x) / x), [0.0], [0.0]),
    ("x**2 at 0", lambda x: x**2, [0.0], [2.0]),
    ("x**2.0 at 0", lambda x: x**2.0, [0.0], [2.0]),
    ("x**3 at 0", lambda x: x**3, [0.0], [0.0]),
]


@pytest.mark.parametrize(("name", "f", "point", "expected"), SECOND, ids=[row[0] for row in SECOND])
def test_second_derivatives_through_masks(name, f, point, expected):
    x, ones = np.array(point), np.ones(len(point))
    g = total(f)

    def slope(y):
        return ds.jvp(g, (y,), (ones,))[1]

    def gradient_sum(y):
        return np.sum(ds.grad(g)(y))

    np.testing.assert_allclose(ds.grad(slope)(x), expected, rtol=1e-12)
    np.testing.assert_allclose(ds.grad(gradient_sum)(x), expected, rtol=1e-12)
    np.testing.assert_allclose(ds.jvp(ds.grad(g), (x,), (ones,))[1], expected, rtol=1e-12)
    forward = [
        ds.jvp(lambda y, u=unit: ds.jvp(g, (y,), (u,))[1], (x,), (unit,))[1] for unit in np.eye(x.size)
    ]
    np.testing.assert_allclose(forward, expected, rtol=1e-12)


def test_third_derivative_of_a_square_at_zero():
    third = ds.grad(ds.grad(ds.grad(lambda x: x**2.0)))
    assert float(third(0.0)) == 0.0
