"""Where the values of one program lie, and the steps that are not loops."""

from __future__ import annotations

import math
import weakref

import numpy as np

from diffsci.backends import callbacks
from diffsci.backends.plan.banded import Band, BandFactorStep, banded_steps
from diffsci.backends.plan.program import (
    BranchStep,
    Buffer,
    CallbackStep,
    CallStep,
    CholeskyStep,
    DetStep,
    LuSolveStep,
    LuStep,
    Plan,
    Step,
    TriangularStep,
    View,
)
from diffsci.backends.plan.repeat import repeat_step
from diffsci.backends.plan.resolve import Resolver
from diffsci.backends.plan.sparse import sparse_steps
from diffsci.backends.plan.vocabulary import INDEXING, is_callback, owners
from diffsci.graph import Graph, Node
from diffsci.graph.callees import all_guards, callees
from diffsci.source import at

__all__ = ["Layout", "hidden_consts", "is_structure", "plan_key", "stays_inside"]

_STRUCTURE_LIMIT = 4096
_uniform: weakref.WeakKeyDictionary[Node, bool] = weakref.WeakKeyDictionary()


def is_uniform(node: Node) -> bool:
    """Tell whether a constant array has the same bits everywhere."""
    known = _uniform.get(node)
    if known is None:
        value = node.params["value"]
        bits = np.ascontiguousarray(value).reshape(-1).view(np.uint8).reshape(value.size, value.itemsize)
        known = _uniform[node] = value.size == 0 or bool((bits == bits[0]).all())
    return known


def is_data(node: Node) -> bool:
    """Tell whether a constant is passed as an argument (scalars and uniform arrays are literals)."""
    return node.name == "const" and node.params["value"].ndim > 0 and not is_uniform(node)


def is_structure(value: np.ndarray) -> bool:
    """Tell whether a constant array is part of the program's structure: small indices, ones and zeros."""
    if value.size > _STRUCTURE_LIMIT:
        return False
    return value.dtype.kind in "ib" or bool(np.all((value == 0) & ~np.signbit(value) | (value == 1)))


def stays_inside(node: Node) -> bool:
    """Tell whether an operation by an index needs no check when it runs: it has constants in range."""
    index, limit = node.inputs[1], node.inputs[0].shape[node.params["axis"]]
    if index.type.size == 0 or not index.is_const:
        return index.type.size == 0
    value = index.params["value"]
    return bool(value.min() >= 0 and value.max() < limit)


def hidden_consts(graph: Graph) -> list[np.ndarray]:
    """Return the constant arrays that the compiled program takes, in slot order.

    They are its own constants, then for every operation that needs some: the handle of a callback,
    the hidden constants of a called program.
    """
    found = [np.ascontiguousarray(node.params["value"]) for node in graph.nodes if is_data(node)]
    for node in owners(graph):
        found += _consts_of(node)
    return found


def _consts_of(node: Node) -> list[np.ndarray]:
    if is_callback(node):
        return [callbacks.handle(node)]
    return [value for callee in callees(node) for value in hidden_consts(callee)]


def plan_key(graph: Graph) -> str:
    """Return text that determines the compiled program."""
    parts = [graph.text()]
    _structure_of(graph, parts)
    return "\n".join(parts)


def _structure_of(graph: Graph, parts: list[str]) -> None:
    for node in graph.nodes:
        if is_data(node):
            value = node.params["value"]
            parts.append(value.tobytes().hex() if is_structure(value) else "data")
        elif node.name == "const" and node.shape:
            parts.append(repr(node.params["value"].flat[0].item()) if node.type.size else "empty")
        elif node.name in INDEXING:
            parts.append("inside" if stays_inside(node) else "checked")
    for node in owners(graph):
        for callee in callees(node):
            _structure_of(callee, parts)


class Layout:
    """Buffers of one program and its library steps.

    Attributes
    ----------
    plan : Plan
    storage : dict
        Node -> View of everything that lies in memory.
    resolver : Resolver
    bands : dict
        (matrix, its band) -> the step that factors it.
    """

    def __init__(self, graph: Graph, build_callee):
        self.graph = graph
        self.build_callee = build_callee
        self.storage: dict[Node, View] = {}
        self.resolver = Resolver(self.storage)
        self._factors: dict[Node, tuple[Buffer, Buffer, LuStep]] = {}
        self.bands: dict[tuple[Node, Band], BandFactorStep] = {}
        inputs = [self._slot("input", i, node) for i, node in enumerate(graph.inputs)]
        outputs = [
            Buffer(node.dtype, node.type.size, "output", slot=i, label=_label(node))
            for i, node in enumerate(graph.outputs)
        ]
        data = [node for node in graph.nodes if is_data(node)]
        consts = [self._slot("const", i, node) for i, node in enumerate(data)]
        self._hidden: dict[Node, list[Buffer]] = {}
        self._status: dict[Node, int] = {}
        status = len(graph.guards)
        for node in owners(graph):
            values = _consts_of(node)
            places = [Buffer(v.dtype, v.size, "const", slot=len(consts) + i) for i, v in enumerate(values)]
            self._hidden[node] = places
            consts += places
            self._status[node] = status
            status += sum(len(all_guards(callee)) for callee in callees(node))
        self.plan = Plan("", inputs, outputs, consts, [], all_guards(graph))
        self._reserved: dict[Node, View] = {}

    def _slot(self, kind: str, slot: int, node: Node) -> Buffer:
        buffer = Buffer(node.dtype, node.type.size, kind, slot=slot)
        self.storage[node] = View(buffer)
        return buffer

    def work(self, dtype: np.dtype, size: int, label: str = "") -> Buffer:
        """Return a new piece of the workspace."""
        return Buffer(np.dtype(dtype), size, "work", label=label)

    def reserve(self, node: Node, view: View) -> None:
        """Decide where a node will be stored."""
        self._reserved[node] = view

    def is_reserved(self, node: Node) -> bool:
        """Tell whether it is decided where the node will be stored."""
        return node in self._reserved

    def place(self, node: Node) -> View:
        """Enter a node into the storage, at its reserved place or in a new work buffer."""
        view = self._reserved.get(node)
        if view is None:
            view = View(self.work(node.dtype, node.type.size, _label(node)))
        self.storage[node] = view
        return view

    def library_steps(self, node: Node) -> list[Step]:
        """Return the steps of a library operation; all operands lie in memory."""
        if is_callback(node):
            return [self._callback(node)]
        if node.name == "call":
            return [self.call(node, node.params["graph"], node.inputs, self.parts(node))]
        if node.name == "repeat":
            return [repeat_step(self, node)]
        if node.name == "cond":
            return [self._branch(node)]
        if node.name in ("sparse_factor", "sparse_backsolve"):
            return sparse_steps(self, node)
        if node.name == "solve_banded":
            return banded_steps(self, node)
        if node.name in ("solve_triangular", "cholesky"):
            return [self._triangular(node)] if node.type.size else self._nothing(node)
        factors, first = self._factor(node.inputs[0])
        lu, pivots, step = factors
        if node.name == "det":
            return [*first, DetStep(lu, pivots, self.place(node), step.batch, step.n)]
        matrix, rhs = node.inputs
        columns = 1 if len(rhs.shape) == len(matrix.shape) - 1 else rhs.shape[-1]
        scratch = self.work(node.dtype, step.n * columns, "scratch of a solve") if columns > 1 else None
        b, x = self.resolver.view(rhs), self.place(node)
        solve = LuSolveStep(lu, pivots, b, x, step.batch, step.n, columns, node.params["transposed"], scratch)
        return [*first, solve]

    def _nothing(self, node: Node) -> list[Step]:
        self.place(node)
        return []

    def _triangular(self, node: Node) -> Step:
        matrix = node.inputs[0]
        batch, n = math.prod(matrix.shape[:-2]), matrix.shape[-1]
        views = [self.resolver.view(x) for x in node.inputs]
        if node.name == "cholesky":
            return CholeskyStep(*views, self.place(node), batch, n)
        return TriangularStep(*views, self.place(node), batch, n, node.shape[-1], **node.params)

    def _factor(self, matrix: Node):
        known = self._factors.get(matrix)
        if known is not None:
            return known, []
        n = matrix.shape[-1]
        batch = math.prod(matrix.shape[:-2])
        lu = self.work(matrix.dtype, matrix.type.size, f"factors of {matrix.type}{at(matrix.location)}")
        pivots = self.work(np.dtype(np.int64), batch * n, "row exchanges of factors")
        step = LuStep(self.resolver.view(matrix), lu, pivots, batch, n)
        known = self._factors[matrix] = (lu, pivots, step)
        return known, [step]

    def _branch(self, node: Node) -> BranchStep:
        predicate, *operands = node.inputs
        outputs = self.parts(node)
        calls = [self.call(node, graph, operands, outputs) for graph in callees(node)]
        return BranchStep(self.resolver.view(predicate), *calls)

    def call(self, node: Node, graph: Graph, operands, outputs: list[View]) -> CallStep:
        """Return the step that runs one of the sub-graphs of a node."""
        callee = self.build_callee(graph)
        label = f"workspace of a program called{at(node.location)}"
        workspace = self.work(np.dtype(np.uint8), callee.workspace_bytes, label)
        if callee not in self.plan.callees:
            self.plan.callees.append(callee)
        before = callees(node)[: callees(node).index(graph)]
        status = self._status[node] + sum(len(all_guards(other)) for other in before)
        first = sum(len(hidden_consts(other)) for other in before)
        consts = [View(buffer) for buffer in self._hidden[node][first : first + len(callee.consts)]]
        inputs = [self.resolver.view(x) for x in operands]
        return CallStep(callee, inputs, outputs, consts, workspace, status)

    def _callback(self, node: Node) -> CallbackStep:
        outputs = self.parts(node) if isinstance(node.type, tuple) else [self.place(node)]
        (buffer,) = self._hidden[node]
        return CallbackStep(View(buffer), [self.resolver.view(x) for x in node.inputs], outputs)

    def parts(self, node: Node) -> list[View]:
        """Place the results of an operation that has several; nobody may ask for some of them."""
        outputs: list[View | None] = [None] * len(node.type)
        for user in self.graph.nodes:
            if user.name == "project" and user.inputs[0] is node and outputs[user.params["index"]] is None:
                outputs[user.params["index"]] = self.place(user)
        return [
            View(self.work(type_.dtype, type_.size)) if view is None else view
            for view, type_ in zip(outputs, node.type, strict=True)
        ]


def _label(node: Node) -> str:
    return f"{node.name} {node.type}{at(node.location)}"
