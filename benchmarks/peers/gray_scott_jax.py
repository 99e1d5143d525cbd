"""The Gray-Scott right-hand side and its vjp under ``jax.jit``, in double precision."""

from __future__ import annotations

from collections.abc import Callable

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402


def functions() -> tuple[Callable, Callable]:
    """``rhs(y, p)`` and ``vjp(y, p, ct)``, both compiled; they return JAX arrays that are ready."""

    def laplacian(z):
        return jnp.roll(z, 1, 0) + jnp.roll(z, -1, 0) + jnp.roll(z, 1, 1) + jnp.roll(z, -1, 1) - 4.0 * z

    def rhs(y, p):
        u, v = y
        reaction = u * v * v
        return jnp.stack(
            [
                p[0] * laplacian(u) - reaction + p[2] * (1.0 - u),
                p[1] * laplacian(v) + reaction - (p[2] + p[3]) * v,
            ]
        )

    def pulled(y, p, ct):
        return jax.vjp(rhs, y, p)[1](ct)

    compiled, compiled_vjp = jax.jit(rhs), jax.jit(pulled)
    return (
        lambda y, p: jax.block_until_ready(compiled(y, p)),
        lambda y, p, ct: jax.block_until_ready(compiled_vjp(y, p, ct)),
    )
