"""What a plan is made of: buffers, loop nests, straight-line blocks and library steps."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffsci.backends.plan.affine import Affine
from diffsci.backends.plan.body import Body
from diffsci.errors import VerificationError
from diffsci.graph import Node

__all__ = [
    "BranchStep",
    "Buffer",
    "CallStep",
    "CallbackStep",
    "CholeskyStep",
    "CombineStep",
    "DetStep",
    "FillStep",
    "GemmStep",
    "GuardStep",
    "IndexCheckStep",
    "LuSolveStep",
    "LuStep",
    "Nest",
    "Plan",
    "Reduction",
    "Step",
    "Store",
    "Straight",
    "Sweep",
    "TriangularStep",
    "View",
]


@dataclass(eq=False)
class Buffer:
    """Memory of one array: a slot of the caller (input, output, const) or a piece of the workspace.

    The label says to people whose values it holds; buffers are numbered in the order they are made.
    """

    dtype: np.dtype
    size: int
    kind: str
    slot: int = -1
    offset: int = -1
    label: str = ""
    number: int = field(default_factory=itertools.count().__next__)

    def __post_init__(self) -> None:
        if self.dtype.hasobject and self.kind != "const":
            raise VerificationError("a Python object has no place in the memory of a compiled program")

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.size * self.dtype.itemsize

    @property
    def name(self) -> str:
        """Name for people."""
        return f"{self.kind}{self.slot}" if self.slot >= 0 else f"work+{self.offset}"


@dataclass(frozen=True)
class View:
    """A C-contiguous array inside a buffer, from element `offset`."""

    buffer: Buffer
    offset: int = 0


@dataclass
class Store:
    """Write value `stmt` at an affine address, or at ``address + stride * index statement``.

    mode: ``set``, or ``add`` (read, add, write; such nests run in order on one thread).
    """

    buffer: Buffer
    address: Affine
    stmt: int
    mode: str = "set"
    index: int = -1
    stride: int = 0


@dataclass
class Reduction:
    """Accumulate `stmt` with `op` over the loops marked in `loops` (bit mask).

    Written at `address` (affine in the other loops); ``accumulate`` combines with what is there.
    A reduction over all loops writes one partial per block: block b at ``address[0] + b``.
    ``scan`` stores the running value in every iteration. For argmax/argmin `stmt` is compared
    and `payload` (an index) is stored.
    """

    op: str
    buffer: Buffer
    address: Affine
    stmt: int
    loops: int
    accumulate: bool = False
    scan: bool = False
    payload: int = -1
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Sweep:
    """What nests that run in turn have in common: how many iterations of their range run at a time."""

    chunk: int


@dataclass
class Nest:
    """Loops over a box of `extents`; `body` is a table of statements shared by all stores.

    Full reductions are cut into `blocks` of `block_size` iterations of the first loop, each with
    its own partial results. Parts of loop `range_loop` may run on different threads. In a
    `sequential` nest the order of all iterations matters. `origins` are the nodes it stores. Nests that
    follow each other with the same `rows` (not negative) have the same first loop: it may run once, around
    all of them. Nests that follow each other with the same `sweep` run in turn over parts of their range.
    """

    extents: tuple[int, ...]
    body: Body
    live: list[int]
    stores: list[Store]
    reductions: list[Reduction]
    blocks: int = 1
    block_size: int = 0
    sequential: bool = False
    range_loop: int = 0
    rows: int = -1
    sweep: Sweep | None = None
    origins: tuple[Node, ...] = ()

    @property
    def divisible(self) -> bool:
        """Ranges of loop `range_loop` (or of blocks) are independent of each other."""
        return not self.sequential and not any(r.loops & 1 and not r.whole for r in self.reductions)

    @property
    def units(self) -> int:
        """Number of independent parts: blocks of a full reduction, else iterations of one loop."""
        if any(r.whole for r in self.reductions):
            return self.blocks
        return self.extents[self.range_loop] if self.extents else 1

    def goes_with(self, before: Step | None) -> bool:
        """Tell whether the nest and the step before it run together: on the same rows, or in one sweep."""
        if not isinstance(before, Nest):
            return False
        return self.rows == before.rows >= 0 or self.sweep is before.sweep is not None

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        found = {buffer for s in self.live if (buffer := self.body.buffer_of(s)) is not None}
        found |= {store.buffer for store in self.stores if store.mode == "add"}
        return found | {r.buffer for r in self.reductions if r.accumulate}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {store.buffer for store in self.stores} | {r.buffer for r in self.reductions}


@dataclass
class Straight:
    """Scalar statements without loops, in order.

    Values that a later block needs go through the spill buffer: `saved` and `restored` map
    statements to its elements; `again` are cheap statements written once more.
    """

    body: Body
    live: list[int]
    stores: list[Store]
    spill: Buffer | None = None
    saved: dict[int, int] = field(default_factory=dict)
    restored: dict[int, int] = field(default_factory=dict)
    again: list[int] = field(default_factory=list)

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        found = {buffer for s in (*self.live, *self.again) if (buffer := self.body.buffer_of(s)) is not None}
        return found | ({self.spill} if self.restored else set())

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {store.buffer for store in self.stores} | ({self.spill} if self.saved else set())


@dataclass
class CombineStep:
    """Combine `count` partials of a full reduction into one element, pairwise in a fixed order."""

    op: str
    partials: Buffer
    start: int
    count: int
    out: View

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.partials}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.out.buffer, self.partials}


@dataclass
class FillStep:
    """Fill a buffer with the identity of a reduction."""

    op: str
    out: View
    size: int

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return set()

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.out.buffer}


@dataclass
class GuardStep:
    """Return `status` unless the predicate has the expected outcome."""

    predicate: View
    outcome: bool
    status: int

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.predicate.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return set()


@dataclass
class IndexCheckStep:
    """Remember status -1 if the flag (an index was out of range) is set."""

    flag: View

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.flag.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return set()


@dataclass
class GemmStep:
    """Batched matrix product ``out[b] = a[b] @ b[b]``; transposed operands are stored (k, m), (n, k)."""

    a: View
    b: View
    out: View
    batch: int
    m: int
    n: int
    k: int
    a_transposed: bool
    b_transposed: bool

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.a.buffer, self.b.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.out.buffer}


@dataclass
class LuStep:
    """Factor each n-by-n matrix of the batch; pivots are int64, row swaps as in LAPACK (0-based)."""

    a: View
    lu: Buffer
    pivots: Buffer
    batch: int
    n: int

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.a.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.lu, self.pivots}


@dataclass
class LuSolveStep:
    """Solve with factors of `LuStep`: b and x hold `columns` right-hand sides, (n, columns) each."""

    lu: Buffer
    pivots: Buffer
    b: View
    x: View
    batch: int
    n: int
    columns: int
    transposed: bool
    scratch: Buffer | None = None

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.lu, self.pivots, self.b.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.x.buffer} | ({self.scratch} if self.scratch else set())


@dataclass
class DetStep:
    """Determinants from the factors."""

    lu: Buffer
    pivots: Buffer
    out: View
    batch: int
    n: int

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.lu, self.pivots}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.out.buffer}


@dataclass
class TriangularStep:
    """Solve with triangles of n-by-n matrices; b and x hold `columns` right-hand sides, (n, columns) each."""

    matrix: View
    b: View
    x: View
    batch: int
    n: int
    columns: int
    lower: bool
    transposed: bool
    unit: bool

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.matrix.buffer, self.b.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.x.buffer}


@dataclass
class CholeskyStep:
    """Lower triangular factors of symmetric matrices, of which the lower triangle is read."""

    a: View
    out: View
    batch: int
    n: int

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.a.buffer}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {self.out.buffer}


@dataclass
class BranchStep:
    """Run one of two sub-programs with the same operands and results."""

    predicate: View
    true: CallStep
    false: CallStep

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.predicate.buffer} | self.true.reads() | self.false.reads()

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return self.true.writes() | self.false.writes()


@dataclass
class CallbackStep:
    """Run an operation in Python: `handle` is where the address of its object lies."""

    handle: View
    inputs: list[View]
    outputs: list[View]

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {self.handle.buffer, *(view.buffer for view in self.inputs)}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {view.buffer for view in self.outputs}


@dataclass
class CallStep:
    """Run a sub-program; a status k > 0 of its own becomes ``status_base + k``."""

    plan: Plan
    inputs: list[View]
    outputs: list[View]
    consts: list[View]
    workspace: Buffer
    status_base: int

    def reads(self) -> set[Buffer]:
        """Buffers that the step reads."""
        return {view.buffer for view in self.inputs}

    def writes(self) -> set[Buffer]:
        """Buffers that the step writes."""
        return {view.buffer for view in self.outputs} | {self.workspace}


Step = (
    Nest
    | Straight
    | CombineStep
    | FillStep
    | GuardStep
    | IndexCheckStep
    | GemmStep
    | LuStep
    | LuSolveStep
    | DetStep
    | CallStep
)


@dataclass(eq=False)
class Plan:
    """A program: steps over buffers.

    `consts` are the hidden constants in slot order; `guards` the guards in status order, those
    of callees behind the program's own.
    """

    key: str
    inputs: list[Buffer]
    outputs: list[Buffer]
    consts: list[Buffer]
    const_values: list[np.ndarray]
    guards: list[Any]
    steps: list[Step] = field(default_factory=list)
    work: list[Buffer] = field(default_factory=list)
    workspace_bytes: int = 0
    callees: list[Plan] = field(default_factory=list)

    @property
    def has_callbacks(self) -> bool:
        """Whether a step of it or of a called program runs in Python."""
        own = any(isinstance(step, CallbackStep) for step in self.steps)
        return own or any(callee.has_callbacks for callee in self.callees)

    @property
    def slot_count(self) -> int:
        """Number of slots of the native function."""
        return len(self.inputs) + len(self.outputs) + len(self.consts) + 2

    def buffer_slot(self, buffer: Buffer) -> int:
        """Return the slot of an argument."""
        base = {"input": 0, "output": len(self.inputs), "const": len(self.inputs) + len(self.outputs)}
        return base[buffer.kind] + buffer.slot
