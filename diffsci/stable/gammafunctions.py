"""The logarithms of the gamma and beta functions, and the digamma function.

Every function takes array_like arguments that broadcast (integers become float64, float32 stays), and is
right to 8 units in the last place over the whole range of doubles, near its zeros as well; so are its first
derivatives to 1e-13 and its second ones to 1e-12 relative. Numbers come out for numbers. Traced functions of
`scipy.special` of the same names (`digamma` is also `psi`) are the same.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from diffsci.stable.calling import elementwise

__all__ = ["betaln", "digamma", "gammaln"]


def gammaln(x: ArrayLike) -> Any:
    """Return log|Gamma(x)|; infinite at the poles 0, -1, -2, ... Traced `math.lgamma` is the same.

    The derivative is `digamma`, the second one `scipy.special.polygamma(1, x)`.

    Examples
    --------
    >>> float(gammaln(1 + 1e-10))
    -5.7721571257832434e-11
    >>> float(gammaln(-2.4570247382208006))
    5.619192358950097e-17
    """
    return elementwise("gammaln", x)


def digamma(x: ArrayLike) -> Any:
    """Return the derivative of `gammaln`; NaN at the poles -1, -2, ..., infinite at 0.

    The derivatives are polygamma functions; negative arguments are reflected (DLMF 5.15.6).

    Examples
    --------
    >>> float(digamma(1.0)), float(digamma(1.4616321449683623))
    (-0.5772156649015329, -9.241265521729427e-17)
    """
    return elementwise("psi", x)


def betaln(a: ArrayLike, b: ArrayLike) -> Any:
    """Return log|B(a, b)|, B(a, b) = Gamma(a) Gamma(b) / Gamma(a + b); symmetric.

    The accuracy is for positive arguments of any sizes; with others the value is SciPy's. The derivatives are
    differences of polygamma functions, which do not cancel where one argument is far larger.

    Examples
    --------
    >>> float(betaln(1e300, 2.0))
    -1381.5510557964274
    >>> float(betaln(1.0, 1.0))
    0.0
    """
    return elementwise("betaln", a, b)
