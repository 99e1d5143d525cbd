"""Every kernel that the tests generate compiles for compute capabilities 7.0, 8.0 and 9.0."""

import pytest

from diffsci.backends.cuda.steps import CudaProgram, joined_source
from tests.cuda.corpus import CASES, MODES, programs
from tests.cuda.nvrtc import compile_text, version
from tests.cuda.test_random_graphs import random_programs

ARCHITECTURES = (70, 80, 90)


def all_programs(mode) -> list[CudaProgram]:
    return [p for name in CASES for p in programs(name, mode)] + random_programs(mode)


def compiles(source, architecture, *options) -> None:
    if version() >= (13, 0) and architecture < 75:
        pytest.skip("NVRTC 13 knows nothing older than compute capability 7.5")
    given = [f"--gpu-architecture=compute_{architecture}", *CudaProgram.options, *options]
    good, log = compile_text(source, given)
    assert good, log[:4000]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("mode", MODES)
def test_every_kernel_compiles(mode, architecture):
    compiles(joined_source(all_programs(mode)), architecture, "--Ofast-compile=max")


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("mode", MODES)
def test_every_kernel_compiles_to_machine_code(mode, architecture):
    """With all optimisations, and through the assembler."""
    good, log = compile_text(
        joined_source(all_programs(mode)), [f"--gpu-architecture=sm_{architecture}", *CudaProgram.options]
    )
    assert good, log[:4000]


def test_an_error_is_seen():
    good, log = compile_text('extern "C" __global__ void f() { undeclared(); }', ["--std=c++17"])
    assert not good
    assert "undeclared" in log
