"""Arrays on the device go in and come out of compiled functions without leaving it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import diffsci as ds
from diffsci.graph import Builder, Graph, Type
from solvers import solve_ivp
from tests.cuda.host_device import HostArray


def there(value):
    return HostArray(np.array(value))


def model(x, scale):
    return np.sum(np.sin(x) * scale), {"twice": 2.0 * x}


def test_results_lie_where_the_arguments_lie(machine):
    compiled = ds.jit(model, backend="cupy")
    x = np.linspace(0.0, 1.0, 5)
    total, rest = compiled(there(x), 3.0)
    assert isinstance(total, HostArray)
    assert isinstance(rest["twice"], HostArray)
    plain_total, plain_rest = compiled(x, 3.0)
    assert isinstance(plain_rest["twice"], np.ndarray)
    assert isinstance(plain_total, float)
    assert plain_total == float(total)
    assert_array_equal(plain_rest["twice"], rest["twice"].get())


def test_device_arrays_are_copied_to_the_host_only_for_tracing(machine):
    compiled = ds.jit(ds.value_and_grad(lambda x: np.sum(x**3)), backend="cupy")
    x = there(np.arange(4.0))
    compiled(x)
    before = machine.device.copies_to_host
    value, slope = compiled(there(np.arange(1.0, 5.0)))
    assert machine.device.copies_to_host == before
    assert float(value) == 100.0
    assert_array_equal(slope.get(), 3.0 * np.arange(1.0, 5.0) ** 2)


def test_a_signature_is_traced_once(machine):
    calls = []

    def f(x):
        calls.append(1)
        return x + 1.0

    compiled = ds.jit(f, backend="cupy")
    for x in (there(np.ones(3)), there(np.ones(3)), there(np.ones((2, 3))[:, 0]), there(np.zeros(2))):
        compiled(x)
    assert len(calls) == 2  # for shapes (3,) and (2,)


def test_branches_make_paths(machine):
    def f(x):
        return np.sqrt(x) if x[0] > 0 else -x

    compiled = ds.jit(f, backend="cupy")
    for value in ([4.0, 9.0], [-1.0, 2.0], [16.0, 1.0]):
        assert_array_equal(compiled(there(value)).get(), f(np.array(value)))


@dataclasses.dataclass
class State:
    u: object
    k: int


def test_containers_and_static_arguments(machine):
    compiled = ds.jit(lambda s, mode: s.u * s.k if mode == "up" else s.u, backend="cupy")
    s = State(there(np.ones(2)), 3)
    assert_array_equal(compiled(s, "up").get(), 3 * np.ones(2))
    assert_array_equal(compiled(s, mode="down").get(), np.ones(2))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "float32", "complex128", "complex64"])
def test_dtypes(machine, dtype):
    x = np.array([1, 0, 2]).astype(dtype)
    compiled = ds.jit(lambda x, y: x * y, backend="cupy")
    found = compiled(there(x), 2.0)
    expected = ds.jit(lambda x, y: x * y, backend="numpy")(x, 2.0)
    assert found.dtype == expected.dtype
    assert_array_equal(found.get(), expected)


def test_arrays_of_other_layouts(machine):
    a = np.arange(12.0).reshape(3, 4)
    compiled = ds.jit(lambda a: a[1] - a[0], backend="cupy")
    view = HostArray(np.asfortranarray(a))
    assert_array_equal(compiled(view).get(), a[1] - a[0])
    assert_array_equal(compiled(HostArray(a[:, ::2])).get(), (a[1] - a[0])[::2])
    assert compiled(there(np.empty((3, 0)))).shape == (0,)


def test_half_precision_is_refused(machine):
    with pytest.raises(ds.UnsupportedError, match="float16"):
        ds.jit(lambda x: x, backend="cupy")(there(np.ones(2, np.float16)))


def test_other_backends_refuse_device_arrays(machine):
    for backend in ("numba", "numpy"):
        with pytest.raises(ds.UnsupportedError, match="backend='cupy'"):
            ds.jit(lambda x: x, backend=backend)(there(np.ones(2)))


def scaled(x):
    return 2.0 * x


OUTSIDE = {
    "grad": ds.grad(np.sum),
    "vmap": ds.vmap(scaled),
    "scan": lambda x: ds.scan(lambda c, v: (c + v, c), 0.0, x),
    "fori_loop": lambda x: ds.fori_loop(0, 3, lambda _, v: scaled(v), x),
    "while_loop": lambda x: ds.while_loop(lambda v: np.sum(v) < 9.0, scaled, x),
    "solve_ivp": lambda x: solve_ivp(lambda t, y: -y, (0.0, 1.0), x),
    "stable": ds.stable.logsumexp,
    "check_grad": lambda x: ds.check_grad(np.sum, (x,)),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_transformations_outside_of_jit_say_where_to_compile(machine, name):
    with pytest.raises(ds.UnsupportedError, match=r"jit\(\.\.\., backend='cupy'\)"):
        OUTSIDE[name](there(np.ones(2)))


def test_constants_have_arrived_before_a_call_on_any_stream(kernels):
    b = Builder()
    x = b.input(Type((300,), np.dtype(float)))
    program = kernels.program(Graph([x], [b.mul(x, b.const(np.linspace(0.0, 1.0, 300)))]))
    assert program.consts
    assert not kernels.device.under_way


def test_arrays_that_are_read_from_outside_say_what_to_do(machine):
    outside = there(np.ones(2))
    with pytest.raises(ds.UnsupportedError, match="pass it as an argument"):
        ds.jit(lambda x: x * outside, backend="cupy")(there(np.ones(2)))


def test_an_index_out_of_range(machine):
    with pytest.raises((IndexError, ds.EvaluationError)):
        ds.jit(lambda x, k: x[k], backend="cupy")(there(np.ones(2)), there(np.array([5])))
