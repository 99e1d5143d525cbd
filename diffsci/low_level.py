"""Low-level names for libraries that drive compiled programs themselves, such as time steppers.

`diffsci.compile` and `diffsci.CustomLoop` are the entrance; here is what such a library needs beside
them: tracing a function without running a derivative, looking at its graph, calling a graph from
inside a trace, and keeping native loops in the disk cache. Models and studies do not need this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci import watching
from diffsci.backends.callbacks import raise_pending
from diffsci.backends.cpu.settings import SETTINGS
from diffsci.backends.factoring import factoring_of
from diffsci.complex_leaves import split as split_complex
from diffsci.complex_leaves import whole as join_complex
from diffsci.graph import Builder, Graph, Guard, lookup
from diffsci.graph.interpreter import first_broken_guard, run
from diffsci.native.objects import array_address
from diffsci.native.stored import NativeFunction, native_function
from diffsci.primitives.custom_loop import CARRY, CONST, CustomLoop, Repeated
from diffsci.primitives.host import contiguous
from diffsci.tracing import Traced, TracedArray, trace_function
from diffsci.tracing.complex.array import ComplexArray, is_complex
from diffsci.tracing.complex.boundary import entering, leaving
from diffsci.tracing.copies import original, private_copy, resolve
from diffsci.tracing.function import concrete, is_dynamic
from diffsci.tracing.functions.sparse import SparseFactors
from diffsci.tracing.identity import fingerprint
from diffsci.tracing.sparse import Places, TracedSparse
from diffsci.tracing.standard import refuse_device
from diffsci.tracing.trace import apply_graph, bind
from diffsci.transforms import simplify
from diffsci.trees import flatten, unflatten

__all__ = [
    "CARRY",
    "CONST",
    "SETTINGS",
    "ComplexArray",
    "Graph",
    "NativeFunction",
    "Repeated",
    "Traced",
    "TracedArray",
    "apply_graph",
    "array_address",
    "call_graph",
    "concrete",
    "entering",
    "examine_loop",
    "factoring_of",
    "fingerprint",
    "first_broken_guard",
    "flatten",
    "from_outside",
    "is_complex",
    "is_dynamic",
    "is_traced",
    "join_complex",
    "leaving",
    "native_function",
    "operation",
    "original",
    "private_copy",
    "raise_pending",
    "refuse_device",
    "run",
    "simplify",
    "sparse_diagonal",
    "sparse_factors",
    "split_complex",
    "trace_function",
    "unflatten",
    "without_locations",
]


def is_traced(value: Any) -> bool:
    """Tell whether a value belongs to a running trace."""
    return isinstance(value, TracedArray)


def sparse_diagonal(entries: TracedArray) -> TracedSparse:
    """Return the sparse matrix with this diagonal, inside of a trace."""
    places = np.arange(entries.size)
    return TracedSparse(entries, Places(places, places, (entries.size, entries.size), "csr"))


def sparse_factors(matrix: TracedSparse) -> SparseFactors:
    """Return what `scipy.sparse.linalg.splu` does, for a matrix inside of a trace."""
    return SparseFactors(matrix)


def from_outside(value: Any, fetch: Callable[[], Any]) -> Any:
    """Return a value read from a global or a closure as an input of the running trace.

    Parameters
    ----------
    value : array_like
        What stands there now; returned as it is when no trace runs or when it is traced already.
    fetch : callable
        Reads it again, for later calls of the compiled program.
    """
    return value if is_traced(value) else resolve(value, fetch, ("outside", fetch))


def call_graph(graph: Graph, operands: Sequence[Any]) -> tuple[TracedArray, ...]:
    """Call a graph as a sub-program of the running trace: compiled once, never inlined."""
    return bind("call", *operands, graph=graph)


def examine_loop(loop: CustomLoop, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Inside `diffsci.debug_nans`: raise if the outputs of a loop that ran on its own are not finite."""
    if watching.contexts:
        watching.examine("loop", loop, contiguous(inputs), outputs)


def without_locations(graph: Graph) -> Graph:
    """Return a program that a library has traced for itself, without lines: none of them is the user's.

    Those of sub-programs stay.
    """
    b = Builder()
    moved = {x: b.input(x.type) for x in graph.inputs}
    for node in graph.nodes:
        if node not in moved:
            moved[node] = b.emit(node.primitive, *(moved[x] for x in node.inputs), **node.params)
    guards = [Guard(moved[g.predicate], g.outcome, g.location) for g in graph.guards]
    return Graph([moved[x] for x in graph.inputs], [moved[y] for y in graph.outputs], guards)


def operation(name: str, *operands: Any, **params: Any) -> Any:
    """Return the value of one operation of array programs on plain arrays; see `diffsci.show`."""
    return lookup(name).value(*map(np.asarray, operands), **params)
