"""What to say when there is not enough memory for a program: which arrays, how large, from which line."""

from __future__ import annotations

from diffsci.backends.plan.describe import buffer_names
from diffsci.backends.plan.program import Plan
from diffsci.backends.plan.report import in_bytes

__all__ = ["largest", "shortage"]

_MOST_NAMED = 4


def shortage(plan: Plan) -> MemoryError:
    """Return the error of a program whose memory cannot be had."""
    results = in_bytes(sum(buffer.nbytes for buffer in plan.outputs))
    return MemoryError(
        f"not enough memory for a compiled program: it needs {in_bytes(plan.workspace_bytes)} of workspace "
        f"and {results} for its results; its largest arrays are\n{largest(plan)}\n"
        "Work on parts of the data (a loop over blocks, diffsci.scan), or reduce before forming products"
    )


def largest(plan: Plan) -> str:
    """Return lines about the largest results and intermediate values of a program."""
    names = buffer_names(plan)
    owned = sorted((*plan.outputs, *plan.work), key=lambda buffer: -buffer.nbytes)
    return "\n".join(
        f"  {names[buffer]}: {in_bytes(buffer.nbytes)}, {buffer.label or f'{buffer.dtype}[{buffer.size}]'}"
        for buffer in owned[:_MOST_NAMED]
        if buffer.nbytes
    )
