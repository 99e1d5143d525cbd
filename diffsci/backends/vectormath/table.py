"""The elementary functions that have a formula.

The formulas are imported when they are written: planning needs their costs only.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from diffsci.backends.vectormath.algebra import Value

__all__ = ["FORMULAS", "PAIRS", "Formula", "formula_writer"]


class Formula(NamedTuple):
    """How a function is computed.

    Attributes
    ----------
    place : str
        The module of this package and the function in it that writes the formula.
    cost : int
        Time on one element, in units of one vectorised addition (see `diffsci.backends.plan.cost`).
    error : float
        The largest error, in units of the last place of the result, in double and single precision.
    arity : int
    """

    place: str
    cost: int
    error: float
    arity: int = 1

    def write(self, *operands: Value) -> Value:
        """Write the formula on operands of either format."""
        return formula_writer(self.place)(*operands)


def formula_writer(place: str) -> Callable:
    """Return the function of this package at ``module.name``."""
    module, name = place.split(".")
    return getattr(import_module(f"{__package__}.{module}"), name)


FORMULAS: dict[str, Formula] = {
    "exp": Formula("exponentials.exp", 10, 0.9),
    "exp2": Formula("exponentials.exp2", 10, 0.9),
    "expm1": Formula("exponentials.expm1", 20, 1.1),
    "log": Formula("logarithms.log", 12, 0.9),
    "log1p": Formula("logarithms.log1p", 25, 1.0),
    "log2": Formula("logarithms.log2", 20, 0.8),
    "log10": Formula("logarithms.log10", 23, 0.8),
    "pow": Formula("powers.power", 50, 1.1, arity=2),
    "cbrt": Formula("powers.cbrt", 28, 0.51),
    "sinh": Formula("hyperbolic.sinh", 17, 1.3),
    "cosh": Formula("hyperbolic.cosh", 20, 1.7),
    "tanh": Formula("hyperbolic.tanh", 30, 1.5),
    "arcsinh": Formula("hyperbolic.arcsinh", 35, 1.1),
    "arccosh": Formula("hyperbolic.arccosh", 35, 0.8),
    "arctanh": Formula("hyperbolic.arctanh", 22, 1.9),
    "sin": Formula("circular.sin", 15, 1.4),
    "cos": Formula("circular.cos", 15, 1.4),
    "tan": Formula("circular.tan", 23, 1.3),
    "arcsin": Formula("inverse_circular.arcsin", 12, 1.6),
    "arccos": Formula("inverse_circular.arccos", 14, 1.1),
    "arctan": Formula("inverse_circular.arctan", 14, 1.8),
    "arctan2": Formula("inverse_circular.arctan2", 18, 1.8, arity=2),
    "hypot": Formula("lengths.hypot", 9, 0.9, arity=2),
    "sigmoid": Formula("logistic.sigmoid", 20, 0.8),
    "softplus": Formula("logistic.softplus", 28, 1.2),
    "erf": Formula("error.erf", 33, 1.1),
    "erfc": Formula("error.erfc", 45, 1.5),
    "gamma": Formula("gamma.gamma", 115, 2.2),
    "rough_gammaln": Formula("gamma.log_gamma", 90, 1.6),  # of positive arguments
    "rough_psi": Formula("gamma.digamma", 70, 1.5),  # of positive arguments
}

# Two functions of one argument that cost little more than one: both of them, and where the formula is.
PAIRS: dict[tuple[str, str], str] = {
    ("sin", "cos"): "circular.sin_cos",
    ("sinh", "cosh"): "hyperbolic.sinh_cosh",
}
