"""Every kernel that the tests generate compiles for compute capabilities 7.0, 8.0 and 9.0."""

import pytest

from diffsci.backends.cuda.module import cuda_program
from diffsci.backends.cuda.stacks import stack_source
from diffsci.backends.cuda.steps import CudaProgram, joined_source
from tests.cuda import test_kernels
from tests.cuda.corpus import CASES, MODES, programs
from tests.cuda.nvrtc import compile_text, version
from tests.cuda.recorded import recorded
from tests.cuda.test_random_graphs import random_programs
from tests.cuda.test_repetitions import repeated

ARCHITECTURES = (70, 80, 90)


FAST = "--Ofast-compile=max"
NAMES = [*CASES, "random", "repetitions", "blocks"]


def all_programs(name, mode) -> list[CudaProgram]:
    if name == "random":
        return random_programs(mode)
    if name == "repetitions":
        return [program for _, program in repeated()]
    if name == "blocks":
        return [cuda_program(case.graph) for case in recorded(test_kernels, compare="checked")]
    return programs(name, mode)


def compiles(source, target, *options) -> None:
    if version() >= (13, 0) and target.endswith("70"):
        pytest.skip("NVRTC 13 knows nothing older than compute capability 7.5")
    given = [f"--gpu-architecture={target}", *CudaProgram.options, *options]
    good, log = compile_text(source, given)
    assert good, log[:4000]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_samples_compile_for_every_architecture(architecture):
    source = joined_source([*all_programs("samples", "loops"), *all_programs("random", "loops")])
    compiles(source, f"compute_{architecture}", FAST)


@pytest.mark.parametrize(
    ("name", "mode", "architecture"),
    [
        ("primitives", "loops", 70),
        ("derivatives", "loops", 80),
        ("models", "loops", 90),
        ("samples", "small", 70),
        ("random", "small", 80),
        ("repetitions", "small", 70),
        ("blocks", "small", 90),
    ],
)
def test_every_kernel_compiles(name, mode, architecture):
    compiles(joined_source(all_programs(name, mode)), f"compute_{architecture}", FAST)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_compiles_for_every_architecture(name, mode, architecture):
    compiles(joined_source(all_programs(name, mode)), f"compute_{architecture}", FAST)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_compiles_to_machine_code(name, architecture):
    """With all optimisations, and through the assembler."""
    compiles(joined_source(all_programs(name, "loops")), f"sm_{architecture}")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("code", ["f8", "f4"])
def test_kernels_of_stacks_compile(code, architecture):
    compiles(stack_source(code), f"sm_{architecture}")


def test_an_error_is_seen():
    good, log = compile_text('extern "C" __global__ void f() { undeclared(); }', ["--std=c++17"])
    assert not good
    assert "undeclared" in log
