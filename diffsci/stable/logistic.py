"""The logistic function and its relatives."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from diffsci.stable.calling import elementwise

__all__ = ["sigmoid", "softplus"]


def sigmoid(x: ArrayLike) -> Any:
    """Return 1 / (1 + exp(-x)); derivative s(x) s(-x), right where 1 - s(x) has no digits left.

    Examples
    --------
    >>> float(sigmoid(0.0))
    0.5
    """
    return elementwise("sigmoid", x)


def softplus(x: ArrayLike) -> Any:
    """Return log(1 + exp(x)) without overflow.

    Examples
    --------
    >>> float(softplus(1000.0))
    1000.0
    """
    return elementwise("softplus", x)
