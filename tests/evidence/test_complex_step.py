"""The complex step through traced programs: exact where a continuation exists, refused elsewhere."""

import math

import numpy as np
import pytest

from diffsci.evidence import NotAnalytic, complex_step

FUNCTIONS = [
    (lambda x: np.abs(x) * x, lambda x: 2 * abs(x)),
    (lambda x: np.maximum(x, 0.3) ** 2, lambda x: 2 * x if x > 0.3 else 0.0),
    (lambda x: np.hypot(x, 2.0), lambda x: x / math.hypot(x, 2.0)),
    (lambda x: np.arctan2(x, -0.5), lambda x: -0.5 / (x * x + 0.25)),
    (lambda x: np.arctan2(-0.5, x), lambda x: 0.5 / (x * x + 0.25)),
    (lambda x: np.cbrt(x), lambda x: 1 / (3 * np.cbrt(x) ** 2)),
    (lambda x: np.mod(x, 0.4), lambda x: 1.0),
    (lambda x: np.logaddexp(x, 1.0), lambda x: 1 / (1 + math.exp(1 - x))),
    (lambda x: np.where(x > 0, np.exp(x), np.sin(x)), lambda x: math.exp(x) if x > 0 else math.cos(x)),
    (lambda x: np.max(np.array([x, 0.1, 3 * x])), lambda x: 3.0 if x > 0 else 0.0),
    (lambda x: math.exp(x) if x > 0 else 0 * x, lambda x: math.exp(x) if x > 0 else 0.0),
    (lambda x: np.linalg.norm(np.array([x, 2.0])), lambda x: x / math.hypot(x, 2.0)),
]


@pytest.mark.parametrize("k", range(len(FUNCTIONS)))
@pytest.mark.parametrize("x", [-1.37, 0.83])
def test_continuations(k, x):
    f, slope = FUNCTIONS[k]
    assert complex_step(f, x) == pytest.approx(slope(x), rel=1e-13, abs=1e-15)


def test_shapes_follow_the_arguments():
    jacobian = complex_step(lambda x: np.stack([x[0] * x[1], x[1] ** 2, x[0]]), np.array([2.0, 3.0]))
    np.testing.assert_allclose(jacobian, [[3.0, 2.0], [0.0, 6.0], [1.0, 0.0]], rtol=1e-15)
    along = complex_step(lambda x: np.sum(x**3), np.array([1.0, 2.0]), direction=np.array([1.0, -1.0]))
    assert along == pytest.approx(-9.0, rel=1e-15)


@pytest.mark.parametrize("f", [np.abs, lambda x: np.maximum(x, 0.0), lambda x: np.hypot(x, 0.0)])
def test_refused_at_a_kink(f):
    with pytest.raises(NotAnalytic, match=r"abs|maximum|hypot"):
        complex_step(f, 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_terms_that_cancel(seed):
    """Roundings of a sum are not the same in complex arithmetic: what is left of it is no branch cut."""
    random = np.random.default_rng(seed)
    x = random.normal(size=40)
    x = random.permutation(np.concatenate([x, -x]))
    np.testing.assert_array_equal(complex_step(np.sum, x), np.ones(80))
    assert complex_step(lambda x: np.tan(x) - np.tan(0.7), 0.7) == pytest.approx(1 / math.cos(0.7) ** 2)
    single = np.float32(0.7)
    slope = complex_step(lambda x: np.tan(x) - np.tan(single), single)
    assert slope == pytest.approx(1 / math.cos(0.7) ** 2, rel=1e-5)


@pytest.mark.parametrize(
    "f", [np.sqrt, np.log, np.arccosh, lambda x: x**2.5, lambda x: np.array([x, x**2.5])]
)
def test_refused_where_the_real_function_is_not_defined(f):
    with np.errstate(all="ignore"), pytest.raises(NotAnalytic, match="branch cut"):
        complex_step(f, -1.5)


def test_in_place_writes_keep_the_imaginary_part():
    def f(x):
        out = np.zeros(2)
        out[0] = x * x
        out[1] += np.sin(x)
        return np.sum(out)

    assert complex_step(f, 0.7) == pytest.approx(1.4 + math.cos(0.7), rel=1e-14)
