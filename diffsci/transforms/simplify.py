"""Simplification: constants, identities and moves that cancel. Each rule is small and has a name.

Rules never change which values are NaN or infinite: ``0 * x`` stays, unless that 0 is structural.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from weakref import WeakKeyDictionary

import numpy as np

from diffsci.graph import Builder, Graph, Guard, Node, verify

__all__ = ["RULES", "rewritten", "simplify", "uniform"]

MOST_WRITES = 24  # into an array that are looked at to find what an element is
FOLD_SIZE = 64  # constants up to this many elements are folded

_ends: WeakKeyDictionary[Node, list[int]] = WeakKeyDictionary()  # of the pieces of concatenated arrays

Rule = Callable[[Builder, Node], "Node | None"]


def simplify(graph: Graph) -> Graph:
    """Return an equal graph without dead code, duplicates, folded constants and identities."""
    b = Builder()
    moved: dict[Node, Node] = {x: x for x in graph.inputs}
    for node in graph.nodes:
        if node not in moved:
            b.location = node.location
            moved[node] = rewritten(b, b.again(node, tuple([moved[x] for x in node.inputs])))
    guards = []
    for guard in graph.guards:
        predicate = moved[guard.predicate]
        if not (predicate.is_const and bool(predicate.params["value"]) == guard.outcome):
            guards.append(Guard(predicate, guard.outcome, guard.location))
    return verify(Graph(graph.inputs, [moved[y] for y in graph.outputs], guards), "simplify")


def rewritten(b: Builder, node: Node) -> Node:
    """Apply rules until none fires; each one makes the node smaller or ends the chain."""
    while True:
        rule = RULES.get(node.name)
        new = fold_constants(b, node) if _all_known(node.inputs) else None
        new = rule(b, node) if new is None and rule is not None else new
        if new is None or new is node:
            return node
        node = new


def _all_known(nodes: tuple[Node, ...]) -> bool:
    for node in nodes:  # noqa: SIM110  all() of a generator takes three times as long
        if not node.is_known:
            return False
    return True


def fold_constants(b: Builder, node: Node) -> Node | None:
    """Evaluate an operation on constants. Pads stay: their zeros are known to be structural."""
    if not node.inputs or not _all_known(node.inputs):
        return None
    if isinstance(node.type, tuple) or node.primitive.value is None:
        return None
    if node.name in ("broadcast", "pad") or node.type.size > FOLD_SIZE or node.primitive.family == "host":
        return None
    if not node.primitive.folds(node.inputs):
        return None
    values = [constant(x) for x in node.inputs]
    if any(value is None for value in values):
        return None
    with np.errstate(all="ignore"):
        value = node.primitive.value(*values, **node.params)
    return b.fixed(value, node.dtype, node.primitive.keeps_structure(node.inputs))


def constant(node: Node) -> np.ndarray | None:
    """Return the value of a constant or of a small broadcast constant."""
    if node.is_const:
        return node.params["value"]
    if node.name == "broadcast" and node.inputs[0].is_const and node.type.size <= FOLD_SIZE:
        return node.primitive.value(node.inputs[0].params["value"], **node.params)
    return None


def uniform(node: Node) -> float | None:
    """Return the one value of a constant that is the same everywhere."""
    if node.name == "broadcast":
        node = node.inputs[0]
    if not node.is_const:
        return None
    value = node.params["value"]
    if value.ndim == 0:
        return value.item()
    if 0 < value.size <= FOLD_SIZE and (value == value.flat[0]).all():
        return value.flat[0].item()
    return None


def is_absent(node: Node) -> bool:
    """Tell a structural zero from the user's number 0."""
    return node.is_structural and uniform(node) == 0


def add_zero(b: Builder, node: Node) -> Node | None:
    """What is added to nothing stays (adding the number 0 would turn -0 into 0)."""
    x, y = node.inputs
    if is_absent(y):
        return x
    return y if is_absent(x) else None


def sub_zero(b: Builder, node: Node) -> Node | None:
    """X - 0 = x. But 0 - x is not -x: at x = 0 the sign of zero differs, and arctan2 jumps there."""
    x, y = node.inputs
    return x if uniform(y) == 0 else None


def mul_one(b: Builder, node: Node) -> Node | None:
    """X * 1 = x; x * -1 = -x; a product with nothing is nothing."""
    for x, y in (node.inputs, node.inputs[::-1]):
        if not (x.is_known or y.is_known):
            return None
        if is_absent(x):
            return x
        factor = uniform(y)
        if factor == 1:
            return x
        if factor == -1:
            return b.neg(x)
    return None


def div_one(b: Builder, node: Node) -> Node | None:
    """X / 1 = x, and division by a power of two is an exact product."""
    x, y = node.inputs
    divisor = uniform(y)
    if divisor == 1:
        return x
    if (
        divisor
        and np.isfinite(divisor)
        and abs(np.frexp(divisor)[0]) == 0.5
        and 2.0**-500 < abs(divisor) < 2.0**500
    ):
        return b.mul(x, b.full(y.type, 1.0 / divisor))
    return None


def double_negation(b: Builder, node: Node) -> Node | None:
    """-(-x) = x."""
    x = node.inputs[0]
    return x.inputs[0] if x.name == node.name else None


def select_same(b: Builder, node: Node) -> Node | None:
    """select(c, x, x) = x, and a constant condition selects."""
    condition, x, y = node.inputs
    if x is y:
        return x
    chosen = uniform(condition)
    if chosen is None:
        return _select_again(b, condition, x, y)
    return x if chosen else y


def _select_again(b: Builder, condition: Node, x: Node, y: Node) -> Node | None:
    """select(c, select(c, x, _), y) = select(c, x, y): masks stack up in second derivatives."""
    if x.name == "select" and x.inputs[0] is condition:
        return b.select(condition, x.inputs[1], y)
    if y.name == "select" and y.inputs[0] is condition:
        return b.select(condition, x, y.inputs[2])
    return None


def and_same(b: Builder, node: Node) -> Node | None:
    """P and p = p; p and True = p."""
    x, y = node.inputs
    if x is y or uniform(y) is True:
        return x
    return y if uniform(x) is True else None


def first_power(b: Builder, node: Node) -> Node | None:
    """x**1 = x."""
    return node.inputs[0] if node.params["exponent"] == 1 else None


def softplus_of_zero(b: Builder, node: Node) -> Node | None:
    """log(exp(x) + exp(0)) = softplus(x), which knows that nothing cancels."""
    for x, y in (node.inputs, node.inputs[::-1]):
        if uniform(y) == 0 and x.type.is_float:
            return b.softplus(x)
    return None


def convert_same(b: Builder, node: Node) -> Node | None:
    """A conversion to the dtype that is there already."""
    return node.inputs[0] if node.inputs[0].dtype == node.dtype else None


def broadcast_chain(b: Builder, node: Node) -> Node | None:
    """A broadcast that does nothing, or of a broadcast."""
    x = node.inputs[0]
    if x.shape == node.shape:
        return x
    if x.name == "broadcast":
        inner = tuple(node.params["axes"][axis] for axis in x.params["axes"])
        return b.broadcast(x.inputs[0], shape=node.shape, axes=inner)
    return None


def reshape_chain(b: Builder, node: Node) -> Node | None:
    """A reshape that does nothing, of a reshape, or of one value everywhere."""
    x = node.inputs[0]
    if x.shape == node.shape:
        return x
    if x.name == "reshape":
        return b.reshape(x.inputs[0], shape=node.shape)
    if x.name == "broadcast" and x.inputs[0].shape == ():
        return b.broadcast(x.inputs[0], shape=node.shape, axes=())
    return None


def transpose_chain(b: Builder, node: Node) -> Node | None:
    """A transposition that does nothing, of a transposition, or of one value everywhere."""
    x, perm = node.inputs[0], node.params["perm"]
    if perm == tuple(range(len(perm))):
        return x
    if x.name == "transpose":
        return b.transpose(x.inputs[0], perm=tuple(x.params["perm"][axis] for axis in perm))
    if x.name == "broadcast" and x.inputs[0].shape == ():
        return b.broadcast(x.inputs[0], shape=node.shape, axes=())
    return None


def slice_chain(b: Builder, node: Node) -> Node | None:
    """A slice of everything, of a slice, of one value, of a concatenation's piece, of what was written."""
    x = node.inputs[0]
    start, stop, step = (node.params[key] for key in ("start", "stop", "step"))
    if x.shape == node.shape and all(first == 0 for first in start):
        return x
    if x.name == "slice":
        inner = x.params
        outer = zip(start, stop, step, inner["start"], inner["step"], node.shape, strict=True)
        bounds = [
            (s0 + f * d0, s0 + (f + (n - 1) * d) * d0 + 1 if n else s0 + f * d0, d * d0)
            for f, _, d, s0, d0, n in outer
        ]
        first, last, stride = zip(*bounds, strict=True)
        return b.slice(x.inputs[0], start=first, stop=last, step=stride)
    if x.name == "broadcast" and x.inputs[0].shape == ():
        return b.broadcast(x.inputs[0], shape=node.shape, axes=())
    if x.name == "concatenate":
        return _slice_of_concatenate(b, x, start, stop, step)
    if x.name == "set_slice":
        return _slice_of_set_slice(b, node, x)
    return None


def _slice_of_concatenate(b: Builder, x: Node, start, stop, step) -> Node | None:
    axis = x.params["axis"]
    ends = _ends.get(x)
    if ends is None:  # kept, because arrays of many pieces are read piece by piece
        ends = _ends[x] = list(accumulate(piece.type.shape[axis] for piece in x.inputs))
    place = bisect_right(ends, start[axis])
    if start[axis] >= stop[axis] or stop[axis] > ends[place]:
        return None
    piece, first, last = x.inputs[place], list(start), list(stop)
    offset = ends[place] - piece.type.shape[axis]
    first[axis] -= offset
    last[axis] -= offset
    return b.slice(piece, start=tuple(first), stop=tuple(last), step=step)


def _slice_of_set_slice(b: Builder, node: Node, x: Node) -> Node | None:
    """Read exactly what was written, or look below writes that do not touch the place, a few of them."""
    start, stop, step = (node.params[key] for key in ("start", "stop", "step"))
    below = x
    for _ in range(MOST_WRITES):
        if below.name != "set_slice":
            break
        if _is_written_place(node, below):
            return below.inputs[1]
        if not _misses(start, stop, below):
            break
        below = below.inputs[0]
    else:  # looking further down from every read would take quadratic time
        return None
    return None if below is x else b.slice(below, start=start, stop=stop, step=step)


def _is_written_place(node: Node, write: Node) -> bool:
    """Tell whether a slice reads the elements of a write, all of them and in order."""
    value = write.inputs[1]
    if node.params["start"] != write.params["start"] or value.shape != node.shape:
        return False
    steps = zip(node.shape, node.params["step"], write.params["step"], strict=True)
    return all(n == 1 or mine == theirs for n, mine, theirs in steps)


def _misses(start, stop, write: Node) -> bool:
    """Tell whether a box and the span of a write are apart along some axis."""
    params, shape = write.params, write.inputs[1].type.shape
    for first, last, low, jump, n in zip(start, stop, params["start"], params["step"], shape, strict=True):
        if n == 0 or last <= low or first > low + (n - 1) * jump:
            return True
    return False


def set_everything(b: Builder, node: Node) -> Node | None:
    """Writing every element forgets the base."""
    base, value = node.inputs
    return value if base.shape == value.shape else None


def pad_nothing(b: Builder, node: Node) -> Node | None:
    """A pad that does nothing."""
    return node.inputs[0] if node.inputs[0].shape == node.shape else None


def roll_nothing(b: Builder, node: Node) -> Node | None:
    """A roll that does nothing, or of a roll."""
    x, shift = node.inputs[0], node.params["shift"]
    if not any(shift):
        return x
    if x.name == "roll":
        total = tuple((s + s0) % n for s, s0, n in zip(shift, x.params["shift"], x.shape, strict=True))
        return b.roll(x.inputs[0], shift=total)
    return None


def flip_chain(b: Builder, node: Node) -> Node | None:
    """A flip of no axis, or of the same flip."""
    x = node.inputs[0]
    if not node.params["axes"]:
        return x
    if x.name == "flip" and x.params["axes"] == node.params["axes"]:
        return x.inputs[0]
    return None


def reduce_nothing(b: Builder, node: Node) -> Node | None:
    """A reduction over no axis."""
    return node.inputs[0] if not node.params["axes"] else None


RULES: dict[str, Rule] = {
    "add": add_zero,
    "sub": sub_zero,
    "mul": mul_one,
    "div": div_one,
    "neg": double_negation,
    "logical_not": double_negation,
    "select": select_same,
    "logical_and": and_same,
    "integer_pow": first_power,
    "logaddexp": softplus_of_zero,
    "convert": convert_same,
    "broadcast": broadcast_chain,
    "reshape": reshape_chain,
    "transpose": transpose_chain,
    "slice": slice_chain,
    "set_slice": set_everything,
    "pad": pad_nothing,
    "roll": roll_nothing,
    "flip": flip_chain,
    "sum": reduce_nothing,
    "prod": reduce_nothing,
    "max": reduce_nothing,
    "min": reduce_nothing,
    "any": reduce_nothing,
    "all": reduce_nothing,
}
