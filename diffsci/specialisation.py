"""One compiled path of a function: when it holds, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import call
from typing import Any

import numpy as np

from diffsci.backends import executables
from diffsci.graph import Graph, Type
from diffsci.signatures import DOUBLE
from diffsci.tracing import Traced
from diffsci.tracing.identity import Identity
from diffsci.tracing.places import located
from diffsci.tracing.standard import standard

__all__ = ["Specialisation", "light", "overlap", "results_of", "statics_hold"]


_SIMPLE = (int, str, type(None))  # what is seldom another object with the same value


class Specialisation:
    """One compiled path of a function."""

    __slots__ = ("direct", "executable", "graph", "run", "self_contained", "single", "traced", "types")

    def __init__(self, executable: executables.Executable, traced: Traced, graph: Graph):
        self.executable = executable
        self.run = executable.run
        self.traced = traced
        self.graph = graph
        self.types = graph.input_types
        self.self_contained = not traced.statics and not traced.captures
        self.single = traced.out_tree.kind == "leaf" and not any(traced.whole)
        self.direct: Callable | None = None

    def open(self, args: tuple, kwargs: dict) -> None:
        """Make the direct way for arguments of these classes, where native code reads them as they are."""
        direct, kinds = getattr(self.executable, "direct", None), self._kinds(args)
        if direct is None or kwargs or not self.graph.outputs or kinds is None:
            return
        places, with_outside = _outside(self.traced)
        run = direct(kinds, self._arrangement(), places)
        if with_outside is None or run is None:
            self.direct = run
            return

        def surrounded(args: tuple) -> Any:
            inputs = with_outside(args)
            return None if inputs is None else run(inputs)

        self.direct = surrounded

    def filler(self, args: tuple) -> Callable | None:
        """Return ``fill(args, (y,))`` for arguments of these classes: it writes the only result into y.

        It returns 0 if it could, which it cannot into an array of another type, that is not contiguous or
        read-only, or whose memory it reads. None where calls have something else to do.
        """
        make, kinds = getattr(self.executable, "filler", None), self._kinds(args)
        if make is None or kinds is None or len(self.graph.outputs) != 1:
            return None
        places, with_outside = _outside(self.traced)
        fill = make(kinds, places)
        if with_outside is None or fill is None:
            return fill

        def surrounded(args: tuple, results: tuple) -> int | None:
            inputs = with_outside(args)
            return None if inputs is None else fill(inputs, results)

        return surrounded

    def _arrangement(self) -> Callable[[Sequence], Any] | None:
        """Return what makes the result of the outputs; None where it is the only output itself."""
        tree, (first, *_) = self.traced.out_tree, self.graph.outputs
        if first.shape == () or any(self.traced.whole):
            return self.results
        if self.single:
            return None
        filled = None if isinstance(tree.kind, type) else getattr(tree.kind, "filled", None)  # of a matrix
        return self.results if filled is None else lambda outputs: filled(outputs[0])

    def _kinds(self, args: tuple) -> list[type] | None:
        """Return the classes of all inputs, None where native code does not read one of them as it is."""
        kinds = [_plain_kind(x) for x in (*args, *self.traced.captured)]
        return None if None in kinds else kinds

    def holds(self) -> bool:
        """Tell whether the integers and flags read from outside are what they were."""
        return statics_hold(self.traced)

    def inputs_now(self, inputs: list) -> list | None:
        """Return all inputs for given arguments, None where the path does not hold now."""
        if self.self_contained:
            return inputs
        return self.with_captured(inputs) if self.holds() else None

    def with_captured(self, inputs: list) -> list | None:
        """Return the inputs with what the function reads from outside, or None if the types changed."""
        captured = [standard(value) for value in self.traced.captured]
        types = self.types[len(inputs) :]
        if any(Type.of(value) != type_ for value, type_ in zip(captured, types, strict=True)):
            return None
        return [*inputs, *captured]

    def results(self, outputs: Sequence[np.ndarray]) -> Any:
        """Arrange the outputs as the function does."""
        if self.single:
            value = outputs[0]
            return value if value.ndim else value[()]
        return results_of(self.traced, outputs)


def overlap(inputs: Sequence[Any], y: np.ndarray) -> bool:
    """Tell whether an array may share memory with one of the inputs: a program would read what it wrote."""
    return any(type(x) is np.ndarray and np.may_share_memory(x, y) for x in inputs)


def _plain_kind(x: Any) -> type | None:
    """Return the class of an argument that native code reads as it is: a double array or a float."""
    if type(x) is np.ndarray:
        return np.ndarray if x.dtype is DOUBLE else None
    return float if type(x) is float else None


def _outside(traced: Traced) -> tuple[list[tuple], Callable[[tuple], tuple | None] | None]:
    """Return how the outside of a function is looked at where nothing is traced.

    Returns
    -------
    places : list of (cell, None, object) or (dict, str, object)
        Where native code looks whether the same object still stands there.
    inputs : callable or None
        ``inputs(args)`` adds what the function reads from outside; None where the path does not hold for
        other reasons than those places. None if there is nothing more to do.
    """
    places, others = [], []
    for fetch, value in traced.statics:
        seen = isinstance(value, Identity)
        place = located(fetch.fetch if seen else fetch) if seen or isinstance(value, _SIMPLE) else None
        if place is None:
            others.append((fetch, value))
        else:
            places.append((*place, value.value if seen else value))
    fetches = traced.fetches

    def inputs(args: tuple) -> tuple | None:
        for fetch, value in others:
            if not _same(fetch(), value):
                return None
        return (*args, *map(call, fetches)) if fetches else args

    return places, inputs if others or fetches else None


def statics_hold(traced: Traced) -> bool:
    """Tell whether everything that a program took as fixed is still as it was."""
    for fetch, value in traced.statics:
        now = fetch()
        if now is not value and not _same(now, value):
            return False
    return True


def _same(now: Any, then: Any) -> bool:
    return now is then or (type(now) is type(then) and now == then)


def light(traced: Traced) -> Traced:
    """Drop the values at the point of tracing: a compiled path lives long."""
    return replace(traced, values={}, identity=None)


def results_of(traced: Traced, outputs: Sequence[np.ndarray]) -> Any:
    """Return outputs in the structure that the function returns; 0-d arrays as numbers."""
    return traced.results([value if value.ndim else value[()] for value in outputs])
