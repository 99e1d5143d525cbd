"""A character model: two layers of long short-term memory with elementwise gates."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit

__all__ = ["Model", "objective", "read"]


class Model(NamedTuple):
    """Parameters ``main`` (2 l, 4 b) and ``extra`` (3, b), first ``state`` (2 l, b), ``sequence`` (c, b)."""

    main: np.ndarray
    extra: np.ndarray
    state: np.ndarray
    sequence: np.ndarray


def read(path: Path) -> Model:
    """Read an instance: ``l c b``, then the arrays."""
    numbers = path.read_text(encoding="ascii").split()
    layers, length, b = (int(number) for number in numbers[:3])
    shapes = (2 * layers, 4 * b), (3, b), (2 * layers, b), (length, b)
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(np.array(numbers[3:], dtype=float), ends)
    return Model(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=False)))


def layer(weight, bias, hidden, cell, x):
    """One layer: its new hidden state and cell."""
    forget = expit(x * weight[0] + bias[0])
    ingate = expit(hidden * weight[1] + bias[1])
    outgate = expit(x * weight[2] + bias[2])
    change = np.tanh(hidden * weight[3] + bias[3])
    cell = cell * forget + ingate * change
    return outgate * np.tanh(cell), cell


def predict(main, extra, state, x):
    """The prediction of the next character; `state` is updated in place."""
    x = x * extra[0]
    for k in range(0, len(main), 2):
        weight, bias = main[k].reshape(4, -1), main[k + 1].reshape(4, -1)
        state[k], state[k + 1] = layer(weight, bias, state[k], state[k + 1], x)
        x = state[k]
    return x * extra[1] + extra[2]


def objective(main, extra, state, sequence):
    """Mean loss over the sequence; the normaliser is ``log(2 + sum(exp(y)))``, as in ADBench."""
    state = state.copy()
    total = 0.0
    for now, following in itertools.pairwise(sequence):
        y = predict(main, extra, state, now)
        total += np.sum(following * (y - np.log(2.0 + np.sum(np.exp(y)))))
    return -total / sequence[1:].size
