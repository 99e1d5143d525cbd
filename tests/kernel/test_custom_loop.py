"""The algebra of host loops: any order and mode from tangent and pullback on the frozen tape."""

import numpy as np
import pytest

import diffsci as ds
from diffsci import CustomLoop
from diffsci.graph import Type

STEPS = 3


def plain(y, p):
    """The same map in plain NumPy: y -> y + p * sin(y), three times."""
    for _ in range(STEPS):
        y = y + p * np.sin(y)
    return y


class Iterated(CustomLoop):
    """`plain` as a host loop; `order` counts pushforwards; its steps are differentiated by the kernel."""

    def __init__(self, order=0):
        self.order = order

    def function(self):
        f = plain
        for _ in range(self.order):
            f = pushed(f)
        return f

    def run(self, x):
        assert self.order == 0, "only the loop itself is ever run"
        return [plain(*x)], "tape"

    def output_types(self, input_types):
        out = [input_types[0]]
        return out * 2**self.order

    def tangent(self, x, tape, dx):
        assert tape == "tape"
        return flat(ds.jvp(self.function(), tuple(x), tuple(dx))[1])

    def pullback(self, x, tape, ct):
        assert tape == "tape"
        out, pull = ds.vjp(self.function(), *x)
        return list(pull(tuple(ct) if isinstance(out, tuple) else ct[0]))

    def pushforward(self):
        return Iterated(self.order + 1)


def flat(value):
    return list(value) if isinstance(value, tuple) else [value]


def pushed(f):
    def push(*x):
        half = len(x) // 2
        out, tangent = ds.jvp(f, x[:half], x[half:])
        return (*flat(out), *flat(tangent))

    return push


def looped(y, p):
    return ds.custom_loop(Iterated(), y, p)[0]


Y, P = np.array([0.3, 1.1]), 0.7


def both(transform):
    """Return a transformation of the scalar objective through the loop and through the plain map."""
    return [transform(lambda y, p, f=f: np.sum(f(y, p) ** 2)) for f in (looped, plain)]


TRANSFORMS = {
    "value": lambda f: f(Y, P),
    "grad": lambda f: ds.grad(f, (0, 1))(Y, P),
    "jvp": lambda f: ds.jvp(f, (Y, P), (Y * 2, 0.1)),
    "hvp": lambda f: ds.hvp(f, (Y, P), (Y * 2, 0.1)),
    "hessian": lambda f: ds.hessian(f)(Y, P),
    "reverse over forward": lambda f: ds.grad(lambda y: ds.jvp(lambda v: f(v, P), (y,), (Y,))[1])(Y),
    "forward over forward": lambda f: ds.jvp(lambda y: ds.jvp(lambda v: f(v, P), (y,), (Y,))[1], (Y,), (Y,)),
    "reverse over reverse": lambda f: ds.grad(lambda y: np.sum(ds.grad(f)(y, P) ** 2))(Y),
    "third": lambda f: ds.jvp(lambda y: ds.hvp(lambda v: f(v, P), (y,), (Y,)), (Y,), (Y,))[1],
    "third in reverse": lambda f: ds.grad(lambda p: np.sum(ds.hvp(lambda v: f(v, p), (Y,), (Y,))))(P),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_order_and_mode(name):
    through_loop, expected = both(TRANSFORMS[name])
    for a, b in zip(leaves(through_loop), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def leaves(value):
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, (tuple, list)) else [value]


@pytest.mark.parametrize("name", ["value", "grad", "hvp"])
def test_compiled_around_the_loop(name):
    """Native code before and behind a loop, and again at another point of the same compiled object."""

    def function(f):
        inner = lambda y, p: np.sum(f(np.exp(y), p) ** 2)  # noqa: E731
        return {
            "value": inner,
            "grad": ds.grad(inner, (0, 1)),
            "hvp": lambda y, p: ds.hvp(inner, (y, p), (Y, 1.0)),
        }[name]

    compiled = ds.jit(function(looped))
    for y, p in ((Y, P), (Y - 0.5, 0.2)):
        for a, b in zip(leaves(compiled(y, p)), leaves(function(plain)(y, p)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_integer_inputs_have_no_tangent():
    class Scaled(CustomLoop):
        def run(self, x):
            return [x[0] * x[1]], None

        def output_types(self, input_types):
            return [Type(input_types[0].shape, np.dtype(float))]

        def tangent(self, x, tape, dx):
            assert dx[1] is None
            return [dx[0] * x[1]]

        def pullback(self, x, tape, ct):
            return [ct[0] * x[1], None]

        def pushforward(self):
            raise AssertionError("not needed at first order")

    def f(y):
        return np.sum(ds.custom_loop(Scaled(), y, np.arange(2))[0])

    np.testing.assert_array_equal(ds.grad(f)(Y), [0.0, 1.0])
    assert ds.jvp(f, (Y,), (np.ones(2),))[1] == 1.0
