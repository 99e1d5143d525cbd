"""Where a value that is not finite began: back through a program from the outputs that it spoils.

Only what an element depends on at this point is followed: the branch that a `where` has chosen, the elements
that an index has picked. So what was selected away is not blamed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffsci.graph import Graph, Node
from diffsci.graph.interpreter import evaluate
from diffsci.primitives.custom import called_graph
from diffsci.primitives.dependence import FAMILIES, Solved

__all__ = [
    "CONSTANT", "OPERATION", "SOLVE", "Blame", "Frame", "Origin",
    "dependences", "not_finite", "values_of",
]  # fmt: skip

# What an origin is.
OPERATION = "operation"  # its operands are finite, its result is not
CONSTANT = "constant"  # a NaN that is written in the program
SOLVE = "solve"  # a loop or a solver whose steps cannot be looked into, or that found no solution

MOST_PLACES = 4_000_000  # dependences of one operation that are looked at one by one

Array = np.ndarray
Masks = "list[Array | None]"


@dataclass(frozen=True)
class Frame:
    """A program inside another one.

    Attributes
    ----------
    node : Node
        The operation that runs it.
    place : str
        Which of its runs: ``"step 17"``, or nothing.
    """

    node: Node
    place: str = ""


@dataclass(frozen=True)
class Origin:
    """An operation at which a value stopped being finite.

    Attributes
    ----------
    node : Node
    kind : str
        `OPERATION`, `CONSTANT` or `SOLVE`.
    result : int
        Which of its results, of an operation with several.
    mask : ndarray of bool
        Which elements of that result began there.
    values : dict
        Node -> value, of the program that it is part of.
    graph : Graph
        That program.
    frames : tuple of Frame
        The operations that it runs inside of, outermost first.
    order : tuple
        Sorts origins by when they ran.
    """

    node: Node
    kind: str
    result: int
    mask: Array
    values: dict[Node, Any]
    graph: Graph
    frames: tuple[Frame, ...]
    order: tuple


def values_of(graph: Graph, inputs: Sequence[Any], known: dict[Node, Any] | None = None) -> dict[Node, Any]:
    """Return the value of every node (a tuple for several results)."""
    values = dict(known or {})
    values.update(zip(graph.inputs, map(np.asarray, inputs), strict=True))
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node not in values:
                values[node] = evaluate(node, [values[x] for x in node.inputs])
    return values


@dataclass(frozen=True)
class _Deciding:
    """What rules of dependences are told: values that decide where elements go, indices and conditions.

    Factors do not: a product with zero may be NaN.
    """

    values: dict[Node, Any]

    def __call__(self, node: Node) -> Array | None:
        return None if node.type.is_float else self.values[node]

    def nonzero(self, node: Node) -> Array | None:
        return None


def dependences(node: Node, values: dict[Node, Any]) -> list | None:
    """Return which elements of a result depend on which of the operands, None where all may on all."""
    rule = node.primitive.pattern or FAMILIES.get(node.primitive.family)
    if isinstance(rule, Solved) or (node.primitive.pattern is None and node.primitive.family == "linalg"):
        rule = FAMILIES["linalg"] if all(len(x.shape) >= 2 for x in node.inputs) else None
    return None if rule is None else rule(node, _Deciding(values))


def not_finite(value: Any, infs: bool = True) -> Array | None:
    """Return where a float value is not finite (is NaN, without `infs`), or None if it is nowhere so."""
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        return None
    mask = ~np.isfinite(array) if infs else np.isnan(array)
    return mask if mask.any() else None


class Blame:
    """One walk back through a program.

    Parameters
    ----------
    graph : Graph
    values : dict
        See `values_of`.
    inside : callable
        ``inside(node, operands, frames) -> list of Origin``: looks into the steps of a host loop or a solver.
    frames, order : tuple
        Of the operations that this program runs inside of.

    Attributes
    ----------
    origins : list of Origin
    inputs : dict
        Input node -> mask of its elements that were not finite and reached the outputs.
    """

    def __init__(
        self,
        graph: Graph,
        values: dict[Node, Any],
        inside: Callable[[Node, list, tuple], list[Origin]],
        frames: tuple[Frame, ...] = (),
        order: tuple = (),
    ):
        self.graph, self.values, self.inside = graph, values, inside
        self.frames, self.order = frames, order
        self.origins: list[Origin] = []
        self.inputs: dict[Node, Array] = {}
        self._pending: dict[Node, Any] = {}
        self._places = {node: k for k, node in enumerate(graph.nodes)}

    def back(self, masks: Sequence[Array | None]) -> Blame:
        """Walk back from the elements of the outputs marked in `masks`; return this object."""
        for y, mask in zip(self.graph.outputs, masks, strict=True):
            self._push(y, mask)
        for node in reversed(self.graph.nodes):
            mask = self._pending.pop(node, None)
            if mask is not None:
                self._visit(node, mask)
        return self

    def _push(self, node: Node, mask: Array | None) -> None:
        if mask is None or not mask.any():
            return
        old = self._pending.get(node)
        self._pending[node] = mask if old is None else old | mask

    def _visit(self, node: Node, mask: Any) -> None:
        if node.name == "input":
            self.inputs[node] = mask
        elif node.is_const:
            spoilt = mask & np.isnan(self.values[node])
            if spoilt.any():  # an infinite constant is meant
                self._found(node, CONSTANT, spoilt)
        elif node.name == "project":
            self._push_part(node.inputs[0], node.params["index"], mask)
        elif node.name == "cond" or called_graph(node) is not None:
            self._into(node, mask)
        elif node.primitive.family in ("host", "implicit"):
            self._around(node, mask)
        elif isinstance(node.type, tuple):
            self._through_any(node, mask)
        elif node.name == "select":
            self._through_select(node, mask)
        elif node.primitive.family == "elementwise" and all(x.shape == node.shape for x in node.inputs):
            self._through_elements(node, mask)
        else:
            self._through_any(node, mask)

    def _push_part(self, node: Node, index: int, mask: Array) -> None:
        parts = self._pending.setdefault(node, [None] * len(node.type))
        parts[index] = mask if parts[index] is None else parts[index] | mask

    def _found(self, node: Node, kind: str, mask: Array, result: int = 0) -> None:
        order = (*self.order, *self._rank(node))
        self.origins.append(Origin(node, kind, result, mask, self.values, self.graph, self.frames, order))

    def _rank(self, node: Node) -> tuple[int, int]:
        """When a node ran: in the order in which the user's function called it, derivatives behind."""
        return (0, node.serial) if node.serial >= 0 else (1, self._places[node])

    # operations -------------------------------------------------------------------------------------

    def _operands(self, node: Node) -> list[Array]:
        return [self.values[x] for x in node.inputs]

    def _through_select(self, node: Node, mask: Array) -> None:
        condition, yes, no = node.inputs
        chosen = np.broadcast_to(self.values[condition], node.shape)
        for x, taken in ((yes, chosen), (no, ~chosen)):
            self._push(x, mask & taken)

    def _through_elements(self, node: Node, mask: Array) -> None:
        """Each element follows the operands' elements at its own place: NaN first, then infinite ones."""
        value = self.values[node]
        for spoilt, looks in (
            (np.isnan(value), (_isnan, _computed_inf)),
            (np.isinf(value), (_computed_inf,)),
        ):
            left = mask & spoilt
            for look in looks:
                there = [left & look(x, self.values[x]) for x in node.inputs]
                for x, part in zip(node.inputs, there, strict=True):
                    self._push(x, part)
                    left = left & ~part
            self._began(node, left, value)

    def _through_any(self, node: Node, mask: Any) -> None:
        """An operation on whole arrays: what the spoilt elements depend on, element by element if known."""
        several = isinstance(node.type, tuple)
        parts = mask if several else [mask]
        values = self.values[node] if several else (self.values[node],)
        rules = self._dependences(node)
        for k, (part, value) in enumerate(zip(parts, values, strict=True)):
            if part is None:
                continue
            rule = rules[k] if several and rules is not None else rules
            for spoilt, looks in (
                (np.isnan(value), (_isnan, _computed_inf)),
                (np.isinf(value), (_computed_inf,)),
            ):
                left = part & spoilt
                if not left.any():
                    continue
                reached = self._reached(node, left, rule)
                if not any(self._push_where(node, reached, look) for look in looks):
                    self._began(node, part & spoilt, value, k)

    def _push_where(self, node: Node, reached: list, look: Callable) -> bool:
        """Push the reached elements of operands that `look` finds; tell whether there are any."""
        found = False
        for x, mask in zip(node.inputs, reached, strict=True):
            if mask is None or not x.type.is_float:
                continue
            spoilt = mask & look(x, self.values[x])
            if spoilt.any():
                self._push(x, spoilt)
                found = True
        return found

    def _began(self, node: Node, left: Array, value: Array, result: int = 0) -> None:
        """Elements whose operands were finite: they began here, unless an infinite constant was moved."""
        if not left.any():
            return
        literal = any(x.type.is_float and np.isinf(self.values[x]).any() for x in node.inputs)
        if literal:
            left = left & np.isnan(value)
        if left.any():
            self._found(node, OPERATION, left, result)

    def _dependences(self, node: Node) -> Any:
        sizes = [t.size for t in (node.type if isinstance(node.type, tuple) else (node.type,))]
        operands = sum(x.type.size for x in node.inputs)
        small = max(sizes) * operands <= MOST_PLACES or node.primitive.family in ("structural", "indexing")
        return dependences(node, self.values) if small else None

    @staticmethod
    def _reached(node: Node, mask: Array, rule: Any) -> list[Array | None]:
        """Return which elements of the operands the marked ones depend on."""
        if rule is None:
            return [np.ones(x.shape, bool) for x in node.inputs]
        found: list[Array | None] = []
        flat = mask.ravel()
        for x, places in zip(node.inputs, rule, strict=True):
            if places is None:
                found.append(None)
                continue
            rows, columns = places
            own = np.zeros(x.type.size, bool)
            own[columns[flat[rows]]] = True
            found.append(own.reshape(x.shape))
        return found

    # programs inside --------------------------------------------------------------------------------

    def _into(self, node: Node, masks: list) -> None:
        """A call or a choice: the walk goes on inside."""
        operands = self._operands(node)
        inputs = list(node.inputs)
        if node.name == "cond":
            graph = node.params["true" if operands[0] else "false"]
            operands, inputs = operands[1:], inputs[1:]
        else:
            graph = called_graph(node)
        inner = Blame(
            graph,
            values_of(graph, operands),
            self.inside,
            (*self.frames, Frame(node)),
            (*self.order, *self._rank(node)),
        ).back(masks)
        self.origins += inner.origins
        for own, x in zip(graph.inputs, inputs, strict=True):
            self._push(x, inner.inputs.get(own))

    def _around(self, node: Node, masks: Any) -> None:
        """A loop or a solver: its steps are looked into; what they do not explain came from its operands."""
        order = (*self.order, *self._rank(node))
        found = self.inside(node, self._operands(node), self.frames)
        if found:
            self.origins += [replace(origin, order=(*order, *origin.order)) for origin in found]
            return
        whole = [np.ones(x.shape, bool) if x.type.is_float else None for x in node.inputs]
        pushed = self._push_where(node, whole, _isnan) or self._push_where(node, whole, _computed_inf)
        if not pushed:
            parts = masks if isinstance(masks, list) else [masks]
            result = next(k for k, mask in enumerate(parts) if mask is not None)
            self._found(node, SOLVE, parts[result], result)


def _isnan(x: Node, value: Array) -> Array:
    return np.isnan(value) if x.type.is_float else np.zeros(x.shape, bool)


def _computed_inf(x: Node, value: Array) -> Array:
    """Infinite elements, but those of a constant: they are meant."""
    if not x.type.is_float or x.is_known:
        return np.zeros(np.shape(value), bool)
    return np.isinf(value)
