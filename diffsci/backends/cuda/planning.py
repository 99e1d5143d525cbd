"""What programs for a device do, for people: no device is needed to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from diffsci.backends.cuda.module import Module, plan_of
from diffsci.backends.plan.describe import describe
from diffsci.backends.plan.report import KernelReport, Machine, ProgramReport
from diffsci.backends.split import Split, has_loops
from diffsci.graph import Graph
from diffsci.primitives.custom_loop import CustomLoop

__all__ = ["DEVICE", "planned"]

# Bounds are stated for a device that everyone can look up, not for the one that happens to be there. NVIDIA
# A100 Tensor Core GPU Architecture (white paper, 2020): second-level cache of 40 MB, 5120 bytes per clock at
# 1.41 GHz; 19.5e12 flop/s, in single precision and in products in double precision; 108 multiprocessors of
# 2048 threads. Data sheet of the A100 80GB SXM (2021): 2039 GB/s.
DEVICE = Machine(
    bandwidths=((40_000_000, 5120 * 1.41e9), (80_000_000_000, 2.039e12)),
    operations=19.5e12 / 2,
    threads=108 * 2048,
    name="NVIDIA A100 80GB (data sheet)",
)


def planned(graph: Graph) -> ProgramReport:
    """Return what the program of a graph does on a device, with the kernels of each step.

    Parameters
    ----------
    graph : Graph
        Host loops in it count nothing, as on the CPU.

    Returns
    -------
    ProgramReport
        Its bound is that of `DEVICE`.
    """
    return Split(graph, _Planning()).report() if has_loops(graph) else _report(graph)


def _report(graph: Graph) -> ProgramReport:
    plan = plan_of(graph)
    module = Module(plan)
    program = module.program()

    def kernels(step: Any) -> Sequence[KernelReport]:
        launched = module.launched.get(id(step), ())
        return [KernelReport(launch.kernel, launch.grid, launch.block) for launch in launched]

    return replace(describe(plan, DEVICE, kernels), peak_bytes=program.workspace_bytes)


class _Segment:
    """A program that is not compiled."""

    def __init__(self, graph: Graph):
        self._graph = graph

    def report(self) -> ProgramReport:
        return _report(self._graph)


class _Planning:
    """Where segments and loops would run: see `diffsci.backends.split.Place`."""

    @staticmethod
    def segment(graph: Graph) -> _Segment:
        return _Segment(graph)

    @staticmethod
    def loop(loop: CustomLoop, where: str) -> CustomLoop:
        return loop

    @staticmethod
    def constant(value: np.ndarray) -> np.ndarray:
        return value
