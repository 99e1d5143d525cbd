"""Which elements of a value are zero whatever the inputs are: what pads add, constants, their products.

``rule(node, masks, known)`` tells where the value of a node can be nonzero, as an array of booleans, None for
anywhere; `masks` are those of its operands. What has no rule can be nonzero anywhere. As in all of detection,
a product with nothing is nothing, whatever the other factor is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.graph import Node
from diffsci.primitives.dependence import Solved
from diffsci.sparse.detection.systems import solution_mask

__all__ = ["rule_for"]

Masks = Sequence["np.ndarray | None"]

# Operations of one operand that leave zeros where they are.
KEEPING = frozenset(
    "neg convert abs sqrt cbrt sin tan arcsin arctan sinh tanh arcsinh arctanh expm1 log1p sign floor ceil "
    "rint trunc stop_gradient erf checked".split()
)


def rule_for(node: Node) -> Callable | None:
    """Return the rule of an operation, None if it has none."""
    if node.primitive.family == "structural":
        return _moved
    if isinstance(node.primitive.pattern, Solved):
        return solution_mask
    return _kept if node.name in KEEPING else _RULES.get(node.name)


def _kept(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    return masks[0]


def _moved(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    return node.primitive.value(*_whole(node, masks), **node.params)


def _whole(node: Node, masks: Masks) -> list[np.ndarray]:
    pairs = zip(node.inputs, masks, strict=True)
    return [np.broadcast_to(True, x.shape) if mask is None else mask for x, mask in pairs]


def _either(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    return None if any(m is None for m in masks) else np.logical_or.reduce(masks)


def _both(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    present = [m for m in masks if m is not None]
    return np.logical_and.reduce(present) if present else None


def _power(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    return masks[0] if node.params["exponent"] > 0 else None


def _chosen(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    condition, (one, other) = known(node.inputs[0]), masks[1:]
    if condition is None:
        return None if one is None or other is None else one | other
    return np.where(condition, True if one is None else one, True if other is None else other)


def _by_index(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    index = known(node.inputs[1])
    if index is None:
        return None
    whole = _whole(node, masks)
    whole[1] = index
    return node.primitive.value(*whole, **node.params)


def _summed_by_index(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    index, base, added = known(node.inputs[1]), masks[0], masks[2]
    if index is None or base is None:
        return None
    counts = [
        base.astype(np.int64),
        index,
        np.ones(node.inputs[2].shape, np.int64) if added is None else added,
    ]
    return node.primitive.value(*counts, **node.params) > 0


def _reduced(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    return None if masks[0] is None else np.any(masks[0], axis=tuple(node.params["axes"]))


def _contracted(node: Node, masks: Masks, known: Any) -> np.ndarray | None:
    """An element is nonzero where some product of its sum is."""
    left, right, out = node.params["spec"]
    if all(m is None for m in masks):
        return None
    letters = {letter: k for k, letter in enumerate(dict.fromkeys(left + right))}
    operands: list[Any] = []
    for mask, own in zip(_whole(node, masks), (left, right), strict=True):
        operands += [mask.astype(float), [letters[letter] for letter in own]]
    return np.einsum(*operands, [letters[letter] for letter in out], optimize=True) > 0


_RULES: dict[str, Callable] = {
    "add": _either,
    "sub": _either,
    "maximum": _either,
    "minimum": _either,
    "mul": _both,
    "div": lambda node, masks, known: masks[0],
    "integer_pow": _power,
    "select": _chosen,
    "take": _by_index,
    "put": _by_index,
    "put_add": _summed_by_index,
    "sum": _reduced,
    "max": _reduced,
    "min": _reduced,
    "contract": _contracted,
}
