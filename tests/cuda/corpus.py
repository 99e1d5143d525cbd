"""The programs that the tests of kernels compile: made once for all of them."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

import diffsci as ds
import tests.backends.test_cpu_primitives as primitives
from benchmarks.adbench import gmm, hand
from diffsci.backends import executables
from diffsci.backends.cuda.module import cuda_program
from diffsci.backends.cuda.steps import CudaProgram
from diffsci.transforms import jvp_graph, simplify, vjp_graph
from tests.cuda.recorded import Case, loops_only, recorded
from tests.kernel.samples import FLAT, SAMPLES, graph_of, label

__all__ = ["CASES", "MODES", "programs"]

MODES = ("small", "loops")
DATA = Path(__file__).resolve().parents[2] / "benchmarks" / "data" / "adbench"
# They look at more than results.
LEFT_OUT = (
    "test_index_out_of_range_fails_and_reads_nothing_wild",
    "test_singular_matrices_give_no_number_and_no_crash",
)


@functools.cache
def every_primitive() -> list[Case]:
    """Return the cases of the tests of the CPU."""
    return recorded(primitives, LEFT_OUT)


@functools.cache
def samples() -> list[Case]:
    """Return the samples of all primitives."""
    return [Case(label(s), graph_of(*s), [np.asarray(x) for x in s[1]]) for s in SAMPLES + FLAT]


@functools.cache
def derivatives() -> list[Case]:
    """Return tangents and cotangents of the samples."""
    rng, found = np.random.default_rng(4), []
    for sample in SAMPLES:
        graph, operands = graph_of(*sample), [np.asarray(x) for x in sample[1]]
        active = [t.is_float for t in graph.input_types]
        tangents = [rng.normal(size=t.shape) for t in graph.input_types if t.is_float]
        cotangents = [rng.normal(size=t.shape) for t in graph.output_types if t.is_float]
        for name, changed, more in (("jvp", jvp_graph, tangents), ("vjp", vjp_graph, cotangents)):
            found.append(
                Case(f"{name} {label(sample)}", simplify(changed(graph, active)), [*operands, *more])
            )
    return found


@functools.cache
def models() -> list[Case]:
    """Return objectives of ADBench and steps of fields, with their derivatives."""
    mixture = gmm.read(DATA / "gmm_test.txt")
    model = hand.read_hand(DATA / "hand")
    measured = hand.read_measured(DATA / "hand_test.txt", barycentric=False)
    rng = np.random.default_rng(8)
    field, column = rng.normal(size=(2, 48, 70)) / 4 + 1, rng.normal(size=500) / 4 + 1

    def diffusion(y, rates):
        u, v = y
        change = [
            np.roll(z, 1, 0) + np.roll(z, -1, 0) + np.roll(z, 1, 1) + np.roll(z, -1, 1) - 4 * z for z in y
        ]
        return np.stack([change[0] - u * v * v + rates[0] * (1 - u), change[1] + u * v * v - rates[1] * v])

    def upwind(u):
        flux = np.where(u > 0, u - np.concatenate([u[-1:], u[:-1]]), np.concatenate([u[1:], u[:1]]) - u)
        return np.sum((u - 0.1 * u * flux) ** 2)

    def rows(f, *arguments):
        return ds.value_and_grad(lambda *a: np.sum(f(*a) ** 2), argnums=tuple(range(len(arguments))))

    found = [
        ("gmm", ds.value_and_grad(gmm.objective, argnums=(0, 1, 2)), mixture),
        ("hand", ds.jacobian(hand.simple), (measured.theta, model, measured)),
        ("diffusion", diffusion, (field, np.array([0.03, 0.06]))),
        ("diffusion, gradient", rows(diffusion, 0, 1), (field, np.array([0.03, 0.06]))),
        ("upwind", ds.value_and_grad(upwind), (column,)),
    ]
    return [_traced(*row) for row in found]


def _traced(name, function, arguments) -> Case:
    """Return the graph that a jitted function runs, and what it is given."""
    seen = []

    class Watched(executables.Interpreted):
        def run(self, inputs):
            seen.append((self.graph, [np.array(x) for x in inputs]))
            return super().run(inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executables, "build", lambda graph, backend: Watched(graph))
        ds.jit(function, backend="numpy")(*arguments)
    return Case(name, *seen[-1], 1e-10)


CASES = {"primitives": every_primitive, "samples": samples, "derivatives": derivatives, "models": models}


@functools.cache
def programs(name: str, mode: str) -> list[CudaProgram]:
    """Return the programs of the cases of a name; mode ``loops``: small ones as loops too."""
    with pytest.MonkeyPatch.context() as patch:
        if mode == "loops":
            loops_only(patch)
        return [cuda_program(case.graph) for case in CASES[name]()]
