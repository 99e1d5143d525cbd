"""What a limit gave: values, the poles beside them, and how large the terms were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.graph import Node, interpreter
from diffsci.primitives.linalg.gaps import only_ties
from diffsci.primitives.series import linear, product
from diffsci.transforms.limits import Limit
from diffsci.transforms.taylor import rule_of

__all__ = ["Answer"]

ROUNDING = 2e4  # units in the last place of what a result was summed from


class Answer:
    """Values at a point, the poles beside them, and how large the terms were that both were summed from."""

    def __init__(self, limit: Limit, inputs: Sequence[Any]):
        graph = limit.graph
        values, sizes = {}, {}
        with np.errstate(all="ignore"), only_ties():
            for node, x in zip(graph.inputs, inputs, strict=True):
                values[node] = np.asarray(x)
            for node in graph.nodes:
                if node not in values:
                    values[node] = interpreter.evaluate(node, [values[x] for x in node.inputs])
                sizes[node] = _size(node, values, sizes)
        width, outputs = limit.order + 1, graph.outputs
        self.values, self.sizes, self.slopes = [], [], []
        poles = list(outputs[width * len(limit.powers) :])
        for k, power in enumerate(limit.powers):
            rows = outputs[width * k : width * (k + 1)]
            poles += rows[:power]
            self.values.append(np.asarray(values[rows[power]]))
            self.sizes.append(np.asarray(sizes[rows[power]]))
            self.slopes.append(values[rows[power + 1]])
        self.poles = [(values[pole], sizes[pole]) for pole in poles]

    @classmethod
    def mean(cls, answers: Sequence[Answer]) -> Answer:
        """Return the mean of several."""
        mean = cls.__new__(cls)
        mean.values = [
            np.mean(x, axis=0, dtype=x[0].dtype) for x in zip(*(a.values for a in answers), strict=True)
        ]
        mean.sizes = [np.max(x, axis=0) for x in zip(*(a.sizes for a in answers), strict=True)]
        mean.poles = []
        return mean

    def moved(self, step: float) -> list[np.ndarray]:
        """Return the values at e = step, to first order."""
        pairs = zip(self.values, self.slopes, strict=True)
        return [
            (x + step * slope).astype(x.dtype) if step and x.dtype.kind == "f" else x for x, slope in pairs
        ]

    def regular(self) -> bool:
        """Tell whether the poles are rounding errors."""
        return all(_is_rounding(pole, size) for pole, size in self.poles)

    def agrees(self, other: Answer) -> bool:
        """Tell whether two answers differ by rounding errors."""
        pairs = zip(self.values, other.values, self.sizes, other.sizes, strict=True)
        return all(
            _is_rounding(x - y, np.maximum(s, t)) if x.dtype.kind == "f" else True for x, y, s, t in pairs
        )


def _is_rounding(x: np.ndarray, size: np.ndarray) -> bool:
    if x.dtype.kind != "f":
        return True
    small = np.abs(x) <= ROUNDING * np.finfo(x.dtype).eps * np.max(size, initial=0.0)
    return bool(np.all(small | np.isnan(x)))


def _size(node: Node, values: dict, sizes: dict) -> Any:
    """Return how large the terms are that a value was summed from."""
    value = values[node]
    if isinstance(node.type, tuple) or value.dtype.kind == "O":  # several results, the record of a loop
        return None
    if value.dtype.kind != "f" or not node.inputs:
        return np.abs(value)
    own = [sizes[x] for x in node.inputs]
    if node.name in ("add", "sub"):
        return own[0] + own[1]
    if node.name == "neg":
        return own[0]
    if node.name == "select":
        return np.where(values[node.inputs[0]], own[1], own[2])
    if node.name == "div":
        return own[0] / np.abs(values[node.inputs[1]])
    if node.name.startswith("solve"):  # linear in the last operand: as much of it is rounding as before
        known = np.max(np.abs(values[node.inputs[-1]]), initial=0.0)
        return np.abs(value) * (np.max(own[-1], initial=0.0) / known if known else 1.0)
    rule = rule_of(node.primitive)
    if rule is linear or rule is product or node.name == "mul":
        operands = [size if x.type.is_float else values[x] for size, x in zip(own, node.inputs, strict=True)]
        return np.maximum(np.abs(interpreter.evaluate(node, operands)), np.abs(value))
    return np.abs(value)
