"""Rolled loops agree with the Python loops they stand for: values and derivatives, every mode and order."""

import numpy as np
import pytest

import diffsci as ds
from diffsci.trees import flatten
from tests.control.models import INPUTS, PAIRS, START, WEIGHTS, newton, recurrent, recurrent_unrolled

every_pair = pytest.mark.parametrize("name", PAIRS)


def close(found, expected, rtol=1e-12):
    found, expected = flatten(found)[0], flatten(expected)[0]
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * (1e-3 + np.max(np.abs(b), initial=0.0)))


@every_pair
def test_values_and_first_derivatives(name):
    rolled, unrolled, args = PAIRS[name]
    close(rolled(*args), unrolled(*args))
    tangents = tuple(np.full(np.shape(x), 0.3)[()] for x in args)
    close(ds.jvp(rolled, args, tangents), ds.jvp(unrolled, args, tangents))
    everything = tuple(range(len(args)))

    def total(f):
        return lambda *args: sum(np.sum(leaf**2) for leaf in flatten(f(*args))[0])

    close(ds.grad(total(rolled), everything)(*args), ds.grad(total(unrolled), everything)(*args))


@every_pair
def test_every_law(name):
    rolled, _, args = PAIRS[name]
    result = ds.check_all(rolled, *args)
    assert result.passed, result


@every_pair
def test_taylor(name):
    rolled, unrolled, args = PAIRS[name]
    directions = tuple(np.full(np.shape(x), 0.1)[()] for x in args)
    close(ds.taylor(rolled, args, directions, 3), ds.taylor(unrolled, args, directions, 3), 1e-11)


def test_jacobians():
    args = (WEIGHTS, START, INPUTS)
    for mode in ("forward", "reverse"):
        found = ds.jacobian(lambda h: recurrent(WEIGHTS, h, INPUTS)[0], mode=mode)(START)
        close(found, ds.jacobian(lambda h: recurrent_unrolled(WEIGHTS, h, INPUTS)[0])(START))

    def total(f):
        return lambda h: np.sum(f(args[0], h, args[2])[1]["sum"] ** 2)

    close(ds.hessian(total(recurrent))(START), ds.hessian(total(recurrent_unrolled))(START))


def test_third_order():
    third = ds.grad(ds.grad(ds.grad(newton)))
    assert third(3.0) == pytest.approx(3 / 8 * 3.0**-2.5, rel=1e-9)


def test_members():
    """vmap over the rows, over the weights, and with different numbers of steps."""
    many = np.stack([INPUTS, 2 * INPUTS])
    found = ds.vmap(recurrent, (None, None, 0))(WEIGHTS, START, many)
    expected = [recurrent_unrolled(WEIGHTS, START, xs) for xs in many]
    close(found[0], np.stack([h for h, _ in expected]))
    close(found[1]["sum"], np.stack([ys["sum"] for _, ys in expected]))
    roots = ds.vmap(newton)(np.array([2.0, 900.0, 1e-4]))
    close(roots, np.sqrt([2.0, 900.0, 1e-4]))
    slopes = ds.vmap(ds.grad(newton))(np.array([2.0, 900.0]))
    close(slopes, 0.5 / np.sqrt([2.0, 900.0]), 1e-9)

    def total(w, xs):
        return np.sum(recurrent(w, START, xs)[1]["sum"])

    rows = ds.vmap(ds.grad(total), (None, 0))(WEIGHTS, many)
    close(rows, np.stack([ds.grad(total)(WEIGHTS, xs) for xs in many]))


def test_one_compiled_object_takes_different_numbers_of_steps():
    fast = ds.jit(ds.value_and_grad(newton))
    for a in (2.0, 1e6, 1e-6, 2.0):
        close(fast(a), ds.value_and_grad(newton)(a))


def test_derivative_inside_a_body():
    """Gradient descent: the body differentiates."""

    def objective(x, a):
        return np.sum((x - a) ** 2 * (1 + x**2))

    def descend(a):
        return ds.fori_loop(0, 20, lambda i, x: x - 0.02 * ds.grad(objective)(x, a), np.ones(2))

    def unrolled(a):
        x = np.ones(2)
        for _ in range(20):
            x = x - 0.02 * ds.grad(objective)(x, a)
        return x

    a = np.array([0.3, -0.4])
    close(descend(a), unrolled(a))
    close(ds.jacobian(descend)(a), ds.jacobian(unrolled)(a))
    close(ds.jit(ds.jacobian(descend))(a), ds.jacobian(unrolled)(a))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("length", [3, None])
def test_second_derivatives_in_two_directions(length, backend):
    """What a sweep in one direction left behind is nothing for another one."""

    def f(u):
        if length is None:

            def step(s):
                return s[0] + 1, s[1] * s[1][0]

            return np.sum(ds.while_loop(lambda s: s[0] < 3, step, (0, u))[1] ** 2)
        return np.sum(ds.fori_loop(0, length, lambda i, c: c * c[0], u) ** 2)

    def product(u, v):
        return ds.grad(lambda z: ds.jvp(f, (z,), (v,))[1])(u)

    u, a, b = np.array([1.3, -0.4, 0.7]), np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.5, 0.0])
    hessian = ds.hessian(lambda u: np.sum((u * u[0] ** 7) ** 2))(u)  # c c[0], three times
    found = ds.jit(lambda u: (product(u, a), product(u, b), product(u, a)), backend=backend)(u)
    for value, v in zip(found, (a, b, a), strict=True):
        np.testing.assert_allclose(value, hessian @ v, rtol=1e-12)
