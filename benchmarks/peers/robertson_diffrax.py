"""Robertson's kinetics in diffrax: Kvaerno5 with a PID controller and the default, checkpointed adjoint."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import diffrax  # noqa: E402  (double precision has to be chosen first)
import jax.numpy as jnp  # noqa: E402


def functions(end: float, rtol: float, atol: float) -> tuple[Callable, Callable]:
    """``value(p)`` and ``value_and_gradient(p)`` of y3 at ``end``, both compiled."""

    def rates(t, y, p):
        forward, back, pair = p[0] * y[0], p[1] * y[1] * y[2], p[2] * y[1] ** 2
        return jnp.stack([back - forward, forward - back - pair, pair])

    def y3(p):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(rates),
            diffrax.Kvaerno5(),
            t0=0.0,
            t1=end,
            dt0=1e-4,
            y0=jnp.array([1.0, 0.0, 0.0]),
            args=p,
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
            max_steps=4096,
        )
        return solution.ys[-1, 2]

    value, gradient = jax.jit(y3), jax.jit(jax.value_and_grad(y3))

    def value_and_gradient(p: np.ndarray) -> tuple[float, np.ndarray]:
        found, slope = gradient(p)
        return float(found), np.asarray(slope)

    return lambda p: float(value(p)), value_and_gradient
