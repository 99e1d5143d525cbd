"""What to write instead of an operation that has given a value that is not finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.explanation.blame import Origin
from diffsci.explanation.forms import Form, suggest, written_with

__all__ = ["advice_for"]

# Forms that help where a value is not finite say one of these; others only save digits.
FINITE = ("overflow", "underflow", "0 / 0", "NaN")

MASK = "numpy.where keeps a point out of derivatives, too"
DOMAIN = f"the operand is outside of the function's domain; {MASK}"
SLOPE = (
    "the slope is infinite there: np.linalg.norm and np.hypot are lengths with a derivative of 0 at 0; "
    f"elsewhere {MASK}: np.where(x > 0, f(x), 0.0)"
)
SINGULAR = f"the matrix is singular, and the logarithm of its determinant -inf; {MASK}"
POLE = f"the function has a pole there; {MASK}"
TOO_LARGE = "the result is beyond the largest number: scale the operands, or compute with logarithms"
BY_ZERO = f"a division by zero; {MASK}: np.where(y != 0, x / y, 0.0)"
LOG = f"a logarithm of 0; {MASK}: np.where(x > 0, np.log(x), 0.0)"
POWERS = frozenset({"pow", "integer_pow"})
LOGARITHMS = frozenset({"log", "log2", "log10", "log1p"})
POLES = frozenset({"arctanh", "gammaln", "zeta", "psi", "polygamma", "logit"})  # others overflow


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
    name = origin.node.name
    if name in LOGARITHMS and np.all(operands[0] < 0):
        return DOMAIN
    form = _form(origin, derivative)
    if form is not None:
        return f"write instead of {form}"
    if derivative:
        return SLOPE
    if np.isnan(result):
        zeros = len(operands) == 2 and name == "div" and not np.any(operands[1])
        return BY_ZERO if zeros else DOMAIN
    if name in LOGARITHMS:
        return LOG
    if name in POLES:
        return POLE
    if name == "slogdet":
        return SINGULAR
    divided = (name == "div" and not np.any(operands[-1])) or (name in POWERS and not np.any(operands[0]))
    return BY_ZERO if divided else TOO_LARGE


def _form(origin: Origin, derivative: bool) -> Form | None:
    node, values = origin.node, origin.values

    def helps(form: Form) -> bool:
        if form.why.startswith("0 *"):  # of no use where the factor is not 0, or the logarithm a NaN
            known = {x.name: values[x] for x in form.nodes if x in values}
            logarithm = known.get("log", known.get("log1p", 0.0))
            return bool(np.any(np.isnan(known.get("mul", 0.0)) & np.isinf(logarithm)))
        return any(word in form.why for word in FINITE)

    return suggest(origin.graph, written_with(origin.graph, node) if derivative else [node], helps)
