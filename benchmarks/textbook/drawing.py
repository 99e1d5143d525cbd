"""Pictures of the experiments, drawn without a display."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLORS = ("#1b6ca8", "#d1495b", "#2e933c", "#8e5ea2", "#e08e0b", "#3d3d3d", "#17a2a2", "#a0522d")
GRID = {"color": "0.9", "linewidth": 0.6}


def panels(count: int, width: float = 4.6, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """A row of panels."""
    figure = Figure(figsize=(width * count, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(np.ravel(figure.subplots(1, count)))


def curve(axes: Axes, x, y, label: str, color: int, style: str = "o-") -> None:
    """A curve on logarithmic axes, without the zeros."""
    y = np.where(np.asarray(y, float) > 0.0, y, np.nan)
    axes.loglog(x, y, style, ms=3.0, lw=1.3, color=COLORS[color], label=label)


def guide(axes: Axes, x, y, label: str) -> None:
    """A law as a thin line."""
    axes.loglog(x, y, ":", lw=1.0, color="0.45", label=label)


def finish(axes: Axes, title: str, across: str, up: str) -> None:
    """Titles, grid, legend."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(across, fontsize=9)
    axes.set_ylabel(up, fontsize=9)
    axes.grid(**GRID)
    axes.legend(frameon=False, fontsize=7.5)


def save(figure: Figure, path: Path) -> None:
    """Write a picture."""
    figure.savefig(path, dpi=110)
