"""Running a compiled loop in chunks, so that it can be interrupted and show its progress."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from solvers.ode.codes import RUNNING

_CHUNK_SECONDS = 0.2
_MOST_STEPS = 1 << 30


def first_chunk(seconds_per_step: float) -> int:
    """Number of steps for a start, from an estimate of the time of one."""
    return max(1, min(100_000, int(0.25 * _CHUNK_SECONDS / max(seconds_per_step, 1e-9))))


def run_chunks(
    advance: Callable[[int], int], chunk: int, report: Callable[[], None] | None
) -> tuple[int, int]:
    """Call ``advance(chunk)`` until it returns another code than RUNNING; return the code and the chunk.

    Between chunks Python is in charge: a pending interrupt is raised here, and ``report`` is called.
    """
    while True:
        start = perf_counter()
        code = advance(chunk)
        if report is not None:
            report()
        if code != RUNNING:
            return code, chunk
        elapsed = max(perf_counter() - start, 1e-9)
        chunk = max(1, min(_MOST_STEPS, int(chunk * min(4.0, _CHUNK_SECONDS / elapsed))))
