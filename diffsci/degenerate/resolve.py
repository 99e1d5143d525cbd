"""Derivatives at equal eigenvalues and singular values: a limit, or an error that explains why there is none.

Programs run as they are until a derivative divides by no gap (`diffsci.primitives.linalg.gaps`). Then the
program is run again as the power series of `diffsci.transforms.limits`. Whether the question makes sense is
decided by the numbers. Its poles must vanish, and the answer must be the same when all bases of equal values
are turned at random: what passes does not depend on what LAPACK returned. Two smooth functions need not be
asked for: single eigenvalues of a tie share its slope equally, as the entries of a sort do (the mean over
permutations of the basis), and singular values at zero, where they are kinks, have the slope 0 (the mean over
both signs of a vector).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.degenerate.answers import Answer
from diffsci.degenerate.columns import Deficient
from diffsci.degenerate.turns import Turn
from diffsci.degenerate.values import FACTORS, Equal
from diffsci.errors import DegenerateError, UnsupportedError
from diffsci.graph import Builder, Graph, Node, interpreter
from diffsci.primitives.linalg.gaps import Unresolved, close, only_ties, unchecked
from diffsci.source import at
from diffsci.transforms.calls import once
from diffsci.transforms.limits import limit_graph

__all__ = ["resolved"]

MOST_TURNS = 240
UNEVEN = 1e-2  # of the distance of the farthest values
KINDS = {**dict.fromkeys(FACTORS, Equal), "qr": Deficient}


def resolved(
    graph: Graph, inputs: Sequence[Any], problem: Unresolved, again: Callable[[], list[Any]]
) -> list[Any]:
    """Return the outputs of a derivative that met equal values.

    Parameters
    ----------
    graph : Graph
        The whole program: the factorizations are in it.
    inputs : sequence of array
    problem : Unresolved
        What running it raised.
    again : callable
        Runs it again, where values are close and no limit is asked for.

    Raises
    ------
    DegenerateError
        If the question depends on the basis of a space of equal values.
    """
    try:
        return _resolved(graph, inputs, problem, again)
    except Unresolved as error:  # nobody else sees more of the program
        raise DegenerateError(str(error)) from None


def _resolved(
    graph: Graph, inputs: Sequence[Any], problem: DegenerateError, again: Callable[[], list[Any]]
) -> list[Any]:
    graph = _flat(graph, inputs)
    values = interpreter.Values(zip(graph.inputs, map(np.asarray, inputs), strict=True))
    factors = [node for node in graph.nodes if node.name in KINDS and _is_primal(node)]
    found = {node: KINDS[node.name](node, values[node]) for node in factors}
    tried: list[dict] = []
    tied = _cut(found, None)
    for reach in (close, _near, None):
        cut = _cut(found, reach)
        if not cut:
            with only_ties():
                return again()
        step = _step(found, cut)
        if cut in tried or (reach is close and not step):
            continue
        tried.append(cut)
        try:
            return _limit(graph, inputs, found, cut, step, cut == tied)
        except DegenerateError as error:
            problem = error
    raise problem


def _cut(found: dict, reach: Callable | None) -> dict:
    """Return the groups of equal values of each factorization that has some."""
    groups = {node: equal.within(reach) for node, equal in found.items()}
    return {node: some for node, some in groups.items() if any(some)}


def _near(dtype: np.dtype) -> float:
    """Return below which gap the limit is the better number even if it takes the values as equal."""
    return float(np.sqrt(np.finfo(dtype).eps))


def _step(found: dict, cut: dict) -> float:
    """Return how far the values of all groups are from equal; 0 where they are much closer in some groups."""
    offsets = [offset for node, groups in cut.items() for offset in found[node].offsets(groups)]
    dtype = np.result_type(*offsets)
    step = max(float(np.max(np.abs(offset))) for offset in offsets)
    apart = min(float(np.min(np.abs(np.diff(offset, append=0.0)))) for offset in offsets)
    return step if apart > max(UNEVEN * step, 1e3 * np.finfo(dtype).eps) else 0.0


def _flat(graph: Graph, inputs: Sequence[Any]) -> Graph:
    """Return a program with its sub-programs written out, branches chosen and rolled loops unrolled."""
    if not any(map(_is_rolled, graph.nodes)):
        return once(graph, "without calls", lambda: _without_calls(graph))
    from diffsci.control.flattening import flatten_program  # loops are built on derivatives

    with unchecked():
        return flatten_program(graph, inputs).graph


def _is_rolled(node: Node) -> bool:
    """Tell whether an operation, or one of a sub-program, decides while it runs what is done."""
    if node.name == "cond" or node.primitive.family == "host":
        return True
    return any(
        isinstance(value, Graph) and any(map(_is_rolled, value.nodes)) for value in node.params.values()
    )


def _without_calls(graph: Graph) -> Graph:
    """Return a program with its sub-programs written out."""
    if not any(node.name == "call" for node in graph.nodes):
        return graph
    b = Builder()
    moved: dict[Node, Any] = {x: x for x in graph.inputs}
    _write(b, graph, moved)
    return Graph(graph.inputs, [moved[y] for y in graph.outputs])


def _write(b: Builder, graph: Graph, moved: dict[Node, Any]) -> None:
    for node in graph.nodes:
        if node in moved:
            continue
        b.location = node.location
        operands = [moved[x] for x in node.inputs]
        if node.name == "call":
            callee = node.params["graph"]
            inner = dict(zip(callee.inputs, operands, strict=True))
            _write(b, callee, inner)
            moved[node] = [inner[y] for y in callee.outputs]
        elif node.name == "project" and isinstance(operands[0], list):
            moved[node] = operands[0][node.params["index"]]
        else:
            moved[node] = b.emit(node.primitive, *operands, **node.params)


def _is_primal(node: Node) -> bool:
    """Tell whether no derivative went into a factorization."""
    seen, stack = set(), [node]
    while stack:
        last = stack.pop()
        if last.name in ("gap_quotient", "divisor_triangle"):
            return False
        fresh = [x for x in last.inputs if x not in seen]
        seen.update(fresh)
        stack += fresh
    return True


def _limit(
    graph: Graph, inputs: Sequence[Any], equal: dict, cut: dict, step: float, kinks: bool
) -> list[np.ndarray]:
    """Return the limit of a program; `kinks`: a mean may be taken, because values are equal to rounding."""
    moving = {node: equal[node].moving(groups) for node, groups in cut.items()}
    try:
        limit = once(graph, ("limit", tuple(moving.items())), lambda: limit_graph(graph, moving))
    except UnsupportedError as error:
        why = f"the limit of this derivative is not known, because {error}"
        raise DegenerateError(_explained(equal, cut, why)) from None

    def at_turn(turn: Turn, step: float = 0.0) -> Answer:
        given = [x for node in moving for x in equal[node].operands(cut[node], turn, limit.terms, step)]
        return Answer(limit, [*inputs, *given, np.zeros(()), np.ones(())])

    first, second = at_turn(Turn(0), step), at_turn(Turn(5))
    if not first.regular() or not second.regular():
        raise DegenerateError(_explained(equal, cut, "the derivative asked for is infinite"))
    if first.agrees(second):
        return first.moved(step)
    runs = [equal[node].kinks(groups) for node, groups in cut.items()]
    mean = None if not kinks or None in runs else _mean(at_turn, equal, cut, runs)
    if mean is None:
        what = "the derivative asked for differs from basis to basis"
        raise DegenerateError(_explained(equal, cut, what))
    return mean


def _mean(at_turn: Callable, equal: dict, cut: dict, runs: list) -> list[np.ndarray] | None:
    """Return the mean over permutations and signs of the bases, if it is the same for other bases."""
    groups = [group for found in runs for group in found]
    steps = math.lcm(*(n for n, _ in groups))
    signs = (1, -1) if any(zero for _, zero in groups) else (1,)
    if steps * len(signs) > MOST_TURNS:
        raise DegenerateError(_explained(equal, cut, "too many values are equal in different groups"))
    first, second = (
        Answer.mean([at_turn(Turn(seed, *turn)) for turn in itertools.product(range(steps), signs)])
        for seed in (0, 5)
    )
    return first.values if first.agrees(second) else None


def _explained(equal: dict, cut: dict, what: str) -> str:
    node = next(iter(cut))
    found = equal[node].described(cut[node])
    return (
        f"{node.name}{at(node.location)}: {found}, so their vectors are an arbitrary basis, and {what}: ask "
        f"for what does not depend on the basis, as {equal[node].advice}; or move the values apart"
    )
