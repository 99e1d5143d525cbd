"""Pictures of a run, drawn without a display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.studies.crosscheck import picture_name
from solvers.studies.results import ObjectiveResult, StudyResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from solvers.studies.run import Study

COLORS = ("#1b6ca8", "#d1495b", "#2e933c", "#8e5ea2", "#e08e0b", "#3d3d3d", "#17a2a2", "#a0522d")
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
GRID = {"color": "0.9", "linewidth": 0.6}


def draw_study(folder: Path, study: Study, result: StudyResult) -> list[Path]:
    """Draw all pictures of a run into a folder and return their paths."""
    pictures: dict[str, Figure] = {}
    if study.model.scalar_states:
        pictures["trajectories"] = _trajectories(study, result)
    else:
        for item in result.objectives:
            pictures[_file("fields", item, result)] = _fields(study, result, item)
    for item in result.objectives:
        pictures[_file("gradient", item, result)] = _bars(study, item)
        if item.curves:
            pictures[_file("vcurve", item, result)] = _v_curves(item)
    if result.calibration is not None:
        pictures["calibration"] = _calibration(study, result)
    paths = []
    for name, figure in pictures.items():
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=110)
    return paths


def _file(kind: str, item: ObjectiveResult, result: StudyResult) -> str:
    if len(result.objectives) == 1:
        return kind
    return f"{kind}_{picture_name(item.name)}"


def _canvas(width: float, height: float, **options: Any) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), **options)
    FigureCanvasAgg(figure)
    return figure


def _panel(width: float, height: float, left: float = 0.8) -> tuple[Figure, Axes]:
    """Make one panel with margins in inches; a layout engine would draw everything twice to find them."""
    figure = _canvas(width, height)
    right, bottom, top = 0.15, 0.55, 0.35
    box = (left / width, bottom / height, 1.0 - (left + right) / width, 1.0 - (bottom + top) / height)
    return figure, figure.add_axes(box)


def _trajectories(study: Study, result: StudyResult) -> Figure:
    config = study.case.config
    figure, axes = _panel(6.4, 3.6)
    curve = result.trajectory
    fit = result.fitted
    shown, short = config.plot.states or study.model.names, study.case.units.short
    units = {short(config.states[name].unit) for name in shown}
    for color, name in zip(_cycle(), shown, strict=False):
        factor = config.plot.magnify.get(name, 1.0)
        label = name if factor == 1.0 else f"{factor:g} × {name}"
        if len(units) > 1:  # the axis cannot name them all
            label = _axis(label, short(config.states[name].unit))
        axes.plot(
            curve.t,
            factor * curve.states[name],
            color=color,
            label=label if fit is None else f"{label}, as given",
            lw=1.6,
            ls="-" if fit is None else "--",
        )
        if fit is not None:
            axes.plot(fit.t, factor * fit.states[name], color=color, label=f"{label}, fitted", lw=1.6)
        _points(axes, study, name, factor, color)
    if config.time.spacing == "log":
        axes.set_xscale("log")
        _powers_of_ten(axes.xaxis)
        axes.set_xlim(curve.t[curve.t > 0][0], curve.t[-1])
    axes.set_xlabel(_axis("time", short(config.time.unit)))
    axes.set_ylabel(_axis("state", units.pop() if len(units) == 1 else ""))
    axes.set_title(config.case.title, fontsize=10)
    axes.grid(**GRID)
    axes.legend(frameon=False, fontsize=8)
    return figure


def _points(axes: Axes, study: Study, state: str, factor: float, color: str) -> None:
    """Lay the data of least-squares objectives over a trajectory."""
    for objective in study.objectives:
        data = objective.observations
        if data is not None and state in data.values:
            axes.plot(
                data.times,
                factor * data.values[state],
                "o",
                ms=4,
                mfc="white",
                mec=color,
                label=f"{state}, data",
            )


def _bars(study: Study, item: ObjectiveResult) -> Figure:
    """Elasticities: the one scale on which gradients of different units compare."""
    names = list(item.gradient)
    heights = [item.elasticity(name, study.free[name]) for name in names]
    figure, axes = _panel(6.4, 0.95 + 0.42 * len(names), left=1.7)
    places = np.arange(len(names))[::-1]
    axes.barh(
        places, heights, color=[COLORS[0] if height >= 0 else COLORS[1] for height in heights], height=0.6
    )
    short = study.case.units.short
    labels = [f"{name}\n{_gradient_label(item, name)} {short(item.gradient_units[name])}" for name in names]
    axes.set_yticks(places, labels, fontsize=8)
    axes.axvline(0.0, color="0.3", lw=0.8)
    axes.set_xlabel(
        "elasticity: relative change of the objective per relative change of the parameter", fontsize=8
    )
    axes.set_title(f"gradient of {item.name}", fontsize=10)
    axes.grid(axis="x", **GRID)
    axes.set_axisbelow(True)
    return figure


def _gradient_label(item: ObjectiveResult, name: str) -> str:
    entry = item.gradient[name]
    return f"{entry:.4g}" if np.ndim(entry) == 0 else f"norm {np.linalg.norm(entry):.3g}"


def _v_curves(item: ObjectiveResult) -> Figure:
    """Error of central differences against their step, the adjoint being the reference."""
    figure, axes = _panel(6.4, 3.6)
    for color, curve in zip(_cycle(), item.curves, strict=False):
        axes.loglog(
            curve.steps,
            np.maximum(curve.errors, 1e-16),
            "o-",
            ms=3.5,
            lw=1.2,
            color=color,
            label=curve.parameter,
        )
        if curve.free is not None:
            axes.loglog(curve.steps, np.maximum(curve.free, 1e-16), "--", lw=0.8, color=color)
    _powers_of_ten(axes.xaxis)
    _powers_of_ten(axes.yaxis)
    axes.invert_xaxis()
    axes.set_xlabel("relative step")
    axes.set_ylabel("relative deviation from the adjoint")
    dashed = " (dashed: time steps free)" if any(curve.free is not None for curve in item.curves) else ""
    axes.set_title(f"central differences of {item.name}{dashed}", fontsize=10)
    axes.grid(**GRID)
    axes.legend(frameon=False, fontsize=8)
    return figure


def _fields(study: Study, result: StudyResult, item: ObjectiveResult) -> Figure:
    """Final fields and, below each, the gradient with respect to the field that it started from."""
    names = study.case.config.plot.states or study.model.names
    figure = _canvas(3.3 * len(names) + 0.6, 6.2, layout="constrained")
    axes = figure.subplots(2, len(names), squeeze=False)
    config, short = study.case.config, study.case.units.short
    when = f"{result.trajectory.t[-1]:g} {short(config.time.unit)}".rstrip()
    for column, name in enumerate(names):
        state = config.states[name]
        title = _axis(f"{name} at t = {when}", short(state.unit))
        _image(axes[0, column], result.trajectory.states[name][..., -1], title, "viridis")
        initial = state.initial
        gradient = item.gradient.get(initial) if isinstance(initial, str) else None
        if gradient is None:
            axes[1, column].set_axis_off()
        else:
            title = _axis(f"d {item.name} / d {initial}", short(item.gradient_units[initial]))
            _image(axes[1, column], gradient, title, "RdBu_r", centred=True)
    return figure


def _image(axes: Axes, field: np.ndarray, title: str, colors: str, *, centred: bool = False) -> None:
    axes.set_title(title, fontsize=10)
    if field.ndim == 1:
        axes.plot(field, color=COLORS[0])
        axes.set_xlabel("index", fontsize=8)
        axes.grid(**GRID)
        return
    plane = field.reshape(-1, *field.shape[-2:])[0]
    # A few cells carry most of a gradient: the scale leaves out the top half percent.
    limit = float(np.percentile(np.abs(plane), 99.5)) or 1.0
    limits = {"vmin": -limit, "vmax": limit} if centred else {}
    image = axes.imshow(plane, cmap=colors, origin="lower", interpolation="nearest", **limits)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.figure.colorbar(image, ax=axes, shrink=0.8)


def _calibration(study: Study, result: StudyResult) -> Figure:
    fit = result.calibration
    unit = study.case.units.short(study.objective(fit.objective).unit)
    figure, axes = _panel(6.4, 3.2)
    floor = fit.values - np.min(fit.values)
    axes.semilogy(
        np.arange(fit.values.size),
        np.maximum(floor, 1e-16 * abs(fit.values[0])),
        "o-",
        ms=3.5,
        lw=1.2,
        color=COLORS[0],
    )
    _powers_of_ten(axes.yaxis)
    axes.set_xlabel("iteration")
    axes.set_ylabel(_axis(f"{fit.objective} above its minimum", unit))
    axes.set_title(f"calibration by {fit.method}", fontsize=10)
    axes.grid(**GRID)
    return figure


def _powers_of_ten(axis: Axis) -> None:
    """Label a logarithmic axis in plain text: typeset labels cost half the time of a picture."""
    axis.axes.minorticks_off()
    axis.set_major_formatter(lambda value, _: f"10{str(round(np.log10(value))).translate(SUPERSCRIPTS)}")


def _cycle() -> Any:
    from itertools import cycle

    return cycle(COLORS)


def _axis(label: str, unit: str) -> str:
    return f"{label} ({unit})" if unit else label
