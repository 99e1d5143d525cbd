"""The elementary functions that have a formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diffsci.backends.vectormath import circular, exponentials, inverse_circular, lengths
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
    "sin": Formula(circular.sin, 15, 1.4),
    "cos": Formula(circular.cos, 15, 1.4),
    "tan": Formula(circular.tan, 23, 1.3),
    "arcsin": Formula(inverse_circular.arcsin, 12, 1.6),
    "arccos": Formula(inverse_circular.arccos, 14, 1.1),
    "arctan": Formula(inverse_circular.arctan, 14, 1.8),
    "arctan2": Formula(inverse_circular.arctan2, 18, 1.8, arity=2),
    "hypot": Formula(lengths.hypot, 9, 0.9, arity=2),
}
