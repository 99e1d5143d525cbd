"""`root` and `fixed_point`: solutions of nonlinear equations."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci import watching
from diffsci.choices import check_choice
from diffsci.complex_leaves import through_parts
from diffsci.errors import EvaluationError
from diffsci.graph import Graph
from diffsci.implicit.iteration import MEMORY, iterate
from diffsci.implicit.newton import Outcome, newton
from diffsci.implicit.problem import Method, RootProblem
from diffsci.implicit.structures import structure_of
from diffsci.implicit.vectors import Unknowns, packed
from diffsci.source import at, user_location
from diffsci.subprograms import Subprogram, enter, guard_at
from diffsci.tracing import is_tracing
from diffsci.tracing.copies import private_copy
from diffsci.tracing.function import concrete
from diffsci.tracing.trace import bind
from diffsci.trees import flatten

__all__ = ["fixed_point", "root"]

MOST_BRANCHES = 50  # changes of branches on the way to a solution

ITERATIONS = {
    "anderson": functools.partial(iterate, memory=MEMORY),
    "plain": functools.partial(iterate, memory=0),
    "newton": newton,
}


@through_parts
def root(
    residual: Callable,
    x0: Any,
    *args: Any,
    method: str = "newton",
    tol: float | None = None,
    maxiter: int = 100,
    structure: str | None = None,
    bands: tuple[int, int] | None = None,
    pattern: Any = None,
    solver: str = "gmres",
) -> Any:
    """Solve ``residual(x, *args) = 0`` for x; differentiable with respect to `args` and closures.

    Parameters
    ----------
    residual : callable
        Plain NumPy; returns as many numbers as there are unknowns, in any arrangement.
    x0 : array_like
        The start, in any container. The solution is arranged alike. It does not depend on the start as
        far as derivatives are concerned.
    *args
        Parameters, in any container. Values that `residual` reads from closures are parameters, too.
    method : {"newton"}
        Newton's method with our own Jacobian; far from the solution the steps are shortened.
    tol : float, optional
        Size of the last Newton correction, relative to the solution. By default the iteration goes down
        to rounding. One more correction follows in any case.
    maxiter : int
    structure : {"dense", "banded", "sparse", "matrix-free"}, optional
        Of the Jacobian. "banded" takes `bands`, "sparse" may take `pattern`; "matrix-free" uses products
        with the Jacobian only.
    bands : (int, int), optional
        Diagonals below and above the main one.
    pattern : sparse matrix or array_like, optional
        Nonzero where the Jacobian may be; by default what the traced residual says.
    solver : {"gmres", "bicgstab", "cg"}
        Iterative method for "matrix-free".

    Returns
    -------
    object
        The solution.

    Raises
    ------
    EvaluationError
        If the iteration does not converge. Compiled programs return NaN instead.

    Notes
    -----
    Derivatives follow from the implicit function theorem at the solution, in both modes and to any order;
    the iterations are not differentiated.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> cube_root = lambda a: ds.root(lambda x: x**3 - a, 1.0)
    >>> round(float(cube_root(8.0)), 12), round(float(ds.grad(cube_root)(8.0)), 12)
    (2.0, 0.083333333333)
    """
    if method != "newton":
        raise ValueError(f"root: method={method!r}, expected 'newton'")
    how = structure_of("root", structure, bands, pattern, solver)
    unknowns = Unknowns(x0, "root", "x0")

    def flat(x: Any, args: tuple) -> Any:
        return _residual(residual, unknowns, x, args)

    return _solved("root", flat, unknowns, args, Method(newton, how, tol, maxiter))


@through_parts
def fixed_point(
    g: Callable,
    x0: Any,
    *args: Any,
    method: str = "anderson",
    tol: float | None = None,
    maxiter: int = 1000,
    structure: str | None = None,
    bands: tuple[int, int] | None = None,
    pattern: Any = None,
    solver: str = "gmres",
) -> Any:
    """Solve ``x = g(x, *args)`` by iteration; differentiable with respect to `args` and closures.

    Parameters
    ----------
    g : callable
        Plain NumPy; returns an arrangement like `x0`.
    x0, *args
        As for `root`.
    method : {"anderson", "plain", "newton"}
        Iteration with Anderson's acceleration, plain iteration, or Newton's method on ``x - g(x)``. The
        iterations are finished by a Newton step.
    tol : float, optional
        Size of the last change by iteration, relative to the solution.
    maxiter : int
    structure, bands, pattern, solver
        Of the Jacobian of ``x - g(x)``, as for `root`.

    Returns
    -------
    object
        The fixed point.

    Raises
    ------
    EvaluationError
        If the iteration does not converge. Compiled programs return NaN instead.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> kepler = lambda e: ds.fixed_point(lambda E: 1.0 + e * np.sin(E), 1.0)
    >>> E = kepler(0.5)
    >>> abs(float(ds.grad(kepler)(0.5) - np.sin(E) / (1 - 0.5 * np.cos(E)))) < 1e-14
    True
    """
    check_choice("fixed_point: method", method, ITERATIONS)
    how = structure_of("fixed_point", structure, bands, pattern, solver)
    unknowns = Unknowns(x0, "fixed_point", "x0")

    def flat(x: Any, args: tuple) -> Any:
        return x - _residual(g, unknowns, x, args)

    return _solved("fixed_point", flat, unknowns, args, Method(ITERATIONS[method], how, tol, maxiter))


def _residual(function: Callable, unknowns: Unknowns, x: Any, args: tuple) -> Any:
    leaves = flatten(private_copy(function)(unknowns.unpacked(x), *args))[0]
    unknowns.check(leaves, getattr(function, "__name__", "the function"), "it")
    return packed(leaves, unknowns.dtype)


def _solved(what: str, flat: Callable, unknowns: Unknowns, args: tuple, method: Method) -> Any:
    if unknowns.size == 0:
        return unknowns.unpacked(unknowns.vector)
    what = f"{what}{at(user_location())}"
    program, problem = _on_its_branches(what, flat, unknowns.vector, args, method)
    if not is_tracing():
        values = [np.asarray(x) for x in program.inputs]
        outcome = problem.attempt(values)
        if not outcome.converged or problem.guess is not None:
            outcome = _from_guess(problem, outcome, values)
        if not outcome.converged:
            raise _failed(problem, outcome, what, values)
        problem.check([outcome.x, *values[1:]], what)
        return unknowns.unpacked(outcome.x)
    solution = bind("root", *program.inputs, problem=problem)
    values = [concrete(x) for x in program.inputs]
    if not np.all(np.isfinite(solution.concrete())) and all(np.all(np.isfinite(v)) for v in values):
        raise _failed(problem, problem.attempt(values), what, values)
    problem.check([solution.concrete(), *values[1:]], what)
    guard_at(problem.graph, [solution, *program.inputs[1:]])
    return unknowns.unpacked(solution)


def _failed(problem: RootProblem, outcome: Outcome, what: str, values: list[np.ndarray]) -> EvaluationError:
    """Return the error of an iteration; whoever watches may find the residual not finite where it ended."""
    if watching.contexts:
        graph = Graph(problem.graph.inputs, problem.graph.outputs)
        watching.examine("equations", graph, [outcome.x, *values[1:]])
    return problem.fail(outcome, what)


def _on_its_branches(
    what: str, flat: Callable, x0: Any, args: tuple, method: Method
) -> tuple[Subprogram, RootProblem]:
    """Trace the residual on the branches that it takes at the solution.

    Where it branches on the unknowns, the iteration goes on along each branch as far as that reaches.
    """
    start: Any = x0
    for _ in range(MOST_BRANCHES):
        traced = enter(flat, (start, args))
        program = Subprogram(traced.traced, traced.graph, [x0, *traced.inputs[1:]])
        problem = RootProblem(program.graph, method)
        if not program.graph.guards:
            return program, problem
        values = [concrete(x) for x in traced.inputs]
        outcome = problem.attempt(values, guarded=True)
        if outcome.converged and problem.holds([outcome.x, *values[1:]]):
            return program, RootProblem(program.graph, method, guess=outcome.x)
        if not (outcome.left or outcome.converged):
            raise _failed(problem, outcome, what, values)
        start = outcome.x
    raise EvaluationError(
        f"{what} finds no solution: the iteration goes back and forth between branches of the residual. "
        "Make the residual continuous, or start closer to the solution"
    )


def _from_guess(problem: RootProblem, outcome: Any, values: Sequence[np.ndarray]) -> Any:
    """Return the iteration that ends on the branches of the problem: from the start, or from the guess."""
    if outcome.converged and problem.holds([outcome.x, *values[1:]]):
        return outcome
    return outcome if problem.guess is None else problem.attempt([problem.guess, *values[1:]])
