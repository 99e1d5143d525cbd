"""How dependences go through an operation, for rules of the registry that say more than a list of places.

``rule(node, parts, known, width)`` returns the dependence of the result; `parts` has that of every operand,
None where there is none. What has no entry here goes through the places that its rule in
`diffsci.primitives.dependence` names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.graph import Node, Primitive, Type
from diffsci.primitives import dependence
from diffsci.sparse.detection.algebra import (
    few_words,
    grown,
    masked,
    moved,
    product,
    relabelled,
    union,
)
from diffsci.sparse.detection.forms import Dependence
from diffsci.sparse.detection.known import Known
from diffsci.sparse.detection.reach import solved
from diffsci.sparse.detection.systems import system_of

__all__ = ["listed", "places_of", "through"]

Parts = Sequence["Dependence | None"]


def places_of(primitive: Primitive) -> Callable | None:
    """Return the rule that names places: the primitive's own or that of its family, None if neither is."""
    return primitive.pattern or dependence.FAMILIES.get(primitive.family)


def through(node: Node, parts: Parts, known: Known, width: int) -> Any:
    """Return the dependence of a node, a list for several results; None for none."""
    rule = places_of(node.primitive)
    if isinstance(rule, dependence.Members) or rule is dependence.dense:
        several = isinstance(node.type, tuple)
        flat = getattr(rule, "flat", ())
        results = enumerate(node.type if several else (node.type,))
        found = [None if k in flat else _whole(rule, node, type_, parts, width) for k, type_ in results]
        return found if several else found[0]
    if isinstance(rule, dependence.Solved):
        return _solution(rule, node, parts, known, width)
    if isinstance(rule, dependence.Labelled):
        return _labelled(rule, node, parts, width)
    quick = _QUICK.get(rule)
    if quick is not None and not isinstance(node.type, tuple):
        return quick(node, parts, known, width) if node.type.is_float else None
    return listed(node, rule(node, known), parts, width)


def listed(node: Node, places: list, parts: Parts, width: int) -> Any:
    """Return the dependence of a node by the places of its results and operands that depend on each other."""
    if isinstance(node.type, tuple):
        return [_joined(type_, own, parts, width) for type_, own in zip(node.type, places, strict=True)]
    return _joined(node.type, places, parts, width)


def _joined(type_: Type, places: list, parts: Parts, width: int) -> Dependence | None:
    if not type_.is_float:
        return None
    pairs = zip(places, parts, strict=True)
    found = [
        product(own, part, type_.shape, width) for own, part in pairs if own is not None and part is not None
    ]
    return union(found, width)


def _present(parts: Parts) -> list[Dependence]:
    return [part for part in parts if part is not None]


def _elementwise(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    if node.name == "sub" and node.inputs[0] is node.inputs[1]:
        return None
    return union(_present(parts), width)


def _product(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    masks = [
        None if part is None else known.nonzero(x)
        for part, x in zip(parts, reversed(node.inputs), strict=True)
    ]
    return _seen(parts, masks, width)


def _divided(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    return _seen(parts, (None, known.nonzero(node.inputs[0])), width)


def _power(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    if len(parts) == 2:
        return _seen(parts, (known.nonzero(node.inputs[1]), None), width)
    return parts[0] if node.params["exponent"] else None


def _seen(parts: Parts, masks: Sequence[np.ndarray | None], width: int) -> Dependence | None:
    pairs = [(part, there) for part, there in zip(parts, masks, strict=True) if part is not None]
    return union([part if there is None else masked(part, there, width) for part, there in pairs], width)


def _of_first(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    return parts[0]


def _chosen(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    condition = known(node.inputs[0])
    if condition is None:
        return union(_present(parts), width)
    picked = (condition, np.logical_not(condition))
    sides = zip(parts[1:], picked, strict=True)
    return union([masked(part, there, width) for part, there in sides if part is not None], width)


def _moved(node: Node, parts: Parts, known: Known, width: int) -> Dependence:
    return moved(node, parts, known, width)


def _moved_by_index(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    if known(node.inputs[1]) is not None:
        return moved(node, parts, known, width)
    return listed(node, dependence.moved_by_index(node, known), parts, width)


def _summed_by_index(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    """The base stays where it is; only what is added goes by places."""
    index = node.inputs[1]
    if parts[2] is None:
        return parts[0]
    if parts[0] is not None or known(index) is None or not _all_different(known(index)):
        return listed(node, dependence.summed_by_index(node, known), parts, width)
    return moved(node, parts, known, width)


def _all_different(index: np.ndarray) -> bool:
    return np.bincount(index.ravel()).max(initial=0) <= 1


def _reduced(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    shape, axes = node.inputs[0].shape, node.params["axes"]
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    return relabelled(parts[0], range(len(shape)), kept, dict(enumerate(shape)), width)


def _accumulated(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    """Sets grow along the axis: long ones are kept as bits."""
    if not few_words(node.type.size, width):
        return listed(node, dependence.accumulated(node, known), parts, width)
    return grown(parts[0], node.params["axis"], node.params.get("reverse", False), width)


def _contracted(node: Node, parts: Parts, known: Known, width: int) -> Dependence | None:
    left, right, out = node.params["spec"]
    sizes = {
        letter: n
        for letters, x in ((left, node.inputs[0]), (right, node.inputs[1]))
        for letter, n in zip(letters, x.shape, strict=True)
    }
    found, places = [], None
    for k, (own, other) in enumerate(((left, node.inputs[1]), (right, node.inputs[0]))):
        if parts[k] is None:
            continue
        if known.nonzero(other) is None:
            found.append(relabelled(parts[k], own, out, sizes, width))
        else:
            places = places or dependence.contracted(node, known)
            found.append(product(places[k], parts[k], node.shape, width))
    return union(found, width)


def _whole(rule: Callable, node: Node, type_: Type, parts: Parts, width: int) -> Dependence | None:
    """Everything depends on everything, or within each member of a stack."""
    if not type_.is_float:
        return None
    if rule is dependence.dense:
        return spread(type_, node.inputs, parts, width)
    out, sizes = rule.labels(node, type_.shape, "result")
    found = []
    for x, part in zip(node.inputs, parts, strict=True):
        if part is not None:
            own, own_sizes = rule.labels(node, x.shape, "operand")
            found.append(relabelled(part, own, out, {**sizes, **own_sizes}, width))
    return union(found, width)


def _labelled(rule: dependence.Labelled, node: Node, parts: Parts, width: int) -> Dependence | None:
    if not node.type.is_float:
        return None
    out, operands, sizes = rule.labels(node)
    pairs = zip(parts, operands, strict=True)
    return union([relabelled(part, own, out, sizes, width) for part, own in pairs if part is not None], width)


def _solution(rule: dependence.Solved, node: Node, parts: Parts, known: Known, width: int) -> Any:
    """Right-hand sides, and entries of the matrix in an equation, go to the unknowns that it reaches."""
    system = system_of(node, known)
    if system is None:
        return _dense_solution(node, parts, width)
    right = [] if parts[-1] is None else [parts[-1]]
    if rule.core and parts[0] is not None:  # entries count where they are multiplied by what is not zero
        there = known.nonzero(node)
        there = np.True_ if there is None else there.reshape(system.size, system.lanes)[system.unknown]
        entry, lane = np.nonzero(np.broadcast_to(there, (system.place.size, system.lanes)))
        places = system.equation[entry] * system.lanes + lane, system.place[entry]
        right.append(product(places, parts[0], node.shape, width))
    return solved(*system.links(), union(right, width), width)


def _dense_solution(node: Node, parts: Parts, width: int) -> Dependence | None:
    """All unknowns of a column depend on the matrix and on the column."""
    stack = len(node.inputs[0].shape) - 2
    behind = list(range(stack + 1, len(node.shape)))
    labels = [[*range(stack), "equation", "unknown"], [*range(stack), "equation", *behind]]
    out = [*range(stack), "x", *behind]
    sizes = dict(zip(out, node.shape, strict=True))
    sizes |= dict(zip(labels[0], node.inputs[0].shape, strict=True))
    pairs = zip(parts, labels, strict=True)
    return union([relabelled(part, own, out, sizes, width) for part, own in pairs if part is not None], width)


def spread(type_: Type, operands: Sequence[Node | Type], parts: Parts, width: int) -> Dependence | None:
    """Return the dependence of an array, every element of which depends on all elements of all operands."""
    found = []
    for x, part in zip(operands, parts, strict=True):
        if part is not None:
            own = [("operand", k) for k in range(len(x.shape))]
            out = [("result", k) for k in range(len(type_.shape))]
            sizes = dict(zip(own + out, x.shape + type_.shape, strict=True))
            found.append(relabelled(part, own, out, sizes, width))
    return union(found, width)


_QUICK = {
    dependence.elementwise: _elementwise,
    dependence.elementwise_product: _product,
    dependence.divided: _divided,
    dependence.power: _power,
    dependence.of_first: _of_first,
    dependence.chosen: _chosen,
    dependence.moved: _moved,
    dependence.moved_by_index: _moved_by_index,
    dependence.summed_by_index: _summed_by_index,
    dependence.reduced: _reduced,
    dependence.accumulated: _accumulated,
    dependence.contracted: _contracted,
}
