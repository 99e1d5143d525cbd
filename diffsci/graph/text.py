"""Canonical readable text of a graph."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from diffsci.graph.ir import Graph, Node, Type

__all__ = ["constants_digest", "graph_text"]


def graph_text(graph: Graph, locations: bool = False) -> str:
    """Return one line per node, in topological order; sub-graphs follow, named by their content.

    Equal texts mean equal programs. Scalars are literal; larger constants appear by shape and
    order only, objects and functions by their kind, because compiled programs take them as arguments.

    Parameters
    ----------
    graph : Graph
    locations : bool
        Append the user's file and line to every line.
    """
    names: dict[Node, str] = {}
    lines: list[str] = []
    callees: dict[str, str] = {}
    for position, node in enumerate(graph.inputs):
        names[node] = f"x{position}"
    lines.append("inputs " + ", ".join(f"{names[node]}: {node.type}" for node in graph.inputs))
    kinds: dict[Type | tuple, str] = {}
    for node in graph.nodes:
        if node.name == "input":
            continue
        operands = [names[operand] for operand in node.inputs]
        if node.params:
            operands += [f"{key}={_param(value, callees)}" for key, value in sorted(node.params.items())]
        name = names[node] = f"v{len(names)}"
        kind = kinds.get(node.type)
        if kind is None:
            kind = kinds[node.type] = _kind(node.type)
        line = f"{name}: {kind} = {node.name}({', '.join(operands)})"
        lines.append(f"{line}  # {node.location}" if locations and node.location else line)
    for guard in graph.guards:
        lines.append(f"guard {names[guard.predicate]} is {guard.outcome}")
    lines.append("return " + ", ".join(names[node] for node in graph.outputs))
    for key, text in callees.items():
        lines.append(f"sub-graph {key}:\n  " + text.replace("\n", "\n  "))
    return "\n".join(lines)


def _kind(type_: Type | tuple[Type, ...]) -> str:
    return str(type_) if not isinstance(type_, tuple) else "(" + ", ".join(map(str, type_)) + ")"


def constants_digest(graph: Graph) -> str:
    """Return a digest of the constant arrays and objects, in order, those of sub-graphs included."""
    digest = hashlib.sha256()
    _add_constants(digest, graph)
    return digest.hexdigest()


def _add_constants(digest: Any, graph: Graph) -> None:
    for node in graph.nodes:
        for _, value in sorted(node.params.items()):
            _add_constant(digest, value)


def _add_constant(digest: Any, value: Any) -> None:
    if isinstance(value, Graph):
        _add_constants(digest, value)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(value.tobytes())
    elif _is_literal(value):
        return
    elif isinstance(value, (tuple, list)):
        for item in value:
            _add_constant(digest, item)
    else:
        digest.update(f"object {id(value)}".encode())


def _param(value: Any, callees: dict[str, str]) -> str:
    if type(value) is tuple and len(value) == 1 and type(value[0]) is int:  # by far the commonest
        return f"({value[0]},)"
    if isinstance(value, Graph):
        text = value.text()
        key = "g" + hashlib.sha256(text.encode()).hexdigest()[:12]
        callees[key] = text
        return key
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return repr(value.item())
        return f"<{value.dtype.name}{list(value.shape)}>"
    if _is_literal(value):
        return str(value)
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(_param(item, callees) for item in value) + ")"
    return f"<{getattr(value, '__qualname__', type(value).__qualname__)}>"


def _is_literal(value: Any) -> bool:
    """Tell whether the text of a parameter is all there is to it."""
    if isinstance(value, (tuple, list)):
        return all(map(_is_literal, value))
    return value is None or isinstance(value, (bool, int, float, complex, str, np.generic, np.dtype, slice))
