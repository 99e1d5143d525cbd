"""Values as index functions: what an element of a node is, in terms of elements of its inputs.

The answer is one of
``("lit", value, code)``, ``("zero", code)``, ``("load", buffer, address)``, ``("forward", (node, index))``,
``("op", name, params, operands)``, ``("fold", op, operands)``, ``("dot", operands)`` or
``("gather", buffer, address, stride, size, operand)``; an operand is ``(node, index)``.
"""

from __future__ import annotations

import math
from itertools import product

from diffsci.backends.plan.affine import (
    Affine,
    Index,
    add_const,
    constant,
    divisible,
    flatten,
    inside,
    row_strides,
    scale,
    split_flat,
)
from diffsci.backends.plan.codes import code_of, identity_of
from diffsci.backends.plan.program import View
from diffsci.backends.plan.vocabulary import REDUCTIONS, is_statement
from diffsci.graph import Node

__all__ = [
    "INLINE_PRODUCTS",
    "INLINE_VOLUME",
    "NeedBuffer",
    "Resolver",
    "is_inline_reduction",
    "letter_sizes",
    "product_operands",
    "reduced_axes",
    "summed_sizes",
]

INLINE_VOLUME = 4
INLINE_PRODUCTS = 16  # terms of a product that is unrolled where it runs along rows of its operands


class NeedBuffer(Exception):
    """The node has no affine form here: it must be stored."""

    def __init__(self, node: Node):
        self.node = node


def reduced_axes(node: Node) -> tuple[int, ...]:
    """Return the axes that a reduction sums over."""
    axes = node.params["axes"]
    return tuple(axes) if not isinstance(axes, int) else (axes,)


def is_inline_reduction(node: Node) -> bool:
    """Tell whether a reduction or contraction is so short that it is unrolled where it is used."""
    if node.name in REDUCTIONS:
        shape = node.inputs[0].shape
        return math.prod(shape[axis] for axis in reduced_axes(node)) <= INLINE_VOLUME
    if node.name == "contract":
        volume = math.prod(summed_sizes(node).values())
        return volume <= INLINE_VOLUME or (volume <= INLINE_PRODUCTS and _runs_along_rows(node))
    return False


def _runs_along_rows(node: Node) -> bool:
    """Tell whether operands that vary with the last axis of a product have it last, too."""
    left, right, out = node.params["spec"]
    if not out or node.shape[-1] <= INLINE_VOLUME:
        return False
    return all(out[-1] not in letters or letters[-1] == out[-1] for letters in (left, right))


def letter_sizes(node: Node) -> dict[str, int]:
    """Return the extent of each letter of a contraction."""
    left, right, _ = node.params["spec"]
    sizes = dict(zip(left, node.inputs[0].shape, strict=True))
    sizes.update(zip(right, node.inputs[1].shape, strict=True))
    return sizes


def summed_sizes(node: Node) -> dict[str, int]:
    """Return the extents of the letters that a contraction sums over."""
    out = node.params["spec"][2]
    return {letter: n for letter, n in letter_sizes(node).items() if letter not in out}


class Resolver:
    """Resolves elements; `storage` maps the nodes that lie in memory to their places."""

    def __init__(self, storage: dict[Node, View]):
        self.storage = storage

    def view(self, node: Node) -> View | None:
        """Return where the node lies as a C-contiguous array, seen through reshapes and plain slices."""
        offset = 0
        while True:
            found = self.storage.get(node)
            if found is not None:
                return View(found.buffer, found.offset + offset)
            if node.name in ("reshape", "stop_gradient"):
                node = node.inputs[0]
                continue
            start = _contiguous_start(node) if node.name == "slice" else None
            if start is None:
                return None
            offset += start
            node = node.inputs[0]

    def resolve(self, node: Node, index: Index, extents: tuple[int, ...], define: bool = False) -> tuple:
        """Return what the element of `node` at `index` is on the whole box (see the module).

        With `define` the node's own storage is not used: this computes what is stored there.
        """
        if not define:
            view = self.view(node)
            if view is not None:
                return (
                    "load",
                    view.buffer,
                    flatten(index, row_strides(node.shape), len(extents), view.offset),
                )
        rule = _RULES.get(node.name)
        if rule is not None:
            return rule(self, node, index, extents)
        if is_statement(node):
            operands = [(x, index) for x in node.inputs]
            return ("op", node.name, node.params, operands)
        raise NeedBuffer(node)


def _contiguous_start(node: Node) -> int | None:
    """Return the flat start of a slice that is one contiguous run of its operand."""
    shape = node.inputs[0].shape
    start, step = node.params["start"], node.params["step"]
    partial = False
    for n, kept, stride in zip(shape, node.shape, step, strict=True):
        if stride != 1 and kept > 1:
            return None
        if partial and kept != n:
            return None
        if kept != 1:
            partial = True
    return sum(first * stride for first, stride in zip(start, row_strides(shape), strict=True))


def _const(resolver: Resolver, node: Node, index: Index, extents):
    value = node.params["value"].flat[0].item()
    return _zero(node) if value == 0 and node.is_structural else ("lit", value, code_of(node.dtype))


def _zero(node: Node) -> tuple:
    return ("zero", code_of(node.dtype))


def _broadcast(resolver, node, index, extents):
    x = node.inputs[0]
    rank = len(extents)
    inner = tuple(
        constant(0, rank) if n == 1 else index[axis]
        for n, axis in zip(x.shape, node.params["axes"], strict=True)
    )
    return ("forward", (x, inner))


def _reshape(resolver, node, index, extents):
    x = node.inputs[0]
    rank = len(extents)
    squeezed = [(n, e) for n, e in zip(node.shape, index, strict=True) if n != 1]
    if [n for n, _ in squeezed] == [n for n in x.shape if n != 1]:
        terms = iter(squeezed)
        return ("forward", (x, tuple(constant(0, rank) if n == 1 else next(terms)[1] for n in x.shape)))
    view = resolver.view(x)
    if view is not None:
        return ("load", view.buffer, flatten(index, row_strides(node.shape), rank, view.offset))
    flat = flatten(index, row_strides(node.shape), rank)
    inner: list[Affine] = []
    for n in reversed(x.shape[1:]):
        if n == 1:
            inner.append(constant(0, rank))
            continue
        parts = split_flat(flat, n, extents)
        if parts is None:
            raise NeedBuffer(x)
        flat, remainder = parts
        inner.append(remainder)
    if x.shape:
        inner.append(flat)
    return ("forward", (x, tuple(reversed(inner))))


def _transpose(resolver, node, index, extents):
    inner = [None] * len(index)
    for position, axis in enumerate(node.params["perm"]):
        inner[axis] = index[position]
    return ("forward", (node.inputs[0], tuple(inner)))


def _slice(resolver, node, index, extents):
    inner = tuple(
        add_const(scale(e, stride) if stride != 1 else e, first)
        for e, first, stride in zip(index, node.params["start"], node.params["step"], strict=True)
    )
    return ("forward", (node.inputs[0], inner))


def _on_grid(resolver, node, index, extents, shape, start, step) -> Index | None:
    """Return the position inside a strided region, or None outside of it."""
    inner = []
    for e, n, first, stride in zip(index, shape, start, step, strict=True):
        within = inside(e, first, first + (n - 1) * stride + 1 if n else first, extents)
        if within is None:
            raise NeedBuffer(node)
        if not within:
            return None
    for e, first, stride in zip(index, start, step, strict=True):
        e = add_const(e, -first)
        if stride != 1:
            on = divisible(e, stride)
            if on is None:
                raise NeedBuffer(node)
            if not on:
                return None
            e = tuple([term // stride for term in e])
        inner.append(e)
    return tuple(inner)


def _pad(resolver, node, index, extents):
    x = node.inputs[0]
    steps = tuple(interior + 1 for interior in node.params["interior"])
    inner = _on_grid(resolver, node, index, extents, x.shape, node.params["low"], steps)
    return _zero(node) if inner is None else ("forward", (x, inner))


def _set_slice(resolver, node, index, extents):
    base, value = node.inputs
    inner = _on_grid(resolver, node, index, extents, value.shape, node.params["start"], node.params["step"])
    return ("forward", (base, index) if inner is None else (value, inner))


def _flip(resolver, node, index, extents):
    inner = list(index)
    axes = node.params["axes"]
    for axis in axes if not isinstance(axes, int) else (axes,):
        inner[axis] = add_const(scale(index[axis], -1), node.shape[axis] - 1)
    return ("forward", (node.inputs[0], tuple(inner)))


def _roll(resolver, node, index, extents):
    inner = []
    for e, shift, n in zip(index, node.params["shift"], node.shape, strict=True):
        if shift:
            behind = inside(e, shift, n, extents)
            if behind is None:
                raise NeedBuffer(node)
            e = add_const(e, -shift if behind else n - shift)
        inner.append(e)
    return ("forward", (node.inputs[0], tuple(inner)))


def _concatenate(resolver, node, index, extents):
    axis = node.params["axis"]
    offset = 0
    for x in node.inputs:
        stop = offset + x.shape[axis]
        within = inside(index[axis], offset, stop, extents)
        if within is None:
            raise NeedBuffer(node)
        if within:
            inner = (*index[:axis], add_const(index[axis], -offset), *index[axis + 1 :])
            return ("forward", (x, inner))
        offset = stop
    raise AssertionError("index outside of a concatenation")


def _take(resolver, node, index, extents):
    x, where = node.inputs
    axis = node.params["axis"]
    view = resolver.view(x)
    if view is None:
        raise NeedBuffer(x)
    if x.type.size == 0:
        return _zero(node)
    rank = len(where.shape)
    strides = row_strides(x.shape)
    outer = index[:axis] + index[axis + rank :]
    kept = strides[:axis] + strides[axis + 1 :]
    address = flatten(outer, kept, len(extents), view.offset)
    operand = (where, index[axis : axis + rank])
    return ("gather", view.buffer, address, strides[axis], x.shape[axis], operand)


def _reduction(resolver, node, index, extents):
    x = node.inputs[0]
    axes = reduced_axes(node)
    volume = math.prod(x.shape[axis] for axis in axes)
    if volume == 0:
        return ("lit", identity_of(node.name, code_of(node.dtype)), code_of(node.dtype))
    if volume > INLINE_VOLUME:
        raise NeedBuffer(node)
    operands = []
    for point in product(*(range(x.shape[axis]) for axis in axes)):
        fixed = dict(zip(axes, point, strict=True))
        rest = iter(index)
        inner = tuple(
            constant(fixed[axis], len(extents)) if axis in fixed else next(rest)
            for axis in range(len(x.shape))
        )
        operands.append((x, inner))
    return ("fold", node.name, operands)


def product_operands(node: Node, index: Index, rank: int) -> list[tuple[Node, Index]]:
    """Return the factors of the terms of a product's element, pair by pair."""
    left, right, out = node.params["spec"]
    sizes = summed_sizes(node)
    place = dict(zip(out, index, strict=True))
    operands = []
    for point in product(*(range(n) for n in sizes.values())):
        here = place | {letter: constant(i, rank) for letter, i in zip(sizes, point, strict=True)}
        for x, letters in zip(node.inputs, (left, right), strict=True):
            operands.append((x, tuple(here[letter] for letter in letters)))
    return operands


def _contract(resolver, node, index, extents):
    sizes = summed_sizes(node)
    volume = math.prod(sizes.values())
    if volume == 0:
        return _zero(node)
    if not is_inline_reduction(node):
        raise NeedBuffer(node)
    return ("dot", product_operands(node, index, len(extents)))


_RULES = {
    "const": _const,
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "pad": _pad,
    "set_slice": _set_slice,
    "flip": _flip,
    "roll": _roll,
    "concatenate": _concatenate,
    "take": _take,
    "contract": _contract,
    "stop_gradient": lambda resolver, node, index, extents: ("forward", (node.inputs[0], index)),
}
_RULES |= dict.fromkeys(REDUCTIONS, _reduction)
