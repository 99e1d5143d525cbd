"""A graph as one Python function of NumPy calls.

The same operations in the same order as the interpreter, so the same bits, without its bookkeeping:
numbers are combined by Python's operators, array operations write into recycled memory (fresh memory
above the allocator's threshold costs page faults at every call), and a number repeated over an array
stays a number.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.backends.eager.memory import SMALLEST, Memory, nbytes
from diffsci.backends.eager.threads import SHORTEST, SLOW, spread
from diffsci.backends.eager.ufuncs import as_ufunc
from diffsci.backends.recycling import Recycler
from diffsci.graph import Graph, Node
from diffsci.graph.interpreter import evaluate

__all__ = ["EagerProgram", "own"]

OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


class EagerProgram:
    """A callable form of a graph; guards are not checked.

    Parameters
    ----------
    graph : Graph
        Its constants are frozen into the program.
    """

    def __init__(self, graph: Graph):
        writer = _Writer(graph)
        self.text = writer.text()
        namespace = writer.namespace
        exec(compile(self.text, "<diffsci eager program>", "exec"), namespace)
        self._function = namespace["program"]
        self._memory = writer.memory

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the outputs, in arrays of their own."""
        buffers = self._memory.take()
        try:
            with np.errstate(all="ignore"):
                return self._function(inputs, buffers)
        finally:
            self._memory.give(buffers)


def own(value: Any) -> Any:
    """Return a copy of an array, a number as it is; a tape (an object) is nobody's to write to."""
    return value if value.dtype.kind == "O" else np.array(value)[()]


class _Writer:
    """Writes the source of a graph's function."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.namespace: dict[str, Any] = {}
        self.memory = Memory(graph)
        self.repeated = _repeated_numbers(graph)
        self.names: dict[Node, str] = {}

    def text(self) -> str:
        lines = [f"v{k} = inputs[{k}]{_as_number(x)}" for k, x in enumerate(self.graph.inputs)]
        self.names = {x: f"v{k}" for k, x in enumerate(self.graph.inputs)}
        for node in self.graph.nodes:
            if node not in self.names:
                line = self._line(node)
                if line is not None:
                    lines.append(f"{self.names[node]} = {line}")
        self.namespace["own"] = own
        lines.append(f"return [{', '.join(self._outputs())}]")
        return "def program(inputs, buffers):\n" + "".join(f"    {line}\n" for line in lines)

    def _outputs(self) -> list[str]:
        """The outputs: what a ufunc made is new; anything else may be a view, an input or a constant."""
        seen: set[Node] = set()
        found = []
        for y in self.graph.outputs:
            fresh = as_ufunc(y) is not None and y not in seen
            seen.add(y)
            found.append(self.names[y] if fresh else f"own({self.names[y]})")
        return found

    def _line(self, node: Node) -> str | None:
        """Name a node, and return the expression that computes it (None: it has a name already)."""
        if node.is_const:
            value = node.params["value"]
            self.names[node] = self._global("c", value if value.ndim else value[()])
            return None
        if node in self.repeated:
            self.names[node] = self.names[node.inputs[0]]
            return None
        self.names[node] = f"v{len(self.names)}"
        operands = [self.names[x] for x in node.inputs]
        if node.name == "project":
            return f"{operands[0]}[{node.params['index']}]"
        if node.name in OPERATORS and node.shape == ():
            return f"{operands[0]} {OPERATORS[node.name]} {operands[1]}"
        if node.name == "neg" and node.shape == ():
            return f"-{operands[0]}"
        known = as_ufunc(node)
        if known is not None:
            ufunc, more = known
            operands += [self._global("c", x) for x in more]
            if ufunc.__name__ in SLOW and node.type.size >= SHORTEST:
                ufunc = spread(ufunc)
            return f"{self._global('f', ufunc)}({', '.join(operands + self._place(node))})"
        return f"{self._function(node)}({', '.join(operands)})"

    def _place(self, node: Node) -> list[str]:
        """Where a ufunc writes to: a buffer, memory of results that were let go, or its own."""
        slot = self.memory.slot(node)
        if slot is not None:
            return [f"buffers[{slot}]"]
        if nbytes(node.type) < SMALLEST:
            return []
        return [f"{self._global('new', Recycler(node.type))}()"]

    def _function(self, node: Node) -> str:
        if node.primitive.value is None:
            return self._global("f", lambda *operands: evaluate(node, operands))
        function = node.primitive.value
        return self._global("f", functools.partial(function, **node.params) if node.params else function)

    def _global(self, kind: str, value: Any) -> str:
        name = f"{kind}_{len(self.namespace)}"
        self.namespace[name] = value
        return name


def _as_number(node: Node) -> str:
    """Numbers travel as NumPy scalars: their operators cost a tenth of those of 0-d arrays."""
    return "[()]" if node.shape == () and node.type.dtype.kind != "O" else ""


def _repeated_numbers(graph: Graph) -> set[Node]:
    """Return the broadcasts of numbers that NumPy's own broadcasting makes needless."""
    users: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for x in node.inputs:
            users.setdefault(x, []).append(node)
    candidates = {
        node
        for node in graph.nodes
        if node.name == "broadcast" and node.inputs[0].shape == () and node not in graph.outputs
    }
    return {
        node
        for node in candidates
        if all(
            as_ufunc(user) is not None and any(x not in candidates for x in user.inputs)
            for user in users.get(node, ())
        )
    }
