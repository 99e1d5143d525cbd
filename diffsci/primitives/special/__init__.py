"""The functions of scipy.special, family by family; each file is a table of rows (see `terms`)."""

from diffsci.primitives.special import (
    bessel,
    cardinal,
    elliptic,
    errorfunctions,
    exponentials,
    gammafunctions,
    incomplete,
    integrals,
    logarithms,
    logistic,
    logsums,
    polynomials,
    quadratic,
    small_differences,
    softmax,
)

__all__ = [
    "bessel",
    "cardinal",
    "elliptic",
    "errorfunctions",
    "exponentials",
    "gammafunctions",
    "incomplete",
    "integrals",
    "logarithms",
    "logistic",
    "logsums",
    "polynomials",
    "quadratic",
    "small_differences",
    "softmax",
]
