"""From the trace of a function to the program of its sparse derivative, and the plan that it follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffsci.calling import Call
from diffsci.graph import Graph, interpreter
from diffsci.source import at, user_location
from diffsci.sparse.choice import Ways
from diffsci.sparse.compressed import seeded_inputs
from diffsci.sparse.detection import Pattern, check, detect
from diffsci.sparse.options import Options
from diffsci.sparse.plan import SparsePlan, planned
from diffsci.sparse.steering import guarded
from diffsci.transforms import checked_like, simplify, strictly, without_checks
from diffsci.trees import flatten, leaf_paths

__all__ = ["local_pattern_of", "made", "pattern_of"]


def made(
    call: Call,
    argnums: Sequence[int],
    active: Sequence[bool],
    fixed: Mapping[int, np.ndarray],
    options: Options,
) -> tuple[Graph, SparsePlan]:
    """Return the program of the entries of a derivative, and its plan.

    Parameters
    ----------
    call : Call
    argnums : sequence of int
        The chosen arguments.
    active : sequence of bool
        Which inputs of the program belong to them.
    fixed : mapping of int to ndarray
        Values of integer inputs that the program is made for.
    options : Options

    Raises
    ------
    ValueError
        If the user's pattern or coloring does not fit, or the mode is not possible.
    """
    asked = simplify(call.traced.graph)
    strict_gradient = options.strict and options.kind.symmetric  # it has checks for the second derivative
    graph = without_checks(asked) if strict_gradient else asked
    pattern = pattern_of(graph, active, fixed, options)
    plan = planned(Ways(graph, active, fixed, pattern, options))
    program = plan.program()
    if options.pattern is not None:
        _check_entries(call, argnums, graph, active, fixed, program, options)
    if strict_gradient:
        program = checked_like(program, asked)
    elif options.strict:
        program = strictly(program, graph, active)
    return guarded(program, fixed), plan


def pattern_of(
    graph: Graph, active: Sequence[bool], fixed: Mapping[int, np.ndarray], options: Options
) -> Pattern:
    """Return where the derivative can have entries: as the user says, or as found in the program."""
    if options.pattern is not None:
        _check_shape(graph, active, options)
        return options.pattern
    return _found(graph, active, options, known=fixed)


def local_pattern_of(call: Call, active: Sequence[bool], options: Options) -> Pattern:
    """Return where the derivative can have entries at one point, with the branches taken there."""
    values = [call.traced.values[x] for x in call.traced.graph.inputs]
    return _found(call.traced.graph, active, options, at=values)


def _found(graph: Graph, active: Sequence[bool], options: Options, **known: Any) -> Pattern:
    graph = simplify(graph)
    columns = sum(x.type.size for x in seeded_inputs(graph, active))
    found = Pattern.below(detect(graph, active, **known), columns)
    return found.symmetric() if options.kind.symmetric else found


def _check_shape(graph: Graph, active: Sequence[bool], options: Options) -> None:
    rows, columns = (
        sum(x.type.size for x in nodes) for nodes in (graph.outputs, seeded_inputs(graph, active))
    )
    if options.pattern.shape != (rows, columns):
        raise ValueError(
            f"{options.kind.name}: pattern= has shape {options.pattern.shape}, the {options.kind.what} "
            f"has shape {(rows, columns)}{at(user_location())}"
        )


def _check_entries(
    call: Call,
    argnums: Sequence[int],
    graph: Graph,
    active: Sequence[bool],
    fixed: Mapping[int, np.ndarray],
    program: Graph,
    options: Options,
) -> None:
    """Compare the entries at the places of the user's pattern with the derivative itself, at this point."""
    values = [call.traced.values[x] for x in call.traced.graph.inputs]
    matrix = options.pattern.csr(interpreter.run(program, values)[0])
    floats = [k for k, y in enumerate(graph.outputs) if y.type.is_float]
    if len(floats) < len(graph.outputs):  # the rows of integers are empty in any case
        matrix = matrix[np.concatenate([np.full(y.type.size, y.type.is_float) for y in graph.outputs])]
    results = leaf_paths(call.traced.out_tree, "gradient" if options.kind.symmetric else "result")
    trees = [(flatten(call.args[number])[1], f"argument {number}") for number in argnums]
    try:
        check(
            Pattern.of(matrix),
            matrix.data,
            Graph(graph.inputs, [graph.outputs[k] for k in floats]),
            values,
            active,
            known=fixed,
            outputs=[results[k] for k in floats],
            arguments=[path for tree, name in trees for path in leaf_paths(tree, name)],
        )
    except ValueError as problem:
        raise ValueError(f"{options.kind.name}: {problem}{at(user_location())}") from None
