"""exp(r x**2) and its derivatives, with every digit where x**2 is large.

The relative error of ``exp(r * x * x)`` is r x**2 times that of the product: 500 ulp at x = 26. Here the
rounding error of the product is found by Dekker's error-free transformation and put back as a factor.
The formulas take an `arithmetic`, so that arrays and the statements of compiled code share them.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from diffsci.primitives.special.doubled import two_product
from diffsci.primitives.special.terms import f, row

__all__ = ["ARRAYS", "gaussian", "horner", "product_error", "split_gaussian"]

LARGEST = 40.0  # beyond, the exponential of half of the square is 0 or infinite
HALVED = 700.0  # exponents beyond are halved: the exponential alone may be subnormal or infinite


def product_error(x, y):
    """Return x * y exactly, less the rounded product."""
    return two_product(x, y)[1]


# The arithmetic of arrays of doubles, for formulas that serve other kinds of values, too.
ARRAYS = SimpleNamespace(
    exp=np.exp,
    log=np.log,
    log1p=np.log1p,
    abs=np.abs,
    where=np.where,
    lt=np.less,
    gt=np.greater,
    logical_and=np.logical_and,
    maximum=np.maximum,
    minimum=np.minimum,
    product_error=product_error,
)


def horner(coefficients: Any, x: Any) -> Any:
    """Return the value of a polynomial, lowest coefficient first."""
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def split_gaussian(m: Any, x: Any, rate: float) -> tuple[Any, Any, Any]:
    """Return two factors of exp(rate x**2), and what is left: high * low * (1 + error).

    Neither factor underflows or overflows before their product does.

    Parameters
    ----------
    m : the arithmetic, like `ARRAYS`
    x : what it computes with
    rate : float
        A power of two, or its negative.
    """
    x = m.minimum(m.maximum(x, -LARGEST), LARGEST)
    exponent, error = rate * (x * x), rate * m.product_error(x, x)
    far = m.gt(m.abs(exponent), HALVED)
    high = m.exp(m.where(far, 0.5 * exponent, exponent))
    low = m.where(far, high, 1.0)
    return high, low, error


def gaussian(m: Any, x: Any, rate: float, order: int) -> Any:
    """Return the derivative of that order of exp(rate x**2): a polynomial like Hermite's times the function.

    The polynomials follow p[n+1] = 2 rate (x p[n] + n p[n-1]), as in DLMF 18.9.1.
    """
    high, low, error = split_gaussian(m, x, rate)
    x = m.minimum(m.maximum(x, -LARGEST), LARGEST)
    previous, current = 0.0, 1.0
    for n in range(order):
        previous, current = current, 2 * rate * (x * current + n * previous)
    return (current * low * (1.0 + error)) * high


def _value(x, *, rate: float, order: int):
    with np.errstate(all="ignore"):
        return gaussian(ARRAYS, np.asarray(x, float), rate, order)


def _continued(x, *, rate: float, order: int):
    previous, current = 0.0, np.exp(rate * x * x)
    for n in range(order):
        previous, current = current, 2 * rate * (x * current + n * previous)
    return current


row("product_error", product_error, None, None)
row(
    "gaussian",
    _value,
    lambda x, y, rate, order: f.gaussian(x, rate=rate, order=order + 1),
    continued=_continued,
    params=("rate", "order"),
)
