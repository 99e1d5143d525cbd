"""The methods by name: a tableau, its step, and how its step sizes are controlled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diffsci.choices import meant
from solvers.ode import steps
from solvers.ode.tableaus import DOP853, RK4, RODAS5P, TSIT5, ExplicitTableau, RosenbrockTableau


@dataclass(frozen=True, eq=False)
class Method:
    """One time-stepping method.

    Attributes
    ----------
    tableau : ExplicitTableau or RosenbrockTableau
        Its coefficients.
    step, dense : callable
        ``(tableau, f, t, h, y) -> (y_new, errors)`` and ``-> coefficients`` (see `steps`); implicit ones take
        how to solve their systems as well (see `systems`).
    evaluations : int
        Evaluations of the right-hand side in one attempted step.
    dense_evaluations : int
        Evaluations in a step whose interpolant is formed.
    implicit : bool
        Whether a step forms and factorises a Jacobian.
    max_factor : float
        Largest growth of the step size from one step to the next.
    """

    tableau: ExplicitTableau | RosenbrockTableau
    step: Callable
    dense: Callable
    evaluations: int
    dense_evaluations: int
    implicit: bool
    max_factor: float = 10.0

    @property
    def name(self) -> str:
        """The name by which users choose the method."""
        return self.tableau.name

    @property
    def adaptive(self) -> bool:
        """Whether the method estimates its error."""
        return self.n_errors > 0

    @property
    def n_errors(self) -> int:
        """Number of error estimates of a step."""
        return 1 if self.implicit else len(self.tableau.error)

    @property
    def n_dense(self) -> int:
        """Number of interpolation coefficients."""
        return len(self.tableau.dense)


def _explicit(tableau: ExplicitTableau) -> Method:
    evaluations = max(tableau.stages, tableau.error.shape[1])
    return Method(
        tableau, steps.explicit_step, steps.explicit_dense, evaluations, len(tableau.a), implicit=False
    )


METHODS = {
    method.name: method
    for method in (
        _explicit(RK4),
        _explicit(TSIT5),
        _explicit(DOP853),
        Method(RODAS5P, steps.rosenbrock_step, steps.rosenbrock_dense, 8, 8, implicit=True, max_factor=8.0),
    )
}

# Methods of SciPy that users will ask for by name, and ours for the same kind of problem.
_INSTEAD = {"RK45": "Tsit5", "RK23": "Tsit5", "Radau": "Rodas5P", "BDF": "Rodas5P", "LSODA": "Rodas5P"}


def find_method(name: str) -> Method:
    """Look a method up by name.

    Examples
    --------
    >>> find_method("Tsit5").tableau.order
    5
    >>> find_method("RK45")
    Traceback (most recent call last):
        ...
    ValueError: unknown method 'RK45': use 'Tsit5' here (available: RK4, Tsit5, DOP853, Rodas5P)
    """
    if isinstance(name, str) and name in METHODS:
        return METHODS[name]
    hint = (_INSTEAD.get(name) or meant(name, METHODS)) if isinstance(name, str) else None
    advice = f": use {hint!r} here" if hint else ""
    raise ValueError(f"unknown method {name!r}{advice} (available: {', '.join(METHODS)})")
