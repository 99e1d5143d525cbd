"""Values and roots of polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from diffsci.primitives import polynomial
from diffsci.primitives.special.quadratic import quadratic_root
from diffsci.stable.calling import plain_or_traced
from diffsci.tracing import operations as ops
from diffsci.tracing.trace import bind

__all__ = ["polyval", "quadratic_roots"]

LOWER_AND_UPPER = [{"upper": upper, "count": 0, "power": 0} for upper in (False, True)]


def polyval(p: ArrayLike, x: ArrayLike) -> Any:
    """Return the value of a polynomial at x, as if computed in twice the precision and rounded.

    Real values are right to 4 units in the last place, next to multiple roots and where powers of x overflow,
    too; so are derivatives in x, which are polynomials of the same kind, to 1e-13. Traced `numpy.polyval` is
    the same. At infinite x it is the limit.

    Horner's rule with its errors carried along (S. Graillat, Ph. Langlois and N. Louvet, "Algorithms for
    accurate, validated and fast polynomial evaluation", Japan J. Indust. Appl. Math. 26 (2009)); elements for
    which a running bound says that this is not enough are computed in fractions.

    Parameters
    ----------
    p : array_like, shape (n,)
        Coefficients, that of the highest power first.
    x : array_like
        Points, of any shape. Integers become float64, float32 stays, complex numbers follow Horner's rule.

    Examples
    --------
    >>> cube = [1.0, -3.0, 3.0, -1.0]  # (x - 1)**3
    >>> float(polyval(cube, 1.0 + 2.0**-20)) == 2.0**-60, float(np.polyval(cube, 1.0 + 2.0**-20)) == 2.0**-60
    (True, False)
    """
    return plain_or_traced(_polyval, np.polyval, p, x)


def _polyval(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    return polynomial.polyval(p.reshape(-1), x)


def quadratic_roots(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Any:
    """Return the real roots of ``a x**2 + b x + c``, the lower one first.

    Nothing cancels, overflows or underflows on the way: the roots are right to 4 units in the last place for
    all coefficients, their first derivatives to 1e-13 and their second ones to 1e-12 relative, also near a
    double root. There the derivatives grow like 1 / sqrt(D) with the discriminant D, which is exact to
    rounding (W. Kahan, "On the cost of floating-point computation without extra-precise arithmetic", 2004).

    Parameters
    ----------
    a, b, c : array_like
        Real coefficients, which broadcast; integers become float64, float32 stays.

    Returns
    -------
    ndarray, shape (..., 2)
        NaN where the roots are complex, and where a and b are 0. Where only a is 0, one root is infinite: the
        lower one if a and b have the same sign (that of the zero counts), the upper one if not. A double root
        stands twice; its derivatives are infinite, or NaN where not even one-sided limits exist.

    Raises
    ------
    UnsupportedError, TypeError
        For complex coefficients: use `numpy.roots`.

    Examples
    --------
    >>> quadratic_roots(1.0, -1e9, 1.0)
    array([1.e-09, 1.e+09])
    >>> import diffsci as ds
    >>> ds.jacobian(quadratic_roots, argnums=2)(1.0, -3.0, 2.0)
    array([ 1., -1.])
    """
    return plain_or_traced(_plain, _traced, a, b, c)


def _plain(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    if a.dtype.kind == "c":
        raise TypeError("quadratic_roots takes real coefficients: use numpy.roots for complex ones")
    operands = np.broadcast_arrays(a, b, c)
    return np.stack([quadratic_root(*operands, **which) for which in LOWER_AND_UPPER], -1).astype(a.dtype)


def _traced(*coefficients: Any) -> Any:
    dtype = ops.float_dtype(*coefficients)
    if dtype.kind == "c":
        raise ops.unsupported("quadratic_roots of complex coefficients", "use numpy.roots")
    shape = np.broadcast_shapes(*map(ops.shape_of, coefficients))
    operands = [ops.broadcast_to(ops.convert(x, dtype), shape) for x in coefficients]
    return ops.stack([bind("quadratic_root", *operands, **which) for which in LOWER_AND_UPPER], -1)
