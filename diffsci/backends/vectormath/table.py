"""The elementary functions that have a formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diffsci.backends.vectormath import exponentials
from diffsci.backends.vectormath.algebra import Value

__all__ = ["FORMULAS", "Formula"]


@dataclass(frozen=True)
class Formula:
    """How a function is computed.

    Attributes
    ----------
    write : callable
        ``write(*operands) -> Value``, for operands of either format.
    cost : int
        Time on one element, in units of one vectorised addition (see `diffsci.backends.plan.cost`).
    error : float
        The largest error, in units of the last place of the result, in double and single precision.
    arity : int
    """

    write: Callable[..., Value]
    cost: int
    error: float
    arity: int = 1


FORMULAS: dict[str, Formula] = {
    "exp": Formula(exponentials.exp, 10, 1.0),
}
