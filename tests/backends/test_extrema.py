"""An extremum is one of the elements that it is taken of: compiled programs keep that to the last bit."""

import numpy as np
import pytest

import diffsci as ds

RNG = np.random.default_rng(3)
W = RNG.normal(size=(40, 9))


def mixed(x):
    """Elements that a fused multiply-add rounds otherwise than a product and a sum do."""
    return x * 0.2 + np.outer(x.ravel()[:4], x.ravel()[:3]).sum() * 0.01


def elementary(x):
    """Elements that take other functions in vectors than alone."""
    return np.exp(np.sin(x) * 0.3)


def moved(x):
    return np.pad(mixed(x)[:, ::-1], 1, mode="edge").T[1:-1, 1:-1]


LOSSES = {
    "differences": lambda y: np.sum(np.sin(y - np.max(y, axis=1, keepdims=True))),
    "roots": lambda y: np.sum(np.sqrt(np.max(y) - y)[1:] * y[:1]),
    "equality": lambda y: np.sum(np.where(y == np.min(y, axis=0), y * y, 0.0)),
    "rows": lambda y: np.sum(W[: y.shape[0], :, None] * (y[:, 0] - np.max(y[:, 0]))[:, None, None] ** 2),
    "places": lambda y: np.sum((y - y.ravel()[np.argmax(y)]) * y),
}


@pytest.mark.parametrize("shape", [(3, 8), (2, 5), (40, 30)], ids=str)
@pytest.mark.parametrize("make", [mixed, elementary, moved], ids=lambda f: f.__name__)
@pytest.mark.parametrize("loss", LOSSES)
def test_one_element_is_the_extremum(loss, make, shape):
    def f(x):
        return LOSSES[loss](make(x))

    def both(x):
        return f(x), ds.jvp(f, (x,), (x,))[1]

    for way in (ds.grad(f), both):
        compiled, plain = ds.jit(way), ds.jit(way, backend="numpy")
        for _ in range(12):
            x = RNG.normal(size=shape)
            with np.errstate(divide="ignore", invalid="ignore"):  # the root of zero has no slope
                np.testing.assert_allclose(compiled(x), plain(x), rtol=1e-8, atol=1e-8)


def test_nothing_exceeds_the_maximum():
    above = ds.jit(lambda x: np.max(mixed(x), axis=1, keepdims=True) - mixed(x))
    counted = ds.jit(lambda x: np.sum(elementary(x) == np.max(elementary(x))))
    for _ in range(50):
        x = RNG.normal(size=(30, 40))
        assert np.all(above(x) >= 0)
        assert counted(x) == 1
