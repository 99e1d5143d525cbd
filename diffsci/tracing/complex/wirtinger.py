"""Derivatives of complex functions from the real derivatives of their parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.boundary import leaving

__all__ = ["complex_block"]

CLOSE = 1e4  # units of rounding by which the Cauchy-Riemann equations may fail


def complex_block(block: Any, axis: int, from_whole: bool, by_whole: bool) -> Any:
    """Return a block of a Jacobian as complex numbers.

    Parameters
    ----------
    block : array
        Derivatives of the parts: the parts of a complex result stand on axis `axis` - 1, those of a
        complex argument on the last axis.
    axis : int
        Where the axes of the argument begin.
    from_whole, by_whole : bool
        Whether result and argument are complex.
    """
    if not from_whole:
        return leaving(block) if by_whole else block
    before = (slice(None),) * (axis - 1)
    u, v = block[(*before, 0)], block[(*before, 1)]
    if not by_whole:
        return leaving(np.stack([u, v], -1))
    ux, uy, vx, vy = u[..., 0], u[..., 1], v[..., 0], v[..., 1]
    _check_analytic(*(x.concrete() if isinstance(x, TracedArray) else x for x in (ux, uy, vx, vy)))
    return leaving(np.stack([ux, vx], -1))


def _check_analytic(ux: np.ndarray, uy: np.ndarray, vx: np.ndarray, vy: np.ndarray) -> None:
    """Check the Cauchy-Riemann equations u_x = v_y, u_y = -v_x."""
    size = np.max(np.abs([ux, uy, vx, vy]), initial=0.0)
    gap = np.max(np.abs([ux - vy, uy + vx]), initial=0.0)
    if gap > CLOSE * np.finfo(np.asarray(ux).dtype).eps * size:
        raise TypeError(
            f"jacobian{at(user_location())}: the function is not analytic in its complex argument (the "
            f"Cauchy-Riemann equations fail by {gap / size:.1e}), so it has no complex derivative: "
            "differentiate with respect to real and imaginary parts, given as separate arguments"
        )
