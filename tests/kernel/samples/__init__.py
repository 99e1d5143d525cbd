"""One or more sample applications of every primitive, a file per family.

Every module of this package may have

- ``SAMPLES``: rows ``(name, operands, params)`` on which the primitive is differentiable (only float
  operands are differentiated);
- ``FLAT``: the same for primitives whose derivative is zero by declaration;
- ``DOMAINS``: ``{name: ((low, high), ...)}``, one interval per float operand: where operands of the first
  sample's shapes may be drawn at random; without an entry they are the sample's, varied by 10 %.

A new file is found by itself.
"""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np

from diffsci.graph import Builder, Graph, Type
from tests.kernel.samples.make import restart


def _modules():
    found = []
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        restart()
        found.append(importlib.import_module(f"{__name__}.{name}"))
    return found


_MODULES = _modules()
SAMPLES = [row for module in _MODULES for row in getattr(module, "SAMPLES", ())]
FLAT = [row for module in _MODULES for row in getattr(module, "FLAT", ())]
DOMAINS = {name: domain for module in _MODULES for name, domain in getattr(module, "DOMAINS", {}).items()}


def graph_of(name, operands, params) -> Graph:
    """Return the graph of one application; all numbers that an operation with several results gives."""
    b = Builder()
    inputs = [b.input(Type.of(np.asarray(x))) for x in operands]
    node = b.emit(name, *inputs, **params)
    if isinstance(node.type, tuple):
        return Graph(inputs, [b.project(node, index=k) for k, t in enumerate(node.type) if t.is_float])
    return Graph(inputs, [node])


def label(sample) -> str:
    name, operands, params = sample
    shapes = "x".join(str(np.shape(x)) for x in operands)
    plain = {key: value for key, value in params.items() if isinstance(value, (str, bool, int, float, tuple))}
    return f"{name}{shapes}{plain or ''}"
