"""What to write instead of an operation that has given a value that is not finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.explanation.blame import Origin
from diffsci.explanation.forms import suggest

__all__ = ["advice_for"]

# Forms that help where a value is not finite say one of these; others only save digits.
FINITE = ("overflow", "underflow", "0 / 0", "NaN")

MASK = "numpy.where keeps a point out of derivatives, too"
DOMAIN = f"the operand is outside of the function's domain; {MASK}"
SLOPE = (
    "the slope is infinite there: np.linalg.norm and np.hypot are lengths with a derivative of 0 at 0; "
    f"elsewhere {MASK}: np.where(x > 0, f(x), 0.0)"
)
TOO_LARGE = "the result is beyond the largest number: scale the operands, or compute with logarithms"
BY_ZERO = f"a division by zero; {MASK}: np.where(y != 0, x / y, 0.0)"
LOG = f"a logarithm of 0; {MASK}: np.where(x > 0, np.log(x), 0.0)"
POWERS = frozenset({"pow", "integer_pow"})
LOGARITHMS = frozenset({"log", "log2", "log10", "log1p"})


def advice_for(origin: Origin, derivative: bool, operands: Sequence[Any], result: float) -> str:
    """Return what to write instead, or how to avoid the point.

    Parameters
    ----------
    origin : Origin
    derivative : bool
        Whether the operation is part of the derivative of what is written there.
    operands : sequence of ndarray or scalar
        Its operands at the offending element.
    result : float
    """
    form = _form(origin, derivative)
    if form is not None:
        return f"write instead of {form}"
    name = origin.node.name
    if derivative:
        return SLOPE
    if np.isnan(result):
        zeros = len(operands) == 2 and name == "div" and not np.any(operands[1])
        return BY_ZERO if zeros else DOMAIN
    if name in LOGARITHMS:
        return LOG
    divided = (name == "div" and not np.any(operands[-1])) or (name in POWERS and not np.any(operands[0]))
    return BY_ZERO if divided else TOO_LARGE


def _form(origin: Origin, derivative: bool) -> Any:
    node = origin.node
    places = [node]
    if derivative:
        places = [x for x in origin.graph.nodes if x.location is node.location and x is not node]
    for x in places:
        form = suggest(origin.graph, x)
        if form is not None and any(word in form.why for word in FINITE):
            return form
    return None
