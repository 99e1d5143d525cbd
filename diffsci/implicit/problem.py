"""A traced residual as a problem to solve and to differentiate."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from diffsci.errors import EvaluationError
from diffsci.graph import Builder, Graph, Type
from diffsci.graph.interpreter import first_broken_guard
from diffsci.implicit.newton import Outcome
from diffsci.implicit.programs import Program, program_of
from diffsci.implicit.structures import Structure, check_covers
from diffsci.primitives.implicit import Problem
from diffsci.transforms import batch_graph, simplify, tangent_graph
from diffsci.transforms.calls import once

__all__ = ["Method", "RootProblem"]


@dataclass(frozen=True, slots=True)
class Method:
    """How a problem is solved.

    Attributes
    ----------
    iteration : callable
        `newton`, or a fixed-point iteration.
    structure : Structure
        Of the Jacobian.
    tol : float or None
    maxiter : int
    """

    iteration: Callable[..., Outcome]
    structure: Structure
    tol: float | None
    maxiter: int


class RootProblem(Problem):
    """``residual(x, parameters) = 0`` as a graph, on the branches that it was traced on.

    Parameters
    ----------
    graph : Graph
        (x, parameters) -> residual, x and residual being vectors of equal length.
    method : Method
    guess : ndarray, optional
        A solution at other parameters, tried where the iteration from the user's start fails or leaves
        the branches.
    """

    def __init__(self, graph: Graph, method: Method, guess: np.ndarray | None = None):
        self.graph, self.method, self.guess = graph, method, guess
        self.input_types: tuple[Type, ...] = graph.input_types
        self.output_type = graph.input_types[0]
        self.passing = guess is not None
        self._residual = program_of(graph)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RootProblem) or self.guess is not other.guess:
            return False
        return self.graph is other.graph and self.method == other.method

    def __hash__(self) -> int:
        return hash((self.graph, self.method))

    # ---- solving -----------------------------------------------------------------------------

    def attempt(self, values: Sequence[np.ndarray], guarded: bool = False) -> Outcome:
        """Iterate from the start in `values`; `guarded`: as long as the branches hold."""
        x, parameters = np.array(values[0]), [np.asarray(v) for v in values[1:]]

        def residual(x):
            return self._residual([x, *parameters])[0]

        def step(x):
            return self._step([x, *parameters])

        def holds(x):
            return not guarded or self.holds([x, *parameters])

        method = self.method
        with np.errstate(all="ignore"):
            return method.iteration(step, residual, x, method.tol, method.maxiter, holds)

    def holds(self, values: Sequence[np.ndarray]) -> bool:
        """Tell whether the residual takes the traced branches at a point."""
        return first_broken_guard(self.graph, values) is None

    def solve(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """See `Problem`."""
        if any(np.iscomplexobj(v) for v in values):
            return self._continued(values)
        start, *parameters = values
        found = []
        for x in (start, self.guess):
            if x is not None:
                outcome = self.attempt([x, *parameters])
                if outcome.converged:
                    found.append(outcome.x)
                    if not self.graph.guards or self.holds([outcome.x, *parameters]):
                        return outcome.x
        return found[0] if found else np.full(start.shape, np.nan, start.dtype)

    def _continued(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Return the solution at complex parameters close to real ones: Newton's steps in complex numbers."""
        x = self.solve([np.real(v) for v in values]).astype(complex)
        for _ in range(2):
            x = x + self._step([x, *values[1:]])[1]
        return x

    def fail(self, outcome: Outcome, what: str) -> EvaluationError:
        """Return the error for an iteration that did not converge."""
        return EvaluationError(
            f"{what} did not converge: after {outcome.iterations} iterations the residual has norm "
            f"{outcome.residual:.3g}; {outcome.reason or 'the solution lies between two branches'}. "
            "Try a start closer to the solution, unknowns of comparable size, or a larger maxiter; where the "
            "Jacobian is singular at the solution, there is no derivative"
        )

    def check(self, values: Sequence[np.ndarray], what: str) -> None:
        """Raise where the Jacobian at a solution is not what the user says of it."""
        check_covers(what, self.method.structure, self._linear, values)

    # ---- graphs ------------------------------------------------------------------------------

    @property
    def _linear(self) -> Graph:
        """(x, parameters, v) -> J v."""
        return once(self.graph, "products with the Jacobian", self._make_linear)

    def _make_linear(self) -> Graph:
        flags = [k == 0 for k in range(len(self.graph.inputs))]
        tangent, kept = tangent_graph(Graph(self.graph.inputs, self.graph.outputs), flags)
        if kept:
            return simplify(tangent)
        return Graph(tangent.inputs, [Builder().zeros(self.output_type)])

    @functools.cached_property
    def _step(self) -> Program:
        """(x, parameters) -> the residual and Newton's correction."""
        return program_of(once(self.graph, ("Newton", self.method.structure), self._make_step))

    def _make_step(self) -> Graph:
        b = Builder()
        inputs = [b.input(type_) for type_ in self.input_types]
        plain = once(self.graph, "without guards", lambda: Graph(self.graph.inputs, self.graph.outputs))
        r = b.project(b.call(*inputs, graph=plain), index=0)
        correction = self.method.structure.solve(b, self._linear, inputs, b.neg(r))
        return Graph(inputs, [r, correction])

    def push(self, active: tuple[bool, ...]) -> Graph:
        """See `Problem`."""
        return once(self.graph, ("implicit", self.method, active), lambda: self._pushed(active))

    def _pushed(self, active: tuple[bool, ...]) -> Graph:
        plain = Graph(self.graph.inputs, self.graph.outputs)
        tangent, kept = tangent_graph(plain, (False, *active))
        b = Builder()
        inputs = [b.input(x.type) for x in tangent.inputs]
        if not kept:
            return Graph(inputs, [b.zeros(self.output_type)])
        moved = b.project(b.call(*inputs, graph=simplify(tangent)), index=0)
        point = inputs[: len(self.graph.inputs)]
        return Graph(inputs, [self.method.structure.solve(b, self._linear, point, b.neg(moved))])

    def batched(self, flags: tuple[bool, ...], size: int) -> Problem:
        """See `Problem`."""
        return BatchedProblem(self, flags, size)


@dataclass(frozen=True)
class BatchedProblem(Problem):
    """Many members of a problem, solved one after the other and differentiated at once."""

    problem: Problem
    flags: tuple[bool, ...]
    size: int

    @property
    def graph(self) -> Graph:
        """See `Problem`."""
        return self.problem.graph

    @property
    def passing(self) -> bool:
        """See `Problem`."""
        return self.problem.passing

    @property
    def input_types(self) -> tuple[Type, ...]:
        """See `Problem`."""
        pairs = zip(self.problem.input_types, self.flags, strict=True)
        return tuple(Type((self.size, *t.shape), t.dtype) if flag else t for t, flag in pairs)

    @property
    def output_type(self) -> Type:
        """See `Problem`."""
        out = self.problem.output_type
        return Type((self.size, *out.shape), out.dtype)

    def solve(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """See `Problem`."""
        members = [
            self.problem.solve([v[k] if flag else v for v, flag in zip(values, self.flags, strict=True)])
            for k in range(self.size)
        ]
        return np.stack(members)

    def push(self, active: tuple[bool, ...]) -> Graph:
        """See `Problem`."""
        graph, shared = self.problem.push(active), self.flags[1:]
        tangents = tuple(flag for flag, moves in zip(shared, active, strict=True) if moves)
        flags = (True, *shared, *tangents)
        return once(graph, ("batch", flags, self.size), lambda: batch_graph(graph, flags, self.size))

    def batched(self, flags: tuple[bool, ...], size: int) -> Problem:
        """See `Problem`."""
        return BatchedProblem(self, flags, size)
