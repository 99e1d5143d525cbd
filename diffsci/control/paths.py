"""All paths of a function: every outcome of its branches on values is tried, and one graph has them all.

A guard cannot stand in a rolled loop or in a branch of `cond`: what was seen at one point need not hold
in the next step. So the function is traced once for each path, with outcomes given in place of those
seen, and the paths are put together by `cond`. A path that ends in an exception becomes an error that
the loop raises when a step takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffsci.errors import TraceError, UnsupportedError
from diffsci.graph import Builder, Graph, Guard, Node, Type
from diffsci.graph.ir import topological
from diffsci.source import Location, at, user_location
from diffsci.tracing import Traced, TracedArray, trace_function
from diffsci.tracing.trace import Trace, adopting, current_trace
from diffsci.transforms import inline, simplify
from diffsci.trees import Tree, flatten

__all__ = ["AllPaths", "trace_paths"]

MOST_PATHS = 32
MOST_DECISIONS = 24  # on one path: more is a Python loop whose length depends on values
INT = np.dtype(np.int64)


@dataclass
class _Path:
    """One run: the outcomes it was given, and what came of it."""

    given: tuple[bool, ...]
    what: str
    nodes: list[Node] = field(default_factory=list)
    outcomes: list[bool] = field(default_factory=list)
    raising: list[tuple[Node, Exception]] = field(default_factory=list)
    trace: Trace | None = None
    arguments: list[Node] = field(default_factory=list)
    traced: Traced | None = None
    error: Exception | None = None

    def enter(self, arguments: Sequence[Any]) -> None:
        """Take over the decisions of the trace that begins."""
        self.trace = current_trace()
        self.trace.paths = self
        self.arguments = [leaf.read() for leaf in flatten(arguments)[0]]

    @property
    def inputs(self) -> list[Node]:
        """Inputs of the run: its arguments, then what it captured."""
        return [*self.arguments, *(capture.node for capture in self.trace.captures.values())]

    def choose(self, node: Node, error: Exception | None) -> bool | None:
        """Decide a branch; None where it is the same in every step (the trace guards it)."""
        if not self._moves(node):
            return None
        if error is not None:
            self.raising.append((node, error))
            return False
        if node in self.nodes:
            return self.outcomes[self.nodes.index(node)]
        if len(self.nodes) == MOST_DECISIONS:
            raise UnsupportedError(
                f"{self.what}: more than {MOST_DECISIONS} decisions on traced values in a row"
                f"{at(user_location())}: write a loop whose length depends on values as diffsci.while_loop, "
                "and choices between values as numpy.where or diffsci.cond"
            )
        place = len(self.nodes)
        seen = bool(self.trace.values[node]) if place >= len(self.given) else self.given[place]
        self.nodes.append(node)
        self.outcomes.append(seen)
        return seen

    def refuse_to_pin(self, node: Node) -> None:
        """An integer or a mask that changes from step to step cannot shape the program."""
        if self._moves(node):
            raise UnsupportedError(
                f"{self.what}: a value that changes from step to step is used as a Python number or as a "
                f"boolean mask of varying length{at(user_location())}: index with the traced integer itself "
                "(x[i]), select with numpy.where, and repeat with diffsci.fori_loop"
            )

    def refuse_guard(self, node: Node, location: Location | None) -> None:
        """A branch of a function that was traced on its own, at one point, cannot stand in a loop."""
        if self._moves(node):
            raise UnsupportedError(
                f"{self.what}: an if on a value that changes from step to step{at(location)}, in a function "
                "that is differentiated in the loop or traced for another loop: use numpy.where or "
                "diffsci.cond"
            )

    def _moves(self, node: Node) -> bool:
        """Tell whether a node depends on the arguments (and not only on what the function captured)."""
        reached = set(topological([node]))
        if not reached.isdisjoint(self.arguments):
            return True
        captures = self.trace.captures.values()
        return any(_moves_outside(capture.fetch()) for capture in captures if capture.node in reached)


def _moves_outside(value: Any) -> bool:
    """Tell whether a value of an outer trace changes from step to step of a loop there."""
    if not isinstance(value, TracedArray) or value.owner.paths is None:
        return False
    return value.owner.paths._moves(value.read())


@dataclass(frozen=True)
class AllPaths:
    """A function with all its paths.

    Attributes
    ----------
    graph : Graph
        Inputs: the captured values, then the arguments. Its guards are the errors: guard k holds
        where `errors[k]` is not raised.
    captured : list
        Current values of what the function read from outside.
    errors : list of Exception
    out_tree : Tree
    conditions : Graph
        Guards on the captured values alone, which are its inputs: the same in every step.
    """

    graph: Graph
    captured: list[Any]
    errors: list[Exception]
    out_tree: Tree
    conditions: Graph


def trace_paths(function: Callable, args: Sequence[Any], what: str) -> AllPaths:
    """Trace a function on every path.

    Parameters
    ----------
    function : callable
        Of library code: it calls the user's function and arranges arguments and results.
    args : sequence
        Its arguments; every leaf is an array or a traced value.
    what : str
        Names the loop and the function in messages.
    """
    paths = _explored(function, args, what)
    _check_alike(paths, what)
    joined = _Joined(paths)
    graph, errors = joined.graph()
    return AllPaths(graph, joined.captured, errors, joined.good.traced.out_tree, joined.conditions())


def _explored(function: Callable, args: Sequence[Any], what: str) -> list[_Path]:
    """Run the function with every combination of outcomes, the one seen here first."""
    pending: list[tuple[bool, ...]] = [()]
    paths: list[_Path] = []
    while pending:
        path = _Path(pending.pop(), what)
        _run(path, function, args, raises=not paths)
        paths.append(path)
        for place in range(len(path.given), len(path.outcomes)):
            pending.append((*path.outcomes[:place], not path.outcomes[place]))
        if len(paths) + len(pending) > MOST_PATHS:
            raise UnsupportedError(
                f"{what}: more than {MOST_PATHS} paths{at(_place(path))}: choose between values by "
                "numpy.where or diffsci.cond instead of Python's if, and write a loop whose length "
                "depends on values as diffsci.while_loop"
            )
    return paths


def _place(path: _Path) -> Location | None:
    return path.nodes[-1].location if path.nodes else None


def _run(path: _Path, function: Callable, args: Sequence[Any], raises: bool) -> None:
    def entered(*arguments):
        path.enter(arguments)
        with adopting():
            return function(*arguments)

    try:
        path.traced = trace_function(entered, args, own=True)
    except TraceError:
        raise
    except Exception as error:
        if raises:  # the arguments themselves take this path
            raise
        path.error = error
        captures, statics = path.trace.captures.values(), path.trace.statics
        path.traced = Traced(Graph(path.inputs, []), Tree("none"), tuple(captures), tuple(statics), {})


def _check_alike(paths: list[_Path], what: str) -> None:
    first = paths[0].traced
    for path in paths[1:]:
        other = path.traced
        same = other.out_tree == first.out_tree and other.graph.output_types == first.graph.output_types
        if path.error is None and not same:
            kinds = [", ".join(map(str, traced.graph.output_types)) for traced in (first, other)]
            raise UnsupportedError(
                f"{what}: the results differ in kind between the branches of an if{at(_place(path))}: "
                f"({kinds[0]}) and ({kinds[1]}): return arrays of the same shapes and dtypes on every path"
            )


class _Joined:
    """Puts paths together. The last output of every graph made here is the number of an error, or 0."""

    def __init__(self, paths: list[_Path]):
        self.paths, self.good = paths, paths[0]
        self.errors: list[Exception] = []
        self.captured: list[Any] = []
        self.places: dict[Any, int] = {}
        types: list[Type] = []
        for path in paths:
            for (key, capture), value in zip(path.trace.captures.items(), path.traced.captured, strict=True):
                if key not in self.places:
                    self.places[key] = len(self.captured)
                    self.captured.append(value)
                    types.append(capture.node.type)
        self.types = [*types, *(node.type for node in self.good.arguments)]
        self.kinds = self.good.traced.graph.output_types

    def graph(self) -> tuple[Graph, list[Exception]]:
        """Return the whole, its errors as guards."""
        whole = simplify(self._tree(self.paths, 0))
        *outputs, number = whole.outputs
        if not self.errors or (number.is_const and number.params["value"] == 0):
            return Graph(whole.inputs, outputs), []
        b = Builder()
        b.adopt(whole.nodes)
        guards = [Guard(b.ne(number, b.const(k + 1, INT)), True, None) for k in range(len(self.errors))]
        return Graph(whole.inputs, outputs, guards), self.errors

    def conditions(self) -> Graph:
        """Return the guards on captured values alone."""
        b = Builder()
        inputs = self._inputs(b)
        guards = []
        for path in self.paths:
            own = Graph(path.inputs, [], path.trace.guards)
            guards += inline(b, own, self._arguments(path, inputs))[1]
        return Graph(inputs[: len(self.captured)], [], guards)

    def _inputs(self, b: Builder) -> list[Node]:
        return [b.input(type_) for type_ in self.types]

    def _arguments(self, path: _Path, inputs: list[Node]) -> list[Node]:
        """The joined inputs in the order of a path's own: arguments, then captures."""
        read = [inputs[self.places[key]] for key in path.trace.captures]
        return [*inputs[len(self.captured) :], *read]

    def _tree(self, paths: list[_Path], depth: int) -> Graph:
        """Return the graph of the paths that agree on their first `depth` decisions."""
        first = paths[0]
        if len(first.outcomes) <= depth:
            return self._leaf(first)
        b = Builder()
        inputs = self._inputs(b)
        (predicate,), _ = inline(b, Graph(first.inputs, [first.nodes[depth]]), self._arguments(first, inputs))
        true, false = (
            self._tree([path for path in paths if path.outcomes[depth] == outcome], depth + 1)
            for outcome in (True, False)
        )
        picked = b.cond(predicate, *inputs, true=true, false=false)
        return Graph(inputs, [b.project(picked, index=k) for k in range(len(picked.type))])

    def _leaf(self, path: _Path) -> Graph:
        b = Builder()
        inputs = self._inputs(b)
        if path.error is not None:
            self.errors.append(path.error)
            nothing = [b.full(kind, np.nan if kind.is_float else 0) for kind in self.kinds]
            return Graph(inputs, [*nothing, b.const(len(self.errors), INT)])
        number = b.const(0, INT)
        arguments = self._arguments(path, inputs)
        for node, error in reversed(path.raising):
            self.errors.append(error)
            (raised,), _ = inline(b, Graph(path.inputs, [node]), arguments)
            number = b.select(raised, b.const(len(self.errors), INT), number)
        outputs, _ = inline(b, Graph(path.inputs, path.traced.graph.outputs), arguments)
        return Graph(inputs, [*outputs, number])
