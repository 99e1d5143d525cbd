"""Whole programs on a device: with ``-m gpu`` on CuPy's, else with kernels compiled as C++."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffsci as ds
from benchmarks.adbench import gmm
from benchmarks.stencil_models import MODELS
from diffsci.backends import cuda
from diffsci.backends.cuda.cupy_device import found_problem
from diffsci.backends.cuda.machine import Machine
from diffsci.graph.interpreter import run as interpret
from diffsci.transforms import simplify, vjp_graph
from diffsci.trees import flatten
from solvers import solve_ivp
from tests.cuda.host_device import KernelDevice
from tests.kernel.samples import FLAT, SAMPLES, graph_of, label

DATA = Path(__file__).resolve().parents[2] / "benchmarks" / "data" / "adbench"
GPU = pytest.mark.gpu
OWN_BASIS = ("eigh", "svd", "eig", "hermitian_eigh", "qr_pivots")  # the library chooses signs of vectors


def cupy_machine() -> Machine:
    problem = found_problem()
    if problem:
        pytest.skip(problem)
    return cuda.cupy_machine()


@pytest.fixture(params=["C++", pytest.param("CUDA", marks=GPU)])
def device(request, monkeypatch):
    """A machine that `jit(backend="cupy")` runs on."""
    found = Machine(KernelDevice()) if request.param == "C++" else cupy_machine()
    monkeypatch.setattr(cuda, "cupy_machine", lambda: found)
    return found


def compare(f, machine, *args, rtol=1e-11):
    compiled, plain = ds.jit(f, backend="cupy"), ds.jit(f, backend="numba")
    for _ in range(3):  # also as a recorded graph
        found = flatten(compiled(*map(machine.arrived, args)))[0]
    for a, b in zip(found, flatten(plain(*args))[0], strict=True):
        scale = np.max(np.abs(b), initial=1.0)
        assert_allclose(machine.device.to_host(a), b, rtol=rtol, atol=1e-13 * scale)


def test_mixture_of_gaussians(device):
    mixture = gmm.read(DATA / "gmm_test.txt")
    arrays = [np.asarray(x) for x in mixture[:4]]
    objective = ds.value_and_grad(
        lambda a, means, icf, x: gmm.objective(a, means, icf, x, mixture.gamma, mixture.m), argnums=(0, 1, 2)
    )
    compare(objective, device, *arrays, rtol=1e-10)


@pytest.mark.parametrize(
    "model", [MODELS[0], *(pytest.param(m, marks=pytest.mark.slow) for m in MODELS[1:])], ids=lambda m: m.name
)
def test_stencils(model, device):
    rng = np.random.default_rng(5)
    y, *data = (rng.standard_normal([n or 24 for n in shape]) for shape in (model.state, *model.data))
    compare(model.function, device, y, *data)
    compare(lambda y, ct: ds.vjp(lambda y: model.function(y, *data), y)[1](ct)[0], device, y, np.cos(y))


def test_integration(device):
    def misfit(y0, rate):
        def fun(t, y, rate):
            return rate * np.array([y[1], (1 - y[0] ** 2) * y[1] - y[0]])

        y = solve_ivp(fun, (0.0, 1.5), y0, args=(rate,), t_eval=np.array([0.7, 1.5])).y
        return np.sum(y**2)

    y0, rate = np.array([1.5, 0.2]), np.array(1.1)
    compare(ds.value_and_grad(misfit, argnums=(0, 1)), device, y0, rate, rtol=1e-9)


def test_loops(device):
    def last(x, p):
        carry, rows = ds.scan(lambda c, r: (np.tanh(c * p + r), np.sum(c)), x, np.outer(np.arange(5.0), x))
        return np.sum(carry**2) + np.sum(rows)

    x = np.linspace(0.1, 0.7, 4)
    compare(ds.value_and_grad(last, argnums=(0, 1)), device, x, 1.0 + x)


def test_single_precision(device):
    x = np.linspace(0.1, 3.0, 50, dtype=np.float32)
    slope = ds.jit(ds.grad(lambda x: np.sum(np.exp(-x) * np.sin(x))), backend="cupy")
    found = device.device.to_host(slope(device.arrived(x)))
    assert found.dtype == np.float32
    assert_allclose(found, np.exp(-x) * (np.cos(x) - np.sin(x)), rtol=1e-5, atol=1e-6)


def test_results_do_not_depend_on_the_run(device):
    x = device.arrived(np.random.default_rng(2).standard_normal(70_001))
    total = ds.jit(lambda x: np.sum(np.sin(x)), backend="cupy")
    found = {float(total(x)) for _ in range(4)}
    assert len(found) == 1


# Loops have tests of their own, above: those of the samples are for the host.
ON_DEVICE = [sample for sample in SAMPLES + FLAT if not sample[0].startswith("host")]


@GPU
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("sample", ON_DEVICE, ids=label)
def test_every_operation(sample):
    name, operands, _ = sample
    machine, graph = cupy_machine(), graph_of(*sample)
    operands = [np.asarray(x) for x in operands]
    graphs = [(graph, operands)]
    if sample in SAMPLES:
        active = [t.is_float for t in graph.input_types]
        rng = np.random.default_rng(4)
        weights = [rng.normal(size=t.shape) for t in graph.output_types if t.is_float]
        graphs.append((simplify(vjp_graph(graph, active)), [*operands, *weights]))
    for program, arrays in graphs[: 1 if name in OWN_BASIS else 2]:
        found = machine.evaluate(program, arrays)
        for a, b in zip(found, interpret(program, arrays), strict=True):
            a, scale = machine.device.to_host(a), np.max(np.abs(b), initial=1.0, where=np.isfinite(b))
            if name in OWN_BASIS:
                a, b = np.sort(np.abs(a), axis=None), np.sort(np.abs(b), axis=None)
            assert_allclose(a, b, rtol=1e-10, atol=1e-12 * scale)


@GPU
def test_arrays_of_other_libraries():
    torch = pytest.importorskip("torch")
    cupy_machine()
    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no device")
    x = torch.arange(4.0, dtype=torch.float64, device="cuda")
    found = ds.jit(lambda x: x * x, backend="cupy")(x)
    assert_allclose(torch.from_dlpack(found).cpu().numpy(), np.arange(4.0) ** 2)


@GPU
def test_no_memory_says_for_what_on_the_device():
    machine = cupy_machine()
    f = ds.jit(lambda x: np.outer(x, x), backend="cupy")
    f(machine.arrived(np.ones(3)))
    with pytest.raises(MemoryError, match="output 0"):
        f(machine.arrived(np.ones(2_000_000)))
