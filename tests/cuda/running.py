"""The plainest way to run a program: its arrays are memory of the shim."""

from __future__ import annotations

import ctypes
import math

import numpy as np

from diffsci.backends.cuda.module import cuda_program
from diffsci.backends.cuda.steps import (
    Branch,
    CudaProgram,
    Launch,
    Library,
    Place,
    Sort,
    Stop,
    joined_source,
    status_of,
)
from diffsci.graph import Graph
from diffsci.graph.interpreter import run as interpret
from tests.backends.common import close
from tests.cuda.shim import ShimDevice, ShimModule

__all__ = ["compare", "load", "prepared", "run"]

_DEVICE = ShimDevice()


def load(programs) -> None:
    """Compile programs together."""
    ShimModule(joined_source(programs))


def prepared(graphs) -> list[CudaProgram]:
    """Return the programs of graphs, compiled together."""
    programs = [cuda_program(graph) for graph in graphs]
    load(programs)
    return programs


def run(program: CudaProgram, arrays) -> tuple[int, list[np.ndarray]]:
    """Run a program and return (status, flat outputs)."""
    module = ShimModule(program.source)
    held = {}
    for space, slots in (("input", program.inputs), ("output", program.outputs), ("const", program.consts)):
        for number, slot in enumerate(slots):
            if not slot.dtype.hasobject:
                held[space, number] = _DEVICE.empty(slot.nbytes)
    held["work", 0], held["status", 0] = _DEVICE.empty(program.workspace_bytes), _DEVICE.empty(16)
    for space, values in (("input", arrays), ("const", program.const_values)):
        for number, value in enumerate(values):
            if value.dtype != object:
                _DEVICE.upload(held[space, number].ptr, np.ascontiguousarray(value))
    _DEVICE.zero(held["status", 0].ptr, 16)
    _Run(program, module, lambda place: held[place.space, place.slot].ptr + place.offset).steps(program.steps)
    words = np.empty(2, np.int64)
    _DEVICE.download(words, held["status", 0].ptr)
    outputs = [np.empty(slot.size, slot.dtype) for slot in program.outputs]
    for number, output in enumerate(outputs):
        _DEVICE.download(output, held["output", number].ptr)
    return status_of(words), outputs


class _Stopped(Exception):
    pass


class _Run:
    def __init__(self, program: CudaProgram, module: ShimModule, address):
        self.program, self.module, self.address = program, module, address

    def steps(self, steps) -> None:
        try:
            self._steps(steps)
        except _Stopped:
            return

    def _steps(self, steps) -> None:
        for step in steps:
            if isinstance(step, Launch):
                words = [self.address(a) if isinstance(a, Place) else a for a in step.arguments]
                self.module.launch(step.kernel, step.grid, step.block, words)
            elif isinstance(step, Sort):
                _DEVICE.sort(self.address(step.keys), self.address(step.order), step.count)
            elif isinstance(step, Branch):
                self._steps(step.true if self._word(step.predicate, 1) else step.false)
            elif isinstance(step, Stop):
                if self._word(Place("status"), 8):
                    raise _Stopped
            elif isinstance(step, Library) and step.callback >= 0:
                places = [*step.places["inputs"], *step.places["outputs"]]
                table = (ctypes.c_void_p * len(places))(*map(self.address, places))
                self.program.const_values[step.callback][0].run(ctypes.addressof(table))
            else:
                _DEVICE.library(step, self.address)

    def _word(self, place: Place, nbytes: int) -> bool:
        value = np.empty(nbytes, np.uint8)
        _DEVICE.download(value, self.address(place))
        return bool(value.any())


def compare(graph: Graph, arrays, tolerance: float = 1e-13, program: CudaProgram | None = None) -> None:
    """Run a program and the interpreter; the results must agree, NaN and infinities included."""
    program = program or cuda_program(graph)
    status, outputs = run(program, arrays)
    assert status == 0
    for got, want, type_ in zip(outputs, interpret(graph, arrays), graph.output_types, strict=True):
        assert got.dtype == type_.dtype
        assert got.size == math.prod(type_.shape)
        close(got.reshape(type_.shape), want, tolerance)
