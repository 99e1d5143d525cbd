"""Functions that are small where the terms of their definition are not, and x log y.

Every function takes array_like arguments that broadcast (integers become float64, float32 stays), and is
right to 4 units in the last place over the whole range of doubles; so are its first derivatives to 1e-13 and
its second ones to 1e-12 relative. Outside of its domain it is NaN. Numbers come out for numbers.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from diffsci.stable.calling import elementwise

__all__ = ["cosm1", "expm1", "log1p", "log1pmx", "sqrt1pm1", "xlog1py", "xlogy"]


def expm1(x: ArrayLike) -> Any:
    """Return exp(x) - 1, with every digit for small x. Traced `np.expm1` is the same.

    Examples
    --------
    >>> float(expm1(1e-20))
    1e-20
    """
    return elementwise("expm1", x)


def log1p(x: ArrayLike) -> Any:
    """Return log(1 + x) for x >= -1, with every digit for small x. Traced `np.log1p` is the same.

    Examples
    --------
    >>> float(log1p(1e-20))
    1e-20
    """
    return elementwise("log1p", x)


def log1pmx(x: ArrayLike) -> Any:
    """Return log(1 + x) - x for x >= -1, which is -x**2 / 2 + ... for small x.

    The derivative is -x / (1 + x), the second one -1 / (1 + x)**2.

    Examples
    --------
    >>> float(log1pmx(2.0**-40)) == -(2.0**-81) * (1 - 2.0**-40 / 1.5)
    True
    """
    return elementwise("log1pmx", x)


def cosm1(x: ArrayLike) -> Any:
    """Return cos(x) - 1 as -2 sin(x/2)**2: no cancellation near multiples of 2 pi.

    Traced `scipy.special.cosm1` is the same.

    Examples
    --------
    >>> float(cosm1(2.0**-40)) == -(2.0**-81)
    True
    """
    return elementwise("cosm1", x)


def sqrt1pm1(x: ArrayLike) -> Any:
    """Return sqrt(1 + x) - 1 for x >= -1 as x / (1 + sqrt(1 + x)).

    Examples
    --------
    >>> float(sqrt1pm1(2.0**-60)) == 2.0**-61
    True
    """
    return elementwise("sqrt1pm1", x)


def xlogy(x: ArrayLike, y: ArrayLike) -> Any:
    """Return x log(y), 0 where x is 0 and y is not NaN. Traced `scipy.special.xlogy` is the same.

    The derivatives are log(y) and x / y; the latter is 0 where both are 0, as is every derivative of it.

    Examples
    --------
    >>> float(xlogy(0.0, 0.0))
    0.0
    """
    return elementwise("xlogy", x, y)


def xlog1py(x: ArrayLike, y: ArrayLike) -> Any:
    """Return x log(1 + y), 0 where x is 0 and y is not NaN. Traced `scipy.special.xlog1py` is the same.

    The derivatives are log(1 + y) and x / (1 + y); the latter is 0 where x is 0 and y is -1.

    Examples
    --------
    >>> float(xlog1py(2.0, 1e-20))
    2e-20
    """
    return elementwise("xlog1py", x, y)
