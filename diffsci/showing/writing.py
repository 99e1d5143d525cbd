"""Write a graph, and the sub-programs that it calls, as Python functions."""

from __future__ import annotations

import inspect
import os
from typing import Any

import numpy as np

from diffsci.control.body import Body
from diffsci.control.rolled import RolledLoop
from diffsci.graph import Graph, Node
from diffsci.primitives.custom import called_graph
from diffsci.showing import helpers
from diffsci.showing.spelling import spelled
from diffsci.source import Location

__all__ = ["Writer"]

LARGE = 1000  # elements of a constant that is written out
HEAD = {
    "np.": "import numpy as np",
    "ds.": "import diffsci as ds",
    "special.": "from scipy import special",
    "operation(": "from diffsci.low_level import operation",
    "inf": "from numpy import inf",
    "nan": "from numpy import nan",
}


class Writer:
    """The source of one program under construction."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.callees: dict[Graph, str] = {}
        self.namespace: dict[str, Any] = {}
        self.comments: list[str] = []

    def text(self) -> str:
        """Return the whole source."""
        body = "\n".join(self.lines)
        used = [
            inspect.getsource(function)
            for function in vars(helpers).values()
            if inspect.isfunction(function) and _needs(body, function)
        ]
        text = "\n\n".join([*used, body]) if used else body
        head = [line for mark, line in HEAD.items() if _uses(text, mark)]
        return "\n".join([*head, *self.comments, "", "", text]).strip() + "\n"

    def function(self, graph: Graph, name: str, parameters: list[str] | None = None) -> None:
        """Append a function and those that it calls."""
        names: dict[Node, str] = {
            x: parameters[k] if parameters else f"x{k}" for k, x in enumerate(graph.inputs)
        }
        kinds = ", ".join(f"{names[x]}: {x.type}" for x in graph.inputs)
        lines = [f"def {name}({', '.join(names[x] for x in graph.inputs)}):  # {kinds}"]
        named = _named(graph)
        for node in graph.nodes:
            if node in names or node not in named:
                continue
            if node.is_const and node.params["value"].ndim == 0:
                names[node] = self._constant(node.params["value"])
                continue
            expression = self._expression(node, names)
            if node.name == "project":
                names[node] = expression
                continue
            names[node] = f"v{len(lines) - 1}"
            lines.append(f"    {names[node]} = {expression}{_place(node)}")
        for guard in graph.guards:
            lines.append(f"    # holds while {names[guard.predicate]} is {guard.outcome}: {guard.location}")
        comma = "," if name.startswith("sub_program") and len(graph.outputs) == 1 else ""
        lines.append(f"    return {', '.join(names[y] for y in graph.outputs)}{comma}")
        self.lines += [*lines, "", ""]

    def _callee(self, graph: Graph) -> str:
        """Return the name of a function that is written before the one under way."""
        if graph not in self.callees:
            self.callees[graph] = f"sub_program_{len(self.callees)}"
            self.function(graph, self.callees[graph])
        return self.callees[graph]

    def _expression(self, node: Node, names: dict[Node, str]) -> str:
        if node.is_const:
            return self._constant(node.params["value"])
        numbers = _literals(node)
        operands = [names[x] if n is None else n for x, n in zip(node.inputs, numbers, strict=True)]
        if node.name == "project":
            return f"{operands[0]}[{node.params['index']}]"
        callee = called_graph(node)
        if callee is not None:
            return f"{self._callee(callee)}({', '.join(operands)})"
        if node.name == "cond":
            yes, no = (self._callee(node.params[branch]) for branch in ("true", "false"))
            return f"({yes} if {operands[0]} else {no})({', '.join(operands[1:])})"
        if _is_plain_loop(node):
            return self._loop(node, operands)
        params = {key: self._param(value) for key, value in node.params.items()}
        return spelled(node, operands, params)

    def _constant(self, array: np.ndarray) -> str:
        if array.ndim == 0:
            number, plain = repr(array.item()), array.dtype in (np.float64, np.int64, np.bool_)
            number = f"({number})" if number.startswith("-") else number
            return number if plain else f"np.{array.dtype}({number})"
        if _is_uniform(array):
            return f"np.full({array.shape}, {array.flat[0].item()!r}, dtype={array.dtype.name!r})"
        if array.size > LARGE:
            return self._object(np.array(array), f"a constant, {array.dtype}{list(array.shape)}")
        return f"np.array({array.tolist()}, dtype={array.dtype.name!r}).reshape({array.shape})"

    def _param(self, value: Any) -> str:
        if isinstance(value, np.dtype):
            return f"np.dtype({value.name!r})"
        if isinstance(value, Location):  # for errors, which name the line of the shown program instead
            return "None"
        plain = value is None or isinstance(value, (bool, int, float, str))
        if plain or (isinstance(value, tuple) and all(isinstance(x, (int, str, bool)) for x in value)):
            return repr(value)
        if isinstance(value, tuple):
            return f"({''.join(self._param(x) + ', ' for x in value)})"
        graph = getattr(value, "graph", None)
        solves = f", which solves {self._callee(graph)}" if isinstance(graph, Graph) else ""
        return self._object(value, f"{type(value).__name__}{solves}")

    def _object(self, value: Any, what: str) -> str:
        for name, known in self.namespace.items():
            if known is value:
                return name
        name = f"object_{len(self.namespace)}"
        self.namespace[name] = value
        self.comments.append(f"# {name}, {what}: in .namespace, it cannot be written as source.")
        return name

    # rolled loops ----------------------------------------------------------------------------------

    def _loop(self, node: Node, operands: list[str]) -> str:
        loop = node.params["loop"]
        if node.name == "host_run":
            return self._run(loop.body, operands, str(loop.length), loop)
        count = node.params["inputs"]
        x, tape, rest = operands[:count], operands[count], operands[count + 1 :]
        if node.name == "host_jvp":
            run = self._run(loop.body.pushed(), [*x, *rest], tape, loop, counted=True)
            kept = len(loop.body.out_roles)
            return f"{run}[{kept}:-1]"
        if node.name == "host_vjp":
            return self._pull(loop.body, x, rest, tape, loop)
        floats = sum(t.is_float for t in loop.body.types)
        weights = (len(rest) - floats) // 2
        w, dx, dw = rest[:weights], rest[weights : weights + floats], rest[weights + floats :]
        return f"{self._pull(loop.body.pushed(), [*x, *dx], [*dw, *w], tape, loop)}[:{floats}]"

    def _run(self, body: Body, x: list[str], length: str, loop: RolledLoop, counted: bool = False) -> str:
        goes_on = "None" if counted or body.predicate is None else self._callee(body.predicate)
        step = self._callee(body.graph)
        x_text = f"[{', '.join(x)}]"
        return (
            f"run_loop({step}, {goes_on}, {x_text}, {body.roles}, {body.out_roles}, {length}, {loop.reverse})"
        )

    def _pull(self, body: Body, x: list[str], ct: list[str], length: str, loop: RolledLoop) -> str:
        pending = iter(ct)
        given = ", ".join(next(pending) if t.is_float else "None" for t in body.graph.output_types)
        step, adjoint = self._callee(body.graph), self._callee(body.adjoint())
        x_text = f"[{', '.join(x)}]"
        return (
            f"pull_loop({step}, {adjoint}, {x_text}, [{given}], {body.roles}, {body.out_roles}, "
            f"{length}, {loop.reverse})"
        )


def _is_uniform(array: np.ndarray) -> bool:
    """Tell whether a constant repeats one number, signs of zeros included."""
    return array.size > 0 and array.tobytes() == array.flat[0].tobytes() * array.size


def _literals(node: Node) -> list[str | None]:
    """Return the numbers that are written in place of operands: beside one that has the result's shape."""
    if node.primitive.family != "elementwise" or all(x.is_known for x in node.inputs):
        return [None] * len(node.inputs)
    found = [_literal(x) for x in node.inputs]
    floats = [text for x, text in zip(node.inputs, found, strict=True) if x.type.is_float]
    untyped = floats and None not in floats and node.dtype != np.float64  # Python's numbers are doubles
    return [None] * len(found) if untyped else found


def _literal(x: Node) -> str | None:
    """Return a constant that repeats one number as that number."""
    source = x if x.is_const else x.inputs[0] if x.is_known else None
    if source is None or source.dtype.kind != "f" or not _is_uniform(source.params["value"]):
        return None
    number = repr(source.params["value"].flat[0].item())
    return f"({number})" if number.startswith("-") else number


def _named(graph: Graph) -> set[Node]:
    """Return the nodes that need a name: all that somebody asks for other than as a literal."""
    found = {*graph.outputs, *(guard.predicate for guard in graph.guards)}
    for node in reversed(graph.nodes):
        if node in found:
            pairs = zip(node.inputs, _literals(node), strict=True)
            found.update(x for x, number in pairs if number is None)
    return found


def _place(node: Node) -> str:
    where = node.location
    return f"  # {os.path.basename(where.file)}:{where.line}" if where else ""


def _is_plain_loop(node: Node) -> bool:
    if node.primitive.family != "host" or node.name == "host_spread":
        return False
    loop = node.params["loop"]
    return isinstance(loop, RolledLoop) and not any(loop.depths) and not loop.depth


def _needs(text: str, function: Any) -> bool:
    """Tell whether a helper, or one that uses it, is called."""
    name = function.__name__
    if f"{name}(" in text:
        return True
    users = [other for other in vars(helpers).values() if inspect.isfunction(other) and other is not function]
    return any(f"{name}(" in inspect.getsource(user) and f"{user.__name__}(" in text for user in users)


def _uses(text: str, mark: str) -> bool:
    if mark in ("inf", "nan"):
        return any(f"{lead}{mark}{end}" in text for lead in " -[(" for end in ",])\n ")
    return mark in text
