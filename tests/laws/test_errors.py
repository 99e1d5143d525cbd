"""What is not supported says so, at the user's line; nothing becomes a silent constant."""

import inspect

import numpy as np
import pytest

import diffsci as ds
from diffsci.errors import DiffsciError, UnsupportedError


def line_of(function, text):
    """The line number on which ``text`` stands in a function's source."""
    lines, start = inspect.getsourcelines(function)
    return start + next(i for i, line in enumerate(lines) if text in line)


def uses_trim_zeros(x):
    y = 2.0 * x
    return np.sum(np.trim_zeros(y))  # unsupported here


def stores_into_float_array(x):
    table = np.asarray([0.0, 0.0], dtype=np.float64)
    np.asarray(table)[:] = x  # an assignment into an array
    return np.sum(table)


@pytest.mark.parametrize("transform", [ds.grad, lambda f: ds.jit(ds.grad(f))], ids=["eager", "compiled"])
def test_unsupported_call_names_the_line(transform):
    with pytest.raises(UnsupportedError) as caught:
        transform(uses_trim_zeros)(np.arange(4.0))
    message = str(caught.value)
    assert "trim_zeros" in message
    assert f"test_errors.py:{line_of(uses_trim_zeros, 'unsupported here')}" in message


def test_never_a_silent_constant():
    """A write that tracing cannot follow raises, or is followed: a zero gradient would be wrong."""
    x = np.array([1.0, 2.0])
    try:
        gradient = ds.grad(stores_into_float_array)(x)
    except DiffsciError:
        gradient = np.ones(2)
    np.testing.assert_array_equal(gradient, [1.0, 1.0])


def test_gradient_of_an_array_is_refused():
    with pytest.raises((DiffsciError, TypeError), match=r"scalar|jacobian"):
        ds.grad(lambda x: x**2)(np.ones(3))


def test_gradient_of_an_integer_is_refused():
    with pytest.raises((DiffsciError, TypeError), match=r"int|float"):
        ds.grad(lambda n: n * 2.0)(3)


INTEGERS_MOVED = {
    "jvp": lambda: ds.jvp(lambda n: n * n, (3,), (1.0,)),
    "jvp, one of two": lambda: ds.jvp(lambda x, n: x * n, (2.0, 3), (1.0, 1.0)),
    "jvp, array": lambda: ds.jvp(lambda x, n: x * n, (2.0, np.arange(3)), (1.0, np.ones(3))),
    "linearize": lambda: ds.linearize(lambda n: n * n, 3),
    "pushforward": lambda: ds.linearize(lambda x, n: x * n, 2.0, 3)[1](1.0, 1.0),
    "vjp": lambda: ds.vjp(lambda n: n * n, 3),
    "taylor": lambda: ds.taylor(lambda n: n * n, (3,), (1.0,), 3),
    "taylor, one of two": lambda: ds.taylor(lambda x, n: x * n, (2.0, 3), (1.0, 1.0), 3),
    "hvp": lambda: ds.hvp(lambda x, n: x * x * n, (2.0, 3), (1.0, 1.0)),
}


@pytest.mark.parametrize("name", INTEGERS_MOVED)
def test_integers_are_not_moved(name):
    with pytest.raises(TypeError, match="derivatives need floats"):
        INTEGERS_MOVED[name]()


def test_integers_beside_floats_are_held_fixed():
    assert ds.jvp(lambda x, n: x * n, (2.0, 3), (1.0, 0)) == (6.0, 3.0)
    assert ds.vjp(lambda x, n: x * n, 2.0, 3)[1](1.0) == (3.0, None)


def test_argnums_out_of_range():
    with pytest.raises((DiffsciError, ValueError, TypeError, IndexError), match="argnums"):
        ds.grad(lambda x: x**2, argnums=1)(1.0)


def test_tangent_of_the_wrong_shape():
    with pytest.raises((DiffsciError, ValueError, TypeError), match="shape"):
        ds.jvp(lambda x: x**2, (np.ones(3),), (np.ones(2),))


def test_cotangent_of_the_wrong_shape():
    _, pullback = ds.vjp(lambda x: x**2, np.ones(3))
    with pytest.raises((DiffsciError, ValueError, TypeError), match="shape"):
        pullback(np.ones(2))


def test_text_as_an_array_is_refused():
    with pytest.raises((DiffsciError, TypeError)):
        ds.grad(lambda x: np.sum(x))(np.array(["a", "b"]))


def test_shape_errors_are_numpys_own():
    with pytest.raises(ValueError, match=r"broadcast|shape"):
        ds.grad(lambda x: np.sum(x + np.ones(2)))(np.ones(3))


def test_setting_a_shape_says_what_to_write_instead():
    def f(x):
        y = x.copy()
        y.shape = (3, 1)
        return np.sum(y)

    with pytest.raises(UnsupportedError, match=r"test_errors\.py:\d+.*reshape"):
        ds.grad(f)(np.ones(3))


def test_a_split_at_an_integer_of_a_value():
    compiled = ds.jit(lambda x: np.split(x, [int(x[0])])[1] * 2.0)
    for first in (1.0, 2.0):
        x = np.array([first, 5.0, 6.0])
        np.testing.assert_array_equal(compiled(x), 2.0 * x[int(first) :])


def test_index_errors_are_numpys_own():
    with pytest.raises(IndexError):
        ds.grad(lambda x: x[5])(np.ones(3))


def test_nan_goes_through():
    x = np.array([1.0, np.nan, 3.0])
    value, gradient = ds.value_and_grad(lambda x: np.sum(x**2))(x)
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, 2 * x)
    assert np.isnan(float(ds.jit(np.max)(x)))


def test_empty_arrays():
    value, gradient = ds.value_and_grad(lambda x: np.sum(x**2))(np.zeros(0))
    assert float(value) == 0.0
    assert gradient.shape == (0,)
    assert ds.jit(lambda x: np.concatenate([x, x]) * 2)(np.zeros((0, 3))).shape == (0, 3)


def test_leaked_value_is_refused():
    kept = []

    def f(x):
        kept.append(x * 2)
        return np.sum(x)

    ds.grad(f)(np.ones(2))
    with pytest.raises(DiffsciError):
        ds.grad(lambda y: np.sum(kept[0] * y))(np.ones(2))
