"""The V-curve of a gradient check, as text and as a picture: what differences and remainders do with the
step.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diffsci.evidence.verdict import GradCheck, PointEvidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot", "v_curve"]

COLORS = ("#1b6ca8", "#d1495b", "#2e933c", "#8e5ea2", "#3d3d3d")
GRID = {"color": "0.9", "linewidth": 0.6}
WIDTH = 34
BEST, LEAST = 0.0, -16.0  # decades of relative error that the text shows


def errors(point: PointEvidence) -> np.ndarray:
    """Relative errors of central differences along the random direction, held against the best reference."""
    right = point.direction.reference
    size = abs(right) or point.direction.magnitude or 1.0
    return np.abs(point.scan.central - right) / size


@np.errstate(all="ignore")
def v_curve(point: PointEvidence) -> str:
    """The V as text: a row for every decade of the step, and a bar as long as the difference is right."""
    seen, wrong = point.scan, errors(point)
    lines = [f"  {'step':>6}  {'central difference':>18}  {'error':>7}  digits right"]
    for step, quotient, error in list(zip(seen.steps, seen.central, wrong, strict=True))[::2]:
        shown = np.clip(np.log10(error), LEAST, BEST) if error > 0.0 else LEAST
        bar = "?" if np.isnan(error) else "#" * round(WIDTH * float(shown) / LEAST)
        lines.append(f"  {step:>6.0e}  {quotient:>18.10g}  {error:>7.0e}  {bar}".rstrip())
    return "\n".join(lines)


@np.errstate(all="ignore")
def plot(check: GradCheck, path: str | Path | None = None) -> Figure:
    """V-curves on the left, Taylor remainders on the right, a row for each point."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not check.points:
        raise ValueError(
            f"there is no V-curve to draw: {check.verdict} ({'; '.join(text for _, text in check.findings)})"
        )
    figure = Figure(figsize=(9.0, 3.4 * len(check.points)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(check.points), 2, squeeze=False)
    for (left, right), point in zip(panels, check.points, strict=True):
        _draw_v(left, point)
        _draw_remainders(right, point)
    figure.suptitle(f"check_grad {check.function}: {check.verdict}", fontsize=11)
    if path is not None:
        figure.savefig(path, dpi=110)
    return figure


def _draw_v(axes: Axes, point: PointEvidence) -> None:
    seen, right = point.scan, point.direction.reference
    size = abs(right) or point.direction.magnitude or 1.0
    forward = np.abs((seen.plus - seen.centre) / seen.steps - right) / size
    _line(axes, seen.steps, forward, "forward difference", COLORS[0])
    _line(axes, seen.steps, errors(point), "central difference", COLORS[1])
    axes.loglog(seen.steps, seen.noise / seen.steps / size, "--", lw=0.9, color="0.5", label="noise / step")
    gap = abs(point.direction.derivative - right) / size
    axes.axhline(max(gap, 1e-16), color=COLORS[2], lw=1.4, label="gradient under test")
    best = int(np.nanargmin(errors(point))) if np.any(np.isfinite(errors(point))) else 0
    axes.set_title(f"{point.label}: best step {seen.steps[best]:.0e}", fontsize=10)
    _finish(axes, "relative error of the slope")


def _draw_remainders(axes: Axes, point: PointEvidence) -> None:
    seen, slope = point.scan, point.direction.derivative
    orders = [("value only", 0.0, 0.0, 1), ("with the gradient", slope, 0.0, 2)]
    if point.second is not None:
        orders.append(("with the Hessian-vector product", slope, point.second.derivative, 3))
    for (label, first, second, order), color in zip(orders, COLORS, strict=False):
        left = seen.remainders(first, second)
        _line(axes, seen.steps, left, f"{label}: h^{order} is right", color)
        guide = left[2] * (seen.steps / seen.steps[2]) ** order
        axes.loglog(seen.steps, guide, ":", lw=0.9, color=color)
    axes.axhline(seen.noise, ls="--", lw=0.9, color="0.5", label="noise")
    axes.set_ylim(bottom=seen.noise / 30.0)
    axes.set_title("remainder of the Taylor polynomial", fontsize=10)
    _finish(axes, "absolute remainder")


def _line(axes: Axes, steps: np.ndarray, values: np.ndarray, label: str, color: str) -> None:
    axes.loglog(steps, np.maximum(values, 1e-300), "o-", ms=3.0, lw=1.2, color=color, label=label)


def _finish(axes: Axes, label: str) -> None:
    if axes.get_ylim()[0] < 1e-17:
        axes.set_ylim(bottom=1e-17)
    axes.invert_xaxis()
    axes.set_xlabel("step along a random direction, relative to the parameters", fontsize=8)
    axes.set_ylabel(label, fontsize=8)
    axes.grid(**GRID)
    axes.legend(frameon=False, fontsize=7)
