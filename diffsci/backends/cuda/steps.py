"""What a plan becomes for a device: kernels in one source text, and steps in the order of running.

Everything here is plain data. Whatever runs it binds a base address to each `Place`, and needs the few
services of `Device`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from diffsci.backends.cuda.elementary import module_text
from diffsci.backends.cuda.operations import PRELUDE
from diffsci.backends.plan.program import Step as PlanStep

__all__ = [
    "STATUS",
    "Argument",
    "Branch",
    "CudaProgram",
    "Device",
    "Launch",
    "Library",
    "Module",
    "Place",
    "Slot",
    "Sort",
    "Step",
    "Stop",
    "all_steps",
    "joined_source",
    "status_of",
]


@dataclass(frozen=True)
class Place:
    """An address: so many bytes behind the start of an argument or of the workspace.

    space : ``input``, ``output``, ``const`` (then `slot` says which), ``work`` or ``status``.
    """

    space: str
    slot: int = 0
    offset: int = 0

    def shifted(self, nbytes: int) -> Place:
        """Return the address so many bytes further."""
        return Place(self.space, self.slot, self.offset + nbytes) if nbytes else self


Argument = Place | int
"""What a kernel is given: an address, or a number passed as a 64-bit integer."""

STATUS = Place("status")
"""Two int64 of device memory that are 0 when a run begins; see `status_of`."""


@dataclass(frozen=True)
class Launch:
    """Run a kernel: `grid` and `block` along x, no dynamic shared memory."""

    kernel: str
    grid: int
    block: int
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Sort:
    """Write to `order` (int64) the stable order of `count` int64 keys, as ``argsort(kind="stable")``."""

    keys: Place
    order: Place
    count: int


@dataclass(frozen=True)
class Library:
    """A step that is done by a library: a `GemmStep`, `LuStep`, ..., or a `CallbackStep`.

    `places` maps the field names of the step that are buffers or views (lists of views: tuples) to
    addresses; sizes and flags are read from the step. `dtype` is that of the floats.

    A callback has its object in ``CudaProgram.const_values[callback][0]`` (see
    `diffsci.backends.callbacks.Callback`); its arrays are C-contiguous at ``places["inputs"]`` and
    ``places["outputs"]``.
    """

    step: PlanStep
    places: dict[str, Any]
    dtype: np.dtype
    callback: int = -1


@dataclass(frozen=True)
class Branch:
    """Read the predicate (one byte) back and run one of two lists of steps."""

    predicate: Place
    true: tuple[Step, ...]
    false: tuple[Step, ...]


@dataclass(frozen=True)
class Stop:
    """Read the status back and stop unless the first word is 0.

    It stands before operations that run in Python, when a condition was checked before: what such an
    operation would be given may be nonsense. Kernels need no such care: they touch no memory but
    their own whatever the numbers are.
    """


Step = Launch | Sort | Library | Branch | Stop


@dataclass(frozen=True)
class Slot:
    """Type of an argument: a C-contiguous array of so many elements."""

    dtype: np.dtype
    size: int

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.size * self.dtype.itemsize


@dataclass(eq=False)
class CudaProgram:
    """A compiled graph before it has met a device.

    Attributes
    ----------
    key : str
        Text that determines everything here but the values of constants.
    texts, elementary : tuple of str, frozenset of (name, dtype code)
        What the source is made of: functions and kernels, whose names follow from their texts, and the
        elementary functions that they call.
    inputs, outputs, consts : tuple of Slot
        A constant of dtype object is the handle of a callback and has no place on the device.
    const_values : list of ndarray
    steps : tuple of Step
    workspace_bytes : int
    guards : list of Guard
        In status order.
    """

    key: str
    texts: tuple[str, ...]
    elementary: frozenset[tuple[str, str]]
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    consts: tuple[Slot, ...]
    const_values: list[np.ndarray]
    steps: tuple[Step, ...]
    workspace_bytes: int
    guards: list[Any] = field(default_factory=list)

    options = ("--std=c++17", "--fmad=false")
    """Options for NVRTC: which products and sums are fused is written in the source."""

    @property
    def source(self) -> str:
        """CUDA C without includes."""
        return joined_source([self])

    @property
    def has_callbacks(self) -> bool:
        """Whether an operation of it runs in Python."""
        return any(slot.dtype.hasobject for slot in self.consts)

    @property
    def launches(self) -> int:
        """Number of kernel launches, those of both branches included."""
        return sum(isinstance(step, Launch) for step in all_steps(self.steps))


def joined_source(programs: Sequence[CudaProgram]) -> str:
    """Return one source for several programs; what they have in common is there once."""
    elementary = frozenset().union(*(program.elementary for program in programs))
    texts = dict.fromkeys(text for program in programs for text in program.texts)
    return "\n".join([PRELUDE, module_text(elementary), *texts])


def all_steps(steps: Sequence[Step]) -> list[Step]:
    """Return the steps, and behind each branch its own."""
    found: list[Step] = []
    for step in steps:
        found.append(step)
        if isinstance(step, Branch):
            found += all_steps(step.true) + all_steps(step.false)
    return found


def status_of(words: Sequence[int]) -> int:
    """Return the status of a run from the two words of its status.

    The first is k > 0 if the k-th condition was the first not to hold, the second -1 if an index was
    out of range: the same values as those of programs for the CPU.
    """
    return int(words[0]) or int(words[1])


class Module(Protocol):
    """A compiled source."""

    def launch(self, name: str, grid: int, block: int, arguments: Sequence[int]) -> None:
        """Run a kernel; every argument is 8 bytes: an address or a number."""


class Device(Protocol):
    """What a program needs of a device. Memory is known by objects with an integer ``ptr``."""

    def compile(self, source: str, options: Sequence[str]) -> Module:
        """Compile a source text."""

    def empty(self, nbytes: int) -> Any:
        """Return new memory, 256-byte aligned; ``ptr`` is its address."""

    def upload(self, target: int, array: np.ndarray) -> None:
        """Copy a C-contiguous array to an address of the device."""

    def download(self, array: np.ndarray, source: int) -> None:
        """Fill a C-contiguous array from an address of the device, when all work before it is done."""

    def zero(self, target: int, nbytes: int) -> None:
        """Set memory to 0."""

    def sort(self, keys: int, order: int, count: int) -> None:
        """Do a `Sort` step."""

    def library(self, step: Library, address: Any) -> None:
        """Do a `Library` step other than a callback; `address` gives the address of a `Place`."""
