"""A trace: the graph under construction, with the concrete value of each of its nodes.

Traces nest. An operation belongs to the innermost trace among its operands; values of outer traces
enter an inner one as captured inputs, so that each trace differentiates only with respect to its
own inputs and perturbations are never confused.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci import primitives as _primitives  # noqa: F401  fills the registry
from diffsci.errors import TraceError, UnsupportedError
from diffsci.graph import Graph, Guard, Node, Primitive, Type, interpreter, lookup
from diffsci.graph.builder import marked, params_key
from diffsci.source import Location, at, user_location
from diffsci.tracing.standard import standard

if TYPE_CHECKING:
    from diffsci.tracing.array import TracedArray

__all__ = [
    "Capture",
    "Trace",
    "apply_graph",
    "bind",
    "current_trace",
    "innermost",
    "is_tracing",
    "running",
    "tracing",
]


class _Local(threading.local):
    """The running traces of each thread, outermost first."""

    def __init__(self) -> None:
        self.stack: list[Trace] = []
        self.floor: Trace | None = None  # no operation belongs to a trace outside of this one


_local = _Local()
running: list[None] = []  # an item for each trace that is open, in all threads

INPUT, CONST, BROADCAST = lookup("input"), lookup("const"), lookup("broadcast")
FOLD_SIZE = 64  # a constant repeated more often is kept as a broadcast


@dataclass(frozen=True, slots=True)
class Capture:
    """A value from outside that became an input of a trace.

    `fetch` reads it again; `place` names where it stands, None for a value of an outer trace; `whole`
    tells that it is complex, and the input its parts.
    """

    node: Node
    fetch: Callable[[], Any]
    place: Any = None
    whole: bool = False


class Trace:
    """One run of a user's function: nodes, their values, guards and captured inputs.

    Attributes
    ----------
    values : Values
        What nodes are worth at this point, computed when a branch asks for it.
    emitted : dict
        (operation, its parameters, serial numbers of its operands) -> node, in order: an operation met
        again is the same node, and equal keys mean that two runs recorded the same program.
    """

    def __init__(self, level: int):
        self.level = level
        self.values = interpreter.Values()
        self.emitted: dict[Any, Node] = {}
        self.serials = 0
        self.numbers: dict[Any, Node] = {}
        self.guards: list[Guard] = []
        self.captures: dict[Any, Capture] = {}
        self.statics: list[tuple[Callable[[], Any], Any]] = []
        self.settling: list[tuple[Callable[[], Any], Any]] = []  # static unless the function writes it
        self.copies: dict[Any, Any] = {}  # private copies of the user's objects, by identity
        self.generators: dict[int, tuple] = {}  # of random numbers, and their states before: see `chance`
        self.objects: list[dict[str, Any]] = []  # attributes of the user's objects it met: see `caches`
        self.keep: list[Any] = []  # keeps what `copies` and `captures` are keyed by alive
        self.paths: Any = None  # decides branches in the body of a rolled loop: see `diffsci.control.paths`
        self.dormant = False  # a trace inside of it takes all operations: see `adopting`
        self.closed = False

    def add(
        self,
        key: Any,
        primitive: Primitive,
        nodes: tuple[Node, ...],
        params: dict[str, Any],
        type_: Any,
        location: Location | None,
    ) -> Node:
        """Enter a new node under its key."""
        node = self.emitted[key] = Node(primitive, nodes, params, type_, location, self.serials)
        self.serials += 1
        return node

    def input(self, value: np.ndarray) -> Node:
        """Return a new input node with a concrete value: the user's own array."""
        value = _real(standard(value))
        type_ = Type.of(value)
        node = self.add((INPUT, type_, self.serials), INPUT, (), {}, type_, None)
        self.values[node] = value
        return node

    def const(self, value: Any, dtype: Any = None, structural: bool = False) -> Node:
        """Return a constant node."""
        array = np.array(value, dtype=dtype)
        key = (CONST, structural, params_key({"value": array}))
        node = self.emitted.get(key)
        if node is None:
            array.flags.writeable = False
            params = {"value": array, "structural": True} if structural else {"value": array}
            node = self.add(key, CONST, (), params, Type.of(array), None)
            self.values[node] = array
        return node

    def number(self, value: float, type_: Type) -> Node:
        """Return a Python number as a constant of a float type, repeated over its shape."""
        key = (value or str(value), id(type_))  # tells 0.0 from -0.0; the nodes keep their types alive
        node = self.numbers.get(key)
        if node is None:
            node = self.const(value, type_.dtype)
            if type_.shape:
                node = self.bind(BROADCAST, (node,), {"shape": type_.shape, "axes": ()})
            self.numbers[key] = node
        return node

    def capture(
        self,
        key: Any,
        value: np.ndarray,
        fetch: Callable[[], Any],
        keep: Any = None,
        place: Any = None,
        whole: bool = False,
    ) -> Node:
        """Return the input node of an outside value, the same one for the same key."""
        known = self.captures.get(key)
        if known is None:
            known = self.captures[key] = Capture(self.input(value), fetch, place, whole)
            self.keep.append(keep)
        return known.node

    def node(self, operand: Any, dtype: Any = None) -> Node:
        """Return the node of an operand: traced, outer traced, array or number."""
        from diffsci.tracing.array import TracedArray

        if isinstance(operand, TracedArray):
            if operand.owner is self:
                return operand.read()
            return self._outer(operand)
        return self.const(_real(standard(operand)) if dtype is None else operand, dtype)

    def _outer(self, operand: TracedArray) -> Node:
        from diffsci.tracing.array import TracedArray

        outer = operand.owner
        if outer.closed or outer.level >= self.level:
            raise TraceError(
                "a traced value was used after its function returned, or leaked out of an inner "
                f"function{at(user_location())}: return it instead of storing it"
            )
        node = operand.read()
        if node.is_const:
            return self.const(node.params["value"], structural=node.is_structural)
        if node.is_known:
            return self.bind(
                node.primitive,
                (self.const(node.inputs[0].params["value"], structural=node.is_structural),),
                node.params,
            )
        now = TracedArray(outer, node)  # the operand may be written to before this trace ends
        return self.capture(node, outer.values[node], lambda: now, keep=(operand, node))

    def bind(
        self,
        primitive: Primitive,
        nodes: tuple[Node, ...],
        params: dict[str, Any],
        location: Location | None = None,
    ) -> Node:
        """Emit an operation, or return the node that stands for it; operations on constants are constants."""
        key = (primitive, params_key(params), *[x.serial for x in nodes])
        node = self.emitted.get(key)
        if node is not None:
            return node
        type_ = primitive.type(*[x.type for x in nodes], **params)
        location = location or user_location()
        if nodes and all(x.is_known for x in nodes) and primitive.family != "host":
            folded = self._folded(Node(primitive, nodes, params, type_, location))
            if folded is not None:
                self.emitted[key] = folded
                return folded
        made = self.add(key, primitive, nodes, params, type_, location)
        made.mark = key[1]
        return made

    def again(self, node: Node, operands: tuple[Node, ...], most: float = math.inf) -> Node:
        """Emit the operation of a node of another graph, on operands of the same types.

        Constants of up to `most` elements are folded.
        """
        mark = marked(node)
        key = (node.primitive, mark, *[x.serial for x in operands])
        found = self.emitted.get(key)
        if found is not None:
            return found
        for x in operands:
            if not x.is_known:
                break
        else:
            if most == math.inf or node.type.size <= most:
                return self.bind(node.primitive, operands, node.params, node.location)
        place = node.location or user_location()
        found = self.add(key, node.primitive, operands, node.params, node.type, place)
        found.mark = mark
        return found

    def apply(
        self,
        primitive: Primitive,
        nodes: tuple[Node, ...],
        type_: Type,
        location: Location | None = None,
    ) -> Node:
        """Emit an elementwise operation without parameters whose result has the type of its operands."""
        first = nodes[0].serial
        key = (primitive, (), first) if len(nodes) == 1 else (primitive, (), first, nodes[1].serial)
        node = self.emitted.get(key)
        if node is None:
            place = location or user_location(4)
            node = self.emitted[key] = Node(primitive, nodes, {}, type_, place, self.serials)
            node.mark = ()
            self.serials += 1
        return node

    def _folded(self, node: Node) -> Node | None:
        """Return the value of an operation on constants as a constant; a number repeated stays a number."""
        if isinstance(node.type, tuple) or not node.primitive.folds(node.inputs):
            return None
        if node.name == "broadcast" and node.type.size > FOLD_SIZE and node.inputs[0].is_const:
            return None
        with np.errstate(all="ignore"):
            value = interpreter.evaluate(node, [self.values[x] for x in node.inputs])
        return self.const(value, node.dtype, node.primitive.keeps_structure(node.inputs))

    def identity(self, graph: Graph) -> Any:
        """Return what tells this run's program from another, with the lines it was written on."""
        return (
            tuple(self.emitted),
            tuple([node.location for node in self.emitted.values()]),
            tuple([y.serial for y in graph.outputs]),
            tuple([(guard.predicate.serial, guard.outcome) for guard in graph.guards]),
        )

    def hold(self, guard: Guard) -> None:
        """Record a guard of a program that became part of this one."""
        if self.paths is not None:
            self.paths.refuse_guard(guard.predicate, guard.location)
        self.guards.append(guard)

    def guard(self, node: Node, error: Exception | None = None) -> bool:
        """Record that the program holds for this outcome of a boolean scalar, and return it.

        `error` is what the model raises where the scalar is true.
        """
        if self.paths is not None and not node.is_known:
            chosen = self.paths.choose(node, error)
            if chosen is not None:
                return chosen
        outcome = bool(self.values[node])
        if not node.is_known:
            self.guards.append(Guard(node, outcome, user_location()))
        return outcome


def _real(value: np.ndarray) -> np.ndarray:
    """Refuse complex numbers: nodes hold real ones, and complex values are pairs of them."""
    if value.dtype.kind == "c":
        raise UnsupportedError(
            f"this operation is not supported on complex values{at(user_location())}: "
            "write it with .real and .imag"
        )
    return value


def current_trace() -> Trace | None:
    """Return the innermost running trace of this thread, or None."""
    stack = _local.stack
    return stack[-1] if stack else None


def is_tracing() -> bool:
    """Tell whether a function is being traced in this thread."""
    return bool(running) and bool(_local.stack)


@contextmanager
def tracing():
    """Run a block under a new innermost trace."""
    stack = _local.stack
    trace = Trace(level=len(stack) + 1)
    stack.append(trace)
    running.append(None)
    try:
        yield trace
    finally:
        running.pop()
        stack.pop()


@contextmanager
def adopting():
    """Let the innermost trace take what is computed from outer values alone, too.

    The body of a loop that takes no step, and a branch that is not taken, must compute nothing.
    """
    outer, below = _local.floor, [trace for trace in _local.stack[:-1] if not trace.dormant]
    _local.floor = _local.stack[-1]
    for trace in below:
        trace.dormant = True
    try:
        yield
    finally:
        _local.floor = outer
        for trace in below:
            trace.dormant = False


def escaped() -> TraceError:
    """Return the error for a value of a trace that has ended."""
    return TraceError(
        f"a traced value was used after its function returned{at(user_location())}: "
        "return it instead of storing it"
    )


def innermost(operands) -> Trace:
    """Return the trace an operation on these operands belongs to."""
    from diffsci.tracing.array import TracedArray

    chosen = _local.floor
    for operand in operands:
        if isinstance(operand, TracedArray) and (chosen is None or operand.owner.level > chosen.level):
            chosen = operand.owner
    if chosen is None:
        chosen = current_trace()
    if chosen is None or chosen.closed:
        raise escaped()
    return chosen


def apply_graph(graph: Graph, inputs: Sequence[Any], most: float = math.inf) -> list[TracedArray]:
    """Record a whole graph in the innermost trace of its inputs, guards included.

    What does not depend on inputs becomes a constant, if it has up to `most` elements.
    """
    from diffsci.tracing.array import TracedArray

    trace = innermost(inputs)
    moved = {x: trace.node(value) for x, value in zip(graph.inputs, inputs, strict=True)}
    for node in graph.nodes:
        if node not in moved:
            moved[node] = trace.again(node, tuple([moved[x] for x in node.inputs]), most)
    for guard in graph.guards:
        predicate = moved[guard.predicate]
        if not predicate.is_known:
            trace.hold(Guard(predicate, guard.outcome, guard.location))
    results = [TracedArray(trace, moved[y]) for y in graph.outputs]
    for result in results:
        result.scalar = result.shape == ()
    return results


def bind(name: str, *operands: Any, **params: Any):
    """Apply a primitive to operands whose types fit already; several outputs come as a tuple."""
    from diffsci.tracing.array import TracedArray

    if any(isinstance(x, TracedArray) and x.in_parts for x in operands):
        from diffsci.tracing.complex.binding import bind_complex

        return bind_complex(name, operands, params)
    trace = innermost(operands)
    primitive = lookup(name)
    node = trace.bind(primitive, tuple(trace.node(x) for x in operands), params)
    if not isinstance(node.type, tuple):
        return TracedArray(trace, node)
    project = lookup("project")
    picks = [trace.bind(project, (node,), {"index": k}) for k in range(len(node.type))]
    return tuple(TracedArray(trace, pick) for pick in picks)
