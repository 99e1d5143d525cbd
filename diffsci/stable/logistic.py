"""The logistic function and its relatives."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from diffsci.stable.calling import elementwise

__all__ = ["log1mexp", "log_sigmoid", "logcosh", "logit", "sigmoid", "softplus"]


def sigmoid(x: ArrayLike) -> Any:
    """Return 1 / (1 + exp(-x)), elementwise.

    The derivative is s(x) s(-x), right where 1 - s(x) has no digits left; the second one is right around its
    zero at 0.

    Parameters
    ----------
    x : array_like
        Real numbers.

    Returns
    -------
    ndarray or number
        float32 for float32, else float64. Right to 4 ulp.

    Examples
    --------
    >>> float(sigmoid(0.0))
    0.5
    >>> import diffsci as ds
    >>> float(ds.grad(sigmoid)(40.0))
    4.248354255291589e-18
    """
    return elementwise("sigmoid", x)


def log_sigmoid(x: ArrayLike) -> Any:
    """Return log(sigmoid(x)) = -softplus(-x), elementwise.

    Parameters
    ----------
    x : array_like
        Real numbers.

    Returns
    -------
    ndarray or number
        float32 for float32, else float64. Right to 4 ulp.

    Examples
    --------
    >>> float(log_sigmoid(-1000.0))
    -1000.0
    """
    return elementwise("log_expit", x)


def logit(p: ArrayLike) -> Any:
    """Return log(p / (1 - p)), elementwise; around its zero at 1/2 it keeps the digits of 2 p - 1.

    Parameters
    ----------
    p : array_like
        Numbers between 0 and 1; NaN outside.

    Returns
    -------
    ndarray or number
        float32 for float32, else float64. Right to 4 ulp.

    Examples
    --------
    >>> float(logit(0.5 + 2.0**-40))
    3.637978807091713e-12
    """
    return elementwise("logit", p)


def softplus(x: ArrayLike) -> Any:
    """Return log(1 + exp(x)) without overflow, elementwise.

    Parameters
    ----------
    x : array_like
        Real numbers.

    Returns
    -------
    ndarray or number
        float32 for float32, else float64. Right to 4 ulp.

    Examples
    --------
    >>> float(softplus(1000.0))
    1000.0
    """
    return elementwise("softplus", x)


def logcosh(x: ArrayLike) -> Any:
    """Return log(cosh(x)) without overflow, elementwise: x**2 / 2 near 0, abs(x) - log(2) far away.

    Parameters
    ----------
    x : array_like
        Real numbers.

    Returns
    -------
    ndarray or number
        float32 for float32, else float64. Right to 4 ulp.

    Examples
    --------
    >>> float(logcosh(1e-10))
    5e-21
    """
    return elementwise("logcosh", x)


def log1mexp(x: ArrayLike) -> Any:
    """Return log(1 - exp(x)) for x < 0, elementwise; -inf at 0 and NaN for x > 0.

    The form changes at -log(2), see M. Mächler, Accurately Computing log(1 - exp(-abs(a))), 2012.

    Parameters
    ----------
    x : array_like
        Negative numbers.

    Returns
    -------
    ndarray or number
        float32 for float32, else float64. Right to 4 ulp.

    Examples
    --------
    >>> float(log1mexp(-1e-300))
    -690.7755278982137
    >>> float(log1mexp(-100.0))
    -3.720075976020836e-44
    """
    return elementwise("log1mexp", x)
