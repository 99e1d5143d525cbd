"""What the steppers need of diffsci beyond differentiation: traces, calls of graphs, compiled programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import diffsci as ds
from diffsci.backends.cpu.settings import SETTINGS
from diffsci.backends.interpreter import first_broken_guard
from diffsci.tracing import Traced, TracedArray, trace_function
from diffsci.tracing.copies import fingerprint, resolve
from diffsci.tracing.function import concrete, is_dynamic
from diffsci.tracing.trace import apply_graph, bind
from diffsci.transforms import simplify
from diffsci.trees import flatten, unflatten

__all__ = [
    "SETTINGS",
    "Traced",
    "TracedArray",
    "apply_graph",
    "call_graph",
    "compile_program",
    "concrete",
    "fingerprint",
    "first_broken_guard",
    "flatten",
    "from_outside",
    "is_dynamic",
    "is_traced",
    "original",
    "simplify",
    "trace_function",
    "unflatten",
]


def is_traced(value: Any) -> bool:
    """Tell whether a value belongs to a running trace."""
    return isinstance(value, TracedArray)


def original(function: Callable) -> Callable:
    """The user's own function behind a private copy, where a module holds it; else the function itself.

    A trace makes a new copy every time, so only the original tells that two solves have one model.
    """
    source = getattr(getattr(function, "__globals__", None), "source", None)
    if source is None or function.__closure__:
        return function
    found = source.get(function.__name__)
    return found if getattr(found, "__code__", None) is function.__code__ else function


def from_outside(value: Any, fetch: Callable[[], Any]) -> Any:
    """A value that a model reads from outside, as an input of the running trace, so that it is read again."""
    return value if is_traced(value) else resolve(value, fetch, ("outside", fetch))


def call_graph(graph: Any, operands: Sequence[Any]) -> TracedArray:
    """Call a graph of one output as a sub-program of the running trace: compiled once, not inlined."""
    return bind("call", *operands, graph=graph)[0]


def compile_program(function: Callable, *examples: np.ndarray) -> Any:
    """Trace a function of flat arguments and compile it; returns its native program."""
    return ds.compile(function, *examples).program
