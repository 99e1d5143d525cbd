"""Which operations are a ufunc of NumPy, able to write into memory that is given."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Node

__all__ = ["as_ufunc"]


def as_ufunc(node: Node) -> tuple[np.ufunc, tuple] | None:
    """Return the ufunc that computes a node and its operands behind the node's own; None for other nodes."""
    value = node.primitive.value
    if isinstance(value, np.ufunc):
        return value, ()
    if node.name == "integer_pow":
        exponent = node.params["exponent"]
        return (np.square, ()) if exponent == 2 else (np.power, (np.asarray(exponent, node.dtype),))
    return None
