"""Sparse Jacobians of functions with loops, solves, branches and callbacks: every way that is possible."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.special

import diffsci as ds

N = 24
RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 1.5, N)
SPARSE = sp.random_array((N, N), density=0.1, rng=RNG, format="csr")


@ds.custom_jvp
def halved(x):
    return x * np.sin(x) / 2


halved.defjvp(lambda primals, tangents: (halved(primals[0]), np.cos(primals[0]) * tangents[0]))


def _scan(x):
    last, sums = ds.scan(lambda c, k: (c * 0.9 + x * np.sin(c) * k, np.sum(c[:2])), x, np.arange(3.0))
    return np.concatenate([last, sums])


def _written(x):
    y = np.zeros_like(x)
    for i in range(1, N):
        y[i] = x[i] * x[i - 1] + 0.1 * y[i - 1] ** 2
    return y


FUNCTIONS = {
    "special": lambda x: scipy.special.gammaln(x) * np.roll(x, 3),
    "running sum": lambda x: np.cumsum(x.reshape(4, 6) ** 2, axis=1),
    "Fourier": lambda x: np.fft.irfft(np.fft.rfft(x.reshape(6, 4), axis=1), 4, axis=1).ravel() * x,
    "constant matrix": lambda x: SPARSE @ x**2,
    "sorted": lambda x: np.sort(x.reshape(8, 3), axis=1) * 2,
    "while": lambda x: ds.while_loop(lambda s: np.sum(s) < 100, lambda s: s * 1.5 + np.roll(s, 1), x),
    "scan": _scan,
    "written": _written,
    "members": lambda x: ds.vmap(lambda a: a[0] * np.sin(a[1]))(x.reshape(12, 2)),
    "blocks solved": lambda x: np.linalg.solve(
        x.reshape(6, 2, 2) + 2 * np.eye(2), x[:12].reshape(6, 2)[:, :, None]
    ),
    "blocks inverted": lambda x: np.linalg.inv(x.reshape(6, 2, 2) + 2 * np.eye(2)),
    "cond": lambda x: ds.cond(np.sum(x) > 0, lambda x: x**2, lambda x: np.roll(x, 1), x),
    "compiled inside": lambda x: ds.jit(lambda x: x * np.roll(x, 1))(x),
    "root": lambda x: ds.root(lambda y, x: y**3 + y - x, np.zeros(N), x),
    "largest": lambda x: np.max(x.reshape(6, 4), axis=1),
    "gradient": lambda x: ds.grad(lambda z: np.sum(z[1:] ** 2 * z[:-1]))(x),
    "recomputed": lambda x: ds.checkpoint(lambda x: x * np.roll(x, 2))(x),
    "scalars": lambda x: np.array([math.sin(x[k]) * x[(k + 1) % N] for k in range(N)]),
    "softmax": lambda x: ds.stable.softmax(x.reshape(6, 4), axis=1),
    "custom rule": lambda x: halved(x) * np.roll(x, 1),
    "stopped": lambda x: x * ds.stop_gradient(np.roll(x, 1)),
}


@pytest.mark.filterwarnings("ignore:.*computed as a dense matrix")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_ways_agree_with_the_dense_jacobian(name):
    f = FUNCTIONS[name]
    dense = ds.jacobian(f)
    candidates = ds.sparse_jacobian(f).plan(X).candidates
    possible = [found.mode for found in candidates if found.cost is not None and found.mode != "dense"]
    assert {"forward", "reverse", "bidirectional"} <= set(possible)
    for mode in ("auto", *possible):
        jacobian = ds.sparse_jacobian(f, mode=mode)
        for x in (X, 1.0 + 0.5 * X[::-1]):
            expected = dense(x).reshape(-1, N)
            scale = np.abs(expected).max()
            np.testing.assert_allclose(jacobian(x).toarray(), expected, rtol=1e-12, atol=1e-13 * scale)


@pytest.mark.parametrize("mode", ["direct", "forward", "reverse"])
def test_results_do_not_depend_on_the_number_of_threads(mode):
    def f(x):
        u = x.reshape(150, 150)
        return (u**3 - np.sin(u) * np.roll(u, 1, 0) + np.roll(u, -1, 1)).ravel()

    jacobian = ds.sparse_jacobian(f, mode=mode)
    x = np.random.default_rng(1).normal(size=150**2)
    threads = ds.get_num_threads()
    try:
        found = []
        for count in (1, 2, 3, 7):
            ds.set_num_threads(count)
            found.append(jacobian(x).data)
    finally:
        ds.set_num_threads(threads)
    for entries in found[1:]:
        np.testing.assert_array_equal(entries, found[0])
