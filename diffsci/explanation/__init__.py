"""Explanations: where a value that is not finite, or a loss of digits, begins."""

from diffsci.explanation.debug import debug_nans
from diffsci.explanation.explain import Explanation, explain
from diffsci.explanation.faults import Fault, Operand
from diffsci.explanation.losses import Bars, Loss, Step

__all__ = ["Bars", "Explanation", "Fault", "Loss", "Operand", "Step", "debug_nans", "explain"]
