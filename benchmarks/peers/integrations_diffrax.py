"""Any problem of the group `ode` in diffrax: adaptive steps, the default checkpointed adjoint."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import diffrax  # noqa: E402  (double precision has to be chosen first)
import jax.numpy as jnp  # noqa: E402


def functions(problem) -> tuple[Callable, Callable]:
    """``value(p)`` and ``value_and_gradient(p)`` of the problem's objective, both compiled."""
    solver = diffrax.Kvaerno5() if problem.stiff else diffrax.Tsit5()

    def objective(p):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, p: jnp.stack(problem.rhs(t, y, p))),
            solver,
            t0=0.0,
            t1=problem.end,
            dt0=None,
            y0=jnp.asarray(problem.start),
            args=p,
            stepsize_controller=diffrax.PIDController(rtol=problem.rtol, atol=problem.atol),
            max_steps=16_384,
        )
        return jnp.sum(solution.ys[-1] ** 2)

    value, gradient = jax.jit(objective), jax.jit(jax.value_and_grad(objective))

    def value_and_gradient(p: np.ndarray) -> tuple[float, np.ndarray]:
        found, slope = gradient(p)
        return float(found), np.asarray(slope)

    return lambda p: float(value(p)), value_and_gradient
