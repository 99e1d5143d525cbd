"""`show`: a traced program as NumPy source that runs, with the user's lines as comments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.graph import Graph
from diffsci.showing.names import argument_names
from diffsci.showing.writing import Writer
from diffsci.tracing.complex.boundary import entering
from diffsci.tracing.function import concrete, is_dynamic, trace_function
from diffsci.transforms import simplify
from diffsci.trees import flatten

__all__ = ["Source", "show", "source"]


class Source(str):
    """The source of a program: print it, save it, run it.

    Attributes
    ----------
    name : str
        Of the function that it defines.
    namespace : dict
        What the source needs and cannot say: large constants, and objects such as the loop of a time
        integration. Empty for most programs: their source stands alone.
    arguments : tuple of ndarray
        The numbers that the program was shown at, in the order of the function's parameters.
    """

    name: str
    namespace: dict[str, Any]
    arguments: tuple[np.ndarray, ...]

    def function(self) -> Callable:
        """Return the function that the source defines: of plain arrays, in the order of its parameters."""
        found = dict(self.namespace)
        exec(compile(str(self), f"<show {self.name}>", "exec"), found)
        return found[self.name]


def show(f: Callable, *args: Any) -> Source:
    """Return the program that a function becomes at given arguments, as NumPy source.

    Parameters
    ----------
    f : callable
        A function, or a derivative of one: ``show(ds.grad(f), x)``.
    *args
        Arguments of `f`; the program is the one for their shapes, dtypes and branches.

    Returns
    -------
    Source
        A string: Python source with one statement per operation and the user's line behind it. It runs
        and gives the same numbers: ``show(f, x).function()(x)``. The function's parameters are the
        arrays and floats among the arguments, nested ones one by one, then what `f` reads from outside;
        a complex array is one real array whose last axis holds its parts.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> text = ds.show(ds.grad(lambda x: np.sum(np.sin(x))), np.zeros(3))
    >>> print(text)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def program(x):  # x: float64[3]
        v0 = np.cos(x)  # ...
        return v0
    >>> text.function()(np.zeros(3))
    array([1., 1., 1.])
    """
    traced = trace_function(f, args)
    graph = simplify(traced.graph)
    leaves = flatten((args, {}))[0]
    given = [concrete(entering(leaf)) for leaf in leaves if is_dynamic(leaf)]
    given += [concrete(value) for value in traced.captured]
    names = argument_names(f, args, len(graph.inputs))
    return source(graph, getattr(f, "__name__", "program"), names, tuple(map(np.array, given)))


def source(
    graph: Graph,
    name: str = "program",
    parameters: list[str] | None = None,
    arguments: tuple[np.ndarray, ...] = (),
) -> Source:
    """Return a graph as the source of a NumPy function."""
    writer = Writer()
    name = name if name.isidentifier() else "program"
    writer.function(graph, name, parameters)
    made = Source(writer.text())
    made.name, made.namespace, made.arguments = name, writer.namespace, arguments
    return made
