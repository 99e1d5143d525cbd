"""Explanations: where a value that is not finite, or a loss of digits, begins."""

from diffsci.explanation.debug import debug_nans
from diffsci.explanation.explain import Explanation, explain
from diffsci.explanation.faults import Fault, Operand

__all__ = ["Explanation", "Fault", "Operand", "debug_nans", "explain"]
