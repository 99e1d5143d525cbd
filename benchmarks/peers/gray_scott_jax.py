"""The Gray-Scott right-hand side and its vjp under ``jax.jit``, in double precision."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402


def functions(y: np.ndarray, p: np.ndarray, ct: np.ndarray) -> dict[str, Callable]:
    """The right-hand side and its vjps at this point, compiled; data and results stay in JAX's own arrays."""

    def laplacian(z):
        return jnp.roll(z, 1, 0) + jnp.roll(z, -1, 0) + jnp.roll(z, 1, 1) + jnp.roll(z, -1, 1) - 4.0 * z

    def rhs(y, p):
        u, v = y
        reaction = u * v * v
        du = p[0] * laplacian(u) - reaction + p[2] * (1.0 - u)
        dv = p[1] * laplacian(v) + reaction - (p[2] + p[3]) * v
        return jnp.stack([du, dv])

    programs = {
        "right-hand side": rhs,
        "vjp, state": lambda y, p, ct: jax.vjp(lambda y: rhs(y, p), y)[1](ct)[0],
        "vjp, state and rates": lambda y, p, ct: jax.vjp(rhs, y, p)[1](ct),
    }
    point = {"right-hand side": (y, p), "vjp, state": (y, p, ct), "vjp, state and rates": (y, p, ct)}
    return {kind: _ready(jax.jit(program), jax.device_put(point[kind])) for kind, program in programs.items()}


def _ready(compiled: Callable, point: tuple) -> Callable:
    return lambda: jax.block_until_ready(compiled(*point))
