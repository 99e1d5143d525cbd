"""Workspace: buffers that are not needed at the same time share memory."""

from __future__ import annotations

from diffsci.backends.plan.program import Buffer, Plan

__all__ = ["allocate"]

_ALIGN = 64
_SMALL = 2048


def allocate(plan: Plan) -> None:
    """Give every work buffer of the plan an offset and set the size of the workspace."""
    born: dict[Buffer, int] = {}
    dies: dict[Buffer, int] = {}
    for time, step in enumerate(plan.steps):
        for buffer in sorted_buffers(step.reads() | step.writes()):
            if buffer.kind == "work":
                born.setdefault(buffer, time)
                dies[buffer] = time
    order = {buffer: number for number, buffer in enumerate(born)}
    small = [buffer for buffer in born if buffer.nbytes <= _SMALL]
    large = sorted((b for b in born if b.nbytes > _SMALL), key=lambda b: (-b.nbytes, order[b]))
    top = 0
    for buffer in small:
        buffer.offset = top
        top += _rounded(buffer.nbytes)
    placed: list[Buffer] = []
    end = top
    for buffer in large:
        rivals = [b for b in placed if born[b] <= dies[buffer] and born[buffer] <= dies[b]]
        buffer.offset = _first_fit(sorted(rivals, key=lambda b: b.offset), top, _rounded(buffer.nbytes))
        placed.append(buffer)
        end = max(end, buffer.offset + _rounded(buffer.nbytes))
    plan.work = list(born)
    plan.workspace_bytes = end


def sorted_buffers(buffers: set[Buffer]) -> list[Buffer]:
    """Return buffers in an order that does not depend on their addresses in memory."""
    return sorted(buffers, key=lambda b: b.number)


def _first_fit(rivals: list[Buffer], start: int, size: int) -> int:
    offset = start
    for rival in rivals:
        if offset + size <= rival.offset:
            break
        offset = max(offset, rival.offset + _rounded(rival.nbytes))
    return offset


def _rounded(nbytes: int) -> int:
    return -(-nbytes // _ALIGN) * _ALIGN
