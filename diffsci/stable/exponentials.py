"""Quotients of exp(x) - 1 and x.

Every function takes an array_like (integers become float64, float32 stays), and is right to 4 units in the
last place over the whole range of doubles, infinities included; so are its first derivatives to 1e-13 and its
second ones to 1e-12 relative. Numbers come out for numbers.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from diffsci.stable.calling import elementwise

__all__ = ["bernoulli", "exprel", "phi2"]


def exprel(x: ArrayLike) -> Any:
    """Return (exp(x) - 1) / x, 1 at x = 0: phi_1 of exponential integrators.

    Traced `scipy.special.exprel` is the same; on plain numbers SciPy's overflows from 709.8 on, this one
    from 716.4.

    Examples
    --------
    >>> float(exprel(0.0)), float(exprel(-1e300))
    (1.0, 1e-300)
    """
    return elementwise("exprel", x)


def phi2(x: ArrayLike) -> Any:
    """Return (exp(x) - 1 - x) / x**2, 1/2 at x = 0.

    phi_2 of exponential integrators (M. Hochbruck and A. Ostermann, Acta Numerica 19 (2010), section 2).

    Examples
    --------
    >>> float(phi2(0.0)), float(phi2(-1e10))
    (0.5, 9.999999999e-11)
    """
    return elementwise("phi2", x)


def bernoulli(x: ArrayLike) -> Any:
    """Return x / (exp(x) - 1), 1 at x = 0: it generates Bernoulli's numbers.

    It weighs fluxes of carriers after D. Scharfetter and H. Gummel, IEEE Trans. Electron Devices 16 (1969).

    Examples
    --------
    >>> float(bernoulli(0.0)), float(bernoulli(-1e10))
    (1.0, 10000000000.0)
    """
    return elementwise("bernoulli", x)
