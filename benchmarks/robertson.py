"""Robertson's stiff kinetics: the value and the gradient of an integration, against CasADi + CVODES and
diffrax.

Contestants solve the same problem at the same tolerances, and each answer is compared with a forward
sensitivity integration at 1e-12 before anything is timed: a fast wrong answer is no contestant.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.report import Table
from benchmarks.timing import interleaved

RATES = np.array([0.04, 1e4, 3e7])
START = np.array([1.0, 0.0, 0.0])
END = 1e4
RTOL, ATOL = 1e-6, 1e-10
ACCEPTED = 1e-3  # relative error beyond which a contestant's answer is called wrong
PUBLISHED = json.loads(
    (Path(__file__).parent / "data" / "robertson_integral.json").read_text(encoding="utf-8")
)


def rhs(t, y, p):
    """The rate equations, as a user writes them."""
    forward, back, pair = p[0] * y[0], p[1] * y[1] * y[2], p[2] * y[1] ** 2
    return [back - forward, forward - back - pair, pair]


def rhs_with_integral(t, y, p):
    """The rate equations with the running integral of y3 as a fourth state."""
    forward, back, pair = p[0] * y[0], p[1] * y[1] * y[2], p[2] * y[1] ** 2
    return np.array([back - forward, forward - back - pair, pair, y[2]])


def sensitivity_reference() -> tuple[float, np.ndarray]:
    """y3(END) and its gradient by SciPy's Radau on the equations with their sensitivities, at 1e-12."""
    from scipy.integrate import solve_ivp

    k1, k2, k3 = RATES

    def augmented(t, z):
        y, s = z[:3], z[3:].reshape(3, 3)
        forward, back, pair = k1 * y[0], k2 * y[1] * y[2], k3 * y[1] ** 2
        jacobian = np.array(
            [
                [-k1, k2 * y[2], k2 * y[1]],
                [k1, -k2 * y[2] - 2 * k3 * y[1], -k2 * y[1]],
                [0.0, 2 * k3 * y[1], 0.0],
            ]
        )
        by_rate = np.array(
            [[-y[0], y[1] * y[2], 0.0], [y[0], -y[1] * y[2], -(y[1] ** 2)], [0.0, 0.0, y[1] ** 2]]
        )
        return np.concatenate(
            [[back - forward, forward - back - pair, pair], (jacobian @ s + by_rate).ravel()]
        )

    start = np.concatenate([START, np.zeros(9)])
    scale = np.concatenate([[1.0, 1e-5, 1.0], np.outer([1.0, 1e-5, 1.0], 1.0 / RATES).ravel()])
    found = solve_ivp(augmented, (0.0, END), start, method="Radau", rtol=1e-11, atol=1e-13 * scale)
    if not found.success:
        raise RuntimeError(f"the reference integration failed: {found.message}")
    return found.y[2, -1], found.y[3:, -1].reshape(3, 3)[2]


def diffsci_functions() -> tuple[Callable, Callable]:
    """Value and value with gradient of y3(END), compiled."""
    import diffsci as ds
    from solvers import solve_ivp

    def y3(p):
        solution = solve_ivp(rhs, (0.0, END), START, args=(p,), method="Rodas5P", rtol=RTOL, atol=ATOL)
        return solution.y[2, -1]

    return ds.jit(y3), ds.jit(ds.value_and_grad(y3))


def contestants(table: Table) -> dict[str, tuple[Callable, Callable]]:
    """``(value, value_and_gradient)`` of every contestant that is installed."""
    found = {"diffsci Rodas5P": diffsci_functions()}
    try:
        from benchmarks.peers import robertson_casadi
    except ImportError:
        table.missing("CasADi + CVODES")
    else:
        found["CasADi + CVODES"] = robertson_casadi.functions(END, RTOL, ATOL)
    try:
        from benchmarks.peers import robertson_diffrax
    except ImportError:
        table.missing("diffrax Kvaerno5")
    else:
        found["diffrax Kvaerno5"] = robertson_diffrax.functions(END, RTOL, ATOL)
    return found


def measure(threads: int) -> Table:
    """Check every contestant's answer, then time them in turn."""
    table = Table("robertson", f"Robertson kinetics to t = {END:g}, rtol {RTOL:g}, atol {ATOL:g}, warm")
    reference, slope = sensitivity_reference()
    runs = contestants(table)
    for name, (value, value_and_gradient) in runs.items():
        _check(table, name, float(value(RATES)), value_and_gradient(RATES), reference, slope)
    timed = {f"{name}: value": (lambda f=f: f(RATES)) for name, (f, _) in runs.items()}
    timed |= {f"{name}: value + gradient": (lambda g=g: g(RATES)) for name, (_, g) in runs.items()}
    seconds = interleaved(timed, repeats=11, sample=0.05)
    for name, median in seconds.items():
        table.add(name, median)
    _ratios(table, seconds)
    integral_accuracy(table)
    return table


def _check(table: Table, name: str, value: float, both: tuple, reference: float, slope: np.ndarray) -> None:
    value_error = abs(value - reference) / abs(reference)
    gradient_error = float(np.max(np.abs(np.asarray(both[1]) - slope) / np.abs(slope)))
    table.add(f"{name}: relative error of y3", value_error, "", target=ACCEPTED)
    table.add(f"{name}: relative error of the gradient", gradient_error, "", target=ACCEPTED)


def _ratios(table: Table, seconds: dict[str, float]) -> None:
    """Ours over theirs, with the targets of the project."""
    ours = {kind: seconds[f"diffsci Rodas5P: {kind}"] for kind in ("value", "value + gradient")}
    targets = {
        ("CasADi + CVODES", "value"): 0.25,
        ("CasADi + CVODES", "value + gradient"): 0.12,
        ("diffrax Kvaerno5", "value"): None,
        ("diffrax Kvaerno5", "value + gradient"): 0.01,
    }
    for (peer, kind), target in targets.items():
        theirs = seconds.get(f"{peer}: {kind}")
        if theirs is not None:
            table.add(f"{kind}: diffsci / {peer}", ours[kind] / theirs, "", target=target)
    table.add("value + gradient / value, diffsci", ours["value + gradient"] / ours["value"], "", target=5.0)


def integral_accuracy(table: Table) -> None:
    """The gradient of G = integral of y3 against the published problem's high-precision values."""
    import diffsci as ds
    from solvers import solve_ivp

    for label, end in (("T = 50", 50.0), ("T = 4e7", 4e7)):

        def integral(p, end=end):
            start = np.append(START, 0.0)
            atol = np.array([1e-12, 1e-16, 1e-12, 1e-10])
            solution = solve_ivp(
                rhs_with_integral, (0.0, end), start, args=(p,), method="Rodas5P", rtol=1e-8, atol=atol
            )
            return solution.y[3, -1]

        value, slope = ds.value_and_grad(integral)(RATES)
        expected = PUBLISHED[label]
        error = abs(float(value) - expected["G"]) / expected["G"]
        table.add(f"G, {label}: relative error at rtol 1e-8", error, "", target=1e-6)
        error = float(np.max(np.abs(slope - np.array(expected["dG_dp"])) / np.abs(expected["dG_dp"])))
        table.add(f"dG/dp, {label}: relative error at rtol 1e-8", error, "", target=1e-6)
        evidence = ds.check_grad(integral, RATES)
        faults = 0 if evidence.passed else 1
        table.add(f"G, {label}: check_grad, faults found", faults, "", target=0, note=evidence.verdict)
