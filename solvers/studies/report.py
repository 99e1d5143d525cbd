"""Tables on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from solvers.studies.results import Agreement, Calibration, Check, ObjectiveResult, StudyResult

if TYPE_CHECKING:
    from solvers.studies.run import Study


def terminal() -> Console:
    """Return the console for tables; a file or a pipe gets lines as long as they need."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=140, highlight=False)


def show_study(console: Console, study: Study, result: StudyResult) -> None:
    """Print statistics, one table per objective, the fit and the checks."""
    _heading(console, escape(study.case.config.case.title))
    counted = result.trajectory.statistics.items()
    console.print("solver: " + ", ".join(f"{name} {value}" for name, value in counted), soft_wrap=True)
    for item in result.objectives:
        show_gradient(console, study, item)
    if result.calibration is not None:
        show_calibration(console, study, result.calibration)
    if result.checks:
        show_checks(console, "checks", result.checks)


def show_gradient(console: Console, study: Study, item: ObjectiveResult) -> None:
    """Print value and gradient of one objective beside their finite differences."""
    short, parameters = study.case.units.short, study.case.config.parameters
    value = f"{item.value:.10g} {short(item.unit)}".rstrip()
    _heading(console, f"\n{escape(item.name)} = {value}   (value and gradient: {_seconds(item.seconds)})")
    table = _table(
        "parameter",
        "value >",
        "unit",
        "gradient >",
        "elasticity >",
        "differences >",
        "digits >",
        "free steps >",
    )
    for name, number in study.free.items():
        unit, elasticity = short(parameters[name].unit), f"{item.elasticity(name, number):.4g}"
        own = [entry for entry in item.agreements if entry.probe.parameter == name]
        if np.ndim(number) == 0:
            gradient, *evidence = _numbers(own[0])
            table.add_row(name, f"{number:.6g}", unit, gradient, elasticity, *evidence)
            continue
        shape = "×".join(map(str, np.shape(number)))
        span = f"{np.min(number):.3g} .. {np.max(number):.3g}"
        norm = f"norm {np.linalg.norm(item.gradient[name]):.5g}"
        table.add_row(f"{name} ({shape})", span, unit, norm, elasticity)
        for entry in own:
            gradient, *evidence = _numbers(entry)
            table.add_row(f"  {escape(entry.probe.label)}", "", "", gradient, "", *evidence)
    console.print(table)
    for name in item.unused:
        text = f"{name} is not used by {escape(item.name)}: its gradient is exactly zero"
        console.print(text, style="yellow", soft_wrap=True)


def show_calibration(console: Console, study: Study, fit: Calibration) -> None:
    """Print a fit."""
    state = "converged" if fit.success else f"[red]not converged[/red]: {escape(fit.message)}"
    _heading(
        console,
        f"\ncalibration of {escape(fit.objective)} by {fit.method}: {fit.values[0]:.6g} -> "
        f"{fit.values[-1]:.8g} in {len(fit.values) - 1} iterations and {fit.evaluations} gradients, {state}",
    )
    expect = study.case.config.calibrate.expect
    expected = expect.parameters if expect else {}
    table = _table("parameter", "start >", "fitted >", "published >", "unit")
    for name, value in fit.fitted.items():
        unit = study.case.units.short(study.case.config.parameters[name].unit)
        published = f"{expected[name]:.4g}" if name in expected else ""
        table.add_row(name, f"{fit.start[name]:.4g}", f"{value:.6g}", published, unit)
    console.print(table)


def show_checks(console: Console, title: str, checks: list[Check]) -> None:
    """Print checks with their verdicts, and what is known about those that failed."""
    _heading(console, f"\n{escape(title)}")
    table = _table("of", "check", "quantity", "value >", "reference >", "deviation >", "limit >", "verdict")
    for check in checks:
        table.add_row(
            escape(check.objective),
            check.kind,
            escape(check.quantity),
            _number(check.value),
            _number(check.reference),
            f"{check.deviation:.1e}",
            f"{check.limit:.0e}",
            "[green]good[/green]" if check.passed else "[bold red]FAILED[/bold red]",
        )
    console.print(table)
    for check in checks:
        if check.source and not check.passed:
            console.print(f"{escape(check.quantity)}: {escape(check.source)}", soft_wrap=True)


def _heading(console: Console, text: str) -> None:
    console.print(text, style="bold", soft_wrap=True)


def _table(*headings: str) -> Table:
    """Make a table; a heading that ends in ``>`` is of numbers, set right and never shortened."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        justify = "right" if heading.endswith(">") else "left"
        table.add_column(heading.removesuffix(" >"), justify=justify, overflow="fold")
    return table


def _numbers(entry: Agreement) -> tuple[str, ...]:
    free = "" if entry.free_digits is None else f"{entry.free_digits:.1f}"
    return f"{entry.gradient:.8g}", f"{entry.difference:.8g}", f"{entry.digits:.1f}", free


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.9g}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.1f} ms"
