"""Explanations as text that a person reads in one glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffsci.explanation.faults import Fault
from diffsci.explanation.spelling import is_number

if TYPE_CHECKING:
    from diffsci.explanation.explain import Explanation

__all__ = ["fault_lines", "report"]

MOST_FAULTS = 8
SWEEPS = {"forward": "the value", "tangent": "the directional derivative", "cotangent": "the gradient"}


def report(found: Explanation) -> str:
    """The readable form of an explanation."""
    lines = [f"explain {found.function}"]
    if found.ok:
        looked = ", ".join(SWEEPS[phase] for phase in found.phases)
        lines.append(f"finite: {looked}")
    for fault in found.faults[:MOST_FAULTS]:
        lines += ["", *fault_lines(fault)]
    if len(found.faults) > MOST_FAULTS:
        lines += ["", f"({len(found.faults) - MOST_FAULTS} more places)"]
    lines += [f"note: {remark}" for remark in found.remarks]
    return "\n".join(lines)


def fault_lines(fault: Fault) -> list[str]:
    """Where a value stopped being finite, one fact per line."""
    spoilt = " and ".join(SWEEPS[phase] for phase in (fault.phase, *fault.also))
    lines = [f"not finite, in {spoilt}: {fault.what}"]
    if fault.location is not None:
        lines.append(f"  at {fault.location}")
    if fault.source:
        lines.append(f"    {fault.source}")
    lines += [f"  {place}" for place in reversed(fault.inside)]
    for word, operands in (("with", () if fault.derivative else fault.operands), ("where", fault.point)):
        told = dict.fromkeys(str(x) for x in operands if not is_number(x.name))
        if told:
            lines.append(f"  {word} {', '.join(told)}")
    return lines
