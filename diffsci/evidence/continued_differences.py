"""Continuation to first order of operations that exist for real numbers only.

A complex step needs f(x + i y) = f(x) + i J(x) y for a tiny y only. The product J y of one operation is taken
by extrapolated differences of its value along y: nothing but that operation is approximated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.evidence.lines import ridders
from diffsci.graph import Node

__all__ = ["to_first_order"]

Array = np.ndarray
SMALL = 1e-2  # operands below it are moved as if they were of this size
TINY = np.finfo(float).tiny
GOAL = 1e-14


def to_first_order(node: Node, operands: list[Array]) -> Any:
    """Return the value of an operation at complex operands with tiny imaginary parts."""
    real = [np.ascontiguousarray(np.real(x)).reshape(np.shape(x)) for x in operands]
    size = max(float(np.max(np.abs(np.imag(x)), initial=0.0)) for x in operands)
    centre = _parts(node, real)
    if size > 0.0:
        steps = [np.imag(x) / size for x in operands]
        slopes = size * _slopes(node, real, steps)
        cuts = np.cumsum([part.size for part in centre])[:-1]
        pairs = zip(centre, np.split(slopes, cuts), strict=True)
        centre = [part + 1j * s.reshape(part.shape) if part.dtype.kind == "f" else part for part, s in pairs]
    return tuple(centre) if isinstance(node.type, tuple) else centre[0]


def _parts(node: Node, operands: list[Array]) -> list[Array]:
    found = node.primitive.value(*operands, **node.params)
    return [np.asarray(part) for part in (found if isinstance(node.type, tuple) else (found,))]


def _slopes(node: Node, real: list[Array], steps: list[Array]) -> Array:
    """Return the derivative of all results along the steps, as one vector."""
    reach = _reach(node, real, steps)

    def along(t: float) -> Array:
        moved = [
            x + (t * reach) * step if x.dtype.kind == "f" else x for x, step in zip(real, steps, strict=True)
        ]
        return np.concatenate([np.ravel(part) for part in _parts(node, moved)])

    return ridders(along, goal=GOAL).value / np.ravel(reach)


def _reach(node: Node, real: list[Array], steps: list[Array]) -> Array:
    """Return a unit of length along the steps in which the operands change by their own size: of every
    element by itself if the operation is elementwise.
    """
    moving = [(x, step) for x, step in zip(real, steps, strict=True) if x.dtype.kind == "f"]
    if node.primitive.family == "elementwise":
        sizes = [np.where(step == 0.0, np.inf, np.maximum(np.abs(x), SMALL)) for x, step in moving]
        units = [size / np.maximum(np.abs(step), TINY) for size, (_, step) in zip(sizes, moving, strict=True)]
        unit = np.min(units, axis=0)
        return np.where(np.isfinite(unit), unit, 1.0)
    return np.asarray(max(SMALL, *(float(np.max(np.abs(x), initial=0.0)) for x, _ in moving)))
