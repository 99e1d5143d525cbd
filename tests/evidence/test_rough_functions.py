"""check_grad tells kinks, jumps, noise and fine structure from a wrong derivative."""

import numpy as np
import pytest

from diffsci.evidence import check_grad
from tests.evidence.common import POINT

# functions without a derivative ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "offender"),
    [
        (lambda x: np.sum(np.abs(x)), [1.0, 0.0], "x[1]"),
        (lambda x: np.sum(np.maximum(x, 0.5) ** 2), [0.5, 2.0], "x[0]"),
        (lambda x: np.max(x) + x[0] ** 2, [2.0, 2.0], "x[0]"),
        (lambda x: np.sum(np.clip(x, -1.0, 1.0)), [0.3, 1.0], "x[1]"),
        (lambda x: np.linalg.norm(x), [0.0, 0.0], "x[0]"),
        (lambda x: x[0] ** 2 if x[1] > 0.0 else x[0] ** 2 + 3.0 * x[1], [1.0, 0.0], "x[1]"),
    ],
)
def test_kinks(f, x, offender):
    for exact in (True, False):
        result = check_grad(f, np.array(x), complex_step=exact)
        assert (result.verdict, result.offender) == ("kink", offender), str(result)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x) + np.heaviside(x[1], 0.5),
        lambda x: np.sum(np.where(x > 0.0, x + 1.0, x)),
        lambda x: x[1] ** 2 if x[1] > 0 else x[1] - 1e-3,
        lambda x: np.sum(x) + np.floor(x[1]),
        lambda x: np.sum(np.sign(x)),
    ],
)
def test_jumps(f):
    for exact in (True, False):
        result = check_grad(f, np.array([1.5, 0.0]), complex_step=exact)
        assert (result.verdict, result.offender) == ("jump", "x[1]"), str(result)


# functions that are noisy ----------------------------------------------------------------------------


def in_single_precision(x):
    y = x.astype(np.float32)
    return np.sum(np.sin(y) * np.exp(y))


def rounded(x):
    return np.sum(np.round(1e4 * x) / 1e4) ** 2


def through_integers(x):
    return np.sum(np.floor(x * 5e5 + 0.3)) * 2e-6


def fine(x):
    return np.sum(x**2) + 1e-3 * np.sum(np.sin(1e11 * x))


@pytest.mark.parametrize("f", [in_single_precision, rounded, through_integers, fine])
@pytest.mark.parametrize("exact", [True, False])
def test_noise(f, exact):
    result = check_grad(f, POINT + 1.23e-5, complex_step=exact)
    assert result.verdict == "noise floor", str(result)
    reason = {"in_single_precision": "float32", "fine": "structure too fine"}.get(f.__name__, "steps")
    if exact or f is in_single_precision:
        assert reason in str(result)


def test_float32_inside_passes_when_no_more_is_asked():
    assert check_grad(in_single_precision, POINT, rtol=1e-4).passed


def truncated(x):
    """The square root by an iteration that stops early: a staircase of smooth pieces."""
    y = 1.0
    for _ in range(200):
        new = y - 0.2 * (y * y - x)
        if abs(new - y) < 1e-3:
            break
        y = new
    return y


def test_a_truncated_iteration_is_noted():
    result = check_grad(truncated, 2.0)
    assert any("jump" in note and "stops early" in note for note in result.notes), str(result)


def test_smooth_functions_are_not_called_noisy():
    for f in (
        np.exp,
        np.tanh,
        lambda x: x**7 - x,
        lambda x: 1.0 / (1.0 + 25.0 * x * x),
        lambda x: np.sin(9 * x),
    ):
        for x in (0.1, 0.7, 3.0):
            assert check_grad(f, x).notes == ()


def test_extreme_sizes_and_flat_places():
    for size in (1e-300, 1e-100, 1e100, 1e300):
        assert check_grad(lambda x: size * np.sum(x**2), POINT).passed  # noqa: B023
    for power in (2, 3, 4, 6):
        result = check_grad(lambda x: np.sum((x - 1.0) ** power), np.ones(3))  # noqa: B023
        assert result.passed, str(result)
        assert result.notes == ()


def test_cancellation_is_noise():
    result = check_grad(lambda x: (1.0 - np.cos(x)) / x**2, 1e-7)
    assert result.verdict == "noise floor", str(result)


def test_a_kink_nearby_is_noted():
    result = check_grad(lambda x: np.sum(np.maximum(x, 0.5001)), np.array([0.5, 2.0]), order=1)
    assert result.passed
    assert any(note.startswith("not smooth nearby") for note in result.notes)


def test_a_fast_oscillation_is_right_and_noted():
    result = check_grad(lambda x: x**2 + 1e-3 * np.sin(1e7 * x), 1.1)
    assert result.passed
    assert any(note.startswith("fine structure") for note in result.notes)
