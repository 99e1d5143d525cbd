"""A stiff reaction with diffusion in the plane: 578 states, 1156 parameters, the gradient of a misfit.

The workload of SciMLBenchmarks.jl (AutomaticDifferentiation, BrussScaling; arXiv:1812.01892), whose gradient
is known to ten digits. The implicit method finds the sparse systems by itself; SciPy's `Radau` is given the
analytic Jacobian as a sparse matrix.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.report import Table
from benchmarks.timing import interleaved

SIDE = 17
TIMES = np.linspace(0.0, 1.0, 11)
RTOL, ATOL = 1e-8, 1e-6
KNOWN = json.loads((Path(__file__).parent / "data" / "brusselator_gradient.json").read_text(encoding="utf-8"))


def workload(side: int) -> tuple[Callable, np.ndarray, np.ndarray]:
    """The right-hand side ``rhs(t, y, p)``, where it starts, and A, B, a1, a2 at every point."""
    line = np.linspace(0.0, 1.0, side)
    x, y = np.meshgrid(line, line)
    spot = (x - 0.3) ** 2 + (y - 0.6) ** 2 <= 0.1**2

    def diffusion(u):
        around = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1)
        return (around - 4 * u) * (side - 1) ** 2

    def rhs(t, state, p):
        a, b, a1, a2 = p.reshape(4, side, side)
        u, v = state.reshape(2, side, side)
        feed = np.where(t >= 1.1, 5.0, 0.0) * spot
        du = a1 * diffusion(u) + b + u**2 * v - (a + 1) * u + feed
        dv = a2 * diffusion(v) + a * u - u**2 * v
        return np.stack([du, dv]).ravel()

    start = np.stack([22 * (y * (1 - y)) ** 1.5, 27 * (x * (1 - x)) ** 1.5]).ravel()
    return rhs, start, np.repeat([3.4, 1.0, 10.0, 10.0], side * side)


def analytic_jacobian(side: int, p: np.ndarray) -> Callable:
    """``jac(t, y)`` as a sparse matrix, written by hand."""
    from scipy import sparse

    line = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(side, side)).tolil()
    line[0, side - 1] = line[side - 1, 0] = 1.0
    one = sparse.eye(side)
    plane = (sparse.kron(line, one) + sparse.kron(one, line)) * (side - 1) ** 2
    a, _, a1, a2 = p.reshape(4, -1)
    spread = sparse.block_diag([sparse.diags(a1) @ plane, sparse.diags(a2) @ plane], format="csc")

    def jacobian(t, y):
        u, v = y.reshape(2, -1)
        reaction = sparse.bmat(
            [
                [sparse.diags(2 * u * v - a - 1), sparse.diags(u**2)],
                [sparse.diags(a - 2 * u * v), sparse.diags(-(u**2))],
            ],
            format="csc",
        )
        return spread + reaction

    return jacobian


def measure(threads: int) -> Table:
    """Check the gradient, then time it, the integration alone, and SciPy's."""
    from scipy.integrate import solve_ivp as scipy_solve_ivp

    import diffsci as ds
    from solvers import solve_ivp

    rhs, start, parameters = workload(SIDE)
    span, tolerances = (TIMES[0], TIMES[-1]), {"rtol": RTOL, "atol": ATOL, "t_eval": TIMES}

    def loss(p):
        sol = solve_ivp(rhs, span, start, args=(p,), method="Rodas5P", **tolerances)
        return np.sum((1 - sol.y) ** 2) / 2

    jacobian = analytic_jacobian(SIDE, parameters)

    def radau():
        options = {"method": "Radau", "jac": jacobian, **tolerances}
        return scipy_solve_ivp(lambda t, y: rhs(t, y, parameters), span, start, **options)

    both = ds.value_and_grad(loss)
    sol = solve_ivp(rhs, span, start, args=(parameters,), method="Rodas5P", **tolerances)
    table = Table("brusselator", f"Brusselator, {SIDE}² points, rtol {RTOL:g}, atol {ATOL:g}, warm")
    value, gradient = both(parameters)
    known = np.array(KNOWN["gradient"])
    table.add("loss: relative error", abs(value - KNOWN["loss"]) / KNOWN["loss"], "", target=1e-5)
    error = np.linalg.norm(gradient - known) / np.linalg.norm(known)
    table.add("gradient: relative error", error, "", target=1e-5)
    theirs = radau()
    error = abs(np.sum((1 - theirs.y) ** 2) / 2 - KNOWN["loss"]) / KNOWN["loss"]
    table.add("SciPy Radau, loss: relative error", error, "")
    seconds = interleaved(
        {"forward": lambda: loss(parameters), "gradient": lambda: both(parameters), "radau": radau},
        repeats=9,
        sample=0.05,
    )
    forward, backward, scipy = (seconds[name] for name in ("forward", "gradient", "radau"))
    steps = f"{sol.nsteps} steps; {sol.systems.structure} systems: {sol.systems.reason}"
    table.add("diffsci Rodas5P: forward", forward, note=steps)
    table.add("diffsci Rodas5P: value + gradient", backward, target=0.6)
    table.add("SciPy Radau, analytic sparse Jacobian: forward", scipy, note=f"{theirs.t.size} times")
    table.add("value + gradient / forward", backward / forward, "", target=5.0)
    table.add("forward: diffsci / SciPy", forward / scipy, "", target=1.0)
    return table
