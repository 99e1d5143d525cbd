"""Any problem of the group `ode` in CasADi, integrated and differentiated by SUNDIALS CVODES."""

from __future__ import annotations

from collections.abc import Callable

import casadi
import numpy as np


def functions(problem) -> tuple[Callable, Callable]:
    """``value(p)`` and ``value_and_gradient(p)`` of the problem's objective; the gradient by the adjoint."""
    n, m = len(problem.start), len(problem.parameters)
    y, p = casadi.SX.sym("y", n), casadi.SX.sym("p", m)
    rates = casadi.vertcat(*problem.rhs(0.0, y, p))
    options = {
        "reltol": problem.rtol,
        "abstol": problem.atol,
        "max_num_steps": 100_000,
        "linear_multistep_method": "bdf" if problem.stiff else "adams",
        "nonlinear_solver_iteration": "newton" if problem.stiff else "functional",
    }
    flow = casadi.integrator("flow", "cvodes", {"x": y, "p": p, "ode": rates}, 0.0, problem.end, options)
    k = casadi.MX.sym("k", m)
    total = casadi.sumsqr(flow(x0=problem.start, p=k)["xf"])
    value = casadi.Function("value", [k], [total])
    gradient = casadi.Function("gradient", [k], [total, casadi.gradient(total, k)])

    def value_and_gradient(rates: np.ndarray) -> tuple[float, np.ndarray]:
        found, slope = gradient(rates)
        return float(found), np.asarray(slope).ravel()

    return lambda rates: float(value(rates)), value_and_gradient
