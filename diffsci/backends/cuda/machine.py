"""A device as programs and loops see it: graphs are compiled for it once, arrays stay there."""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.backends.cuda.device import ArrayDevice
from diffsci.backends.cuda.program import Program
from diffsci.backends.split import Split, has_loops
from diffsci.errors import UnsupportedError
from diffsci.graph import Graph
from diffsci.graph.namespaces import is_on_device
from diffsci.primitives.custom_loop import CustomLoop

__all__ = ["Machine", "cupy_machine"]


class Machine:
    """Programs and loops of one device.

    Attributes
    ----------
    device : ArrayDevice
    xp : module
        The library of its arrays.
    """

    def __init__(self, device: ArrayDevice):
        self.device, self.xp = device, device.xp
        self._programs: weakref.WeakKeyDictionary[Graph, Program] = weakref.WeakKeyDictionary()
        self._lock = threading.RLock()

    def executable(self, graph: Graph) -> Any:
        """Return the executable of a graph: see `diffsci.backends.executables`."""
        return Split(graph, self) if has_loops(graph) else self.program(graph)

    def program(self, graph: Graph) -> Program:
        """Return the program of a graph, compiled when it is first asked for."""
        with self._lock:
            found = self._programs.get(graph)
            if found is None:
                found = self._programs[graph] = Program(graph, self)
            return found

    def evaluate(self, graph: Graph, inputs: Sequence[Any]) -> list[Any]:
        """Run a graph; its outputs stay on the device.

        Raises
        ------
        EvaluationError
            Where a condition does not hold or an index is out of range.
        """
        program = self.program(graph)
        status, outputs = program.run_there(inputs)
        program.check(status)
        return outputs

    # where segments and loops run: see `diffsci.backends.split.Place` ------------------------------

    def segment(self, graph: Graph) -> _Resident:
        """Return the executable of a segment."""
        return _Resident(self.program(graph))

    def loop(self, loop: CustomLoop, where: str) -> CustomLoop:
        """Return a loop as it runs on the device.

        Raises
        ------
        UnsupportedError
            If it cannot.
        """
        found = loop.on_device(self)
        if found is None:
            raise UnsupportedError(
                f"{type(loop).__name__}{where} cannot run on a device: use backend='numba', or give the loop "
                "an on_device method"
            )
        return found

    def enter(self, inputs: Sequence[Any]) -> tuple[list[Any], Callable[[list], list]]:
        """Bring inputs to the device; outputs come back if no input was there."""
        stay = any(map(is_on_device, inputs))
        there = [self.arrived(x, f"input {k}") for k, x in enumerate(inputs)]
        return there, (lambda outputs: outputs) if stay else (
            lambda outputs: [*map(self.device.to_host, outputs)]
        )

    def constant(self, value: np.ndarray) -> Any:
        """Bring a constant to the device."""
        if value.dtype.hasobject:
            return value
        there = self.arrived(value, "a constant")
        self.device.finish()  # it may be used on other streams than this one
        return there

    # memory -----------------------------------------------------------------------------------------

    def arrived(self, value: Any, name: str = "an array") -> Any:
        """Return an array of the host or of any library as one of this device."""
        found = self.device.arriving(value)
        if found is not None:
            return found
        array = np.asarray(value)
        return self.reserved(self.device.to_device, (array,), lambda: (name, array.nbytes, ""))

    def reserved(self, make: Callable, arguments: tuple, what: Callable[[], tuple[str, int, str]]) -> Any:
        """Return ``make(*arguments)``, which takes memory; `what` gives name, size and more.

        Raises
        ------
        MemoryError
            In place of the library's own error: what there is no memory for, and how large it is.
        """
        try:
            return make(*arguments)
        except self.device.out_of_memory as error:
            name, nbytes, more = what()
            left = self.device.free_bytes() / 2**20
            raise MemoryError(
                f"the device has no memory for {name}, {nbytes / 2**20:.3g} MiB: {left:.0f} MiB are free. "
                f"{more}Release arrays that are no longer needed, compute on fewer elements at a time, or "
                "give loops checkpoints"
            ) from error


class _Resident:
    """A program whose outputs stay on the device."""

    def __init__(self, program: Program):
        self._program = program
        self.run, self.message, self.report = program.run_there, program.message, program.report

    @property
    def text(self) -> str:
        return self._program.text


def cupy_machine() -> Machine:
    """Return the machine of CuPy's current device.

    Raises
    ------
    UnsupportedError
        If CuPy or a device is missing.
    """
    from diffsci.backends.cuda.cupy_device import current_device

    return _machine_of(current_device())


@functools.cache
def _machine_of(number: int) -> Machine:
    from diffsci.backends.cuda.cupy_device import CupyDevice

    return Machine(CupyDevice(number))
