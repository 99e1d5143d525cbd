"""The functions of scipy.special, family by family; each file is a table of rows (see `terms`)."""

from diffsci.primitives.special import (
    bessel,
    elliptic,
    errorfunctions,
    gammafunctions,
    incomplete,
    integrals,
    logarithms,
    logsums,
    polynomials,
)

__all__ = [
    "bessel",
    "elliptic",
    "errorfunctions",
    "gammafunctions",
    "incomplete",
    "integrals",
    "logarithms",
    "logsums",
    "polynomials",
]
