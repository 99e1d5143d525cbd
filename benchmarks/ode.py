"""Integrations with their gradients: two that are not stiff and one that is, beside diffrax, CasADi + CVODES
and, for values alone, SciPy.

All contestants solve at the same tolerances; each answer is compared with complex steps through SciPy at
tight tolerances before anything is timed: a fast wrong answer is no contestant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from benchmarks import models
from benchmarks.report import Table
from benchmarks.timing import interleaved

ACCEPTED = (
    1e-3  # relative error (of the largest entry of the gradient) beyond which an answer is called wrong
)
PEERS = {"diffrax": "integrations_diffrax", "CasADi + CVODES": "integrations_casadi"}
STEP = 1e-30  # of complex steps: exact to rounding


@dataclass(frozen=True)
class Problem:
    """The sum of squares of the states at `end`, as a function of the parameters."""

    name: str
    rhs: Callable
    start: np.ndarray
    parameters: np.ndarray
    end: float
    rtol: float
    atol: float
    method: str
    stiff: bool = False


PROBLEMS = (
    Problem(
        "Lotka-Volterra", models.lotka_volterra, models.LOTKA_START, models.LOTKA_RATES, 20.0, 1e-8, 1e-10,
        "Tsit5",
    ),
    Problem(
        "Pleiades", models.pleiades, models.PLEIADES_START, models.PLEIADES_MASSES, 3.0, 1e-8, 1e-10, "Tsit5"
    ),
    Problem(
        "POLLU", models.pollu, models.POLLU_START, models.POLLU_RATES, 60.0, 1e-6, 1e-10, "Rodas5P", True
    ),
)  # fmt: skip


def reference(problem: Problem) -> tuple[float, np.ndarray]:
    """The objective and its gradient by complex steps through SciPy's methods at tight tolerances."""
    from scipy.integrate import solve_ivp

    method = "BDF" if problem.stiff else "DOP853"  # Radau takes no complex states

    def objective(p):
        found = solve_ivp(
            lambda t, y: np.array(problem.rhs(t, y, p)),
            (0.0, problem.end),
            problem.start.astype(complex),
            method=method,
            rtol=1e-9,
            atol=1e-14,
        )
        if not found.success:
            raise RuntimeError(f"the reference integration failed: {found.message}")
        return np.sum(found.y[:, -1] ** 2)

    slopes = []
    for k, value in enumerate(problem.parameters):
        moved = problem.parameters.astype(complex)
        moved[k] += 1j * STEP * max(abs(value), 1.0)
        slopes.append(objective(moved).imag / moved[k].imag)
    return objective(problem.parameters.astype(complex)).real, np.array(slopes)


def with_diffsci(problem: Problem) -> tuple[Callable, Callable]:
    """Value and value with gradient of the objective, compiled."""
    import diffsci as ds
    from solvers import solve_ivp

    def objective(p):
        solution = solve_ivp(
            problem.rhs,
            (0.0, problem.end),
            problem.start,
            args=(p,),
            method=problem.method,
            rtol=problem.rtol,
            atol=problem.atol,
        )
        return np.sum(solution.y[:, -1] ** 2)

    return ds.jit(objective), ds.jit(ds.value_and_grad(objective))


def with_scipy(problem: Problem) -> Callable:
    """The value alone, by the method that SciPy's users would take."""
    from scipy.integrate import solve_ivp

    method = "LSODA" if problem.stiff else "DOP853"

    def value(p):
        found = solve_ivp(
            lambda t, y: problem.rhs(t, y, p),
            (0.0, problem.end),
            problem.start,
            method=method,
            rtol=problem.rtol,
            atol=problem.atol,
        )
        return float(np.sum(found.y[:, -1] ** 2))

    return value


def measure(threads: int) -> Table:
    """Check every contestant's answers, then time them in turn."""
    table = Table("ode", "Integrations with gradients: sum of squares of the last state, warm")
    for problem in PROBLEMS:
        _measure(table, problem)
    return table


def _measure(table: Table, problem: Problem) -> None:
    value, slope = reference(problem)
    runs = {"diffsci": with_diffsci(problem)}
    for name, module in PEERS.items():
        try:
            runs[name] = import_module(f"benchmarks.peers.{module}").functions(problem)
        except ImportError:
            table.missing(f"{problem.name}: {name}")
    for name, (_, both) in runs.items():
        _check(table, f"{problem.name}: {name}", both(problem.parameters), value, slope)
    timed = {f"{name}: value": (lambda f=f: f(problem.parameters)) for name, (f, _) in runs.items()}
    alone = with_scipy(problem)
    timed["SciPy: value"] = lambda: alone(problem.parameters)
    timed |= {
        f"{name}: value + gradient": (lambda g=g: g(problem.parameters)) for name, (_, g) in runs.items()
    }
    seconds = interleaved(timed, repeats=9, sample=0.03)
    for name, median in seconds.items():
        table.add(f"{problem.name}: {name}", median)
    for name, median in seconds.items():
        kind = name.split(": ")[1]
        if not name.startswith("diffsci"):
            ratio = seconds[f"diffsci: {kind}"] / median
            table.add(f"{problem.name}: {kind}, diffsci / {name.split(':')[0]}", ratio, "", target=1.0)


def _check(table: Table, name: str, both: tuple, value: float, slope: np.ndarray) -> None:
    errors = [
        abs(float(both[0]) - value) / abs(value),
        float(np.max(np.abs(np.asarray(both[1]) - slope)) / np.max(np.abs(slope))),
    ]
    table.add(f"{name}: relative error of value and gradient", max(errors), "", target=ACCEPTED)
