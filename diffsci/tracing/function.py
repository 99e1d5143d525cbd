"""Trace a user's function at given arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import Graph, Node
from diffsci.source import described
from diffsci.tracing import caches, copies, instances
from diffsci.tracing import wrappers as _wrappers  # noqa: F401  completes TracedArray
from diffsci.tracing.array import TracedArray
from diffsci.tracing.chance import note_draws
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import entering, joined, parts_of, unpacked
from diffsci.tracing.sparse import as_traced_sparse, is_sparse
from diffsci.tracing.standard import refuse_class
from diffsci.tracing.trace import Capture, Trace, current_trace, tracing
from diffsci.trees import Tree, flatten, leaf_paths, unflatten

__all__ = ["Traced", "concrete", "is_dynamic", "trace_function", "typed"]


@dataclass(frozen=True, slots=True)
class Traced:
    """The graph of a function, and how its arguments and results are built.

    Attributes
    ----------
    graph : Graph
        Inputs: the dynamic leaves of the arguments, then the captured values.
    out_tree : Tree
        Container of the results; its leaves are the graph's outputs.
    captures : tuple of Capture
        Values from outside that the function read.
    statics : tuple
        (fetch, value) of the integers, flags and strings it read from outside.
    values : dict
        Value of every node at the point of tracing.
    identity : hashable
        What the trace recorded, lines included: traces with equal identities hold equal programs.
    whole : tuple of bool
        Which outputs are complex; the graph gives their parts along a last axis.
    """

    graph: Graph
    out_tree: Tree
    captures: tuple[Capture, ...]
    statics: tuple
    values: dict[Node, Any]
    identity: Any = None

    whole: tuple[bool, ...] = ()

    def results(self, values: Sequence[Any]) -> Any:
        """Arrange the outputs of the graph as the function does."""
        return unflatten(self.out_tree, joined(values, self.whole) if any(self.whole) else values)

    @property
    def captured(self) -> list[Any]:
        """Current values of the captured inputs.

        Values of an outer traced function come as they are; inside another trace, values read from
        the user's globals and closures become inputs of that trace too.
        """
        return [_current(capture) for capture in self.captures]

    @property
    def fetches(self) -> list[Callable[[], Any]]:
        """What reads the captured inputs where nothing is traced."""
        return [functools.partial(_current, c) if c.whole else c.fetch for c in self.captures]


def _settled(trace: Trace, outer: Trace | None, value: TracedArray) -> Any:
    """Return what a value kept in an object is once its trace has ended."""
    if outer is None or value.is_const:
        return copies.plain(trace, value)
    return caches.outwards(trace, value, [_current(capture) for capture in trace.captures.values()])


def _current(capture: Capture) -> Any:
    value = capture.fetch()
    if capture.place is not None:
        value = copies.resolve(value, capture.fetch, capture.place)
    if capture.whole and not is_complex(value):  # a real number stands there now
        value = value * (1 + 0j) if isinstance(value, TracedArray) else np.asarray(value, complex)
    return entering(value) if capture.whole else value


def is_dynamic(leaf: Any) -> bool:
    """Tell whether a leaf is data (arrays, floats, complex) rather than a static argument."""
    return isinstance(leaf, (TracedArray, np.ndarray, np.floating, np.complexfloating)) or type(leaf) in (
        float,
        complex,
    )


def concrete(leaf: Any) -> np.ndarray:
    """Return the NumPy value of a dynamic leaf."""
    if isinstance(leaf, TracedArray):
        return leaf.concrete()
    refuse_class(leaf)
    return np.asarray(leaf)


def typed(leaf: Any) -> TracedArray | np.ndarray:
    """Return an array of a dynamic leaf's shape and dtype: itself where it is traced, and not computed."""
    return leaf if isinstance(leaf, TracedArray) else concrete(leaf)


def trace_function(
    function: Callable, args: Sequence[Any], kwargs: dict[str, Any] | None = None, own: bool = False
) -> Traced:
    """Run a function on traced copies of its arguments and return its graph.

    Parameters
    ----------
    function : callable
        Any Python callable written against NumPy.
    args, kwargs
        Arguments: nested containers; arrays, floats and complex numbers are traced, everything else
        is passed as it is.
    own : bool
        The function may write into its arguments: they are nobody else's.
    """
    leaves, tree = flatten((tuple(args), dict(kwargs or {})))
    with tracing() as trace:
        nodes, entering = _enter(trace, leaves, own)
        positional, named = unflatten(_with_traced_methods(trace, tree), entering)
        results = copies.private_copy(function)(*positional, **named)
        copies.write_back(trace)
        note_draws(trace)
        trace.statics += [(fetch, value) for fetch, value in trace.settling if fetch() == value]
        out_leaves, out_tree = _by_entries(*flatten(results))
        outputs = [
            _output(trace, leaf, path, function)
            for leaf, path in zip(out_leaves, leaf_paths(out_tree), strict=True)
        ]
        whole = tuple(map(is_complex, out_leaves))
        trace.closed = True
    inputs = (*nodes, *(capture.node for capture in trace.captures.values()))
    graph = Graph(inputs, outputs, trace.guards)
    captures = tuple(trace.captures.values())
    outer = current_trace()
    if outer is not None:
        outer.statics += trace.statics
        outer.objects += trace.objects
    for held in trace.objects:
        caches.settle(trace, held, functools.partial(_settled, trace, outer))
    return Traced(graph, out_tree, captures, tuple(trace.statics), trace.values, trace.identity(graph), whole)


def _by_entries(leaves: list[Any], tree: Tree) -> tuple[list[Any], Tree]:
    """Return results with the entries of plain sparse matrices among the leaves."""
    if not any(map(is_sparse, leaves)):
        return leaves, tree
    return flatten(unflatten(tree, [as_traced_sparse(x) if is_sparse(x) else x for x in leaves]))


def _with_traced_methods(trace: Trace, tree: Tree) -> Tree:
    """Build containers of the user's classes (dataclasses) as copies with traced methods."""
    if not tree.children:
        return tree
    kind = instances.traced_class(trace, tree.kind) if isinstance(tree.kind, type) else tree.kind
    return Tree(kind, tree.keys, tuple(_with_traced_methods(trace, child) for child in tree.children))


def _enter(trace: Trace, leaves: Sequence[Any], own: bool) -> tuple[list[Node], list[Any]]:
    nodes, entering = [], []
    for leaf in leaves:
        if not is_dynamic(leaf):
            entering.append(copies.argument(leaf))
            continue
        value = concrete(leaf)
        whole = value.dtype.kind == "c"
        node = trace.input(parts_of(value) if whole else value)
        nodes.append(node)
        made = TracedArray(trace, node)
        made = unpacked(made) if whole else made
        made.weak = type(leaf) in (float, complex) or (isinstance(leaf, TracedArray) and leaf.weak)
        made.scalar = leaf.scalar if isinstance(leaf, TracedArray) else not isinstance(leaf, np.ndarray)
        made.given = not own
        entering.append(made)
    return nodes, entering


def _output(trace: Trace, leaf: Any, path: str, function: Callable) -> Node:
    if isinstance(leaf, (TracedArray, np.ndarray, np.generic, bool, int, float, complex)):
        return trace.node(entering(leaf))
    raise UnsupportedError(
        f"result{path} of {described(function)} is of type {type(leaf).__name__}: a traced function returns "
        "numbers, arrays, and tuples, lists, dicts or dataclasses of them"
    )
