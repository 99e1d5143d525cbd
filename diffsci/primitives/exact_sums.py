"""Sums rounded once: as if added in infinite precision.

`math.fsum` keeps partial sums that do not overlap (J. R. Shewchuk, Discrete & Computational Geometry 18
(1997)); sums whose partial sums overflow are taken in whole numbers.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from diffsci.graph import Builder, Node, Primitive, register
from diffsci.primitives.lengths import batch_along_axes, reduced_type

__all__: list[str] = []


def _rounded_once(row: np.ndarray) -> float:
    try:
        return math.fsum(row)
    except OverflowError:  # on the way
        total = sum(map(Fraction, row.tolist()))
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def _exact_sum(x: np.ndarray, *, axes: tuple[int, ...]) -> np.ndarray:
    if np.iscomplexobj(x):
        return _exact_sum(x.real, axes=axes) + 1j * _exact_sum(x.imag, axes=axes)
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    shape = tuple(x.shape[axis] for axis in kept)
    rows = np.transpose(x, [*kept, *axes]).reshape(math.prod(shape), -1 if x.size else 0)
    with np.errstate(all="ignore"):
        plain = rows.sum(axis=-1)
    finite = np.isfinite(rows).all(axis=-1)
    sums = [
        _rounded_once(row) if good else given for row, good, given in zip(rows, finite, plain, strict=True)
    ]
    return np.array(sums, dtype=x.dtype).reshape(shape)


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    return b.sum(t[0], axes=node.params["axes"])


register(
    Primitive(
        name="exact_sum",
        type=reduced_type,
        value=_exact_sum,
        family="reduction",
        jvp=_jvp,
        batch=batch_along_axes,
    )
)
