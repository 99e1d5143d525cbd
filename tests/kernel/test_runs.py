"""Known indices that lie in runs are slices in the program, and so are their transposes."""

import numpy as np
import pytest

import diffsci as ds

N = 12
FORWARD = (np.arange(N) + 1) % N
KEYS = [FORWARD, (slice(None), FORWARD), (slice(2, 9), FORWARD[::-1]), -1 - np.arange(N), np.arange(N) // 6]


def _check(f, x):
    value, (out, pullback) = f(x), ds.vjp(f, x)
    np.testing.assert_array_equal(out, value)
    np.testing.assert_array_equal(ds.jit(f)(x), value)
    rng = np.random.default_rng(0)
    ct, v = rng.standard_normal(value.shape), rng.standard_normal(x.shape)
    np.testing.assert_allclose(np.sum(pullback(ct)[0] * v), np.sum(ct * f(v)), rtol=1e-12)
    reverse = ds.jit(lambda x, ct: ds.vjp(f, x)[1](ct)[0])
    np.testing.assert_allclose(reverse(x, ct), pullback(ct)[0], rtol=1e-12)
    if max(value.shape) <= 2 * N:  # else the runs are many
        assert " put_add(" not in reverse.graph(x, ct)
        assert " take(" not in reverse.graph(x, ct)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_lists_of_integers(key):
    _check(lambda x: x[key], np.random.default_rng(1).standard_normal((N, N)))


@pytest.mark.parametrize("mode", ["edge", "wrap", "reflect", "symmetric"])
@pytest.mark.parametrize("width", [1, 3, ((0, 2), (5, 0)), 2 * N + 1])
def test_padding(mode, width):
    _check(lambda x: np.pad(x, width, mode=mode), np.random.default_rng(2).standard_normal((N, N)))


def test_what_is_taken_is_a_copy():
    def f(x):
        y = x * 2.0
        z = y[np.arange(N)]
        z[0] = 5.0
        return y

    x = np.arange(float(N))
    np.testing.assert_array_equal(ds.jit(f)(x), 2.0 * x)


def test_out_of_bounds():
    with pytest.raises(IndexError, match="out of bounds"):
        ds.jit(lambda x: x[np.arange(N) + 1])(np.ones(N))
