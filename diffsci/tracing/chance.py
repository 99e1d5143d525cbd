"""Random numbers drawn inside a traced function.

A compiled program would repeat the numbers that were drawn when it was traced. So a trace notes the
state of every generator that the function reaches from outside; a program during whose trace one of
them moved holds for no other call. A generator made inside the function, with a seed, is a constant.
"""

from __future__ import annotations

import pickle
import random
import types
from typing import Any

import numpy as np

from diffsci.tracing.trace import Trace

__all__ = ["DRAWN", "note_draws", "watch"]

GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
METHODS = (types.BuiltinFunctionType, types.MethodType)
DRAWN = "random numbers drawn"  # what stands in the place of a value that no later call finds again


def watch(trace: Trace | None, value: Any) -> bool:
    """Note the state of a generator of random numbers, or of the one a function draws from."""
    source = value.__self__ if isinstance(value, METHODS) else value
    if not isinstance(source, GENERATORS):
        return False
    if trace is not None and id(source) not in trace.generators:
        trace.generators[id(source)] = source, _state(source)
    return True


def note_draws(trace: Trace) -> None:
    """Let the program hold for no other call where random numbers were drawn."""
    if any(_state(source) != before for source, before in trace.generators.values()):
        trace.statics.append((_none, DRAWN))


def _none() -> None:
    return None


def _state(source: Any) -> bytes:
    if isinstance(source, random.Random):
        return pickle.dumps(source.getstate())
    if isinstance(source, np.random.RandomState):
        return pickle.dumps(source.get_state(legacy=False))
    return pickle.dumps(source.bit_generator.state)
