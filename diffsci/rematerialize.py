"""Recomputation in place of storage, and values that derivatives do not see."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from diffsci.subprograms import bind_call, enter
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing import operations as ops
from diffsci.trees import tree_map

__all__ = ["checkpoint", "stop_gradient"]


def checkpoint(f: Callable) -> Callable:
    """Return the same function, recomputed in reverse sweeps instead of stored.

    A reverse sweep needs the intermediate values of the function. Those of a checkpointed one are not
    kept: the sweep starts again from its arguments. That costs one more evaluation of `f` and saves the
    memory of everything inside it. Checkpointed functions may call each other.

    Parameters
    ----------
    f : callable
        Arguments and results may be nested containers; closures over traced values are allowed.

    Returns
    -------
    callable

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> layer = ds.checkpoint(lambda x: np.sin(np.exp(x)))
    >>> float(ds.grad(lambda x: layer(layer(x)))(0.0)) == float(
    ...     ds.grad(lambda x: np.sin(np.exp(np.sin(np.exp(x)))))(0.0))
    True
    """

    @functools.wraps(f, updated=())
    def recomputed(*args: Any, **kwargs: Any) -> Any:
        if not is_tracing():
            return f(*args, **kwargs)
        program = enter(f, args, kwargs)
        return program.results(bind_call(program.graph, program.inputs))

    return recomputed


def stop_gradient(x: Any) -> Any:
    """Return the value itself, as a constant for every derivative.

    Parameters
    ----------
    x : array_like
        Or a container of arrays and numbers.

    Examples
    --------
    >>> import diffsci as ds
    >>> float(ds.grad(lambda x: x * ds.stop_gradient(x))(3.0))
    3.0
    """
    return tree_map(_stopped, x)


def _stopped(leaf: Any) -> Any:
    if not isinstance(leaf, TracedArray) or leaf.dtype.kind not in "fc":
        return leaf
    return ops.unary("stop_gradient", leaf, weak=leaf.weak)
