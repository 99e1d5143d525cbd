"""Gradient checks as text a person reads in one glance."""

from __future__ import annotations

import numpy as np

from diffsci.evidence.drawing import v_curve
from diffsci.evidence.verdict import GOOD, MEANING, VERDICTS, Comparison, GradCheck, PointEvidence, digits

MOST_ROWS = 12


@np.errstate(all="ignore")
def grad_report(check: GradCheck) -> str:
    """The readable form of a gradient check."""
    count = f"{check.parameters} parameter" + ("s" if check.parameters != 1 else "")
    lines = [f"check_grad {check.function}, {count}", f"verdict: {check.verdict} ({MEANING[check.verdict]})"]
    seen = {finding for point in check.points for finding in point.findings}
    lines += [f"  {kind}: {text}" for kind, text in check.findings if (kind, text) not in seen]
    if check.offender is not None:
        lines.append(f"look at: {check.offender}")
    for name in check.unused[:MOST_ROWS]:
        lines.append(f"note: {name} is not used by the objective (gradient exactly zero)")
    lines += [f"note: {text}" for text in check.notes]
    if len(check.unused) > MOST_ROWS:
        lines.append(f"note: {len(check.unused) - MOST_ROWS} more parameters are not used by the objective")
    for point in check.points:
        lines += ["", *_point_lines(point)]
    drawable = [point for point in check.points if np.any(np.isfinite(point.scan.central))]
    if drawable:
        shown = min(drawable, key=lambda point: VERDICTS.index(point.verdict))
        lines += ["", f"V-curve {shown.label}, along the random direction", v_curve(shown)]
    return "\n".join(lines)


def _point_lines(point: PointEvidence) -> list[str]:
    lines = [f"{point.label}: value {point.value:.10g}"]
    lines += [f"  {kind}: {text}" for kind, text in point.findings]
    d = point.direction
    lines += [
        f"  {'along a random direction':<26}{'derivative':>18}{'digits':>8}",
        _row("reverse mode, <J' w, v>", d.derivative),
    ]
    lines.append(_row("forward mode, <w, J v>", point.forward, digits(d.derivative, point.forward)))
    if d.source == "complex step":
        lines.append(_row("complex step", d.reference, d.digits))
    else:
        lines.append(f"  {'complex step':<26}{'not used: ' + point.complex_note}")
    lines += _finite_lines(point)
    lines += _second_lines(point)
    if point.entries:
        lines += _entry_lines(point.entries, point.verdict)
    return lines


def _finite_lines(point: PointEvidence) -> list[str]:
    finite, scan = point.finite, point.scan
    errors = np.abs(scan.central - finite.derivative)
    best = int(np.argmin(np.where(np.isfinite(errors), errors, np.inf)))
    rate = scan.taylor_rate(finite.derivative)
    return [
        _row("central differences", float(scan.central[best]), digits(finite.derivative, scan.central[best]))
        + f"  best step {scan.steps[best]:.0e}",
        _row("extrapolated to step 0", finite.reference, finite.digits) + f"  own error {finite.error:.0e}",
        f"  {'Taylor remainder':<26}{_order(rate, 2):>26}",
    ]


def _second_lines(point: PointEvidence) -> list[str]:
    if point.second is None:
        return [f"  {'second order':<26}not available: {point.second_note}"] if point.second_note else []
    second = point.second
    rate = point.scan.taylor_rate(point.direction.derivative, second.derivative)
    return [
        _row("second order, <v, H v>", second.derivative),
        _row("second differences", second.reference, second.digits) + f"  own error {second.error:.0e}",
        f"  {'Taylor remainder':<26}{_order(rate, 3):>26}",
    ]


def _order(rate: float | None, right: int) -> str:
    return "none seen above rounding" if rate is None else f"order {rate:.2f} ({right} is right)"


def _entry_lines(entries: tuple[Comparison, ...], verdict: str) -> list[str]:
    shown = sorted(entries, key=lambda entry: (entry.verdict == GOOD, entry.digits))[:MOST_ROWS]
    kept = [entry for entry in entries if entry in shown]
    width = max(26, *(len(entry.name) + 2 for entry in kept))
    lines = [f"  {'parameter':<{width}}{'gradient':>18}{'reference':>18}{'digits':>8}"]
    for entry in kept:
        mark = "" if entry.verdict == GOOD else f"  <- {verdict}"
        numbers = f"{entry.derivative:>18.10g}{entry.reference:>18.10g}{entry.digits:>8.1f}"
        lines.append(f"  {entry.name:<{width}}{numbers}{mark}")
    if len(entries) > len(kept):
        lines.append(f"  ({len(entries) - len(kept)} more agree at least as well)")
    return lines


def _row(name: str, value: float, agreed: float | None = None) -> str:
    return f"  {name:<26}{value:>18.10g}" + (f"{agreed:>8.1f}" if agreed is not None else "")
