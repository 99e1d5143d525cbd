"""Programs on a device: memory for one call, the run of their steps, what their status means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci.backends.cuda.fallbacks import run_operation
from diffsci.backends.cuda.module import cuda_program, plan_of
from diffsci.backends.cuda.planning import planned
from diffsci.backends.cuda.running import STATUS_BYTES, Memory, Work, status_is_used
from diffsci.backends.cuda.steps import STATUS, Library
from diffsci.backends.shortage import largest
from diffsci.backends.statuses import explained
from diffsci.errors import EvaluationError
from diffsci.graph import Graph, Type
from diffsci.graph.namespaces import is_on_device

if TYPE_CHECKING:
    from diffsci.backends.cuda.machine import Machine
    from diffsci.backends.plan.report import ProgramReport

__all__ = ["Program"]

_ALIGN = 256


class Program:
    """A graph compiled for a device.

    Calls return as soon as the work is handed over, unless a condition or an index must be checked or the
    results leave the device.

    Attributes
    ----------
    input_types, output_types : tuple of Type
    guards : list of Guard
        In status order: the program's own, then those of each call it makes.
    consts : list
        The hidden constants on the device; None for handles of operations that run in Python.
    workspace_bytes : int
        With the words of the status.
    """

    def __init__(self, graph: Graph, machine: Machine):
        self._machine, self._device = machine, machine.device
        # Not the graph itself: machines keep programs for as long as their graphs live.
        self._graph = Graph(graph.inputs, graph.outputs, graph.guards)
        self.input_types: tuple[Type, ...] = graph.input_types
        self.output_types: tuple[Type, ...] = graph.output_types
        self._plan = plan = cuda_program(graph)
        self.guards, self.text = plan.guards, plan.source
        self._checks = status_is_used(plan.steps)
        self._work_bytes = -(-plan.workspace_bytes // _ALIGN) * _ALIGN
        self.workspace_bytes = self._work_bytes + STATUS_BYTES
        module = self._device.compile(plan.source, plan.options) if plan.launches else None
        self._work = Work(plan.steps, module, self._callback)
        self.consts = [
            None if v.dtype.hasobject else self._upload(v, "a constant") for v in plan.const_values
        ]
        if self.consts:
            self._device.finish()  # calls may come on other streams than this one
        self._const_places = [0 if array is None else self._device.address(array) for array in self.consts]

    def message(self, status: int) -> str:
        """Say what a status means, and where in the user's source."""
        return explained(status, self._graph.nodes, self.guards)

    def report(self) -> ProgramReport:
        """See `executables.Executable`."""
        return planned(self._graph)

    def run(self, arrays: Sequence[Any]) -> tuple[int, list[Any]]:
        """Run on arrays of the host or the device; return (status, outputs).

        Outputs lie on the device if one of the inputs does, else they are NumPy arrays.
        """
        status, outputs = self.run_there(arrays)
        if not any(map(is_on_device, arrays)):
            outputs = [self._device.to_host(y) for y in outputs]
        return status, outputs

    def run_there(self, arrays: Sequence[Any]) -> tuple[int, list[Any]]:
        """Run on arrays of the host or the device; the outputs stay on the device."""
        inputs = [self._entering(k, array) for k, array in enumerate(arrays)]
        outputs = [self._new(k, type_) for k, type_ in enumerate(self.output_types)]
        workspace = self._machine.reserved(self._device.empty, (self.workspace_bytes,), self._workspace)
        address = self._device.address
        status = self._execute([*map(address, inputs)], [*map(address, outputs)], workspace.ptr)
        return status, ([] if status else outputs)

    @property
    def slot_count(self) -> int:
        """Number of slots that `run_at` takes, and one that it does not use."""
        return len(self.input_types) + len(self.output_types) + 2

    def run_at(self, slots: Sequence[int]) -> int:
        """Run on memory by address (inputs, outputs, then `workspace_bytes`) and return the status."""
        first = len(self.input_types)
        last = first + len(self.output_types)
        slots = [int(slot) for slot in slots[: last + 1]]
        return self._execute(slots[:first], slots[first:last], slots[last])

    def check(self, status: int) -> None:
        """Raise EvaluationError for any status but 0."""
        if status:
            raise EvaluationError(self.message(status))

    def _execute(self, inputs: list[int], outputs: list[int], workspace: int) -> int:
        device = self._device
        memory = Memory(device, inputs, outputs, self._const_places, workspace, workspace + self._work_bytes)
        if self._checks:
            device.zero(memory.address(STATUS), STATUS_BYTES)
        status = self._work.run(memory)
        return memory.status() if self._checks and not status else status

    def _callback(self, step: Library, memory: Memory) -> None:
        callback = self._plan.const_values[step.callback][0]

        def arrays(places, types):
            return [
                self._device.view(memory.address(place), type_.shape, type_.dtype)
                for place, type_ in zip(places, types, strict=True)
            ]

        operands = arrays(step.places["inputs"], callback.input_types)
        targets = arrays(step.places["outputs"], callback.output_types)
        try:
            values = run_operation(self._machine, callback, operands)
        except BaseException as error:
            error.add_note(f"in {callback.name}{callback.where}, called by a program on the device")
            raise
        for target, value in zip(targets, values, strict=True):
            target[...] = value

    # memory ---------------------------------------------------------------------------------------

    def _entering(self, k: int, array: Any) -> Any:
        type_ = self.input_types[k]
        found = self._device.arriving(array)
        if found is None:
            array = np.asarray(array)
        if (found if found is not None else array).dtype != type_.dtype or np.shape(array) != type_.shape:
            raise TypeError(f"expected {type_}, got {Type.of(array)}")
        return self._upload(array, f"input {k}") if found is None else found

    def _upload(self, array: np.ndarray, what: str) -> Any:
        plain = np.ascontiguousarray(array).reshape(array.shape)
        name = f"{what}, {Type.of(array)}"
        return self._machine.reserved(self._device.to_device, (plain,), lambda: (name, plain.nbytes, ""))

    def _new(self, k: int, type_: Type) -> Any:
        return self._machine.reserved(
            self._device.array,
            (type_.shape, type_.dtype),
            lambda: (f"output {k}, {type_}", type_.size * type_.dtype.itemsize, self._largest()),
        )

    def _workspace(self) -> tuple[str, int, str]:
        name = f"the intermediate values of {self._plan.launches} kernels"
        return name, self.workspace_bytes, self._largest()

    def _largest(self) -> str:
        return f"The largest arrays of the program are\n{largest(plan_of(self._graph))}\n"
