"""Host loops inside native programs: without the tape, which is a Python object that no buffer can hold.

Each derivative of a loop runs the loop again for a tape of its own. That is twice the work and the same
numbers, because a tape is a function of what the loop was run on.
"""

from __future__ import annotations

import numpy as np

from diffsci.backends.plan.vocabulary import callees
from diffsci.errors import UnsupportedError
from diffsci.graph import Graph, Guard, Node, Primitive, lookup
from diffsci.primitives.host import TAPE, contiguous
from diffsci.source import at

__all__ = ["without_tapes"]


def without_tapes(graph: Graph) -> Graph:
    """Return the graph with host operations that need no tape, in the graphs it calls as well."""
    return _Rewriter().graph(graph)


class _Rewriter:
    def __init__(self) -> None:
        self._made: dict[Graph, Graph] = {}

    def graph(self, graph: Graph) -> Graph:
        made = self._made.get(graph)
        if made is None:
            made = self._made[graph] = self._rewritten(graph)
        return made

    def _rewritten(self, graph: Graph) -> Graph:
        new: dict[Node, Node] = {}
        for node in graph.nodes:
            if node.name in _STATELESS:
                new[node] = _stateless(node, new)
            elif node.type != TAPE:
                new[node] = self._moved(node, new)
        if all(old is moved for old, moved in new.items()) and len(new) == len(graph.nodes):
            return graph
        guards = [Guard(new[g.predicate], g.outcome, g.location) for g in graph.guards]
        return Graph(graph.inputs, [new[node] for node in graph.outputs], guards)

    def _moved(self, node: Node, new: dict[Node, Node]) -> Node:
        inputs = tuple(new[x] for x in node.inputs)
        params = node.params
        if callees(node):
            params = {k: self.graph(v) if isinstance(v, Graph) else v for k, v in params.items()}
        if inputs == node.inputs and all(params[k] is v for k, v in node.params.items()):
            return node
        return Node(node.primitive, inputs, params, node.type, node.location)


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
        return tuple(map(np.asarray, loop.outputs(contiguous(x))))

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
