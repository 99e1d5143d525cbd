"""Compiled programs: a native function, its buffers, and a fast way to call it from Python."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci.backends.cpu.entrance import Entrance
from diffsci.backends.cpu.entry import ENTRY, write_entry
from diffsci.backends.cpu.memory import aligned, checked, data
from diffsci.backends.cpu.settings import SETTINGS
from diffsci.backends.cpu.version import own_version
from diffsci.backends.eliminating import eliminating
from diffsci.backends.expanding import expanded
from diffsci.backends.plan.layout import hidden_consts, plan_key
from diffsci.backends.plan.specialise import specialise
from diffsci.backends.rolling import rolled
from diffsci.backends.stateless import without_tapes
from diffsci.backends.statuses import explained
from diffsci.graph import Graph, Type
from diffsci.graph.callees import all_guards
from diffsci.native import cache
from diffsci.native.addresses import imported_names
from diffsci.native.objects import layout

if TYPE_CHECKING:
    from diffsci.backends.plan.report import ProgramReport

__all__ = ["Binding", "Program", "compile_graph"]

MOST_KEPT = 512  # programs that stay loaded when nobody holds them
_memory: dict[str, Any] = {}  # the one used last at the end


def compile_graph(graph: Graph) -> Program:
    """Compile a graph to native code.

    Parameters
    ----------
    graph : Graph
        float64, float32, int64 and bool arrays.

    Returns
    -------
    Program
    """
    return Program(graph)


class Binding:
    """Arrays bound to the slots of a program, for loops that call it by address.

    Attributes
    ----------
    slots : ndarray of int64
        Addresses in slot order; they may be overwritten to redirect a buffer.
    inputs, outputs : list of ndarray
    """

    def __init__(self, program: Program, inputs, outputs, workspace):
        self.program = program
        self.inputs = [checked(a, t) for a, t in zip(inputs, program.input_types, strict=True)]
        try:
            if outputs is None:
                outputs = [np.zeros(t.shape, t.dtype) for t in program.output_types]
            if workspace is None:
                workspace = aligned(program.workspace_bytes)
        except MemoryError:
            raise program._shortage() from None
        self.outputs = list(outputs)
        for array, type_ in zip(self.outputs, program.output_types, strict=True):
            if array.shape != type_.shape or array.dtype != type_.dtype or not array.flags.c_contiguous:
                raise TypeError(f"an output buffer must be a C-contiguous {type_}")
        self.workspace = workspace
        held = [*self.inputs, *self.outputs, *program.consts, self.workspace, SETTINGS]
        self.slots = np.array([data(array) for array in held], dtype=np.int64)
        self._held = held

    @property
    def address(self) -> int:
        """Address of the native function."""
        return self.program.address


class Program:
    """A compiled graph.

    Attributes
    ----------
    address : int
        Native function ``int64 f(void **slots)``. Slots: inputs, outputs, hidden constants,
        workspace (`workspace_bytes`, 64-byte aligned), settings. Returns 0, or k > 0 if guard
        k - 1 did not hold, or a negative status for a failure; see `message`. Who calls it by
        address calls `callbacks.raise_pending` afterwards.
    input_types, output_types : tuple of Type
    consts : list of ndarray
        The hidden constants.
    run : callable
        See `Entrance.run`.
    fill : callable
        See `Entrance.fill`.
    direct, filler : callable or None
        See `Entrance.direct`, `Entrance.filler`; None for programs that call Python.
    guards : list of Guard
        In status order: the program's own, then those of each call it makes.
    """

    def __init__(self, graph: Graph):
        self.graph = graph = without_tapes(specialise(eliminating(expanded(rolled(graph)))))
        self.input_types: tuple[Type, ...] = graph.input_types
        self.output_types: tuple[Type, ...] = graph.output_types
        self.consts = hidden_consts(graph)
        self.guards = all_guards(graph)
        description, self._library = _compiled(graph)
        self.workspace_bytes: int = description["workspace_bytes"]
        self.address: int = self._library.addresses["program"]
        entrance = Entrance(
            self._library.addresses,
            self.input_types,
            self.output_types,
            self.consts,
            self.workspace_bytes,
            description["brief"],
            self._shortage,
        )
        self.run = entrance.run
        self.fill = entrance.fill
        self.direct = None if description["callbacks"] else entrance.direct
        self.filler = None if description["callbacks"] else entrance.filler

    @property
    def slot_count(self) -> int:
        """Number of slots: arrays, hidden constants, workspace and settings."""
        return len(self.input_types) + len(self.output_types) + len(self.consts) + 2

    @property
    def text(self) -> str:
        """The LLVM text of the program."""
        return _module(self.graph)[0].text()

    def report(self) -> ProgramReport:
        """Return the loops, buffers, bytes and operations of the program, and what bounds its time."""
        from diffsci.backends.cpu.machine import this_machine
        from diffsci.backends.plan import build_plan
        from diffsci.backends.plan.describe import describe

        return describe(build_plan(self.graph), this_machine())

    def _shortage(self) -> MemoryError:
        from diffsci.backends.plan import build_plan
        from diffsci.backends.shortage import shortage

        return shortage(build_plan(self.graph))

    def message(self, status: int) -> str:
        """Say what a status means, and where in the user's source."""
        return explained(status, self.graph.nodes, self.guards)

    def bind(self, inputs, outputs=None, workspace=None) -> Binding:
        """Bind arrays to slots, for calls by address."""
        return Binding(self, inputs, outputs, workspace)


# ---- compilation and the cache -------------------------------------------------------------------


def _compiled(graph: Graph):
    key = _key(graph)
    known = _memory.pop(key, None) or _stored(key) or _made(key, graph)
    _memory[key] = known
    while len(_memory) > MOST_KEPT:
        _memory.pop(next(iter(_memory)), None)
    return known


def _stored(key: str):
    """Load a program from the cache; None where there is none that can be used."""
    found = cache.read(key)
    if found is None:
        return None
    description, whole = found
    try:
        ends = list(itertools.accumulate(description["sizes"]))
        codes = [whole[end - size : end] for end, size in zip(ends, description["sizes"], strict=True)]
        return description, _linked(codes, description)
    except (KeyError, OSError, RuntimeError):  # foreign or unusable: made again
        return None


def _made(key: str, graph: Graph):
    from diffsci.native.engine import compile_object

    module, plan = _module(graph)
    texts = module.texts()
    codes = [compile_object(text, level) for text, level in texts]
    imported = {name for text, _ in texts for name in imported_names(text)}
    description = {
        "workspace_bytes": plan.workspace_bytes,
        "imports": sorted(imported - module.names),
        "exports": ["program"] + ([ENTRY] if layout() else []),
        "callbacks": plan.has_callbacks,
        "brief": module.is_brief,
        "sizes": [len(code) for code in codes],
    }
    library = _linked(codes, description)
    cache.write(key, description, b"".join(codes))
    return description, library


def _linked(codes: list[bytes], description: dict):
    from diffsci.backends.cpu.symbols import address
    from diffsci.native.engine import load

    addresses = {name: address(name) for name in description["imports"]}  # some are compiled and loaded first
    return load(codes, addresses, description["exports"])


def _module(graph: Graph):
    from diffsci.backends.cpu.function_library import has_fused_multiply_add
    from diffsci.backends.cpu.module import ENTRY as NATIVE
    from diffsci.backends.cpu.module import Module
    from diffsci.backends.plan import build_plan

    plan = build_plan(graph)
    module = Module(plan, fused=has_fused_multiply_add())
    places = layout()
    if places:
        rest = len(plan.consts) + 2
        types = graph.input_types, graph.output_types
        module.define(ENTRY, lambda: write_entry(module, NATIVE, *types, rest, places))
    return module, plan


def _key(graph: Graph) -> str:
    from diffsci.native.engine import host

    parts = [plan_key(graph), *host(), str(layout()), own_version()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
