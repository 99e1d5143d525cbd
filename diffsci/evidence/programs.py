"""A user's function as something that runs on complex numbers, by way of its traced program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.evidence.analytic import NotAnalytic, run_analytic
from diffsci.tracing import trace_function
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import entering
from diffsci.tracing.function import is_dynamic
from diffsci.trees import flatten, unflatten

__all__ = ["analytic_function"]


def _data(args: Sequence[Any]) -> list[Any]:
    return [leaf for leaf in flatten((tuple(args), {}))[0] if is_dynamic(leaf)]


def analytic_function(f: Callable, args: Sequence[Any]) -> Callable[..., Any]:
    """Trace ``f`` at real arguments; the result takes complex ones of the same structure.

    A complex argument, and a complex result, is a pair of such numbers along a last axis; the attribute
    `whole` tells which results are. The attribute `approximate` names the operations that exist for real
    numbers only, and are continued by differences.

    Raises
    ------
    NotAnalytic
        When the program has no analytic continuation at ``args``: it has to return the real value
        there, which it does not on a branch cut.
    """
    traced = trace_function(f, args)
    captured = traced.captured
    ndims = [np.ndim(leaf) if is_complex(leaf) else -1 for leaf in _data(args)]

    def run(*moved: Any) -> Any:
        inputs = [
            entering(leaf) if np.ndim(leaf) == ndim else leaf
            for leaf, ndim in zip(_data(moved), ndims, strict=True)
        ]
        outputs = run_analytic(traced.graph, [*inputs, *captured], run.approximate)
        return unflatten(traced.out_tree, outputs)

    run.whole = traced.whole
    run.approximate = set()
    for node, found in zip(traced.graph.outputs, flatten(run(*args))[0], strict=True):
        if not np.allclose(found, traced.values[node], rtol=1e-9, atol=0.0, equal_nan=True):
            raise NotAnalytic("the program is on a branch cut at this point")
    return run
