"""Rolled loops on the device: Python drives them, their arrays stay there."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffsci as ds
from tests.cuda.host_device import HostArray


def there(value):
    return HostArray(np.array(value))


def host(value):
    return value.get() if isinstance(value, HostArray) else np.asarray(value)


def decay(x, p):
    """`fori_loop` with a carry, a constant and the number of the step."""
    return ds.fori_loop(0, 12, lambda k, y: y - 0.1 * p * y + 0.01 * k, x)


def sums(x, p):
    """`scan` with items in and out."""

    def body(carry, row):
        carry = carry * 0.9 + np.sin(row) * p
        return carry, carry**2

    last, rows = ds.scan(body, np.zeros(3) * p[0], x * np.arange(5.0)[:, None])
    return np.sum(last) + np.sum(rows, axis=0)


def backwards(x, p):
    """`scan` from the last item to the first, with checkpoints."""
    rows = np.outer(np.arange(7.0), x)
    last, _ = ds.scan(lambda c, r: (np.tanh(c + r * p), None), x, rows, reverse=True, checkpoint=3)
    return last


def newton(x, p):
    """`while_loop`: the predicate is read back."""
    start = (x + 2.0, 0.0 * p[0])
    return ds.while_loop(
        lambda s: (np.max(abs(s[0] ** 2 - p)) > 1e-12) & (s[1] < 40),
        lambda s: ((s[0] + p / s[0]) / 2, s[1] + 1),
        start,
    )[0]


def counted(x, p):
    """A loop in a loop."""
    return ds.fori_loop(0, 3, lambda k, y: ds.fori_loop(0, 4, lambda j, z: z * np.cos(p) + j, y), x)


LOOPS = {f.__name__: f for f in (decay, sums, backwards, newton, counted)}
every_loop = pytest.mark.parametrize("name", LOOPS)
X, P = np.array([0.3, 1.1, 0.7]), np.array([1.2, 0.8, 1.9])


def compare(f, machine, rtol=1e-12):
    expected = ds.jit(f)(X, P)
    compiled = ds.jit(f, backend="cupy")
    for x, p in ((X, P), (X + 0.1, P * 1.1)):
        expected = ds.jit(f)(x, p)
        found = compiled(there(x), there(p))
        for a, b in zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]:
            assert isinstance(a, HostArray)
            assert_allclose(a.get(), b, rtol=rtol, atol=1e-13)


@every_loop
def test_values(name, machine):
    compare(LOOPS[name], machine)


@every_loop
def test_gradients(name, machine):
    f = LOOPS[name]
    compare(ds.grad(lambda x, p: np.sum(f(x, p) ** 2), argnums=(0, 1)), machine)


@every_loop
def test_tangents(name, machine):
    f = LOOPS[name]
    compare(lambda x, p: ds.jvp(f, (x, p), (np.ones(3), p))[1], machine)


@pytest.mark.parametrize("name", ["decay", "sums", "backwards"])
def test_second_derivatives(name, machine):
    f = LOOPS[name]
    compare(lambda x, p: ds.hvp(lambda x: np.sum(f(x, p) ** 2), (x,), (p,)), machine)


@pytest.mark.parametrize("name", ["decay", "sums", "newton"])
def test_members(name, machine):
    f = LOOPS[name]
    compare(lambda x, p: ds.vmap(f, in_axes=(0, None))(np.stack([x, 2 * x]), p), machine)


def test_steps_of_known_number_copy_nothing_to_the_host(machine):
    compiled = ds.jit(ds.value_and_grad(lambda x, p: np.sum(sums(x, p))), backend="cupy")
    compiled(there(X), there(P))
    before = machine.device.copies_to_host
    compiled(there(X), there(P))
    assert machine.device.copies_to_host == before


def test_arguments_on_the_host_give_results_there(machine):
    found = ds.jit(decay, backend="cupy")(X, P)
    assert isinstance(found, np.ndarray)
    assert_allclose(found, decay(X, P), rtol=1e-13)


def test_errors_of_the_model(machine):
    def body(k, y):
        if y > 3.0:
            raise ValueError("too large")
        return y + 1.0

    compiled = ds.jit(lambda y: ds.fori_loop(0, 5, body, y), backend="cupy")
    assert float(compiled(there(-3.0))) == 2.0
    with pytest.raises(ValueError, match="too large"):
        compiled(there(2.0))


def test_loops_that_cannot_run_there(machine):
    class Own(ds.CustomLoop):
        def run(self, x):
            return [2.0 * x[0]], None

        def output_types(self, input_types):
            return input_types

        tangent = pullback = pushforward = None

    def f(x):
        return ds.custom_loop(Own(), x)[0]

    with pytest.raises(
        ds.UnsupportedError, match=r"Own .*test_runtime_loops.py:\d+ in f.* cannot run on a device"
    ):
        ds.jit(f, backend="cupy")(there(np.ones(2)))
