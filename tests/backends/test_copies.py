"""A value that is computed in several loops is the same in all of them, to the last bit.

Each function here compares a value with a copy of itself, or takes a root of their difference: one bit less
and the answer is another one, or NaN.
"""

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends.plan.rounding import deciding, loose_products
from diffsci.graph import Builder, Graph, Type

RNG = np.random.default_rng(0)
W = RNG.normal(size=40)

VALUES = {
    "sum of a product and a number": lambda x: x * 0.2 + np.sum(x[0, :3]) * 0.1,
    "outer sum": lambda x: x[:, :1] * 2.3 + x[:1],
    "two products": lambda x: x * W[: x.shape[-1]] + x[:, ::-1] * 0.3,
    "functions": lambda x: np.exp(np.sin(x) * 0.3 - 1.0) * 0.7 + x,
    "bounded": lambda x: np.tanh(x * 1.7 + 0.1) * x + 0.5 * x**2,
}
USES = {
    "logarithm behind a condition": lambda y: np.sum(np.where(y > 0, np.log(y), 0.0)),
    "root behind a condition": lambda y: np.sum(np.where(y >= y[0, 0], np.sqrt(y - y[0, 0]), 0.0)),
    "one element": lambda y: np.sum(np.sqrt(np.abs(y - y[0, 0]))),
    "sign": lambda y: np.sum(np.sign(y - y[0, 1]) * y),
    "antisymmetric": lambda y: np.sum(np.sqrt(np.abs(y[:3, :3] - y[:3, :3].T))),
    "distances": lambda y: np.sum(np.linalg.norm(y[:, None, :] - y[None], axis=-1)),
    "clipped": lambda y: np.sum(np.sqrt(y - np.clip(y, None, y[1, 0]))),
    "so far": lambda y: np.sum(np.sqrt(np.maximum.accumulate(y.ravel()) - y.ravel())),
    "larger": lambda y: np.sum(np.sqrt(np.maximum(y, y[2, 0]) - y)),
    "sorted": lambda y: np.sum(np.sqrt(np.sort(y.ravel())[-1] - y)),
    "rounded": lambda y: np.sum(np.sqrt(y * 7.0 - np.floor(y * 7.0))),
    "integers": lambda y: np.sum(W[np.clip((y * 5.0).astype(int), 0, 30)] * y),
    "place": lambda y: np.sum(np.sqrt(np.max(y) - y) * (np.arange(y.size).reshape(y.shape) == np.argmax(y))),
    "quotient": lambda y: np.sum(y / y[0, 0] >= 1.0) * np.sum(y),
    "equal": lambda y: np.sum((y[..., None] == y.reshape(-1)) * y[..., None]),
    "slack": lambda y: np.sum(np.sqrt((y * y + 0.0 * y) - y * y)),
}


@pytest.mark.parametrize("shape", [(3, 8), (24, 17)], ids=str)
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("use", USES)
def test_copies_are_equal(use, value, shape):
    def f(x):
        return USES[use](VALUES[value](x))

    compiled, plain = (
        ds.jit(lambda x: (f(x), ds.grad(f)(x), ds.jvp(f, (x,), (x,))[1]), backend=backend)
        for backend in ("numba", "numpy")
    )
    for _ in range(3):
        x = RNG.normal(size=shape)
        with np.errstate(all="ignore"):  # roots of zero have no slope, here and there
            for found, expected in zip(compiled(x), plain(x), strict=True):
                size = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
                np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7 * size)


def _graph(make):
    b = Builder()
    inputs = [b.input(Type((4,), np.dtype(float))) for _ in range(4)]
    return Graph(inputs, make(b, *inputs))


def test_what_others_see_is_rounded():
    def seen(b, x, y, z, w):
        product = b.mul(x, y)
        return [b.add(product, z), b.maximum(product, w)]

    def unseen(b, x, y, z, w):
        return [b.sub(z, b.neg(b.mul(x, y)))]

    def asked(b, x, y, z, w):
        return [b.select(b.gt(b.add(b.mul(x, y), z), w), x, y)]

    assert not loose_products(_graph(seen))
    assert [node.name for node in loose_products(_graph(unseen))] == ["mul"]
    assert {"gt", "add"} <= {node.name for node in deciding(_graph(asked))}


@pytest.mark.parametrize("n", [4, 5000])
def test_a_difference_of_equal_products_is_zero(n):
    skew = ds.jit(lambda a, b, c, d: a * b - c * d)
    shared = ds.jit(lambda a, b, c: ((a * b + c) - a * b, np.maximum(a * b, c) - a * b))
    for _ in range(10):
        a, b = RNG.normal(size=(2, n))
        assert not np.any(skew(a, b, b, a))
        still, above = shared(a, b, np.zeros(n))
        assert not np.any(still)
        assert np.all(above >= 0)


def _seen_in_part(a, b, c):
    z = a[1:] * b[1:]
    return (c + a * b)[1:], z - np.maximum(z, 0.0), (z + 0.0) - z


@pytest.mark.parametrize("n", [4, 5000])
def test_a_product_that_others_see_is_rounded_beside_one_that_is_taken_in(n):
    a, b, c = RNG.normal(size=(3, n))
    for found, expected in zip(ds.jit(_seen_in_part)(a, b, c)[1:], _seen_in_part(a, b, c)[1:], strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n", [4, 5000])
@pytest.mark.parametrize(
    "skew",
    [
        lambda a, b, c, d: (a * b - c * d, c * d),
        lambda a, b, c, d: (c * d - a * b, np.roll(c * d, 1)),
        lambda a, b, c, d: (np.sum(np.concatenate([a * b, a]) - np.concatenate([c * d, a])), np.exp(c * d)),
    ],
)
def test_a_difference_of_equal_products_is_zero_whoever_sees_one(skew, n):
    a, b = RNG.normal(size=(2, n))
    assert not np.any(ds.jit(skew)(a, b, b, a)[0])
