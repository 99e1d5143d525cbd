"""`custom_jvp` and `custom_vjp`: functions that bring their own derivative rules.

Where the function is called, the rules are traced, too, at the same arguments, so that they may branch on
values and read from outside. A rule that calls its own function is traced to that depth only; the call inside
it is traced when a higher derivative asks for it.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.errors import TraceError, UnsupportedError
from diffsci.graph import Builder, Graph, Node, Type, interpreter
from diffsci.primitives.custom import Rules
from diffsci.source import at, user_location
from diffsci.subprograms import Subprogram, enter, guard_at
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing import operations as ops
from diffsci.tracing.complex.array import complex_dtype, is_complex
from diffsci.tracing.complex.boundary import joined, leaving
from diffsci.tracing.copies import private_copy
from diffsci.tracing.function import concrete, is_dynamic
from diffsci.tracing.identity import Contents
from diffsci.tracing.trace import bind, current_trace
from diffsci.transforms import inline, simplify, transpose_graph
from diffsci.trees import Tree, flatten, leaf_paths, unflatten

__all__ = ["CustomFunction", "custom_jvp", "custom_vjp"]


def custom_jvp(f: Callable) -> CustomFunction:
    """Give a function its own rule for directional derivatives.

    Parameters
    ----------
    f : callable
        Arguments and results may be nested containers; integers, strings and callables among the
        arguments are static. Values to be differentiated must be arguments, not read from a closure.

    Returns
    -------
    CustomFunction
        Called like `f`. Define the rule with ``@f.defjvp``: ``rule(primals, tangents) -> (out, tangent)``,
        where both arguments are tuples with one entry per argument of `f`; the tangent of what is no float
        is None.

    Notes
    -----
    The rule is a function like any other: reverse mode transposes it, higher derivatives differentiate
    it. It must be linear in the tangents for reverse mode; if it is not, define ``f.defvjp`` as well.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> @ds.custom_jvp
    ... def log1pexp(x):
    ...     return np.log(1.0 + np.exp(x))
    >>> @log1pexp.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (dx,) = primals, tangents
    ...     return log1pexp(x), (1.0 - 1.0 / (1.0 + np.exp(x))) * dx
    >>> float(ds.grad(log1pexp)(1000.0))
    1.0
    >>> float(ds.grad(ds.grad(log1pexp))(0.0))
    0.25
    """
    return CustomFunction(f, "custom_jvp")


def custom_vjp(f: Callable) -> CustomFunction:
    """Give a function its own rule for gradients.

    Parameters
    ----------
    f : callable
        As for `custom_jvp`.

    Returns
    -------
    CustomFunction
        Called like `f`. Define the rule with ``f.defvjp(fwd, bwd)``: ``fwd(*args) -> (out, residuals)``
        and ``bwd(residuals, ct) -> tuple`` with one cotangent per argument, None for zero and for what is
        no float.

    Notes
    -----
    Forward mode transposes ``bwd``, which must be linear in the cotangent for that; if it is not (it clips
    gradients, say), define ``f.defjvp`` as well. Higher derivatives differentiate ``fwd`` and ``bwd``.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> @ds.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, ct: (np.clip(ct, -1.0, 1.0),))
    >>> float(ds.grad(lambda x: 5.0 * clipped(x))(2.0))
    1.0
    """
    return CustomFunction(f, "custom_vjp")


class CustomFunction:
    """A function with derivative rules of its own. See `custom_jvp` and `custom_vjp`."""

    def __init__(self, f: Callable, what: str = "custom_jvp"):
        if not callable(f):
            raise TypeError(f"{what}: expected a callable, got {type(f).__name__}")
        functools.update_wrapper(self, f, updated=())
        self.function, self.what = f, what
        self.jvp_rule: Callable | None = None
        self.vjp_rule: tuple[Callable, Callable] | None = None

    def defjvp(self, rule: Callable) -> Callable:
        """Define the rule of forward mode: ``rule(primals, tangents) -> (out, tangent)``."""
        self.jvp_rule = rule
        return rule

    def defvjp(self, fwd: Callable, bwd: Callable) -> None:
        """Define the rule of reverse mode: ``fwd(*args) -> (out, residuals)``, ``bwd(residuals, ct)``."""
        self.vjp_rule = (fwd, bwd)

    @property
    def label(self) -> str:
        """Name and place of the function, for messages."""
        code = getattr(self.function, "__code__", None)
        place = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
        return f"{self.what} function {getattr(self.function, '__name__', repr(self.function))}{place}"

    def __repr__(self) -> str:
        return f"{self.what}({self.function!r})"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function."""
        if not is_tracing():
            return self.function(*args, **kwargs)
        if self.jvp_rule is None and self.vjp_rule is None:
            raise TraceError(f"{self.label} has no derivative rule{at(user_location())}: define one, {_HOW}")
        args = self._positional(args, kwargs)
        program = enter(self.function, args)
        rules = _TracedRules(self, args, program)
        read = [] if rules.is_deferred else rules.trace_now()
        own = program.graph
        primal = own if not read else Graph([*own.inputs, *_unused(read)], own.outputs, own.guards)
        outputs = bind("custom", *program.inputs, *read, primal=primal, rules=rules)
        guard_at(own, program.inputs)
        return program.results(outputs)

    def _positional(self, args: tuple, kwargs: dict) -> tuple:
        """Return all arguments, defaults too, as a tuple: the rules take them by position."""
        try:
            signature = inspect.signature(self.function)
        except ValueError:  # a built-in function that does not tell
            return args
        bound = signature.bind(*args, **kwargs)
        if bound.kwargs:
            raise TypeError(
                f"{self.label}{at(user_location())}: arguments that can only be given by keyword "
                f"({', '.join(bound.kwargs)}) have no place in its rules: make them positional"
            )
        bound.apply_defaults()
        return bound.args


_HOW = "with @f.defjvp or f.defvjp(fwd, bwd)"


def _unused(values: Sequence[Any]) -> list[Node]:
    """Return inputs for what the function itself does not take."""
    b = Builder()
    return [b.input(Type.of(concrete(value))) for value in values]


# What is derived: its mode, the rule that it is derived from, in what that must be linear, what to define.
DERIVED = {
    "push": ("forward mode", "bwd", "cotangents", "a rule with @f.defjvp"),
    "pull": ("reverse mode", "the jvp rule", "tangents", "a rule with f.defvjp(fwd, bwd)"),
}


class _Running(threading.local):
    """The functions whose rules are being traced in this thread."""

    def __init__(self) -> None:
        self.functions: list[CustomFunction] = []


_running = _Running()


class _TracedRules(Rules):
    """The rules of a function at its arguments.

    Inputs: the dynamic leaves of the arguments, what the function reads from outside, what its rules read.
    """

    def __init__(self, owner: CustomFunction, args: tuple, program: Subprogram):
        leaves, self.tree = flatten(args)
        super().__init__(owner.label, sum(map(is_dynamic, leaves)))
        self.owner = owner
        self.leaves = [_value(leaf) for leaf in leaves]
        self.out_tree: Tree = program.traced.out_tree
        self.input_types = list(program.graph.input_types)
        self.output_types = program.graph.output_types
        self.complex_outputs = program.traced.whole
        self.point = [np.array(concrete(x)) for x in program.inputs]
        self.is_deferred = owner in _running.functions
        self._lock = threading.RLock()
        self._graphs: dict[str, Graph] = {}

    # ---- tracing -----------------------------------------------------------------------------

    def trace_now(self) -> list[Any]:
        """Trace the rules in the running trace and return the values that they read from outside."""
        rules = (("push", self.owner.jvp_rule), ("pull", self.owner.vjp_rule))
        programs = {kind: self._traced(kind) for kind, rule in rules if rule is not None}
        read: list[Any] = []
        places = {}
        for kind, program in programs.items():
            places[kind] = len(self.input_types) + len(read)
            read += program.inputs[self._count(kind) :]
        self.point += [np.array(concrete(x)) for x in read]
        self.input_types += [Type.of(value) for value in self.point[len(self.input_types) :]]
        for kind, program in programs.items():
            self._hold(kind, program)
            self._graphs[kind] = self._arranged(kind, program.graph, places[kind])
        return read

    def _seeds(self, kind: str) -> list[Type]:
        """Types of the tangents or cotangents that a rule takes."""
        types = self.input_types[: self.own] if kind == "push" else self.output_types
        return [type_ for type_ in types if type_.is_float]

    def _count(self, kind: str) -> int:
        """Number of a traced rule's inputs that are arguments, tangents or cotangents."""
        return self.own + len(self._seeds(kind))

    def _traced(self, kind: str) -> Subprogram:
        seeds = [np.ones(type_.shape, type_.dtype)[()] for type_ in self._seeds(kind)]
        function = self._run_push if kind == "push" else self._run_pull
        _running.functions.append(self.owner)
        try:
            return enter(function, (unflatten(self.tree, self.leaves), seeds), keep=False)
        finally:
            _running.functions.pop()

    def _arranged(self, kind: str, graph: Graph, place: int) -> Graph:
        """Order the inputs of a rule's graph as those of the function, then the seeds."""
        b = Builder()
        inputs = [b.input(type_) for type_ in self.input_types]
        inputs[: self.own] = graph.inputs[: self.own]
        read = graph.inputs[self._count(kind) :]
        inputs[place : place + len(read)] = read
        return Graph([*inputs, *graph.inputs[self.own : self._count(kind)]], graph.outputs)

    def _hold(self, kind: str, program: Subprogram) -> None:
        """Hold the running trace to the branches that a rule took."""
        graph = program.graph
        self._refuse_branches_on_seeds(kind, graph)
        unused = [np.ones(type_.shape, type_.dtype) for type_ in self._seeds(kind)]
        guard_at(graph, [*program.inputs[: self.own], *unused, *program.inputs[self._count(kind) :]])

    def _refuse_branches_on_seeds(self, kind: str, graph: Graph) -> None:
        seeds = set(graph.inputs[self.own : self._count(kind)])
        for guard in graph.guards:
            if seeds & Graph(graph.inputs, (), [guard]).feeding_guards():
                raise UnsupportedError(
                    f"the derivative rule of {self.label} branches on a tangent or cotangent"
                    f"{at(guard.location)}: use numpy.where"
                )

    def _traced_later(self, kind: str) -> Graph:
        """Trace a rule that was not needed before; what it reads from outside becomes constant."""
        program = self._traced(kind)
        graph, total = program.graph, self._count(kind)
        if graph.guards:
            self._refuse_branches_on_seeds(kind, graph)
            raise UnsupportedError(
                f"the derivative rule of {self.label} calls the function itself and branches on values"
                f"{at(graph.guards[0].location)}: use numpy.where in it"
            )
        b = Builder()
        inputs = [b.input(x.type) for x in graph.inputs[:total]]
        consts = [b.const(_fixed(capture, self.label)) for capture in program.traced.captures]
        outputs, _ = inline(b, graph, [*inputs, *consts])
        return self._arranged(kind, Graph(inputs, outputs), self.own)

    # ---- the user's rules as functions of leaves ---------------------------------------------

    def _run_push(self, args: Any, seeds: Sequence[Any]) -> list[Any]:
        """Directional derivatives, one per float output."""
        pending = iter(seeds)
        leaves, tree = flatten(args)
        tangents = unflatten(tree, [_like(x, next(pending)) if _is_float(x) else None for x in leaves])
        found = private_copy(self.owner.jvp_rule)(args, tangents)
        if not isinstance(found, tuple) or len(found) != 2:
            raise self._error("the jvp rule", f"must return (out, tangent), got {_shown(found)}")
        types = [
            Type(t.shape[:-1], complex_dtype(t.dtype)) if whole else t
            for t, whole in zip(self.output_types, self.complex_outputs, strict=True)
        ]
        return self._matched(found[1], self.out_tree, types, "the jvp rule", "tangent")

    def _run_pull(self, args: Any, seeds: Sequence[Any]) -> list[Any]:
        """Cotangents, one per own float input."""
        fwd, bwd = self.owner.vjp_rule
        found = private_copy(fwd)(*args)
        if not isinstance(found, tuple) or len(found) != 2:
            raise self._error("fwd", f"must return (out, residuals), got {_shown(found)}")
        pending = iter(seeds)
        cts = [next(pending) if type_.is_float else np.zeros(type_.shape)[()] for type_ in self.output_types]
        cts = joined(cts, self.complex_outputs)
        back = private_copy(bwd)(found[1], unflatten(self.out_tree, cts))
        if not isinstance(back, (tuple, list)) or len(back) != len(args):
            raise self._error("bwd", f"must return a tuple with one cotangent per argument ({len(args)})")
        leaves = flatten(args)[0]
        types = [Type(x.shape, x.dtype) if is_dynamic(x) else None for x in leaves]
        return self._matched(tuple(back), self.tree, types, "bwd", "cotangent")

    def _matched(self, value: Any, tree: Tree, types: Sequence[Type | None], rule: str, what: str) -> list:
        """Return the float leaves of what a rule gave, checked against the types they must have."""
        found: list[Any] = []
        self._collect(value, tree, rule, what, "", found)
        outputs = []
        for leaf, type_, path in zip(found, types, leaf_paths(tree, what), strict=True):
            if type_ is None or type_.dtype.kind not in "fc":
                continue
            if leaf is None:
                outputs.append(np.zeros(type_.shape, type_.dtype))
                continue
            if np.shape(leaf) != type_.shape:
                raise self._error(rule, f"gave {path} of shape {np.shape(leaf)}, expected {type_.shape}")
            outputs.append(ops.convert(leaf, type_.dtype))
        return outputs

    def _collect(self, value: Any, tree: Tree, rule: str, what: str, path: str, found: list) -> None:
        """Walk through a value along a tree; None stands for a whole branch of zeros."""
        if value is None:
            found.extend([None] * tree.leaves)
        elif tree.kind == "leaf" and flatten(value)[1].kind == "leaf":
            found.append(value)
        else:
            own = flatten(value)[1]
            if len(own.children) != len(tree.children) or own.keys != tree.keys:
                raise self._error(rule, f"gave {what}{path} arranged as {_shown(value)}, not like its primal")
            for k, child in enumerate(tree.children):
                name = tree.keys[k] if tree.keys else k
                part = getattr(value, name) if not isinstance(value, (tuple, list, dict)) else _part(value, k)
                self._collect(part, child, rule, what, f"{path}[{name!r}]", found)

    def _error(self, rule: str, what: str) -> TraceError:
        return TraceError(f"{self.label}{at(user_location())}: {rule} {what}")

    # ---- graphs ------------------------------------------------------------------------------

    @property
    def push(self) -> Graph:
        """See `Rules`."""
        return self._graph("push", self.owner.jvp_rule is not None)

    @property
    def pull(self) -> Graph:
        """See `Rules`."""
        return self._graph("pull", self.owner.vjp_rule is not None)

    @property
    def linear(self) -> bool:
        """See `Rules`."""
        return self.owner.jvp_rule is None or self._is_linear(self.push)

    def prepare(self) -> None:
        """See `Rules`. While a trace runs, it notes what the rules read from outside."""
        if self.owner.jvp_rule is not None:
            _ = self.push
        if self.owner.vjp_rule is not None:
            _ = self.pull

    def _graph(self, kind: str, is_given: bool) -> Graph:
        with self._lock:
            if kind not in self._graphs:
                self._graphs[kind] = self._traced_later(kind) if is_given else self._transposed(kind)
            return self._graphs[kind]

    def _transposed(self, kind: str) -> Graph:
        """Derive one rule from the other."""
        other = "pull" if kind == "push" else "push"
        graph, start = self._graph(other, True), len(self.point)
        reason = ""
        if self._is_linear(graph):
            try:
                return simplify(transpose_graph(graph, [k >= start for k in range(len(graph.inputs))]))
            except UnsupportedError as error:
                reason = f": {error}"
        mode, rule, seeds, instead = DERIVED[kind]
        raise UnsupportedError(
            f"{mode} through {self.label} cannot be derived, because {rule} is not linear in the {seeds}"
            f"{reason}. Define {instead} as well"
        )

    def _is_linear(self, graph: Graph) -> bool:
        """Tell whether a rule is linear in its last inputs, by its values at the point of the trace.

        Two random directions and a combination of them; places that are not finite say nothing.
        """
        rng = np.random.default_rng(0)
        types = graph.input_types[len(self.point) :]
        u, v = ([rng.standard_normal(t.shape).astype(t.dtype) for t in types] for _ in range(2))
        both = [(2.0 * a - 3.0 * c).astype(a.dtype) for a, c in zip(u, v, strict=True)]
        along_u, along_v, along_both = (interpreter.run(graph, [*self.point, *s]) for s in (u, v, both))
        for a, c, found in zip(along_u, along_v, along_both, strict=True):
            with np.errstate(all="ignore"):
                expected = 2.0 * a - 3.0 * c
                size = 2.0 * np.abs(a) + 3.0 * np.abs(c) + np.abs(found)
                wrong = np.abs(found - expected) > 1e3 * np.finfo(found.dtype).eps * np.max(size, initial=0.0)
            if np.any(wrong):
                return False
        return True


def _part(value: Any, k: int) -> Any:
    return list(value.values())[k] if isinstance(value, dict) else value[k]


def _value(leaf: Any) -> Any:
    """Return a leaf as a plain value: rules that are traced later must not refer to a trace."""
    if not isinstance(leaf, TracedArray):
        return np.array(leaf) if isinstance(leaf, np.ndarray) else leaf
    value = np.array(leaf.concrete())
    if leaf.weak:
        return value.item()
    return value[()] if leaf.scalar and value.dtype.kind in "fc" else value


def _is_float(leaf: Any) -> bool:
    return isinstance(leaf, TracedArray) and leaf.dtype.kind in "fc"


def _like(leaf: Any, seed: Any) -> Any:
    """Return a tangent as the rule sees it: complex beside a complex primal."""
    return leaving(seed) if is_complex(leaf) else seed


def _shown(value: Any) -> str:
    return (
        f"{type(value).__name__} of {len(value)}" if isinstance(value, (tuple, list, dict)) else repr(value)
    )


def _fixed(capture: Any, label: str) -> np.ndarray:
    """Return what a rule reads from outside as a constant; a running trace notes that it must stay."""
    if capture.place is None:
        raise UnsupportedError(
            f"the derivative rule of {label} calls the function itself and reads a traced value from an "
            "enclosing function: pass the value as an argument"
        )
    value, trace = np.array(capture.fetch()), current_trace()
    if trace is not None:
        trace.statics.append((lambda: Contents(np.asarray(capture.fetch())), Contents(value)))
    return value
