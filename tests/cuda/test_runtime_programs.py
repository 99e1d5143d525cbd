"""Compiled programs from call to result, their kernels run as C++."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import diffsci as ds
from tests.cuda.host_device import HostArray, KernelDevice


def there(value):
    return HostArray(np.array(value))


def check(f, *args, rtol=1e-12):
    """Compare with the interpreter, twice: at another point the second time."""
    compiled, plain = ds.jit(f, backend="cupy"), ds.jit(f, backend="numpy")
    for factor in (1.0, 1.1):
        moved = [x * factor if x.dtype.kind == "f" else x for x in args]
        found, expected = compiled(*map(there, moved)), plain(*moved)
        pairs = zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
        for a, b in pairs:
            assert isinstance(a, HostArray)
            assert_allclose(a.get(), b, rtol=rtol, atol=1e-13)


RNG = np.random.default_rng(3)
A = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
STACK = RNG.normal(size=(3, 4, 4)) + 4 * np.eye(4)
X = RNG.normal(size=5)

PROGRAMS = {
    "elementwise": (ds.value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(-x))), X),
    "products": (ds.grad(lambda a, b: np.sum((a @ b.T) ** 2), argnums=(0, 1)), STACK, STACK[0]),
    "solve": (ds.grad(lambda a, b: np.sum(np.linalg.solve(a, b) ** 2), argnums=(0, 1)), A, A[0]),
    "solves": (lambda a, b: np.linalg.solve(a, b), STACK, STACK[:, :, :2]),
    "det": (ds.value_and_grad(lambda a: np.linalg.det(a)), A),
    "cholesky": (lambda a: np.linalg.cholesky(a @ a.T), A),
    "sort": (ds.grad(lambda x: np.sum(np.sort(x) * np.arange(5.0))), X),
    "scatter": (ds.grad(lambda x: np.sum(x[np.array([0, 2, 2, 1])] ** 3)), X),
    "fft": (lambda x: np.abs(np.fft.fft(x)) ** 2 + np.fft.irfft(np.fft.rfft(x), 5), X),
    "eigh": (lambda a: np.linalg.eigvalsh(a + a.T), A),
    "svd": (ds.grad(lambda a: np.sum(np.linalg.svd(a)[1] ** 3)), A),
    "on the host": (lambda a: np.linalg.slogdet(a)[1], A),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name, kernels):
    check(*PROGRAMS[name])


def test_branches_of_cond(kernels):
    def f(x):
        return ds.cond(x[0] > 0.5, np.exp, lambda x: x / 3, x)

    for value in ([1.0, 2.0], [0.0, 2.0]):
        assert_allclose(ds.jit(f, backend="cupy")(there(value)).get(), f(np.array(value)), rtol=1e-15)


def test_a_condition_that_does_not_hold_traces_another_path(kernels):
    def f(x):
        return np.sqrt(x) if np.sum(x) > 0 else x * x

    compiled = ds.jit(f, backend="cupy")
    for value in ([4.0, 9.0], [-1.0, -3.0], [1.0, 16.0], [-2.0, 0.0]):
        assert_array_equal(compiled(there(value)).get(), f(np.array(value)))


def test_an_index_out_of_range_names_the_line(kernels):
    def f(x, k):
        return x[k] * 2.0

    compiled = ds.jit(f, backend="cupy")
    assert_array_equal(compiled(there([1.0, 2.0]), there([1, 0])).get(), [4.0, 2.0])
    with pytest.raises(
        IndexError, match=r"out of bounds for axis with size 2 .*test_runtime_programs.py:\d+"
    ):
        compiled(there([1.0, 2.0]), there([1, 7]))


def test_repeated_calls_start_recorded_launches(kernels):
    def f(x):
        for _ in range(3):
            x = x / np.sum(x * x)
        return x

    compiled = ds.jit(f, backend="cupy")
    x = there(np.linspace(1.0, 2.0, 3000))
    expected = f(x.get())
    recorded = []
    record = kernels.device.record
    kernels.device.record = lambda work: recorded.append(1) or record(work)
    program = compiled.lower(x).executable
    held = kernels.device.array((3000,), np.dtype(float))
    work = kernels.device.empty(program.workspace_bytes)
    slots = [kernels.device.address(x), kernels.device.address(held), work.ptr]
    for _ in range(4):
        held[...] = 0.0
        assert program.run_at(slots) == 0
        assert_allclose(held.get(), expected, rtol=1e-14)
    assert recorded == [1]
    x[...] = x * 2.0
    program.run_at(slots)
    assert_allclose(held.get(), f(x.get()), rtol=1e-14)


def test_changing_memory_is_never_recorded(kernels):
    kernels.device.record = None  # would fail
    compiled = ds.jit(lambda x: np.exp(x) / np.sum(np.exp(x)), backend="cupy")
    kept = [compiled(there([1.0, k])) for k in range(6)]
    for k, found in enumerate(kept):
        assert_allclose(found.get(), np.exp([1.0, k]) / np.sum(np.exp([1.0, k])), rtol=1e-14)


def test_constants_of_equal_programs_are_their_own(kernels):
    for scale in (2.0, 3.0):
        table = scale * np.arange(1.0, 4.0)
        f = ds.jit(lambda x, table=tuple(table): x * np.array(table), backend="cupy")
        assert_allclose(f(there(np.ones(3))).get(), table)


def test_exceptions_of_operations_on_the_host(kernels):
    slope = ds.jit(ds.grad(lambda a: np.linalg.eigh(a)[1][0, 0]), backend="cupy")
    with pytest.raises(ds.DegenerateError, match="coincide"):
        slope(there(np.eye(2)))


def test_a_limit_where_eigenvalues_coincide(kernels):
    slope = ds.jit(ds.grad(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2)), backend="cupy")
    assert_allclose(slope(there(np.eye(2))).get(), 2 * np.eye(2), atol=1e-15)


def test_no_memory_says_for_what(kernels):
    f = ds.jit(lambda x: np.outer(x, x), backend="cupy")
    f(there(np.ones(2)))
    kernels.device.capacity = 1000
    with pytest.raises(MemoryError, match=r"output 0, float64\[20,20\], 0.00305 MiB"):
        f(there(np.ones(20)))
    with pytest.raises(MemoryError, match="input 0"):
        f(np.ones(200))


def test_no_memory_names_the_largest_arrays(kernels):
    def f(x):
        products = np.outer(x, x)
        return np.linalg.solve(products + np.diag(x), x)

    f = ds.jit(f, backend="cupy")
    f(there(np.ones(2)))
    kernels.device.capacity = 10_000
    with pytest.raises(MemoryError, match=r"intermediate values of (?s:.*)\n  t\d+: 12.8 kB.*in f\)"):
        f(there(np.ones(40)))


def has_device():
    try:
        import cupy

        return cupy.cuda.runtime.getDeviceCount() > 0
    except (ImportError, RuntimeError):  # no CuPy, no driver
        return False


def test_without_a_device_the_first_call_says_what_is_missing():
    compiled = ds.jit(np.sin, backend="cupy")  # asks for nothing yet
    if has_device():
        pytest.skip("there is a device")
    with pytest.raises(ds.UnsupportedError, match=r"backend='cupy' cannot run here: .*backend='numba'"):
        compiled(1.0)


def test_the_device_of_the_tests_is_strict():
    device = KernelDevice()
    with pytest.raises(TypeError):
        np.asarray(device.array((2,), np.dtype(float)))
    with pytest.raises(TypeError):
        device.array((2,), np.dtype(float))[...] = np.ones(2)
