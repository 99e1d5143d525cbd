"""One call of a user's function: its trace, and derivatives that are made once for equal programs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci import watching
from diffsci.derived import Derived, derived
from diffsci.graph import Graph
from diffsci.source import at, described, user_location
from diffsci.tracing import Traced, TracedArray, trace_function
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import entering
from diffsci.tracing.function import is_dynamic, typed
from diffsci.tracing.sparse import Places, is_sparse
from diffsci.tracing.trace import apply_graph
from diffsci.transforms import simplify
from diffsci.trees import Tree, flatten, leaf_paths, unflatten

__all__ = [
    "Call",
    "check_float",
    "chosen_arguments",
    "evaluate",
    "per_argument",
    "refuse_matrices",
    "refuse_nothing",
]


class Call:
    """One call of a user's function: its trace, the values of its inputs, which leaf is whose.

    With `later`, programs may run when the user has overwritten the arrays: it works on copies.
    """

    def __init__(
        self,
        function: Callable,
        args: Sequence[Any],
        kwargs: dict[str, Any] | None = None,
        later: bool = False,
    ):
        self.args = tuple(args)
        self.function = function
        self.traced: Traced = trace_function(function, args, kwargs)
        leaves, self.tree = flatten((self.args, dict(kwargs or {})))
        self.dynamic = [is_dynamic(leaf) for leaf in leaves]
        inputs = [entering(leaf) for leaf, flag in zip(leaves, self.dynamic, strict=True) if flag]
        inputs += self.traced.captured
        values = [self.traced.values[node] for node in self.traced.graph.inputs]
        self.inputs = [
            x if isinstance(x, TracedArray) else np.array(value) if later else value
            for x, value in zip(inputs, values, strict=True)
        ]
        self.inside = any(isinstance(x, TracedArray) for x in self.inputs)

    @functools.cached_property
    def graph(self) -> Graph:
        """The program of the call. Recorded in an outer trace, fewer nodes are better."""
        if not self.inside:
            return self.traced.graph
        return self._kept("simplified", lambda: simplify(self.traced.graph)).graph

    def _kept(self, what: Any, make: Callable) -> Any:
        return derived(self.traced.identity, (self.inside, what), make)

    def derive(self, what: Any, make: Callable[[Graph], Any]) -> Any:
        """Return ``make(graph)``, made once for equal programs.

        Parameters
        ----------
        what : hashable
            Names the transformation and its options.
        make : callable
            Takes the graph of the call; returns a graph or a tuple of graphs and other results.
        """
        return self._kept(what, lambda: make(self.graph))

    def evaluate(
        self, program: Derived, extra: Sequence[Any] = (), own: int = 0, phase: str = "tangent"
    ) -> list[Any]:
        """Return the outputs of what was derived from this call.

        Parameters
        ----------
        program : Derived
        extra : sequence
            Its further inputs.
        own : int
            How many of its outputs are the function's own; the others belong to a sweep of this `phase`.
        """
        outputs = evaluate(program, [*self.inputs, *extra], self.traced.values)
        if watching.contexts:
            self.examine(program.graph, extra, outputs, own, phase)
        return outputs

    def examine(
        self, graph: Graph, extra: Sequence[Any], outputs: Sequence[Any], own: int, phase: str
    ) -> None:
        """Show outputs to whoever watches; see `evaluate`."""
        if not any(isinstance(y, TracedArray) for y in outputs):
            watching.examine("program", graph, [*self.inputs, *extra], outputs, self, own, phase)

    def outputs(self, values: Sequence[Any]) -> Any:
        """Arrange the outputs of the program as the function does."""
        return self.traced.results(values)

    def active(self, argnums: tuple[int, ...], what: str) -> tuple[list[bool], list[Tree], list[bool]]:
        """Return which inputs belong to the chosen arguments, their trees, and which leaves are complex.

        Raises
        ------
        TypeError
            If a leaf of a chosen argument is no float.
        """
        flags, trees, whole = [], [], []
        leaves = flatten((self.args, {}))[0]
        position = 0
        for number, arg in enumerate(self.args):
            tree = flatten(arg)[1]
            paths = leaf_paths(tree, f"argument {number}")
            chosen = number in argnums
            if chosen:
                trees.append(tree)
            for path in paths:
                leaf = leaves[position]
                position += 1
                if chosen:
                    check_float(leaf, path, what)
                    whole.append(is_complex(leaf))
                if is_dynamic(leaf):
                    flags.append(chosen)
        flags += [False] * (len(self.inputs) - len(flags))
        return flags, trees, whole


def evaluate(
    program: Derived,
    inputs: Sequence[Any],
    known: dict | None = None,
    otherwise: Callable[[], list[Any]] | None = None,
) -> list[Any]:
    """Run a program on plain values (see `Derived.run`), or record it in the trace of a traced input."""
    if any(isinstance(x, TracedArray) for x in inputs):
        return apply_graph(program.graph, inputs)
    return program.run(inputs, known, otherwise)


def check_float(leaf: Any, path: str, what: str) -> None:
    """Raise TypeError where a leaf has no derivative."""
    dtype = typed(leaf).dtype if is_dynamic(leaf) else None
    if dtype is not None and dtype.kind in "fc":
        return
    kind = type(leaf).__name__ if dtype is None else f"an array of {dtype}"
    instead = "pass 3.0 instead of 3, and arrays with dtype=float"
    if is_sparse(leaf):
        instead = (
            "pass its entries, and make the matrix inside: csr_array((data, indices, indptr), shape=...)"
        )
    raise TypeError(f"{what}: {path} is {kind}{at(user_location())}: derivatives need floats; {instead}")


def chosen_arguments(argnums: int | Sequence[int], count: int, what: str) -> tuple[int, ...]:
    """Return the numbers of the chosen arguments, counted from the first; ValueError for any that is none."""
    chosen = (argnums,) if isinstance(argnums, (int, np.integer)) else tuple(argnums)
    for number in chosen:
        if not isinstance(number, (int, np.integer)) or not -count <= number < count:
            raise ValueError(
                f"{what}: argnums={argnums!r} for a function called with {count} positional arguments"
            )
    normal = tuple(int(number) % count for number in chosen)
    if list(normal) != sorted(set(normal)):
        raise ValueError(f"{what}: argnums={argnums!r} must be increasing and distinct")
    return normal


def refuse_matrices(what: str, function: Callable, tree: Tree) -> None:
    """Raise TypeError if a function returns a sparse matrix where arrays are asked for.

    Its entries alone would be a vector or have one more axis, and no matrix is made of those.
    """
    if isinstance(tree.kind, Places):
        raise TypeError(
            f"{what}: the function {described(function)} returns a sparse matrix: return its .data, an array"
        )
    for child in tree.children:
        refuse_matrices(what, function, child)


def refuse_nothing(what: str, function: Callable, tree: Tree) -> None:
    """Raise TypeError if a function returns None: a statement `return` is missing, and no zero is meant."""
    if tree.kind == "none":
        raise TypeError(
            f"{what}: the function {described(function)} returns None: end it with `return` and its result"
        )


def per_argument(argnums: int | Sequence[int], trees: list[Tree], leaves: Sequence[Any]) -> Any:
    """Arrange one value per leaf as the arguments are arranged: one, or a tuple of several."""
    pending = iter(leaves)
    built = [unflatten(tree, pending) for tree in trees]
    return built[0] if isinstance(argnums, (int, np.integer)) else tuple(built)
