"""Host loops inside native programs: without the tape, which is a Python object that no buffer can hold.

Each derivative of a loop runs the loop again for a tape of its own. That is twice the work and the same
numbers, because a tape is a function of what the loop was run on.
"""

from __future__ import annotations

import numpy as np

from diffsci.backends.rewriting import Rewriter
from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Graph, Node, Primitive, lookup
from diffsci.graph.namespaces import as_array
from diffsci.primitives.host import TAPE, contiguous
from diffsci.source import at

__all__ = ["without_tapes"]


def without_tapes(graph: Graph) -> Graph:
    """Return the graph with host operations that need no tape, in the graphs it calls as well."""
    return _WithoutTapes().graph(graph)


class _WithoutTapes(Rewriter):
    def concerns(self, primitive: Primitive) -> bool:
        return primitive.family == "host"

    def replaced(self, b: Builder, node: Node, new: dict[Node, Node]) -> Node | None:
        if node.name in _STATELESS:
            return _stateless(node, new)
        return None if node.type == TAPE else self.moved(node, new)


def _stateless(node: Node, new: dict[Node, Node]) -> Node:
    primitive = _STATELESS[node.name]
    params = node.params | {"loop": node.params["loop"].compiled()}
    if node.name == "host_run":
        inputs = tuple(new[x] for x in node.inputs)
        return Node(primitive, inputs, params, node.type[:-1], node.location)
    place = node.params["inputs"]
    tape, spreads = node.inputs[place], []
    while tape.name == "host_spread":
        spreads.insert(0, (tape.params["loop"], tape.params["size"]))
        tape = tape.inputs[0]
    if tape.name != "project":
        raise UnsupportedError(
            f"the tape of a loop cannot be handed to a compiled program{at(node.location)}: run the loop "
            "inside of it"
        )
    run = tape.inputs[0]
    rest = (*node.inputs[:place], *node.inputs[place + 1 :])
    inputs = tuple(new[x] for x in (*run.inputs, *rest))
    params |= {"run": run.params["loop"].compiled(), "run_inputs": len(run.inputs), "spreads": tuple(spreads)}
    return Node(primitive, inputs, params, node.type, node.location)


def _run_alone(name: str) -> Primitive:
    def alone(*x, loop):
        return tuple(map(as_array, loop.outputs(contiguous(x))))

    return Primitive(f"{name}_alone", lookup(name).type, alone, "host")


def _derivative_alone(name: str) -> Primitive:
    run_value, spread_value, value = (lookup(x).value for x in ("host_run", "host_spread", name))

    def alone(*values: np.ndarray, run, run_inputs: int, spreads: tuple, inputs: int, **params):
        tape = run_value(*values[:run_inputs], loop=run)[-1]
        for loop, size in spreads:
            tape = spread_value(tape, loop=loop, size=size)
        rest = values[run_inputs:]
        return value(*rest[:inputs], tape, *rest[inputs:], inputs=inputs, **params)

    return Primitive(f"{name}_alone", lookup(name).type, alone, "host")


_STATELESS = {"host_run": _run_alone("host_run")} | {
    name: _derivative_alone(name) for name in ("host_jvp", "host_vjp", "host_hvp")
}
