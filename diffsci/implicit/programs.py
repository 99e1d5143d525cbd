"""Graphs that a solver runs again and again."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.backends import executables
from diffsci.derived import Derived
from diffsci.graph import Graph, interpreter

__all__ = ["Program", "program_of"]

COMPILED_AFTER = 64  # runs: a solve outside jit needs fewer, a compiled program asks again and again


_programs: weakref.WeakKeyDictionary[Graph, Program] = weakref.WeakKeyDictionary()


def program_of(graph: Graph) -> Program:
    """Return the program of a graph, one for every graph."""
    known = _programs.get(graph)
    return _programs.setdefault(graph, Program(graph)) if known is None else known


class Program:
    """A graph without guards: run in NumPy at first, compiled once it has been run often."""

    def __init__(self, graph: Graph):
        self._graph = Graph(graph.inputs, graph.outputs)  # another one: `graph` must be free to go
        self._plain = Derived(self._graph)
        self._native: executables.Executable | None = None
        self._runs = 0

    def __call__(self, inputs: Sequence[np.ndarray]) -> list[Any]:
        """Return the outputs."""
        if any(np.iscomplexobj(x) for x in inputs):  # a complex step through the solver
            return interpreter.run(self._graph, inputs)
        self._runs += 1
        if self._native is None and self._runs > COMPILED_AFTER:
            self._native = executables.build(self._graph, "numba")
        if self._native is not None:
            status, outputs = self._native.run([np.ascontiguousarray(x).reshape(np.shape(x)) for x in inputs])
            if status == 0:
                return outputs
        with np.errstate(all="ignore"):
            return self._plain.run(inputs)
