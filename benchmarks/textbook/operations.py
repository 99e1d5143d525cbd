"""Scalar arithmetic operations of a traced program, counted from its graph.

One for every element that an arithmetic operation or an elementary function computes, as [G&W] count; a
reduction takes one for every element that goes in, a contraction two for every product. Copies, shapes,
comparisons and selections are free, and so is what depends on no input, and arithmetic with structural zeros:
the transpose of taking one element is a vector of zeros with one element in it, and adding it is one
addition, as it is in compiled code.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from diffsci.graph import Graph, Node
from diffsci.primitives.custom import called_graph
from diffsci.source import at
from diffsci.tracing import trace_function
from diffsci.transforms.simplify import simplify

FREE = {"select", "convert", "stop_gradient", "lt", "le", "gt", "ge", "eq", "ne"}
FREE |= {"logical_and", "logical_or", "logical_xor", "logical_not", "isnan", "isinf", "isfinite"}
BOTH = {"add", "sub"}  # cost where both operands may differ from zero; elsewhere the other one is the result


def operations(f: Callable, *args) -> int:
    """Operations of one call of ``f``, which may be a derivative."""
    return counted(simplify(trace_function(f, args).graph))


def counted(graph: Graph) -> int:
    """Operations of a program."""
    masks: dict[Node, np.ndarray] = {}
    total = 0
    for node in graph.nodes:
        count, mask = _of(node, [masks.get(child) for child in node.inputs])
        if mask is not None:
            masks[node] = mask
        total += 0 if node.is_known else count
    return total


def _of(node: Node, masks: list[np.ndarray | None]) -> tuple[int, np.ndarray | None]:
    """The operations of a node, and where its elements may differ from zero: None for everywhere."""
    family = node.primitive.family
    callee = called_graph(node)
    if callee is not None:
        return counted(callee), None
    if node.name == "const":
        value = np.asarray(node.params["value"])
        return 0, None if value.dtype.kind not in "fi" or np.all(value) else value != 0
    if family == "elementwise":
        return _elementwise(node, masks)
    if family == "reduction":
        return (node.inputs[0].type.size if masks[0] is None else int(np.sum(masks[0]))), None
    if node.name == "contract":
        return 2 * node.type.size * _summed(node), None
    if node.name == "put_add":
        return node.inputs[-1].type.size, None
    if family == "structural":
        return 0, _moved(node, masks)
    if family in ("leaf", "indexing") or node.name == "project":
        return 0, None
    place = "benchmarks/textbook/operations.py"
    raise ValueError(f"the cost of {node.name}{at(node.location)} is not known: enter it in {place}")


def _elementwise(node: Node, masks: list[np.ndarray | None]) -> tuple[int, np.ndarray | None]:
    free = node.name in FREE
    if all(mask is None for mask in masks) or node.name not in (*BOTH, "mul", "neg"):
        return 0 if free else node.type.size, None
    shape = node.type.shape
    there = [np.ones(shape, bool) if mask is None else np.broadcast_to(mask, shape) for mask in masks]
    every, some = np.logical_and.reduce(there), np.logical_or.reduce(there)
    return int(np.sum(every)), some if node.name in BOTH else every


def _moved(node: Node, masks: list[np.ndarray | None]) -> np.ndarray | None:
    """The mask of a rearrangement: the mask of its operand, rearranged."""
    if all(mask is None for mask in masks) and node.name != "pad":
        return None
    there = [
        np.ones(child.type.shape) if mask is None else mask.astype(float)
        for mask, child in zip(masks, node.inputs, strict=True)
    ]
    mask = np.asarray(node.primitive.value(*there, **node.params)) != 0.0
    return None if np.all(mask) else mask


def _summed(node: Node) -> int:
    """Length of the sum behind every element of a contraction: the axes that the result does not have."""
    first, second, kept = node.params["spec"]
    sizes = dict(zip(first + second, node.inputs[0].type.shape + node.inputs[1].type.shape, strict=True))
    return math.prod(size for letter, size in sizes.items() if letter not in kept)
