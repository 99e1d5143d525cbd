"""Programs derived from traces, kept.

Outside `jit` a function is traced at every call, so that any Python control flow works. Two traces that
recorded the same operations share what is derived from them: the transformed graph, and, once it has
been run a few times, its straight-line program.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from diffsci.backends.eager import EagerProgram, own
from diffsci.degenerate import resolved
from diffsci.graph import Graph, Node, interpreter
from diffsci.graph.builder import PLAIN
from diffsci.primitives.linalg.gaps import Unresolved

__all__ = ["Derived", "derived"]

WRITTEN_AFTER = 3  # runs: writing a program costs about thirty of its runs in the interpreter
MOST_BYTES = 1 << 28  # kept in all
NODE_BYTES = 512  # of a node, and of what is written and kept with it
OBJECT_BYTES = 1 << 14  # of a loop, a rule or an operator, which hold programs of their own
_WEIGHTLESS = (bool, int, float, str, tuple, np.generic, np.dtype, type, type(None))


class Derived:
    """A graph derived from a trace, and how to run it."""

    __slots__ = ("_program", "_runs", "graph")

    def __init__(self, graph: Graph):
        self.graph = graph
        self._program: EagerProgram | None = None
        self._runs = 0

    def run(
        self,
        inputs: Sequence[Any],
        known: Mapping[Node, Any] | None = None,
        otherwise: Callable[[], list[Any]] | None = None,
    ) -> list[Any]:
        """Return the outputs, in arrays of their own; `known` are values of nodes that are there already.

        Where a derivative meets equal eigenvalues, they are its limits (see `diffsci.degenerate`), or what
        `otherwise` returns, for a program that is a part of a larger one.
        """
        try:
            return self._run(inputs, known)
        except Unresolved as problem:
            if otherwise is not None:
                return otherwise()
            values = resolved(self.graph, inputs, problem, lambda: self._run(inputs, known))
            return [own(value) for value in values]

    def _run(self, inputs: Sequence[Any], known: Mapping[Node, Any] | None) -> list[Any]:
        if self._program is None:
            self._runs += 1
            if self._runs <= WRITTEN_AFTER:
                return [own(value) for value in interpreter.run(self.graph, inputs, known)]
            self._program = EagerProgram(self.graph)
        return self._program.run(inputs)


class _Table:
    """Derived graphs by what they were derived from; those used last are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Any) -> Any:
        with self._lock:
            found = self._found.get(key)
            if found is None:
                return None
            self._found.move_to_end(key)
            return found[0]

    def put(self, key: Any, value: Any, size: int) -> None:
        with self._lock:
            if key in self._found or size > MOST_BYTES:
                return
            self._found[key] = (value, size)
            self._bytes += size
            while self._bytes > MOST_BYTES:
                _, (_, freed) = self._found.popitem(last=False)
                self._bytes -= freed


_table = _Table()


def derived(identity: Any, what: Any, make: Callable[[], Graph | tuple[Graph, ...]]) -> Any:
    """Return what is derived from a trace: made once for equal traces.

    Parameters
    ----------
    identity : hashable
        ``Traced.identity``.
    what : hashable
        The transformation and its options.
    make : callable
        Returns a graph, or a tuple of graphs and other results.

    Returns
    -------
    Derived or tuple
        As `make` returns it, with `Derived` in place of each graph.
    """
    key = (what, identity)
    found = _table.get(key)
    if found is None:
        made = make()
        parts = made if isinstance(made, tuple) else (made,)
        wrapped = tuple(Derived(part) if isinstance(part, Graph) else part for part in parts)
        found = wrapped if isinstance(made, tuple) else wrapped[0]
        graphs = [part for part in parts if isinstance(part, Graph)]
        held = list(map(_held, graphs))
        if not any(map(_is_passing, held)):
            _table.put(key, found, sum(map(_size, graphs, held)))
    return found


def _held(graph: Graph) -> list[Any]:
    """Return the parameters of the operations that are objects: programs, arrays, loops, functions."""
    return [
        value
        for node in graph.nodes
        if node.params
        for value in node.params.values()
        if type(value) not in PLAIN and not isinstance(value, _WEIGHTLESS)
    ]


def _is_passing(held: list[Any]) -> bool:
    """Tell whether a program contains an object that was made for one call: it is never met again."""
    return any(
        _is_passing(_held(value)) if isinstance(value, Graph) else getattr(value, "passing", False)
        for value in held
    )


def _size(graph: Graph, held: list[Any]) -> int:
    """Return about how many bytes are kept with a program; its constants are in its key, too."""
    return NODE_BYTES * len(graph.nodes) + sum(map(_weight, held))


def _weight(value: Any) -> int:
    if isinstance(value, Graph):
        return _size(value, _held(value))
    if isinstance(value, np.ndarray):
        return 2 * value.nbytes
    program = getattr(getattr(value, "body", value), "graph", None)  # of a loop, of an equation
    return OBJECT_BYTES + (_size(program, _held(program)) if isinstance(program, Graph) else 0)
