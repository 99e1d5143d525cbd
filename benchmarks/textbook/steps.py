"""Error of differences against their step, beside the complex step and algorithmic differentiation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mpmath
import numpy as np

import diffsci as ds
from benchmarks.report import Table
from benchmarks.textbook.drawing import curve, finish, guide, panels, save
from benchmarks.textbook.page import Section

THEORY = """A difference quotient of order $p$ errs by $C h^p$ (truncation), and by about $\\varepsilon |f|
/ h$ because the values it subtracts are rounded ([G&W], chapter 1; J. Nocedal and S. Wright, *Numerical
Optimization*, section 8.1). So the error is a V: its best step is about $\\varepsilon^{1/(p+1)}$, and the
best error $\\varepsilon^{p/(p+1)}$: half of the digits for forward differences, two thirds for central
ones. The complex step (W. Squire and G. Trapp, SIAM Review 40, 1998) has the left branch only, and
algorithmic differentiation has no step."""
EPS = float(np.finfo(float).eps)
POINTS = 32  # rounding is erratic: its size shows over many points


def objective(x):
    """The function of Squire and Trapp."""
    return np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3)


def exact(x: float) -> float:
    """Its derivative, from 50 digits."""
    with mpmath.workdps(50):
        s, c = mpmath.sin(x), mpmath.cos(x)
        root = mpmath.sqrt(s**3 + c**3)
        slope = mpmath.exp(x) * (1 / root - (3 * s**2 * c - 3 * c**2 * s) / (2 * root**3))
        return float(slope)


METHODS: dict[str, tuple[Callable, int]] = {
    "forward": (lambda x, h: (objective(x + h) - objective(x)) / h, 1),
    "central": (lambda x, h: (objective(x + h) - objective(x - h)) / (2.0 * h), 2),
    "complex step": (lambda x, h: np.imag(objective(x + 1j * h)) / h, 2),
}


@dataclass
class Found:
    """Relative errors, root mean square over the points, for every method and step; those of AD."""

    steps: np.ndarray
    errors: dict[str, np.ndarray]
    ad: dict[str, float]

    def branch(self, method: str, largest: float, smallest: float) -> float:
        """The slope of the logarithm of the error over a range of steps."""
        inside = (self.steps < largest) & (self.steps > smallest)
        return float(np.polyfit(np.log(self.steps[inside]), np.log(self.errors[method][inside]), 1)[0])

    def best(self, method: str) -> tuple[float, float]:
        """The best step, and its error."""
        k = int(np.argmin(self.errors[method]))
        return float(self.steps[k]), float(self.errors[method][k])


def run(per_decade: int = 4, points: int = POINTS) -> Found:
    """Sweep the step from 0.1 to 1e-15."""
    x = np.linspace(1.4, 1.6, points)
    right = np.array([exact(value) for value in x])
    steps = 10.0 ** -np.arange(1.0, 15.0 + 0.5 / per_decade, 1.0 / per_decade)

    def size(found: np.ndarray) -> float:
        return max(float(np.sqrt(np.mean(((found - right) / right) ** 2))), EPS / 4.0)

    errors = {
        name: np.array([size(quotient(x, h)) for h in steps]) for name, (quotient, _) in METHODS.items()
    }
    ad = {
        "forward mode": size(ds.jvp(objective, (x,), (np.ones_like(x),))[1]),
        "reverse mode": size(ds.grad(lambda v: np.sum(objective(v)))(x)),
    }
    return Found(steps, errors, ad)


def laws(found: Found) -> Table:
    """Slopes of both branches, and where the V has its tip."""
    table = Table("textbook steps", "Laws of differences")
    for name, (_, order) in METHODS.items():
        tip = EPS ** (1.0 / (order + 1))
        if name == "complex step":
            tip = 1e-7  # no cancellation: truncation ends where it reaches rounding
        slope = found.branch(name, 0.02, 20.0 * tip)
        table.add(f"{name}: slope of truncation, distance from {order}", abs(slope - order), "", target=0.1)
        if name != "complex step":
            slope = found.branch(name, tip / 20.0, 1e-14)
            table.add(f"{name}: slope of rounding, distance from -1", abs(slope + 1.0), "", target=0.1)
            low = abs(np.log10(found.best(name)[0] / tip))
            table.add(f"{name}: best step, decades from eps^(1/{order + 1})", low, "", target=1.0)
    table.add("complex step: error at the smallest step", found.errors["complex step"][-1], "", target=2e-15)
    for name, error in found.ad.items():
        table.add(f"{name}: error", error, "", target=2e-15)
    return table


def draw(found: Found, path: Path) -> None:
    """The V of each method."""
    figure, (axes,) = panels(1, 6.4, 4.0)
    for k, name in enumerate(METHODS):
        curve(axes, found.steps, found.errors[name], name, k)
    middle = found.steps[(found.steps < 0.02) & (found.steps > 1e-6)]
    guide(axes, middle, 3.0 * found.errors["forward"][4] * middle / found.steps[4], "slope 1")
    short = middle[middle > 1e-4]
    guide(axes, short, 0.3 * found.errors["central"][4] * (short / found.steps[4]) ** 2, "slope 2")
    tiny = found.steps[found.steps < 1e-9]
    guide(axes, tiny, 3.0 * EPS / tiny, "slope -1")
    axes.axhline(found.ad["reverse mode"], color="0.2", lw=1.2, ls="--", label="AD, both modes")
    axes.invert_xaxis()
    finish(axes, "relative error of the derivative", "step h", "error, root mean square")
    save(figure, path)


def measure() -> Section:
    """The full sweep."""
    found = run()
    rows = []
    for k in range(0, len(found.steps), 4):
        rows.append([f"{found.steps[k]:.0e}", *(f"{found.errors[name][k]:.1e}" for name in METHODS)])
    rows.append(["best", *(f"{found.best(name)[1]:.1e} at {found.best(name)[0]:.0e}" for name in METHODS)])
    for mode, error in found.ad.items():
        rows.append([f"AD, {mode}", f"{error:.1e}", "", ""])
    return Section(
        "steps",
        "1. Differences: the error against the step",
        THEORY,
        ["step", *METHODS],
        rows,
        laws(found),
        "Error of differences against the step: truncation falls with slope 1 and 2, rounding rises with -1",
        lambda path: draw(found, path),
    )
