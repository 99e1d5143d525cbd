"""One step of a rolled loop as a graph, and the graphs derived from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.graph import Builder, Graph, Node, Type
from diffsci.primitives.custom_loop import CARRY, CONST, ITEM
from diffsci.transforms import batch_graph, inline, jvp_graph, simplify, strictly, taylor_graph, vjp_graph
from diffsci.transforms.hazards import Hazards
from diffsci.transforms.masks import Masks, multiplies

__all__ = ["CARRY", "CONST", "INDEX", "ITEM", "Body"]

INDEX = Type((), np.dtype(np.int64))


class Body:
    """One step: (k, inputs) -> outputs, every input and output with its role in the loop.

    Attributes
    ----------
    graph : Graph
        Its first input is the number of the step. Carries leave in the order in which they enter.
        Its guards hold where no error is raised.
    roles, out_roles : tuple of str
        CONST, CARRY or ITEM of the other inputs; CARRY or ITEM of the outputs.
    predicate : Graph or None
        Of the same inputs: whether a step is taken at all; its guards are errors too.
    errors, predicate_errors : list of Exception
        What the model raises where a guard does not hold, in the order of the guards.
    """

    def __init__(
        self,
        graph: Graph,
        roles: Sequence[str],
        out_roles: Sequence[str],
        predicate: Graph | None = None,
        errors: Sequence[Exception] = (),
        predicate_errors: Sequence[Exception] = (),
    ):
        self.graph, self.predicate = graph, predicate
        self.roles, self.out_roles = tuple(roles), tuple(out_roles)
        self.errors, self.predicate_errors = list(errors), list(predicate_errors)
        self._made: dict[Any, Any] = {}

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what `make` gave the first time for this key."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @property
    def types(self) -> tuple[Type, ...]:
        """Types of the inputs of one step, its number aside."""
        return self.graph.input_types[1:]

    def places(self, role: str) -> list[int]:
        """Return which inputs have this role."""
        return self.once(("places", role), lambda: [k for k, found in enumerate(self.roles) if found == role])

    def out_places(self, role: str) -> list[int]:
        """Return which outputs have this role."""
        return self.once(
            ("out places", role), lambda: [k for k, found in enumerate(self.out_roles) if found == role]
        )

    def real_places(self, role: str) -> list[int]:
        """Return which inputs have this role and a derivative."""
        return self.once(
            ("real places", role), lambda: [k for k in self.places(role) if self.types[k].is_float]
        )

    def real_out_places(self, role: str) -> list[int]:
        """Return which outputs have this role and a derivative."""
        kinds = self.graph.output_types
        return self.once(
            ("real out places", role), lambda: [k for k in self.out_places(role) if kinds[k].is_float]
        )

    def _real_roles(self) -> tuple[str, ...]:
        return tuple(role for role, type_ in zip(self.roles, self.types, strict=True) if type_.is_float)

    def _real_out_roles(self) -> tuple[str, ...]:
        outputs = zip(self.out_roles, self.graph.output_types, strict=True)
        return tuple(role for role, type_ in outputs if type_.is_float)

    # derived steps ---------------------------------------------------------------------------------

    def pushed(self) -> Body:
        """Return the step of values and tangents: (x, dx) -> (y, dy)."""
        return self.once("pushed", lambda: self._extended(jvp_graph, 1))

    def expanded(self, order: int) -> Body:
        """Return the step of power series, in the order of inputs and outputs of `taylor_graph`."""
        return self.once(("expanded", order), lambda: self._extended(lambda g: taylor_graph(g, order), order))

    def _extended(self, transform: Callable[[Graph], Graph], times: int) -> Body:
        bare = Graph(self.graph.inputs, self.graph.outputs)
        graph = simplify(transform(bare))
        roles = self.roles + self._real_roles() * times
        out_roles = self.out_roles + self._real_out_roles() * times
        return Body(graph, roles, out_roles, self._widened(graph))

    def _widened(self, graph: Graph) -> Graph | None:
        """Return the predicate as a function of the inputs of another step, which begin with this one's."""
        if self.predicate is None:
            return None
        b = Builder()
        inputs = [b.input(type_) for type_ in graph.input_types]
        (decision,), _ = inline(b, self.predicate, inputs[: len(self.predicate.inputs)])
        return Graph(inputs, [decision])

    def adjoint(self) -> Graph:
        """Return one step backward.

        Inputs: k, the inputs of the step, cotangents of its carries, cotangents of its other real
        outputs, sums of the cotangents of the constants. Outputs: cotangents of the carries before
        the step, the sums, cotangents of the real items.
        """
        return self.once("adjoint", self._adjoint)

    def _adjoint(self) -> Graph:
        bare = Graph(self.graph.inputs, self.graph.outputs)
        pulled = vjp_graph(bare)
        b = Builder()
        b.adopt(pulled.nodes)
        count, outs = len(self.graph.inputs), len(self.graph.outputs)
        reals = [k for k, type_ in enumerate(self.graph.output_types) if type_.is_float]
        ct = dict(zip(reals, pulled.inputs[count:], strict=True))
        found = [k for k, type_ in enumerate(self.types) if type_.is_float]
        bars = dict(zip(found, pulled.outputs[outs:], strict=True))
        sums = {k: b.input(self.types[k]) for k in self.real_places(CONST)}
        incoming = [ct[k] for role in (CARRY, ITEM) for k in self.real_out_places(role)]
        carries = [bars[k] for k in self.real_places(CARRY)]
        totals = [b.add(sums[k], bars[k]) for k in sums]
        items = [bars[k] for k in self.real_places(ITEM)]
        inputs = (*self.graph.inputs, *incoming, *sums.values())
        return simplify(Graph(inputs, [*carries, *totals, *items]))

    def masked(self, ins: tuple[bool, ...], outs: tuple[bool, ...]) -> Body | None:
        """Return the step with masks of some inputs and outputs as further inputs, in this order.

        What a mask leaves out has its value but no derivative. None where masks are of no use, because no
        slope can be infinite, or where a carry leaves its mask on the way from step to step.
        """
        return self.once(("masked", ins, outs), lambda: self._masked(ins, outs))

    def _masked(self, ins: tuple[bool, ...], outs: tuple[bool, ...]) -> Body | None:
        hazards = Hazards()
        if not any(multiplies(node) and hazards.slope(node) for node in self.graph.nodes):
            return None
        b = Builder()
        inputs = [b.input(type_) for type_ in self.graph.input_types]
        flagged = [self.types[k] for k, flag in enumerate(ins) if flag]
        flagged += [kind for kind, flag in zip(self.graph.output_types, outs, strict=True) if flag]
        masks = [b.input(Type(kind.shape, np.dtype(bool))) for kind in flagged]
        pending = iter(masks)
        own = [_held(b, x, next(pending)) if flag else x for x, flag in zip(inputs[1:], ins, strict=True)]
        outputs, _ = inline(b, Graph(self.graph.inputs, self.graph.outputs), [inputs[0], *own])
        outputs = [_held(b, y, next(pending)) if flag else y for y, flag in zip(outputs, outs, strict=True)]
        graph = Graph([*inputs, *masks], outputs)
        if not self._keeps(graph, masks, ins, outs):
            return None
        roles = [role for role, flag in zip(self.roles, ins, strict=True) if flag]
        roles += [role for role, flag in zip(self.out_roles, outs, strict=True) if flag]
        extra = [ITEM if role == ITEM else CONST for role in roles]
        return Body(graph, (*self.roles, *extra), self.out_roles, self._widened(graph))

    def _keeps(self, graph: Graph, masks: list[Node], ins: Sequence[bool], outs: Sequence[bool]) -> bool:
        """Tell whether carries that are masked stay so: their derivatives after a step have the same mask."""
        pending = iter(masks)
        of_inputs = [next(pending) if flag else None for flag in ins]
        of_outputs = [next(pending) if flag else None for flag in outs]
        pairs = []
        pushed, pulled = jvp_graph(graph), vjp_graph(graph)
        moved = _spread(pushed.outputs[len(graph.outputs) :], graph.output_types)
        back = _spread(pulled.outputs[len(graph.outputs) :], graph.input_types)[1:]
        for place, out in zip(self.places(CARRY), self.out_places(CARRY), strict=True):
            pairs += [(of_inputs[place], moved[out]), (of_outputs[out], back[place])]
        b = Builder()
        b.adopt([*pushed.nodes, *pulled.nodes])
        reader = Masks(b)
        return all(mask is None or _within(reader.of(linear), mask) for mask, linear in pairs)

    def raising(self, active: tuple[bool, ...]) -> Body:
        """Return the step that raises at kinks, if the loop is differentiated in the inputs marked."""
        return self.once(("raising", active), lambda: self._raising(list(active)))

    def _raising(self, active: list[bool]) -> Body:
        carries, before = self.places(CARRY), None
        while before != active:  # what a step moves, the next one meets
            before = list(active)
            outputs = self._moving([False, *active])
            for place, moves in zip(carries, outputs, strict=False):
                active[place] = active[place] or moves
        graph = simplify(strictly(self.graph, self.graph, [False, *active]))
        return Body(graph, self.roles, self.out_roles, self.predicate, self.errors, self.predicate_errors)

    def _moving(self, active: list[bool]) -> list[bool]:
        """Tell which carries a step moves."""
        moving = {x for x, flag in zip(self.graph.inputs, active, strict=True) if flag and x.type.is_float}
        for node in self.graph.nodes:
            if any(x in moving for x in node.inputs) and node.primitive.jvp != "zero":
                moving.add(node)
        return [self.graph.outputs[k] in moving for k in self.out_places(CARRY)]

    def batched(self, flags: tuple[bool, ...], size: int) -> Body:
        """Return the step of `size` members; all carries and outputs have the leading axis.

        While any member's predicate holds the loop goes on, and members that are through keep their
        carry.
        """
        return self.once(("batched", flags, size), lambda: self._batched(flags, size))

    def _batched(self, flags: tuple[bool, ...], size: int) -> Body:
        wide = [False, *flags]
        step = batch_graph(self.graph, wide, size)
        if self.predicate is None:
            return Body(step, self.roles, self.out_roles, None, self.errors)
        decided = batch_graph(self.predicate, wide, size)
        b = Builder()
        inputs = [b.input(type_) for type_ in step.input_types]
        outputs, guards = inline(b, step, inputs)
        (running,), _ = inline(b, decided, inputs)
        kept = [inputs[1 + k] for k in self.places(CARRY)]
        outputs = [_select(b, running, new, old) for new, old in zip(outputs, kept, strict=True)]
        c = Builder()
        own = [c.input(type_) for type_ in decided.input_types]
        (each,), checks = inline(c, decided, own)
        predicate = Graph(own, [c.any(each, axes=(0,))], checks)
        graph = Graph(inputs, outputs, guards)
        return Body(graph, self.roles, self.out_roles, predicate, self.errors, self.predicate_errors)

    def weight(self) -> float:
        """Estimate the microseconds that the interpreter needs for a step."""
        graphs = [self.graph] if self.predicate is None else [self.graph, self.predicate]
        return self.once("weight", lambda: sum(_weight(graph) for graph in graphs))


def _held(b: Builder, x: Node, mask: Node) -> Node:
    """Emit a value that moves under a mask only."""
    return b.select(mask, x, b.stop_gradient(x))


def _spread(linear: Sequence[Node], types: Sequence[Type]) -> list[Node | None]:
    """Return one derivative per value, None for those that are no floats."""
    pending = iter(linear)
    return [next(pending) if type_.is_float else None for type_ in types]


def _within(mask: Node | None, allowed: Node) -> bool:
    """Tell whether the form of a mask shows that it lies within another one."""
    if mask is None or mask is allowed:
        return mask is allowed
    if mask.name == "logical_and":
        return any(_within(x, allowed) for x in mask.inputs)
    if mask.name == "logical_or":
        return all(_within(x, allowed) for x in mask.inputs)
    return mask.is_known and not np.any((mask.inputs[0] if mask.inputs else mask).params["value"])


def _select(b: Builder, mask: Node, new: Node, old: Node) -> Node:
    if len(new.shape) > 1:
        mask = b.broadcast(mask, shape=new.shape, axes=(0,))
    return b.select(mask, new, old)


def _weight(graph: Graph) -> float:
    total = 0.0
    for node in graph.nodes:
        types = node.type if isinstance(node.type, tuple) else (node.type,)
        total += 3.0 + sum(type_.size for type_ in types) / 1000.0
        for value in node.params.values():
            if isinstance(value, Graph):
                total += _weight(value)
    return total
