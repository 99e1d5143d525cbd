"""A stiff reaction with diffusion along a line: BRUSS of the stiff test problems, with 500 points.

E. Hairer and G. Wanner, Solving Ordinary Differential Equations II, section IV.10; the gradient is that of a
misfit for the four constants of the reaction. Rodas5P finds the bands by itself; SciPy's methods are told.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.report import Table
from benchmarks.timing import interleaved

POINTS = 500
RTOL, ATOL = 1e-6, 1e-8
CONSTANTS = np.array([1.0, 4.0, 3.0, 0.02])


def workload(points: int) -> tuple[Callable, np.ndarray]:
    """The right-hand side ``rhs(t, y, p)`` and where it starts: u and v of a point lie side by side."""

    def rhs(t, y, p):
        a, b, c, alpha = p
        y = y.reshape(points, 2)
        u, v = y[:, 0], y[:, 1]
        end = np.array([[1.0, 3.0]])
        padded = np.concatenate([end, y, end])
        spread = alpha * (points + 1) ** 2 * (padded[2:] - 2 * y + padded[:-2])
        reaction = np.stack([a + u**2 * v - b * u, c * u - u**2 * v], axis=1)
        return (spread + reaction).ravel()

    x = np.arange(1, points + 1) / (points + 1)
    return rhs, np.stack([1 + np.sin(2 * np.pi * x), np.full(points, 3.0)], axis=1).ravel()


def analytic_jacobian(points: int, p: np.ndarray) -> Callable:
    """``jac(t, y)`` as a sparse matrix, written by hand."""
    from scipy import sparse

    _, b, c, alpha = p
    line = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(points, points))
    spread = sparse.kron(alpha * (points + 1) ** 2 * line, sparse.eye(2), format="csc")

    def jacobian(t, y):
        u, v = y[::2], y[1::2]
        main = np.stack([2 * u * v - b, -(u**2)], axis=1).ravel()
        above, below = np.zeros(2 * points - 1), np.zeros(2 * points - 1)
        above[::2], below[::2] = u**2, c - 2 * u * v
        return spread + sparse.diags([below, main, above], [-1, 0, 1], format="csc")

    return jacobian


def measure(threads: int) -> Table:
    """Time integrations and the gradient, after a look at what they find."""
    from scipy.integrate import solve_ivp as scipy_solve_ivp

    import diffsci as ds
    from solvers import solve_ivp

    rhs, start = workload(POINTS)
    span, tolerances = (0.0, 10.0), {"rtol": RTOL, "atol": ATOL}
    jacobian = analytic_jacobian(POINTS, CONSTANTS)

    def scipys(method, **options):
        return scipy_solve_ivp(lambda t, y: rhs(t, y, CONSTANTS), span, start, method=method, **options)

    def ours(p):
        return solve_ivp(rhs, span, start, args=(p,), method="Rodas5P", **tolerances)

    both = ds.value_and_grad(lambda p: np.sum((1 - ours(p).y[:, -1]) ** 2) / 2)
    runs = {
        "forward": lambda: ours(CONSTANTS),
        "radau": lambda: scipys("Radau", jac=jacobian, **tolerances),
        "lsoda": lambda: scipys("LSODA", lband=2, uband=2, **tolerances),
    }
    table = Table("line", f"Brusselator on a line, {POINTS} points, rtol {RTOL:g}, atol {ATOL:g}, warm")
    best = scipys("Radau", jac=jacobian, rtol=1e-10, atol=1e-12).y[:, -1]
    found = {name: run() for name, run in runs.items()}
    errors = {name: np.max(np.abs(sol.y[:, -1] - best)) for name, sol in found.items()}
    seconds = interleaved(runs | {"gradient": lambda: both(CONSTANTS)}, repeats=9, sample=0.05)
    sol = found["forward"]
    steps = f"{sol.nsteps} steps; {sol.systems.structure} systems: {sol.systems.reason}"
    table.add("diffsci Rodas5P: forward", seconds["forward"], note=steps)
    table.add("diffsci Rodas5P: value + gradient", seconds["gradient"])
    table.add(
        "SciPy Radau, analytic sparse Jacobian", seconds["radau"], note=f"{found['radau'].t.size} times"
    )
    table.add("SciPy LSODA, told the bands", seconds["lsoda"], note=f"{found['lsoda'].t.size} times")
    for name, what in (("forward", "diffsci Rodas5P"), ("radau", "SciPy Radau"), ("lsoda", "SciPy LSODA")):
        table.add(f"{what}: largest error at the end", errors[name], "")
    table.add("value + gradient / forward", seconds["gradient"] / seconds["forward"], "", target=5.0)
    table.add(
        "forward: diffsci / best of SciPy",
        seconds["forward"] / min(seconds["radau"], seconds["lsoda"]),
        "",
        target=1.0,
    )
    return table
