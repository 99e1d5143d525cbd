"""Explanations as text that a person reads in one glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diffsci.explanation.faults import Fault
from diffsci.explanation.losses import Bars, Loss, Step
from diffsci.explanation.spelling import element, is_number

if TYPE_CHECKING:
    from diffsci.explanation.explain import Explanation

__all__ = ["fault_lines", "report"]

MOST_FAULTS = 8
MOST_ENTRIES = 8
MOST_STEPS = 12
SWEEPS = {"forward": "the value", "tangent": "the directional derivative", "cotangent": "the gradient"}


def report(found: Explanation) -> str:
    """The readable form of an explanation."""
    lines = [f"explain {found.function}"]
    if found.ok:
        lines += _healthy_lines(found)
    told = [fault_lines(fault) for fault in found.faults] + [_loss_lines(loss) for loss in found.losses]
    for part in told[:MOST_FAULTS]:
        lines += ["", *part]
    if len(told) > MOST_FAULTS:
        lines += ["", f"({len(told) - MOST_FAULTS} more places)"]
    for bars in found.bars:
        lines += ["", *_bar_lines(bars)]
    if found.steps:
        lines += ["", *_step_lines(found.steps)]
    lines += [f"note: {remark}" for remark in found.remarks]
    return "\n".join(lines)


def _healthy_lines(found: Explanation) -> list[str]:
    """Sweeps in which nothing was found: their digits were looked at, or only whether they are finite."""
    bounded = {bars.phase for bars in found.bars if not any(np.isnan(x).any() for x in bars.errors)}
    lines = []
    for told, phases in (
        ("nothing wrong in", [phase for phase in found.phases if phase in bounded]),
        ("finite, digits not looked at:", [phase for phase in found.phases if phase not in bounded]),
    ):
        if phases:
            lines.append(f"{told} {', '.join(SWEEPS[phase] for phase in phases)}")
    return lines


def fault_lines(fault: Fault) -> list[str]:
    """Where a value stopped being finite, one fact per line."""
    lines = [f"not finite, in {_spoilt(fault)}: {fault.what}", *_place_lines(fault)]
    lines += [f"  {place}" for place in reversed(fault.inside)]
    lines += _value_lines(fault)
    return [*lines, f"  {fault.advice}"] if fault.advice else lines


def _loss_lines(loss: Loss) -> list[str]:
    """Where digits were lost."""
    where = f"in the derivative of {loss.expression}" if loss.derivative else loss.expression
    runs = ""
    if loss.runs > 1:
        runs = f" in all {loss.runs} runs" if loss.run is None else f" in run {loss.run + 1} of {loss.runs}"
    lines = [
        f"{loss.digits:.0f} digits lost{runs}, in {_spoilt(loss)}: "
        f"{element(where, loss.index)} = {loss.result} ± {loss.error:.1g}",
        *_place_lines(loss),
        *_value_lines(loss),
        f"  condition number {loss.condition:.2g}",
    ]
    return lines + ([f"  write instead of {loss.form}"] if loss.form is not None else [])


def _spoilt(found: Fault | Loss) -> str:
    return " and ".join(SWEEPS[phase] for phase in (found.phase, *found.also))


def _place_lines(found: Fault | Loss) -> list[str]:
    lines = [] if found.location is None else [f"  at {found.location}"]
    return [*lines, f"    {found.source}"] if found.source else lines


def _value_lines(found: Fault | Loss) -> list[str]:
    lines = []
    for word, operands in (("with", () if found.derivative else found.operands), ("where", found.point)):
        told = dict.fromkeys(str(x) for x in operands if not is_number(x.name))
        if told:
            lines.append(f"  {word} {', '.join(told)}")
    return lines


def _bar_lines(bars: Bars) -> list[str]:
    """Results with their error bars."""
    condition = "unknown" if np.isnan(bars.condition) else f"{bars.condition:.2g}"
    lines = [f"{SWEEPS[bars.phase]} with bounds of rounding errors (condition number {condition})"]
    rows = [
        (element(name, index), value[index], error[index])
        for name, value, error in zip(bars.names, bars.values, bars.errors, strict=True)
        for index in np.ndindex(value.shape)
    ]
    width = max((len(name) for name, _, _ in rows[:MOST_ENTRIES]), default=0)
    for name, value, error in rows[:MOST_ENTRIES]:
        lines.append(f"  {name:<{width}} = {value} ± {_bound(error)}")
    if len(rows) > MOST_ENTRIES:
        worst = np.max([row[2] for row in rows[MOST_ENTRIES:]])
        lines.append(f"  ({len(rows) - MOST_ENTRIES} more, errors at most {_bound(worst)})")
    return lines


def _bound(error: float) -> str:
    """A bound, of which some are not known and some infinite."""
    return "unknown" if np.isnan(error) else "unbounded" if np.isinf(error) else f"{error:.1e}"


def _step_lines(steps: tuple[Step, ...]) -> list[str]:
    """Condition numbers, in the order of the operations; the smallest are left out of a long list."""
    kept = sorted(steps, key=lambda step: -step.condition)[:MOST_STEPS]
    lines = ["condition numbers of the operations"]
    for step in steps:
        if step in kept:
            lines.append(f"  {step.condition:>8.2g}  line {step.location.line}: {step.expression}")
    return lines
