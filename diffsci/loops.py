"""Binding of loops that a host object runs."""

from __future__ import annotations

from typing import Any

from diffsci import watching
from diffsci.primitives.custom_loop import CustomLoop
from diffsci.primitives.host import contiguous
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing.standard import standard
from diffsci.tracing.trace import bind

__all__ = ["custom_loop"]


def custom_loop(loop: CustomLoop, *arrays: Any) -> tuple:
    """Run a `CustomLoop`: at once on plain arrays, as one differentiable operation on traced ones.

    Parameters
    ----------
    loop : CustomLoop
    *arrays : array_like
        Its inputs.

    Returns
    -------
    tuple
        Its outputs.
    """
    if is_tracing() and any(isinstance(x, TracedArray) for x in arrays):
        return bind("host_run", *arrays, loop=loop)[:-1]
    inputs = contiguous(map(standard, arrays))
    outputs = tuple(loop.outputs(inputs))
    if watching.contexts:
        watching.examine("loop", loop, inputs, outputs)
    return outputs
