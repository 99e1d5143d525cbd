"""What a loop raises when the model raises in one of its steps."""

from __future__ import annotations

import copy

from diffsci.control.body import Body
from diffsci.errors import EvaluationError

__all__ = ["raise_error"]


def raise_error(body: Body, name: str, position: int) -> None:
    """Raise what the model raised when the path was traced.

    Parameters
    ----------
    name : {"graph", "predicate"}
        Which of the step's programs met it.
    position : int
        Of the guard that does not hold.
    """
    errors = body.errors if name == "graph" else body.predicate_errors
    if position >= len(errors):
        raise EvaluationError("a condition on the values that a loop reads does not hold in one of its steps")
    try:
        error = copy.copy(errors[position])
    except TypeError:  # its class wants other arguments than it keeps
        error = errors[position]
    raise error.with_traceback(None)
