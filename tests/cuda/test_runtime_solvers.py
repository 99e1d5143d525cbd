"""solve_ivp inside of functions compiled for a device: the loops of the CPU as Python over its arrays."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffsci as ds
from diffsci.backends import cuda
from diffsci.trees import flatten
from solvers import solve_ivp
from tests.cuda.host_device import HostArray, InterpretedMachine

Y0, P = np.array([1.0, 0.5]), np.array([1.5, 0.8])
TIMES = np.array([0.4, 1.0, 1.7])


def predators(t, y, p):
    a, b = y
    return np.array([p[0] * a - a * b, p[1] * a * b - b + 0.1 * np.sin(t)])


def solution(**options):
    def f(y0, p):
        return solve_ivp(predators, (0.0, 2.0), y0, args=(p,), **options).y

    return f


RUNS = {
    "adaptive": solution(t_eval=TIMES),
    "adaptive to the end": solution(rtol=1e-6, atol=np.array([1e-8, 1e-9])),
    "two error estimates": solution(t_eval=TIMES, method="DOP853"),
    "implicit": solution(t_eval=TIMES, method="Rodas5P", rtol=1e-5),
    "fixed steps": solution(t_eval=TIMES, method="RK4", n_steps=20),
    "checkpoints": solution(method="RK4", n_steps=20, checkpoints=4, t_eval=np.array([2.0])),
}
every_run = pytest.mark.parametrize("name", RUNS)


def there(value):
    return HostArray(np.array(value))


def loss(name):
    f = RUNS[name]

    def of(y0, p):
        y = f(y0, p)
        return np.sum(y[..., -1] ** 2) if name == "adaptive to the end" else np.sum(y**2)

    return of


def compare(f, rtol=1e-9):
    compiled, plain = ds.jit(f, backend="cupy"), ds.jit(f)
    for y0, p in ((Y0, P), (1.1 * Y0, 0.9 * P)):
        found, expected = (flatten(g)[0] for g in (compiled(there(y0), there(p)), plain(y0, p)))
        for a, b in zip(found, expected, strict=True):
            assert isinstance(a, HostArray)
            assert_allclose(a.get(), b, rtol=rtol, atol=1e-11)


@every_run
def test_values_and_gradients(name, machine):
    compare(ds.value_and_grad(loss(name), argnums=(0, 1)))


@every_run
def test_tangents(name, machine):
    compare(lambda y0, p: ds.jvp(loss(name), (y0, p), (p, y0)))


@pytest.mark.parametrize("name", ["adaptive", "fixed steps"])
def test_second_derivatives(name, machine):
    f = loss(name)
    compare(lambda y0, p: ds.hvp(lambda p: f(y0, p), (p,), (y0,)), rtol=1e-8)


def test_fields_keep_their_shape(machine):
    def heat(t, u):
        return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u

    u0 = np.random.default_rng(1).normal(size=(4, 6))

    def f(u0, _):
        return solve_ivp(heat, (0, 0.3), u0, t_eval=np.array([0.3])).y[..., 0]

    found = ds.jit(f, backend="cupy")(there(u0), 1.0)
    assert found.shape == (4, 6)
    assert_allclose(found.get(), ds.jit(f)(u0, 1.0), rtol=1e-9, atol=1e-12)


def test_a_step_reads_one_number_back(machine):
    compiled = ds.jit(lambda y0, p: solution(t_eval=np.array([2.0]))(y0, p)[:, -1], backend="cupy")
    compiled(there(Y0), there(P))
    before = machine.device.copies_to_host
    compiled(there(Y0), there(P))
    assert machine.device.copies_to_host <= before + 1  # the output times; errors are read as numbers


def test_models_that_branch(kernels):
    def f(y0, p):
        def fun(t, y, p):
            return -p * y if y[0] > 0.5 else -p * (0.5 - y[0] + y)

        return solve_ivp(fun, (0.0, 2.0), y0, args=(p,), t_eval=np.array([2.0])).y

    compare(ds.value_and_grad(lambda y0, p: np.sum(f(y0, p))))


def test_a_failed_run_has_no_numbers(machine):
    def f(y0, p):
        return solve_ivp(lambda t, y: p * y**2, (0.0, 3.0), y0, t_eval=np.array([3.0])).y

    assert np.isnan(ds.jit(f, backend="cupy")(there(np.ones(2)), there(np.ones(2))).get()).all()


def test_one_device_after_another(monkeypatch):
    def f(y0, p):
        return solve_ivp(
            predators, (0.0, 1.0), y0, args=(p,), t_eval=np.array([0.5, 1.0]), method="Rodas5P"
        ).y

    found = []
    for _ in range(2):
        machine = InterpretedMachine()
        monkeypatch.setattr(cuda, "cupy_machine", lambda: machine)  # noqa: B023
        found.append(ds.jit(f, backend="cupy")(there(Y0), there(P)).get())
        machine.device.arriving = None  # nothing is asked of it any more
    assert_allclose(found[0], found[1], rtol=0)
