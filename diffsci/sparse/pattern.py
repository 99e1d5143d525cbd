"""The structural pattern of a program's Jacobian: valid for every value of the inputs and every branch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import Graph, Node, Primitive, interpreter, lookup
from diffsci.primitives.dependence import FAMILIES, Known, Places, elementwise
from diffsci.source import at

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["pattern", "rule_of"]


def pattern(graph: Graph, active: Sequence[bool] | None = None) -> list[csr_array]:
    """Return where the Jacobian of a program can be nonzero.

    Parameters
    ----------
    graph : Graph
    active : sequence of bool, optional
        Which inputs to differentiate with respect to; integer and boolean inputs never count.

    Returns
    -------
    list of csr_array
        One boolean matrix per output, of shape (size of the output, sizes of the active float inputs
        together).
    """
    flags = [True] * len(graph.inputs) if active is None else active
    chosen = [x for x, flag in zip(graph.inputs, flags, strict=True) if flag and x.type.is_float]
    width = sum(x.type.size for x in chosen)
    found: dict[Node, Any] = {}
    start = 0
    for x in chosen:
        columns = np.arange(start, start + x.type.size)
        found[x] = _matrix((np.arange(x.type.size), columns), (x.type.size, width))
        start += x.type.size
    _compose(graph, found, _constants(graph))
    from scipy.sparse import csr_array

    return [found.get(y, csr_array((y.type.size, width), dtype=bool)) for y in graph.outputs]


def rule_of(primitive: Primitive):
    """Return the pattern rule of a primitive: its own or that of its family, None if there is neither."""
    return primitive.pattern or FAMILIES.get(primitive.family)


def _matrix(places: Places, shape: tuple[int, int]) -> csr_array:
    rows, columns = places
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=shape)


def _compose(graph: Graph, found: dict[Node, Any], known: Known) -> None:
    """Extend `found` to all nodes: the pattern of each with respect to the inputs."""
    for node in graph.nodes:
        if node in found or not any(x in found for x in node.inputs):
            continue
        if node.name == "project":
            part = found[node.inputs[0]][node.params["index"]]
            if part is not None:
                found[node] = part
        elif node.primitive.jvp != "zero":
            made = _through(node, found, known)
            if made is not None:
                found[node] = made


def _through(node: Node, found: dict[Node, Any], known: Known) -> Any:
    rule = rule_of(node.primitive)
    if rule is None:
        raise UnsupportedError(
            f"the sparsity of {node.name} is not known{at(node.location)}: its record needs a pattern rule"
        )
    if rule is elementwise:
        return _union(found[x] for x in node.inputs if x in found) if node.type.is_float else None
    places = rule(node, known)
    if isinstance(node.type, tuple):
        return [_joined(node, *pair, found) for pair in zip(node.type, places, strict=True)]
    return _joined(node, node.type, places, found)


def _joined(node: Node, type_: Any, places: Sequence[Places | None], found: dict) -> csr_array | None:
    if not type_.is_float:
        return None
    return _union(
        _matrix(own, (type_.size, x.type.size)) @ found[x]
        for x, own in zip(node.inputs, places, strict=True)
        if own is not None and x in found
    )


def _union(parts: Iterable[csr_array]) -> csr_array | None:
    total = None
    for part in parts:
        total = part if total is None or total is part else total + part
    return total


def _constants(graph: Graph) -> Known:
    """Return the values of nodes that depend on no input."""
    values: dict[Node, np.ndarray | None] = {}
    for node in graph.nodes:
        if node.is_const:
            values[node] = node.params["value"]
        elif node.inputs and node.primitive.family not in ("host", "call"):
            operands = [values.get(x) for x in node.inputs]
            if all(operand is not None for operand in operands):
                values[node] = interpreter.evaluate(node, operands)
    return values.get


def _called(node: Node, known: Known) -> list[list[Places | None]]:
    """The dependence of sub-graphs' outputs on their inputs; of all branches together."""
    callees = [value for value in node.params.values() if isinstance(value, Graph)]
    operands = node.inputs[len(node.inputs) - len(callees[0].inputs) :]
    skipped: list[None] = [None] * (len(node.inputs) - len(operands))
    patterns = [pattern(callee) for callee in callees]
    rows: list[list[Places | None]] = []
    for several in zip(*patterns, strict=True):
        joined = sum(several[1:], several[0])
        rows.append([*skipped, *_by_operand(joined, operands)])
    return rows


def _by_operand(matrix: csr_array, operands: Sequence[Node]) -> list[Places | None]:
    found: list[Places | None] = []
    start = 0
    for x in operands:
        if not x.type.is_float:
            found.append(None)
            continue
        part = matrix[:, start : start + x.type.size].tocoo()
        found.append((part.coords[0], part.coords[1]))
        start += x.type.size
    return found


def _custom(node: Node, known: Known) -> list[list[Places | None]]:
    """A function with the user's rule: its tangents depend on tangents as the rule says."""
    push: Graph = node.params["rules"].push
    count = len(node.inputs)
    tangents = [False] * count + [True] * (len(push.inputs) - count)
    own = node.params["rules"].floats([x.type for x in node.inputs])
    moved = iter(pattern(push, tangents))
    rows: list[list[Places | None]] = []
    for type_ in node.type:
        row: list[Places | None] = [None] * count
        if type_.is_float:
            for position, places in zip(own, _by_operand(next(moved), push.inputs[count:]), strict=True):
                row[position] = places
        rows.append(row)
    return rows


def _custom_tangent(node: Node, known: Known) -> list[list[Places | None]]:
    push: Graph = node.params["rules"].push
    return [_by_operand(matrix, node.inputs) for matrix in pattern(push)]


RULES = {"call": _called, "cond": _called, "custom": _custom, "custom_tangent": _custom_tangent}


def _enter_rules() -> None:
    """Complete the records of calls, whose rules need the composition above."""
    for name, rule in RULES.items():
        object.__setattr__(lookup(name), "pattern", rule)


_enter_rules()
