"""The steps of a program on bound memory: runs of kernel launches, and what happens between them.

A `Memory` gives every `Place` its address. Launches that follow each other are one piece of work: when the
same addresses come back they are recorded as a graph of the device and started together. What comes back is
decided by whoever allocates: results that are no longer held give their memory to the next call.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.backends.cuda.device import ArrayDevice
from diffsci.backends.cuda.steps import (
    STATUS,
    Argument,
    Branch,
    Launch,
    Library,
    Module,
    Place,
    Sort,
    Step,
    Stop,
    all_steps,
    status_of,
)

__all__ = ["Memory", "Work", "status_is_used"]

STATUS_BYTES = 16
FEWEST_RECORDED = 3  # launches: starting a graph costs as much as a few of them
MOST_RECORDED = 8  # graphs of one piece of work, for as many sets of addresses
MOST_SEEN = 64  # sets of addresses that have been met once


class Memory:
    """Base addresses of one run: arguments by space and slot, the workspace, the status words."""

    __slots__ = ("bases", "device")

    def __init__(self, device: ArrayDevice, inputs: Sequence[int], outputs, consts, work: int, status: int):
        self.device = device
        self.bases: dict[str, Any] = {
            "input": inputs, "output": outputs, "const": consts, "work": (work,), "status": (status,)
        }  # fmt: skip

    def address(self, place: Place) -> int:
        """Return the address of a place."""
        return self.bases[place.space][place.slot] + place.offset

    def read(self, place: Place, count: int, dtype: Any) -> np.ndarray:
        """Return values that lie at a place, when all work so far is done."""
        found = np.empty(count, dtype)
        self.device.download(found, self.address(place))
        return found

    def status(self) -> int:
        """Return the status so far; see `steps.status_of`."""
        return status_of(self.read(STATUS, 2, np.int64))


def status_is_used(steps: Sequence[Step]) -> bool:
    """Tell whether a program checks conditions or indices."""
    return any(
        isinstance(argument, Place) and argument.space == "status"
        for step in all_steps(steps)
        if isinstance(step, Launch)
        for argument in step.arguments
    )


class Work:
    """Steps that are run one after the other.

    Parameters
    ----------
    steps : sequence of Step
    module : Module
        Where the kernels are.
    callback : callable
        ``callback(step, memory)`` runs an operation without a kernel.
    """

    def __init__(self, steps: Sequence[Step], module: Module, callback: Callable[[Library, Memory], None]):
        self._module, self._callback = module, callback
        self._pieces: list[Callable[[Memory], int]] = []
        for launches, group in itertools.groupby(steps, lambda step: isinstance(step, Launch)):
            if launches:
                self._pieces.append(_Launches(list(group), module).run)
            else:
                self._pieces += [self._piece(step) for step in group]

    def run(self, memory: Memory) -> int:
        """Run; return 0, or the status with which the program has stopped before its end."""
        for piece in self._pieces:
            status = piece(memory)
            if status:
                return status
        return 0

    def _piece(self, step: Step) -> Callable[[Memory], int]:
        if isinstance(step, Branch):
            return self._branch(step)
        if isinstance(step, Stop):
            return Memory.status
        if isinstance(step, Sort):
            return _done(lambda memory: memory.device.sort(
                memory.address(step.keys), memory.address(step.order), step.count
            ))  # fmt: skip
        if step.callback >= 0:
            return _done(lambda memory: self._callback(step, memory))
        return _done(lambda memory: memory.device.library(step, memory.address))

    def _branch(self, step: Branch) -> Callable[[Memory], int]:
        both = [Work(steps, self._module, self._callback) for steps in (step.false, step.true)]

        def run(memory: Memory) -> int:
            (chosen,) = memory.read(step.predicate, 1, np.uint8)
            return both[bool(chosen)].run(memory)

        return run


def _done(work: Callable[[Memory], None]) -> Callable[[Memory], int]:
    def run(memory: Memory) -> int:
        work(memory)
        return 0

    return run


class _Launches:
    """Kernel launches without anything between them."""

    def __init__(self, launches: list[Launch], module: Module):
        self._launches, self._module = launches, module
        places = [a for launch in launches for a in launch.arguments if isinstance(a, Place)]
        self._used = sorted({(place.space, place.slot) for place in places})
        self._recorded: OrderedDict[tuple, Any] = OrderedDict()
        self._seen: OrderedDict[tuple, None] = OrderedDict()
        self._can_record = len(launches) >= FEWEST_RECORDED

    def run(self, memory: Memory) -> int:
        """Start them all."""
        if not self._can_record:
            self._start(memory)
            return 0
        key = tuple([memory.bases[space][slot] for space, slot in self._used])
        graph = self._recorded.get(key)
        if graph is None and key in self._seen:
            graph = self._record(key, memory)
        if graph is None:
            self._start(memory)
            _keep(self._seen, key, None, MOST_SEEN)
        else:
            graph.launch()
        return 0

    def _record(self, key: tuple, memory: Memory) -> Any:
        graph = memory.device.record(lambda: self._start(memory))
        if graph is None:
            self._can_record = False
        else:
            _keep(self._recorded, key, graph, MOST_RECORDED)
        return graph

    def _start(self, memory: Memory) -> None:
        for launch in self._launches:
            arguments = [_value(argument, memory) for argument in launch.arguments]
            self._module.launch(launch.kernel, launch.grid, launch.block, arguments)


def _value(argument: Argument, memory: Memory) -> int:
    return memory.address(argument) if isinstance(argument, Place) else argument


def _keep(table: OrderedDict, key: tuple, value: Any, most: int) -> None:
    table[key] = value
    table.move_to_end(key)
    while len(table) > most:
        table.popitem(last=False)
