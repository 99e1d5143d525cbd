"""The right-hand side as a program: traced once per path, all it reads from outside being parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import diffsci as ds
from diffsci.low_level import (
    apply_graph,
    call_graph,
    concrete,
    entering,
    first_broken_guard,
    flatten,
    from_outside,
    is_dynamic,
    is_traced,
    join_complex,
    run,
    simplify,
    trace_function,
    unflatten,
)
from solvers.ode.complex_states import model_in_parts, quadrature_in_parts


@dataclass(frozen=True, eq=False)
class Path:
    """One path through the model: its graph, and which of the parameters it takes."""

    graph: Any
    parameters: list[int]

    def value(self, t: np.ndarray, y: np.ndarray, parameters: list[np.ndarray]) -> np.ndarray:
        """Return the right-hand side by this path, whether it holds at that point or not."""
        return run(self.graph, [t, y, *(parameters[k] for k in self.parameters)])[0]

    def left(self, t: np.ndarray, y: np.ndarray, parameters: list[np.ndarray]) -> Any:
        """Return the guard that ends this path at a point, or None where the path holds."""
        broken = first_broken_guard(self.graph, [t, y, *(parameters[k] for k in self.parameters)])
        return None if broken is None else self.graph.guards[broken]

    def moves(self, guard: Any) -> bool:
        """Whether a guard depends on more than the time, so that parameters move the moment it changes."""
        pending, seen = [guard.predicate], set()
        while pending:
            node = pending.pop()
            if node in self.graph.inputs[1:]:
                return True
            if node not in seen:
                seen.add(node)
                pending.extend(node.inputs)
        return False


class Rhs:
    """``rhs(t, y, *parameters)`` for a user's ``fun(t, y, *args)``, with integrals of a quadrature appended.

    The parameters are the arrays and floats among the leaves of `args`, then the values that the functions
    read from closures and globals. The functions are traced at a point; where they branch on values, another
    point may need another path, which is traced when it is met.

    Parameters
    ----------
    fun : callable
        The user's right-hand side.
    quadrature : callable or None
        Integrand of running costs, ``quadrature(t, y, *args)``.
    args : tuple
        Further arguments; leaves that are no data are part of the program.
    t0, y0 : float, numpy.ndarray
        Where the first path is traced.
    whole : bool
        Whether the user's state is complex: `y0` holds its parts, and `args` those of complex parameters.

    Attributes
    ----------
    shape, integral_shape : tuple, tuple or None
        Shapes of the user's state and of the integrals.
    outside : list
        The values from outside that became parameters (traced ones of a surrounding trace as they are).
    """

    def __init__(
        self,
        fun: Callable,
        quadrature: Callable | None,
        args: tuple,
        t0: float,
        y0: np.ndarray,
        whole: bool = False,
    ):
        self._fun, self._quadrature = fun, quadrature
        if whole or join_complex(args) is not args:
            self._fun = model_in_parts(fun, whole)
            self._quadrature = quadrature and quadrature_in_parts(quadrature, whole)
        self.shape, self.dtype = y0.shape, y0.dtype
        self.size = int(np.prod(self.shape, dtype=np.int64))
        self.integral_shape: tuple[int, ...] | None = None
        leaves, self._tree = flatten(args)
        # Parameters themselves are not kept: a traced one must not outlive its trace.
        self._leaves = [
            float if type(leaf) is float else None if is_dynamic(leaf) else leaf for leaf in leaves
        ]
        self._dynamic = [is_dynamic(leaf) for leaf in leaves]
        self._n_leaves = sum(self._dynamic)
        self._fetches: list[Callable[[], Any]] = []
        self._statics: list[tuple[Callable[[], Any], Any]] = []
        self._lock = threading.RLock()
        self._paths = [self._trace(t0, y0, args)]
        self._types = [(np.shape(value), concrete(value).dtype) for value in self.outside]

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Shape of the integrated state: flat where integrals are appended."""
        if self.integral_shape is None:
            return self.shape
        return (self.size + int(np.prod(self.integral_shape, dtype=np.int64)),)

    @property
    def outside(self) -> list[Any]:
        """The values from outside that became parameters, read again; inputs of the running trace, if any."""
        return [entering(from_outside(fetch(), fetch)) for fetch in self._fetches]

    @property
    def text(self) -> str | None:
        """What identifies the program, or None if the model branches: one path does not show it all."""
        graph = self._paths[0].graph
        return None if graph.guards else graph.key()

    @property
    def reads_traced(self) -> bool:
        """Whether a value from outside belongs to a trace, so that this object must not outlive it."""
        return any(is_traced(fetch()) for fetch in self._fetches)

    def is_current(self) -> bool:
        """Tell whether everything that the program took as fixed is still as it was."""
        for fetch, value in self._statics:
            if fetch() != value:
                return False
        values = [fetch() for fetch in self._fetches]
        return [(np.shape(value), concrete(value).dtype) for value in values] == self._types

    def __call__(self, t, y, *parameters):
        """Call the right-hand side inside a trace, on the path of the concrete values."""
        path = self.path_at(concrete(t), concrete(y), [concrete(p) for p in parameters])
        return call_graph(path.graph, [t, y, *(parameters[k] for k in path.parameters)])[0]

    @property
    def branches(self) -> bool:
        """Whether the model has taken more than one path so far."""
        return len(self._paths) > 1

    def path_at(self, t: np.ndarray, y: np.ndarray, parameters: list[np.ndarray]) -> Path:
        """Return the path that the model takes at a point, traced if it is new."""
        with self._lock:
            for path in self._paths:
                inputs = [t, y, *(parameters[k] for k in path.parameters)]
                if first_broken_guard(path.graph, inputs) is None:
                    return path
            state = np.asarray(y).reshape(-1)[: self.size].reshape(self.shape)
            path = self._trace(float(t), state, self._args(parameters))
            self._paths.append(path)
            return path

    def _args(self, parameters: list[np.ndarray]) -> tuple:
        """The user's arguments with these values."""
        values = iter(parameters)
        leaves = []
        for leaf, dynamic in zip(self._leaves, self._dynamic, strict=True):
            value = next(values) if dynamic else leaf
            leaves.append(float(value) if dynamic and leaf is float else value)
        return unflatten(self._tree, leaves)

    def _trace(self, t: float, y: np.ndarray, args: tuple) -> Path:
        parts = [trace_function(self._fun, (float(t), y, *args))]
        if self._quadrature is not None:
            parts.append(trace_function(self._quadrature, (float(t), y, *args)))
        leaves = [leaf for leaf in flatten(args)[0] if is_dynamic(leaf)]
        own, taken = [], []
        for part in parts:
            self._statics += part.statics
            places = [self._place(capture.fetch) for capture in part.captures]
            taken.append([*range(self._n_leaves), *places])
        outside = [entering(concrete(fetch())) for fetch in self._fetches]
        own = sorted({place for places in taken for place in places})
        values = [leaves[k] if k < self._n_leaves else outside[k - self._n_leaves] for k in own]

        def packed(t, state, *parameters):
            at = dict(zip(own, parameters, strict=True))
            y = state if len(parts) == 1 else state[: self.size].reshape(self.shape)
            results = []
            for part, places in zip(parts, taken, strict=True):
                outputs = apply_graph(part.graph, [t, y, *(at[k] for k in places)])
                results.append(self._assemble(part.results(outputs)))
            return self._joined(results)

        state = y if len(parts) == 1 else np.concatenate([y.reshape(-1), self._example_integrals(parts[1])])
        graph = trace_function(packed, (float(t), state, *values)).graph
        return Path(simplify(graph), own)

    def _place(self, fetch: Callable[[], Any]) -> int:
        """Position of an outside value among the parameters."""
        value = fetch()
        for k, known in enumerate(self._fetches):
            if known() is value:
                return self._n_leaves + k
        if hasattr(self, "_types"):
            raise ds.UnsupportedError(
                "the right-hand side took a branch that reads a value from outside which no branch before it "
                "had read: pass it through args, or read it before the branch"
            )
        self._fetches.append(fetch)
        return self._n_leaves + len(self._fetches) - 1

    def _example_integrals(self, part) -> np.ndarray:
        size = sum(y.type.size for y in part.graph.outputs)
        return np.zeros(size, self.dtype)

    def _assemble(self, result: Any) -> Any:
        """One array of what a model returned: an array, a number, or nested sequences of them."""
        if isinstance(result, (list, tuple)):
            if not result:
                raise ValueError("the right-hand side returned an empty sequence")
            return np.stack([self._assemble(item) for item in result])
        return result

    def _joined(self, results: list) -> Any:
        value = results[0]
        size = int(np.prod(np.shape(value), dtype=np.int64))
        if size != self.size:
            raise ValueError(
                f"the right-hand side returned shape {np.shape(value)} for a state of shape {self.shape}: it "
                "must return one derivative for every component of y"
            )
        value = self._real(value, "the right-hand side")
        if len(results) == 1:
            return np.reshape(value, self.shape)
        integrand = self._real(results[1], "the quadrature")
        self.integral_shape = np.shape(integrand)
        return np.concatenate([np.reshape(value, (self.size,)), np.reshape(integrand, (-1,))])

    def _real(self, value: Any, what: str) -> Any:
        if value.dtype.kind not in "fiub":
            raise ds.UnsupportedError(
                f"{what} returned {value.dtype}: for a complex state y0 must be complex; otherwise it is real"
            )
        return value if value.dtype == self.dtype else value.astype(self.dtype)


def real_flags_of(parameters: Sequence[Any]) -> list[bool]:
    """Tell which parameters are real numbers."""
    return [concrete(p).dtype.kind == "f" for p in parameters]
