"""What the check of a user's pattern sees: tiny entries, roundings, values that are not finite, float32."""

import numpy as np
import pytest

import diffsci as ds

N = 12
DIAGONAL = np.eye(N)


def refuses(f, x, pattern, match, hessian=False):
    derivative = ds.sparse_hessian if hessian else ds.sparse_jacobian
    with pytest.raises(ValueError, match=match):
        derivative(f, pattern=pattern)(x)


@pytest.fixture
def x():
    return np.random.default_rng(2).uniform(0.5, 1.5, N)


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1.0, 1e150, 1e300])
def test_entries_of_any_size(x, size):
    """Alone in their row, or in their column."""

    def alone(x):
        return size * np.concatenate([x[1:], x[:1]])

    refuses(alone, x, DIAGONAL, r"result\[0\] by argument 0\[1\] \(row 0, column 1\)")

    def beside(x):
        return 1e3 * np.concatenate([x[:-1], x[:1]]) + size * x[-1] * (np.arange(N) == 3)

    without = np.eye(N)
    without[-1, 0] = 1
    refuses(beside, x, without, r"\(row 3, column 11\)")


def test_what_cancels_but_for_roundings_may_be_left_out(x):
    def constants(x):
        last = 0.1 * x[::-1] + 0.2 * x[::-1] - 0.3 * x[::-1]
        return x + last

    assert abs(ds.jacobian(constants)(x)[0, -1]) > 0
    assert ds.sparse_jacobian(constants, pattern=DIAGONAL)(x).nnz == N

    def values(x):
        """Columns of the second half have nothing else."""
        ratio = x[:6] * (x[6:] ** 3) ** (1 / 3) / x[6:]
        return np.concatenate([ratio, ratio])

    structure = np.tile(np.eye(6, N), (2, 1))
    assert np.any(ds.jacobian(values)(x)[:, 6:])
    assert ds.sparse_jacobian(values, pattern=structure)(x).nnz == N


def test_large_terms_that_cancel_inside_of_the_pattern(x):
    """Two sweeps round them differently, and that says nothing about the pattern."""

    def f(x):
        return 1e9 / 3 * x * x + 1e-3 * np.roll(x, 1) - x * (1e9 * x + 3 * x) / 3

    structure = DIAGONAL + np.roll(DIAGONAL, -1, axis=1)
    for mode in ("forward", "reverse", "direct"):
        assert ds.sparse_jacobian(f, pattern=structure, mode=mode)(x).nnz == 2 * N
    refuses(f, x, DIAGONAL, r"and 7 more")


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_values_that_are_not_finite(x, value):
    """They tell nothing of their own rows; others are looked at."""

    def f(x):
        return np.log(x) + 3 * np.roll(x, 1)

    x[4] = value
    with np.errstate(all="ignore"):
        assert ds.sparse_jacobian(f, pattern=DIAGONAL + np.roll(DIAGONAL, -1, axis=1))(x).nnz == 2 * N
        refuses(f, x, DIAGONAL, r"\(row 0, column 11\)")


def test_single_precision():
    n = 2000
    x = np.random.default_rng(3).uniform(0.5, 1.5, n).astype(np.float32)

    def f(x):
        return np.concatenate([np.cumsum(x**2)[-1:], x[1:] * np.sin(x[:-1])])

    structure = np.eye(n, dtype=bool) | np.eye(n, k=-1, dtype=bool)
    structure[0] = True
    found = ds.sparse_jacobian(f, pattern=structure)(x)
    assert found.dtype == np.float32
    structure[0, 77] = False
    refuses(f, x, structure, r"\(row 0, column 77\)")


def test_many_missing_entries_are_counted_as_far_as_they_were_seen():
    n = 200
    x = np.linspace(1.0, 2.0, n)

    def f(x):
        return x * np.sum(x)

    refuses(f, x, np.eye(n), r"and at least \d+ more")
    refuses(lambda x: x * np.roll(x, 1), x[:40], np.eye(40), r"and 35 more")


def test_patterns_for_functions_whose_own_is_too_large():
    """Nothing is found for these: the pattern of the user stands, and is checked by numbers."""
    n = 200_000
    x = np.linspace(1.0, 2.0, n)

    def f(x):
        total = np.cumsum(x)
        return total - np.concatenate([np.zeros(1), total[:-1]]) + x**2

    from scipy.sparse import eye_array

    found = ds.sparse_jacobian(f, pattern=eye_array(n), mode="forward")(x)
    assert np.allclose(found.data, 1 + 2 * x, rtol=1e-6)


@pytest.mark.parametrize("mode", ["star", "acyclic", "auto"])
def test_hessians(x, mode):
    def f(x):
        return np.sum(x[1:] ** 2 * x[:-1]) + x[0] * x[-1]

    band = abs(np.subtract.outer(np.arange(N), np.arange(N))) <= 1
    with pytest.raises(ValueError, match=r"\(row 0, column 11\).*\(row 11, column 0\)"):
        ds.sparse_hessian(f, pattern=band, mode=mode)(x)
