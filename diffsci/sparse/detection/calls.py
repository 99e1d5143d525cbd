"""Dependences through calls, branches, functions with rules of the user's, and loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from diffsci.graph import Graph, Node, Type
from diffsci.primitives.custom_loop import CONST, CustomLoop, Repeated
from diffsci.sparse.detection.algebra import union
from diffsci.sparse.detection.forms import Dependence, finished
from diffsci.sparse.detection.known import Known
from diffsci.sparse.detection.loops import dense_results, looped, operand_patterns
from diffsci.sparse.detection.pattern import Pattern
from diffsci.sparse.detection.reach import solved
from diffsci.sparse.detection.rules import listed
from diffsci.sparse.detection.sweep import COMPOSED, Found, Scope, active_inputs, sweep


def _inside(
    graph: Graph, node: Node, values: Sequence[Node | None], operands: Sequence[Found], scope: Scope
) -> list[Found]:
    """Sweep a graph that a node runs on these values, from what is found of them."""
    return sweep(graph, operands, replace(scope, known=scope.known.inside(graph, node, values)))


def _called(node: Node, operands: list[Found], scope: Scope) -> list[Found]:
    return _inside(node.params["graph"], node, node.inputs, operands, scope)


def _chosen_branch(node: Node, operands: list[Found], scope: Scope) -> list[Found]:
    """Both branches together, or the one that a known predicate names."""
    decision, rest = scope.known(node.inputs[0]), operands[1:]
    names = ("true", "false") if decision is None else ("true",) if decision else ("false",)
    branches = [_inside(node.params[name], node, node.inputs[1:], rest, scope) for name in names]
    results = []
    for several in zip(*branches, strict=True):
        whole = _joined([one.all for one in several], scope.width)
        varies = operands[0].varies or any(one.varies for one in several)
        curved = whole if operands[0].varies else _joined([one.curved for one in several], scope.width)
        results.append(Found(whole, curved, varies))
    return results


def _joined(parts: Sequence[Dependence | None], width: int) -> Dependence | None:
    return union([part for part in parts if part is not None], width)


def _custom(node: Node, operands: list[Found], scope: Scope) -> list[Found]:
    """A function with the user's rule: its tangents depend on tangents as the rule says."""
    rules = node.params["rules"]
    floats = rules.floats([x.type for x in node.inputs])
    made = iter(_pushed(rules.push, node, node.inputs, operands, floats, scope))
    return [next(made) if type_.is_float else Found(varies=True) for type_ in node.type]


def _pushed(
    push: Graph,
    node: Node,
    values: Sequence[Node | None],
    operands: Sequence[Found],
    moving: Sequence[int],
    scope: Scope,
) -> list[Found]:
    """Sweep (operands, tangents of those that move) -> tangents of results, which depend on tangents."""
    fixed = [Found(varies=x.varies) for x in operands]
    tangents = [operands[k] for k in moving]
    return _inside(push, node, [*values, *[None] * len(tangents)], [*fixed, *tangents], scope)


def _custom_tangent(node: Node, operands: list[Found], scope: Scope) -> list[Found]:
    return _inside(node.params["rules"].push, node, node.inputs, operands, scope)


def _root(node: Node, operands: list[Found], scope: Scope) -> Found:
    """The solution moves as its tangent program says, whatever the start was."""
    moving = [k for k, x in enumerate(operands) if k and x.all is not None]
    if not moving:
        return Found(varies=True)
    push = node.params["problem"].push(tuple(x.all is not None for x in operands[1:]))
    solution = Found(varies=True)
    (found,) = _pushed(push, node, [node, *node.inputs[1:]], [solution, *operands[1:]], moving, scope)
    return Found(found.all, found.all, True)


def _operator_solve(node: Node, operands: list[Found], scope: Scope) -> Found:
    """From A x = b follows A dx = db - (dA) x."""
    operator, rhs = node.params["operator"], operands[-1]
    moving = [k for k, x in enumerate(operands[:-1]) if x.all is not None]
    parts = [rhs.all]
    if moving:
        push = operator.push(tuple(x.all is not None for x in operands[:-1]))
        solution = Found(varies=True)
        values = [*node.inputs[:-1], node]
        parts += [x.all for x in _pushed(push, node, values, [*operands[:-1], solution], moving, scope)]
    right = union([part for part in parts if part is not None], scope.width)
    if right is None:
        return Found(varies=True)
    rows, columns = _entries(operator.products(), node, scope)
    found = solved(rows, columns, right, scope.width)
    return Found(found, found, True)


def _entries(products: Graph, node: Node, scope: Scope) -> tuple[np.ndarray, np.ndarray]:
    """Return where the matrix of a program of its products, (operands, v) -> A v, can be nonzero."""
    flags = [*[False] * (len(products.inputs) - 1), True]
    inputs, n = active_inputs(products.input_types, flags)
    own = replace(scope, width=n, curves=False)
    (found,) = _inside(products, node, [*node.inputs[:-1], None], inputs, own)
    places = finished(found.all, n, n)
    return places.rows, places.indices


# loops -------------------------------------------------------------------------------------------------


def _run(node: Node, operands: list[Found], scope: Scope) -> list[Found]:
    *outputs, _ = node.type
    loop, types = node.params["loop"], [x.type for x in node.inputs]
    parts = [x.all for x in operands]
    tape = Found(varies=True)
    found = _results(loop, types, outputs, _known(node.inputs, scope), parts, scope.width)
    return [*_bent(found), tape]


def _bent(parts: Sequence[Dependence | None]) -> list[Found]:
    """Nothing is said about where the derivative of a loop is constant."""
    return [Found(part, part, True) for part in parts]


def _known(inputs: Sequence[Node], scope: Scope) -> dict[int, np.ndarray]:
    """Return the values of the inputs that are known."""
    values = {k: scope.known(x) for k, x in enumerate(inputs)}
    return {k: value for k, value in values.items() if value is not None}


def _results(
    loop: CustomLoop,
    types: Sequence[Type],
    outputs: Sequence[Type],
    known: dict[int, np.ndarray],
    parts: Sequence[Dependence | None],
    width: int,
) -> list[Dependence | None]:
    """Return the dependence of what a loop returns on what goes in."""
    repeated = loop.repeats(list(types))
    if repeated is None:
        return dense_results(outputs, types, parts, width)
    fixed = {k: value for k, value in known.items() if repeated.roles[k] == CONST}
    return looped(types, _step_pattern(repeated, fixed), repeated, parts, width)


def _step_pattern(repeated: Repeated, known: dict[int, np.ndarray]) -> Pattern:
    """Return where the Jacobian of one step can be nonzero, by all its float inputs but the number."""
    graph = repeated.graph
    flags = [False, *(t.is_float for t in graph.input_types[1:])]
    inputs, width = active_inputs(graph.input_types, flags)
    values = {graph.inputs[1 + k]: v for k, v in known.items() if not flags[1 + k]}
    found = sweep(graph, inputs, Scope(Known(graph, values), width))
    reals = [(own.all, t.size) for own, t in zip(found, graph.output_types, strict=True) if t.is_float]
    return Pattern.below([finished(part, size, width) for part, size in reals], width)


def _derivative(node: Node, operands: list[Found], scope: Scope) -> list[Found]:
    """The tangent, the pullback and its derivative, from the places of the loop itself.

    Tangents depend on tangents as results do on operands, and on the values that slopes depend on.
    Cotangents of operands depend on those of results the other way round, and on values that the slopes of a
    result couple with the operand.
    """
    count = node.params["inputs"]
    x, parts = node.inputs[:count], [own.all for own in operands]
    loop, types, known = node.params["loop"], [operand.type for operand in x], _known(x, scope)
    reals = [k for k, type_ in enumerate(types) if type_.is_float]
    slopes = _places(loop, types, known)
    bends = [[None] * count for _ in slopes]
    if any(part is not None for part in parts[:count]):
        pushed = _places(loop.pushforward(), [*types, *(types[k] for k in reals)], known)
        bends = [row[:count] for row in pushed[len(slopes) :]]
    if node.name == "host_jvp":
        pairs = zip(slopes, bends, strict=True)
        rows = [[*bend, None, *(slope[k] for k in reals)] for slope, bend in pairs]
    else:
        rows = [_pulled(k, slopes, bends, reals, types, node) for k in reals]
    return _bent(listed(node, rows, parts, scope.width))


def _places(loop: CustomLoop, types: list[Type], known: dict[int, np.ndarray]) -> list[list]:
    """Return which elements of the float results and of the operands of a loop depend on each other."""
    outputs = loop.output_types(types)
    rows = operand_patterns(types, lambda own, width: _results(loop, types, outputs, known, own, width))
    return [row for row, type_ in zip(rows, outputs, strict=False) if type_.is_float]


def _pulled(
    k: int, slopes: list[list], bends: list[list], reals: list[int], types: list[Type], node: Node
) -> list:
    """Return the places of the cotangent of operand k in the operands of ``host_vjp`` and ``host_hvp``."""
    back = [None if row[k] is None else (row[k][1], row[k][0]) for row in slopes]
    coupled = [_coupled(k, j, bends, types) if types[j].is_float else None for j in range(len(types))]
    if node.name == "host_vjp":
        return [*coupled, None, *back]
    return [*coupled, None, *back, *(coupled[j] for j in reals), *back]


def _coupled(k: int, j: int, places: list[list], types: list[Type]) -> Any:
    """Return which elements of operands k and j meet in an element of some result."""
    from scipy.sparse import csr_array

    total = None
    for row in places:
        if row[k] is None or row[j] is None:
            continue
        size = 1 + max(int(row[k][0].max(initial=0)), int(row[j][0].max(initial=0)))
        one, other = (
            csr_array((np.ones(row[i][0].size, bool), row[i]), shape=(size, types[i].size)) for i in (k, j)
        )
        met = one.T @ other
        total = met if total is None else total + met
    return None if total is None else total.tocoo().coords


COMPOSED.update(
    {
        "call": _called,
        "cond": _chosen_branch,
        "custom": _custom,
        "custom_tangent": _custom_tangent,
        "root": _root,
        "operator_solve": _operator_solve,
        "host_run": _run,
        "host_jvp": _derivative,
        "host_vjp": _derivative,
        "host_hvp": _derivative,
    }
)
