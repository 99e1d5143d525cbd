"""Errors against references, in units of the last place and relative."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Error:
    """The worst error of one quantity, where it is, and how often NaN stands for a number."""

    worst: float = 0.0
    where: tuple[float, ...] = ()
    mode: str = ""
    label: str = ""
    nans: int = 0

    def __or__(self, other: Error) -> Error:
        """The worst of two; it is shown where NaNs are, if there are any."""
        shown = max(self, other, key=lambda error: (error.nans, error.worst))
        return Error(max(self.worst, other.worst), shown.where, shown.mode, shown.label, shown.nans)


def ulps(computed: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Errors in units of the last place of the reference; NaN for NaN.

    Parameters
    ----------
    computed : ndarray, shape (n,)
    reference : ndarray, shape (n, 2)
        Nearest numbers and rests, see `benchmarks.accuracy.reference.nearest`.
    """
    info = np.finfo(computed.dtype)
    near, rest = reference.T
    computed = computed.astype(float)
    with np.errstate(all="ignore"):
        _, exponents = np.frexp(near)
        exponents = np.where(near == 0.0, info.minexp, exponents)
        units = np.maximum(exponents - info.nmant - 1, info.minexp - info.nmant)
        units = np.where(np.isinf(near), info.maxexp - info.nmant - 1, units)
        apart = np.abs(_in_units(computed, units, info) - _in_units(near, units, info) - rest)
    apart = np.where(np.isinf(near) & (computed == near), 0.0, apart)
    # Where the true value is infinite, finite results have no digit right.
    return np.where(np.isinf(rest) & (computed != near), np.inf, apart)


def _in_units(x: np.ndarray, units: np.ndarray, info: np.finfo) -> np.ndarray:
    """X / 2**units; infinity counts as 2**maxexp."""
    infinite = np.copysign(np.ldexp(1.0, info.maxexp - units), x)
    return np.where(np.isinf(x), infinite, np.ldexp(x, -units))


def _unit(near: np.ndarray) -> np.ndarray:
    """The distance to the next number; for the largest one, that to the number below."""
    near = np.minimum(np.abs(near), np.nextafter(np.finfo(near.dtype).max, 0))
    return np.spacing(near)


def relative(computed: np.ndarray, reference: np.ndarray, scale: np.ndarray | float = 0.0) -> np.ndarray:
    """Errors relative to the reference, at least to the scale and the smallest normal number; NaN for NaN."""
    info = np.finfo(computed.dtype)
    near, rest = reference.T
    with np.errstate(all="ignore"):
        size = np.fmax(np.maximum(np.abs(near), info.smallest_normal), scale)
        apart = np.abs((computed - near) - rest * _unit(near)) / size
        return np.where(np.isinf(near), ulps(computed, reference) * info.eps, apart)


def value_error(computed: np.ndarray, reference: np.ndarray, points: np.ndarray, mode: str) -> Error:
    """The worst error of values; where the reference is NaN, so must be the value."""
    undefined = np.isnan(reference[:, 0])
    apart = np.where(undefined, np.where(np.isnan(computed), 0.0, np.inf), ulps(computed, reference))
    return _worst(apart, points, mode, "value")


def derivative_error(
    computed: np.ndarray,
    reference: np.ndarray,
    points: np.ndarray,
    mode: str,
    label: str,
    scale: np.ndarray | float = 0.0,
) -> Error:
    """The worst error of derivatives; where the reference is NaN, they are not judged."""
    apart = np.where(np.isnan(reference[:, 0]), 0.0, relative(computed, reference, scale))
    return _worst(apart, points, mode, label)


def _worst(apart: np.ndarray, points: np.ndarray, mode: str, label: str) -> Error:
    nans = np.isnan(apart)
    index = int(np.argmax(nans)) if nans.any() else int(np.argmax(apart))
    worst = np.inf if nans.all() else float(np.nanmax(apart))
    return Error(worst, tuple(float(x) for x in points[index]), mode, label, int(nans.sum()))
