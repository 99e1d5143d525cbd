"""Direct evaluation: the program of a sparse Jacobian's entries, made from that of the function.

The tangent program is linear in its directions and made of few kinds of operations. Each of its arrays is
followed as a few diagonals (see `terms`), from the inputs, whose Jacobian is the identity, to the outputs,
whose entries are written in their places of the CSR arrays (see `assembly`). What it costs does not depend
on a number of colors: every entry is computed once, by its own formula. The result is a program like any
other. It is compiled into the same loops, runs on every backend and has derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diffsci.graph import Builder, Graph, Node, verify
from diffsci.source import Location
from diffsci.sparse.detection import Pattern
from diffsci.sparse.direct.assembly import Assembly, leaves
from diffsci.sparse.direct.calls import without_calls
from diffsci.sparse.direct.linear import RULES
from diffsci.sparse.direct.terms import Term
from diffsci.sparse.direct.work import Stop, Work
from diffsci.sparse.direct.written import Chains, read_through
from diffsci.sparse.maps import identity, number_type
from diffsci.transforms import simplify, tangent_graph

__all__ = ["Direct", "Refusal", "direct"]


@dataclass(frozen=True)
class Direct:
    """A sparse Jacobian as a program.

    Attributes
    ----------
    pattern : Pattern
        Rows are the elements of all float outputs, columns those of all active float inputs.
    graph : Graph
        The inputs of the function to the entries, one array of length ``pattern.nnz``.
    """

    pattern: Pattern
    graph: Graph


@dataclass(frozen=True)
class Refusal:
    """Why a Jacobian cannot be evaluated directly, and where in the user's source that is decided."""

    reason: str
    location: Location | None


def direct(
    graph: Graph, active: Sequence[bool] | None = None, known: Mapping[int, np.ndarray] | None = None
) -> Direct | Refusal:
    """Return the program of a sparse Jacobian's entries, or what stands against it.

    Parameters
    ----------
    graph : Graph
        Of the function.
    active : sequence of bool, optional
        Which inputs to differentiate with respect to; integer and boolean inputs never count.
    known : mapping of int to ndarray, optional
        Values of integer and boolean inputs, by their position. The places of the entries may depend on
        them: the result holds as long as they stay what they are.

    Returns
    -------
    Direct or Refusal

    Examples
    --------
    >>> import numpy as np
    >>> from diffsci.graph import interpreter
    >>> from diffsci.tracing import trace_function
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> found = direct(trace_function(lambda x: x[1:] * x[:-1], (x,)).graph)
    >>> found.pattern.indptr, found.pattern.indices
    (array([0, 2, 4], dtype=int32), array([0, 1, 1, 2], dtype=int32))
    >>> interpreter.run(found.graph, [x])
    [array([2., 1., 3., 2.])]
    """
    flags = [True] * len(graph.inputs) if active is None else list(active)
    chosen = [x for x, flag in zip(graph.inputs, flags, strict=True) if flag and x.type.is_float]
    tangent, kept = tangent_graph(graph, flags)
    tangent = read_through(simplify(without_calls(tangent)))
    b = Builder()
    b.adopt(tangent.nodes)
    given = {graph.inputs[k]: np.asarray(value) for k, value in (known or {}).items()}
    width = sum(x.type.size for x in chosen)
    work = Work(b, RULES, {x: given.get(x) for x in tangent.inputs}, width)
    _seed(work, tangent.inputs[len(graph.inputs) :])
    try:
        chains = Chains(b)
        by_output = {k: leaves(y, chains) for k, y in zip(kept, tangent.outputs, strict=True)}
        work.follow([leaf for found in by_output.values() for leaf in found])
        return _assembled(work, graph, tangent, by_output)
    except Stop as stop:
        return Refusal(stop.reason, stop.location)


def _seed(work: Work, seeds: Sequence[Node]) -> None:
    """Enter the identity: each direction moves its own column."""
    start = 0
    for seed in seeds:
        columns = work.maps.share(identity(seed.shape, start, number_type(work.width)))
        work.terms[seed] = [Term(work.b.full(seed.type, 1.0), columns)]
        start += seed.type.size


def _assembled(work: Work, graph: Graph, tangent: Graph, by_output: dict[int, list[Node]]) -> Direct:
    floats = [y.dtype for y in graph.outputs if y.type.is_float]
    assembly = Assembly(work, np.result_type(*floats) if floats else np.dtype(float))
    for k, y in enumerate(graph.outputs):
        if k not in by_output and y.type.is_float:
            assembly.nothing(y.type.size)
        for leaf in by_output.get(k, ()):
            assembly.leaf(leaf, work.of(leaf))
    data = assembly.data()
    made = simplify(Graph(graph.inputs, [data], tangent.guards))
    counts = np.concatenate(assembly.counts) if assembly.counts else np.zeros(0, np.int64)
    columns = np.concatenate([np.zeros(0, number_type(work.width)), *assembly.indices])
    return Direct(Pattern.counted(counts, columns, (len(counts), work.width)), verify(made, "direct"))
