"""The stencils of `benchmarks.stencil_models` under ``jax.jit``, in double precision: the same source."""

from __future__ import annotations

import types
from collections.abc import Callable

import jax
import numpy as np

from benchmarks.stencil_models import heat

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402


def _heat(T):
    """Heat equation: JAX's arrays cannot be written to, the rest is `benchmarks.stencil_models.heat`."""
    c = T[1:-1, 1:-1, 1:-1]
    inner = (
        (T[2:, 1:-1, 1:-1] - 2.0 * c + T[:-2, 1:-1, 1:-1])
        + (T[1:-1, 2:, 1:-1] - 2.0 * c + T[1:-1, :-2, 1:-1])
        + (T[1:-1, 1:-1, 2:] - 2.0 * c + T[1:-1, 1:-1, :-2])
    )
    return jnp.zeros_like(T).at[1:-1, 1:-1, 1:-1].set(inner)


def functions(model: Callable, y: np.ndarray, data: tuple, ct: np.ndarray) -> tuple[Callable, Callable]:
    """The right-hand side and the pullback, compiled; data and results stay in JAX's own arrays."""
    rhs = _heat if model is heat else types.FunctionType(model.__code__, {**model.__globals__, "np": jnp})
    y, data, ct = jax.device_put((y, data, ct))
    value = jax.jit(rhs)
    pullback = jax.jit(lambda y, data, ct: jax.vjp(lambda y: rhs(y, *data), y)[1](ct)[0])
    return (
        lambda: jax.block_until_ready(value(y, *data)),
        lambda: jax.block_until_ready(pullback(y, data, ct)),
    )
