"""`compile`: programs for loops that drive them by address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diffsci import watching
from diffsci.backends import executables
from diffsci.backends.collecting import rarely_collecting
from diffsci.degenerate import resolved
from diffsci.errors import EvaluationError
from diffsci.graph import Graph
from diffsci.primitives.linalg.gaps import Unresolved
from diffsci.signatures import signature_of
from diffsci.specialisation import light, results_of
from diffsci.tracing import Traced, trace_function
from diffsci.tracing.standard import standard
from diffsci.transforms import simplify
from diffsci.trees import Tree, flatten

__all__ = ["CompiledFunction", "compile"]


@dataclass(frozen=True, slots=True)
class CompiledFunction:
    """A function compiled at given arguments, for loops that drive programs by address.

    Attributes
    ----------
    program : Program
        Native code with its address, slots and status messages.
    graph : Graph
        The array program: inputs are the dynamic leaves of the arguments, then the captured values.
    traced : Traced
    in_tree, out_tree : Tree
    """

    program: Any
    graph: Graph
    traced: Traced
    in_tree: Tree
    out_tree: Tree
    backend: str = "numba"

    @property
    def captured(self) -> list[Any]:
        """Current values of what the function read from outside; they follow the arguments."""
        return self.traced.captured

    def __copy__(self) -> CompiledFunction:
        return self

    def __deepcopy__(self, memo: dict) -> CompiledFunction:
        return self  # nothing in it changes

    def __reduce__(self) -> str | tuple:
        raise TypeError("machine code cannot be pickled: compile the function again where it is needed")

    def __call__(self, *args: Any) -> Any:
        """Run it on arguments of the same types."""
        inputs, _ = signature_of(args, {}, self.backend)
        inputs = [*inputs, *map(standard, self.captured)]
        try:
            status, outputs = self.program.run(inputs)
        except Unresolved as problem:
            status, outputs = 0, resolved(self.graph, inputs, problem, lambda: self.program.run(inputs)[1])
        if status:
            raise EvaluationError(self.program.message(status))
        if watching.contexts:
            watching.examine("program", self.graph, inputs, outputs, None, len(outputs), "forward")
        return results_of(self.traced, outputs)


def compile(f: Callable, *example_args: Any, backend: str = "numba") -> CompiledFunction:
    """Trace a function at example arguments and compile it to one program.

    Parameters
    ----------
    f : callable
        May use `jvp`, `vjp` and `jacobian` inside, and call jitted functions, which become
        sub-programs compiled once.
    *example_args
        Arguments that fix shapes, dtypes and static values.
    backend : {"numba", "cupy"}
        Native code, or kernels of a GPU.

    Returns
    -------
    CompiledFunction

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> step = ds.compile(lambda y, h: y - h * y, np.ones(2), 0.1)
    >>> step(np.array([1.0, 2.0]), 0.5)
    array([0.5, 1. ])
    """
    with rarely_collecting():
        traced = trace_function(f, example_args)
        graph = simplify(traced.graph)
        program = executables.program(graph, backend)
    _, in_tree = flatten((example_args, {}))
    return CompiledFunction(program, graph, light(traced), in_tree, traced.out_tree, backend)
