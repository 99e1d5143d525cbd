"""Derivatives and batches of functions with rules of the user's."""

from __future__ import annotations

from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Graph, Node, lookup
from diffsci.primitives.custom import Rules
from diffsci.primitives.shared import to_batch
from diffsci.source import at
from diffsci.transforms.batch import batch_graph
from diffsci.transforms.calls import once
from diffsci.transforms.simplify import simplify

__all__ = ["BatchedRules"]


class BatchedRules(Rules):
    """Rules over a leading axis of some inputs."""

    def __init__(self, rules: Rules, flags: tuple[bool, ...], size: int):
        super().__init__(rules.label, rules.own)
        self.rules, self.flags, self.size = rules, flags, size

    @property
    def push(self) -> Graph:
        """See `Rules`."""
        graph = self.rules.push
        floats = self.rules.floats(graph.input_types)
        flags = (*self.flags, *(self.flags[k] for k in floats))
        return once(graph, ("batch", flags, self.size), lambda: batch_graph(graph, flags, self.size))

    @property
    def pull(self) -> Graph:
        """See `Rules`. What all members share collects the cotangents of all."""
        graph, key = self.rules.pull, ("batched pull", self.flags, self.size)
        return once(graph, key, lambda: self._pulled(graph))

    @property
    def linear(self) -> bool:
        """See `Rules`."""
        return self.rules.linear

    def prepare(self) -> None:
        """See `Rules`."""
        self.rules.prepare()

    def _pulled(self, graph: Graph) -> Graph:
        flags = [k >= len(self.flags) or self.flags[k] for k in range(len(graph.inputs))]
        over = batch_graph(graph, flags, self.size)
        b = Builder()
        b.adopt(over.nodes)
        floats = self.rules.floats(graph.input_types)
        outputs = [
            y if self.flags[k] else b.sum(y, axes=(0,)) for k, y in zip(floats, over.outputs, strict=True)
        ]
        return simplify(Graph(over.inputs, outputs, over.guards))


def _refuse_outside(node: Node, tangents: list[Node | None]) -> None:
    rules = node.params["rules"]
    outside = tangents[rules.own : len(node.params["primal"].inputs)]
    if any(tangent is not None for tangent in outside):
        raise UnsupportedError(
            f"{rules.label}{at(node.location)} reads a value to be differentiated from an enclosing "
            "function, and its derivative rule says nothing of it: pass the value as an argument"
        )


def _jvp(b: Builder, node: Node, tangents: list[Node | None]) -> list[Node | None]:
    _refuse_outside(node, tangents)
    node.params["rules"].prepare()
    floats = node.params["rules"].floats([x.type for x in node.inputs])
    seeds = [_or_zeros(b, tangents[k], node.inputs[k]) for k in floats]
    moved = b.custom_tangent(*node.inputs, *seeds, **node.params)
    outputs = iter(range(len(moved.type)))
    return [b.project(moved, index=next(outputs)) if type_.is_float else None for type_ in node.type]


def _or_zeros(b: Builder, tangent: Node | None, x: Node) -> Node:
    return b.zeros(x.type) if tangent is None else tangent


def _tangent_jvp(b: Builder, node: Node, tangents: list[Node | None]) -> list[Node | None]:
    _refuse_outside(node, tangents)
    rules, count = node.params["rules"], len(node.params["primal"].inputs)
    if rules.linear and all(tangent is None for tangent in tangents[:count]):
        seeds = [_or_zeros(b, t, x) for t, x in zip(tangents[count:], node.inputs[count:], strict=True)]
        moved = b.custom_tangent(*node.inputs[:count], *seeds, **node.params)
        return [b.project(moved, index=k) for k in range(len(node.type))]
    return lookup("call").jvp(b, b.call(*node.inputs, graph=rules.push), tangents)


def _tangent_transpose(b: Builder, node: Node, cts: list[Node], linear: list[bool]) -> list[Node | None]:
    count = len(node.params["primal"].inputs)
    if any(linear[:count]):
        raise TypeError("custom_tangent is linear in its tangents only")
    pulled = b.call(*node.inputs[:count], *cts, graph=node.params["rules"].pull)
    back = [b.project(pulled, index=k) if flag else None for k, flag in enumerate(linear[count:])]
    return [None] * count + back


def _batched_params(node: Node, flags: tuple[bool, ...], size: int) -> dict:
    primal, rules = node.params["primal"], node.params["rules"]
    return {
        "primal": once(primal, ("batch", flags, size), lambda: simplify(batch_graph(primal, flags, size))),
        "rules": rules.batches.setdefault((flags, size), BatchedRules(rules, flags, size)),
    }


def _batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    return b.custom(*inputs, **_batched_params(node, tuple(batched), size))


def _tangent_batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    """An input and its tangent are batched together."""
    count, flags, inputs = len(node.params["primal"].inputs), list(batched), list(inputs)
    floats = node.params["rules"].floats([x.type for x in node.inputs])
    for position, k in enumerate(floats, start=count):
        for one, other in ((k, position), (position, k)):
            if flags[one] and not flags[other]:
                inputs[other], flags[other] = to_batch(b, inputs[other], size), True
    return b.custom_tangent(*inputs, **_batched_params(node, tuple(flags[:count]), size))


RULES = {
    "custom": {"jvp": _jvp, "batch": _batch},
    "custom_tangent": {"jvp": _tangent_jvp, "transpose": _tangent_transpose, "batch": _tangent_batch},
}


def _enter_rules() -> None:
    """Complete the records, whose rules need the transformations above."""
    for name, rules in RULES.items():
        for kind, rule in rules.items():
            object.__setattr__(lookup(name), kind, rule)


_enter_rules()
