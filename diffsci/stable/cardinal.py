"""The cardinal sine in both normalisations.

Both take an array_like (integers become float64, float32 stays), and are right to 4 units in the last place
for every double, near their zeros and for huge arguments, too; so are first derivatives to 1e-13 and second
ones to 1e-12 relative, near zeros of the derivative, too. At infinities value and derivatives are 0, their
limits.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from diffsci.stable.calling import elementwise

__all__ = ["sinc", "sinc_unnormalized"]


def sinc(x: ArrayLike) -> Any:
    """Return sin(pi x) / (pi x), 1 at x = 0 and exactly 0 at other whole numbers.

    Traced `np.sinc` is the same.

    Examples
    --------
    >>> float(sinc(1.0)), float(sinc(1e300))
    (0.0, 0.0)
    """
    return elementwise("sinc", x)


def sinc_unnormalized(x: ArrayLike) -> Any:
    """Return sin(x) / x, 1 at x = 0.

    Examples
    --------
    >>> float(sinc_unnormalized(0.0))
    1.0
    """
    return elementwise("sinc_unnormalized", x)
