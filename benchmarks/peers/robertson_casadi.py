"""Robertson's kinetics in CasADi, integrated and differentiated by SUNDIALS CVODES."""

from __future__ import annotations

from collections.abc import Callable

import casadi
import numpy as np


def functions(end: float, rtol: float, atol: float) -> tuple[Callable, Callable]:
    """``value(p)`` and ``value_and_gradient(p)`` of y3 at ``end``; the gradient by CVODES' adjoint."""
    y, p = casadi.SX.sym("y", 3), casadi.SX.sym("p", 3)
    forward, back, pair = p[0] * y[0], p[1] * y[1] * y[2], p[2] * y[1] ** 2
    rates = casadi.vertcat(back - forward, forward - back - pair, pair)
    options = {"reltol": rtol, "abstol": atol, "max_num_steps": 100_000}
    flow = casadi.integrator("flow", "cvodes", {"x": y, "p": p, "ode": rates}, 0.0, end, options)
    k = casadi.MX.sym("k", 3)
    y3 = flow(x0=[1.0, 0.0, 0.0], p=k)["xf"][2]
    value = casadi.Function("value", [k], [y3])
    gradient = casadi.Function("gradient", [k], [y3, casadi.gradient(y3, k)])

    def value_and_gradient(rates: np.ndarray) -> tuple[float, np.ndarray]:
        found, slope = gradient(rates)
        return float(found), np.asarray(slope).ravel()

    return lambda rates: float(value(rates)), value_and_gradient
