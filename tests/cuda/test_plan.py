"""`jit(f, backend="cupy").plan(*args)`: the plan of the CPU, and kernels; no device is asked."""

import re

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends import cuda
from solvers import solve_ivp

X, V = np.ones((300, 400)), np.ones(400)


@pytest.fixture(autouse=True)
def _no_device(monkeypatch):
    def refuse():
        pytest.fail("a plan needs no device")

    monkeypatch.setattr(cuda, "cupy_machine", refuse)


def plan(f, *args):
    return ds.jit(f, backend="cupy").plan(*args)


def norms(x, v):
    return np.sqrt(np.sum(np.sin(x @ v) ** 2) + np.sum(np.cos(x) ** 2))


def test_steps_are_those_of_the_cpu_with_kernels():
    found, plain = plan(norms, X, V), ds.jit(norms).plan(X, V)
    assert [step.text for step in found.steps] == [step.text for step in plain.steps]
    assert (found.bytes, found.flops) == (plain.bytes, plain.flops)
    assert found.peak_bytes >= plain.peak_bytes
    for step in found.steps:
        assert step.launches == len(step.kernels) == (step.kind != "matrix product")
    assert found.launches == sum(step.launches for step in found.steps) > 2
    assert plain.launches == 0


def test_the_page_says_what_is_started():
    text = str(plan(lambda x: 2.5 * x + 1, np.ones(1000)))
    assert re.search(r"map_\w+: 4 x 256 threads", text)
    assert "1 kernels started" in text
    assert "NVIDIA A100" in text
    assert "kernels" not in str(ds.jit(lambda x: 2.5 * x + 1).plan(np.ones(1000)))


def test_single_precision_moves_half():
    found = plan(lambda x: 2 * x, np.ones(5000, np.float32))
    assert found.bytes == 2 * 4 * 5000


def test_kernels_of_called_programs_and_repetitions():
    inner = ds.jit(lambda x: np.sin(x) * np.sum(x))
    twice = plan(lambda x: inner(x) + inner(x + 1), np.ones(5000))
    assert twice.launches == sum(s.launches for s in twice.steps) > 2 * twice.callees[0].launches > 0

    def many(y):
        for _ in range(200):
            y = 0.5 * np.sin(y) + np.cos(y[::-1])
        return y

    repeated = plan(many, np.ones(5000))
    assert repeated.launches >= 200
    steps = [step for callee in repeated.callees for step in callee.steps]
    assert len({kernel.name for step in steps for kernel in step.kernels}) < 10


def test_loops_between_programs():
    def final(y0):
        y = solve_ivp(lambda t, y: -y * np.sum(y), (0.0, 1.0), 2 * y0, t_eval=np.array([1.0])).y
        return np.sum(y**2)

    found = plan(final, np.ones(3000))
    assert any(step.kind == "loop in Python" for step in found.steps)
    assert found.launches >= 2


def test_scatters_name_their_kernels():
    index = np.arange(1000) % 7
    found = plan(lambda v: np.bincount(index, v, 7), np.ones(1000))
    assert {"keys", "runs"} <= {k.name.split("_")[0] for step in found.steps for k in step.kernels}
