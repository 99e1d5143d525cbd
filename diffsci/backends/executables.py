"""What a jitted function runs: native code, the interpreter, programs of a device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from diffsci.backends.split import Split, has_loops
from diffsci.backends.statuses import explained
from diffsci.errors import UnsupportedError
from diffsci.graph import Graph, interpreter
from diffsci.graph.callees import all_guards
from diffsci.primitives.custom_loop import CustomLoop

if TYPE_CHECKING:
    from diffsci.backends.plan.report import ProgramReport

__all__ = ["Executable", "build"]


class Executable(Protocol):
    """Runs a graph: status 0 and outputs; k > 0 where guard k - 1 does not hold; < 0 on failure."""

    def run(self, inputs: Sequence[np.ndarray]) -> tuple[int, list[np.ndarray]]:
        """Run on arrays of the graph's input types."""

    def message(self, status: int) -> str:
        """Explain a status."""

    @property
    def text(self) -> str:
        """The generated program."""

    def report(self) -> ProgramReport:
        """Return what the program moves and computes."""


def build(graph: Graph, backend: str) -> Executable:
    """Return an executable of a graph.

    Raises
    ------
    ValueError
        For an unknown backend.
    UnsupportedError
        If the backend cannot run here.
    """
    if backend == "numpy":
        return Interpreted(graph)
    if backend == "numba":
        return Split(graph, CPU) if has_loops(graph) else native(graph)
    if backend == "cupy":
        from diffsci.backends.cuda import cupy_machine

        return cupy_machine().executable(graph)
    raise ValueError(f"backend={backend!r}, expected 'numba', 'numpy' or 'cupy'")


def program(graph: Graph, backend: str) -> Executable:
    """Return one program of a graph, to be called by address; host loops in it are callbacks.

    Raises
    ------
    ValueError
        For a backend without programs.
    """
    if backend == "numba":
        return native(graph)
    if backend == "cupy":
        from diffsci.backends.cuda import cupy_machine

        return cupy_machine().program(graph)
    raise ValueError(f"compile: backend={backend!r}, expected 'numba' or 'cupy'")


def planned(graph: Graph) -> ProgramReport:
    """Return the report of a graph on a device, which need not be there."""
    from diffsci.backends.cuda.planning import planned

    return planned(graph)


def native(graph: Graph) -> Executable:
    """Return native code; LLVM is imported here, not before."""
    from diffsci.backends.cpu import compile_graph

    return compile_graph(graph)


class Interpreted:
    """The graph, node by node, in NumPy."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def run(self, inputs):
        """See `Executable`."""
        broken = interpreter.first_broken_guard(self.graph, inputs)
        if broken is not None:
            return broken + 1, []
        return 0, _own(interpreter.run(self.graph, inputs), inputs)

    def message(self, status: int) -> str:
        """See `Executable`."""
        return explained(status, self.graph.nodes, all_guards(self.graph))

    @property
    def text(self) -> str:
        """See `Executable`."""
        return self.graph.text()

    def report(self) -> ProgramReport:
        """See `Executable`."""
        raise UnsupportedError("backend='numpy' has no plan: it runs the graph node by node; see graph()")


def _own(results: Sequence[np.ndarray], inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return results as native code does: in memory of their own, that may be written."""
    taken = [x for x in inputs if isinstance(x, np.ndarray)]
    for result in results:
        shared = any(np.may_share_memory(result, other) for other in taken)
        taken.append(result if result.flags.carray and not shared else np.array(result, order="C"))
    return taken[-len(results) :] if results else []


class _Cpu:
    """Where native programs and loops run; see `diffsci.backends.split`."""

    @staticmethod
    def segment(graph: Graph) -> Executable:
        return native(graph)

    @staticmethod
    def loop(loop: CustomLoop, where: str) -> CustomLoop:
        return loop.compiled()

    @staticmethod
    def enter(inputs: Sequence[np.ndarray]):
        return inputs, lambda outputs: outputs

    @staticmethod
    def constant(value: np.ndarray) -> np.ndarray:
        return value


CPU = _Cpu()
