"""`show`: a traced program as readable NumPy source, with the user's lines as comments."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.graph import Graph, Node
from diffsci.primitives.custom import called_graph
from diffsci.tracing import trace_function
from diffsci.transforms import simplify

__all__ = ["show"]

INFIX = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "pow": "**",
    "floor_divide": "//",
    "mod": "%",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "==",
    "ne": "!=",
    "logical_and": "&",
    "logical_or": "|",
    "logical_xor": "^",
}

SPELLED: dict[str, Callable[..., str]] = {
    "neg": lambda x: f"-{x}",
    "logical_not": lambda x: f"~{x}",
    "stop_gradient": lambda x: x,
    "select": lambda c, x, y: f"np.where({c}, {x}, {y})",
    "integer_pow": lambda x, exponent: f"{x}**{exponent}",
    "convert": lambda x, dtype: f"{x}.astype(np.{dtype.name})" if dtype.kind != "b" else f"({x} != 0)",
    "sigmoid": lambda x: f"ds.stable.sigmoid({x})",
    "softplus": lambda x: f"ds.stable.softplus({x})",
    "reshape": lambda x, shape: f"np.reshape({x}, {shape})",
    "transpose": lambda x, perm: f"np.transpose({x}, {perm})",
    "flip": lambda x, axes: f"np.flip({x}, {axes})",
    "roll": lambda x, shift: f"np.roll({x}, {shift}, axis={tuple(range(len(shift)))})",
    "take": lambda x, index, axis: f"np.take({x}, {index}, axis={axis})",
    "contract": lambda x, y, spec: f'np.einsum("{spec[0]},{spec[1]}->{spec[2]}", {x}, {y})',
    "det": lambda a: f"np.linalg.det({a})",
    "cumprod": lambda x, axis: f"np.cumprod({x}, axis={axis})",
}


# Operations that take their sub-graph as a function.
CALLED = {"root": "ds.root({0}, {1})", "operator_solve": "operator_solve({0}, {1})"}


def show(f: Callable, *args: Any) -> str:
    """Return the program that a function becomes at given arguments, as NumPy source.

    Parameters
    ----------
    f : callable
        A function, or a derivative of one: ``show(ds.grad(f), x)``.
    *args
        Arguments of `f`; the program is the one for their shapes, dtypes and branches.

    Returns
    -------
    str
        One statement per operation, with the user's line behind it. Structural zeros, scatters and
        solves are calls of small functions defined at the top.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> print(ds.show(lambda x: np.sum(x * x), np.ones(3)).splitlines()[-1])
        return v1
    """
    traced = trace_function(f, args)
    return source(simplify(traced.graph), getattr(f, "__name__", "program"))


def source(graph: Graph, name: str = "program") -> str:
    """Return a graph as the source of a NumPy function."""
    lines: list[str] = []
    callees: dict[Graph, str] = {}
    _function(graph, _identifier(name), lines, callees)
    text = "\n".join(lines)
    helpers = [body for name, body in HELPERS.items() if f"{name}(" in text]
    head = ["import numpy as np"] + (["import diffsci as ds"] if "ds." in text else [])
    return "\n".join([*head, "", "", *helpers, *lines]).rstrip()


def _identifier(name: str) -> str:
    return name if name.isidentifier() else "program"


def _inside(node: Node) -> Graph | None:
    """Return the sub-graph that an operation runs: a callee, or the equations that it solves."""
    if node.name == "root":
        return node.params["problem"].graph
    if node.name == "operator_solve":
        return node.params["operator"].graph
    return called_graph(node)


def _function(
    graph: Graph, name: str, lines: list[str], callees: dict[Graph, str], several: bool = False
) -> None:
    """Append a function and those that it calls; `several`: it returns a tuple, be it of one result."""
    for node in graph.nodes:
        callee = _inside(node)
        if callee is not None and callee not in callees:
            callees[callee] = f"sub_program_{len(callees)}"
            _function(callee, callees[callee], lines, callees, isinstance(node.type, tuple))
    names: dict[Node, str] = {x: f"x{k}" for k, x in enumerate(graph.inputs)}
    arguments = ", ".join(names[x] for x in graph.inputs)
    kinds = ", ".join(f"{names[x]}: {x.type}" for x in graph.inputs)
    lines.append(f"def {name}({arguments}):  # {kinds}")
    count = 0
    for node in graph.nodes:
        if node in names:
            continue
        if node.is_const and node.params["value"].ndim == 0:
            names[node] = _literal(node.params["value"])
            continue
        if node.name == "project":
            names[node] = f"{names[node.inputs[0]]}[{node.params['index']}]"
            continue
        names[node] = f"v{count}"
        count += 1
        place = f"  # {os.path.basename(node.location.file)}:{node.location.line}" if node.location else ""
        lines.append(f"    {names[node]} = {_expression(node, names, callees)}{place}")
    for guard in graph.guards:
        lines.append(f"    # holds while {names[guard.predicate]} is {guard.outcome}: {guard.location}")
    comma = "," if several and len(graph.outputs) == 1 else ""
    lines.append("    return " + ", ".join(names[y] for y in graph.outputs) + comma)
    lines += ["", ""]


def _literal(value: np.ndarray) -> str:
    number = value.item()
    if isinstance(number, float) and not np.isfinite(number):
        return f"np.{number}" if number > 0 or number != number else "-np.inf"
    return f"np.float32({number!r})" if value.dtype == np.float32 else repr(number)


def _expression(node: Node, names: dict[Node, str], callees: dict[Graph, str]) -> str:
    operands = [names[x] for x in node.inputs]
    if node.is_const:
        array = node.params["value"]
        return f"np.array({array.tolist()}, dtype={array.dtype.name!r})"
    if node.name in INFIX:
        return f" {INFIX[node.name]} ".join(operands)
    if node.name in SPELLED:
        return SPELLED[node.name](*operands, **node.params)
    callee = _inside(node)
    if callee is not None:
        return CALLED.get(node.name, "{0}({1})").format(callees[callee], ", ".join(operands))
    if node.primitive.family == "host":
        return f"{node.params['loop']!r}.{node.name}({', '.join(operands)})"
    if node.name == "concatenate":
        return f"np.concatenate([{', '.join(operands)}], axis={node.params['axis']})"
    if node.name == "slice":
        bounds = zip(*(node.params[key] for key in ("start", "stop", "step")), strict=True)
        return f"{operands[0]}[{', '.join(f'{a}:{b}:{c}' if c != 1 else f'{a}:{b}' for a, b, c in bounds)}]"
    options = [f"{key}={value!r}" for key, value in node.params.items()]
    if node.primitive.family == "reduction" and "axes" in node.params:
        options = [f"axis={node.params['axes']!r}"]
    prefix = "" if node.name in HELPERS else "np."
    return f"{prefix}{node.name}({', '.join([*operands, *options])})"


HELPERS = {
    "broadcast": """def broadcast(x, shape, axes):
    full = [1] * len(shape)
    for n, axis in zip(np.shape(x), axes):
        full[axis] = n
    return np.broadcast_to(np.reshape(x, full), shape)

""",
    "pad": """def pad(x, low, high, interior):
    spans = [(n + (n - 1) * i if n else 0) for n, i in zip(x.shape, interior)]
    out = np.zeros([a + s + b for a, s, b in zip(low, spans, high)], x.dtype)
    out[tuple(slice(a, a + s, i + 1) for a, s, i in zip(low, spans, interior))] = x
    return out

""",
    "set_slice": """def set_slice(base, value, start, step):
    out = np.array(base)
    ends = [a + (n - 1) * s + 1 if n else a for a, s, n in zip(start, step, value.shape)]
    out[tuple(slice(*bounds) for bounds in zip(start, ends, step))] = value
    return out

""",
    "put": """def put(base, index, value, axis):
    out = np.array(base)
    out[(slice(None),) * axis + (index,)] = value
    return out

""",
    "put_add": """def put_add(base, index, value, axis):
    out = np.array(base)
    np.add.at(out, (slice(None),) * axis + (index,), value)
    return out

""",
    "cumsum": """def cumsum(x, axis, reverse):
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)

""",
    "solve": """def solve(a, b, transposed):
    a = np.swapaxes(a, -1, -2) if transposed else a
    return np.linalg.solve(a, b[..., None])[..., 0] if b.ndim == a.ndim - 1 else np.linalg.solve(a, b)

""",
}
