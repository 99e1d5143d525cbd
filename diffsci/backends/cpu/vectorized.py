"""Which loop of a nest runs in vectors: the one with the lowest price."""

from __future__ import annotations

from diffsci.backends.cpu.function import LANES
from diffsci.backends.cpu.interleaved import runs_of
from diffsci.backends.plan.cost import operation_cost
from diffsci.backends.plan.program import Nest

__all__ = ["vector_loop"]

# Prices of uneven strides, of those that are written side by side, and of the sum of a vector's lanes.
_GATHER, _SCATTER, _BESIDE, _ACROSS = 8, 14, 3, 10


def vector_loop(nest: Nest) -> int | None:
    """Return the loop that runs in vectors, None where scalars are faster or order matters."""
    if nest.sequential or not nest.extents:
        return None
    barred = 0
    for r in nest.reductions:
        if r.scan or r.payload >= 0:
            barred |= r.loops
    for store in nest.stores:  # lanes that write one element: sums over rows, kept in memory
        barred |= sum(1 << loop for loop, stride in enumerate(store.address[1:]) if not stride)
    body, rank = nest.body, len(nest.extents)
    work = [0] * (rank + 1)
    streams: list[tuple[int, tuple[int, ...], int]] = []  # level, address, cost of an uneven stride
    for s in nest.live:
        level = body.deps[s].bit_length()
        if body.ops[s] in ("load", "gather"):
            streams.append((level, body.attrs[s][1], _GATHER))
        else:
            work[level] += operation_cost(body.ops[s])
    ends = [*nest.stores, *(r for r in nest.reductions if r.scan)]
    streams += [(rank, end.address, _SCATTER) for end in ends]
    for level, _, _ in streams:
        work[level] += 1
    best, best_cost = None, _passes(nest, work, None)
    for loop in reversed(range(rank)):
        if barred >> loop & 1 or nest.extents[loop] < 3:
            continue
        times = _times(nest, loop)
        cost = _passes(nest, work, loop)
        cost += sum(price * times[level] for level, e, price in streams if e[loop + 1] not in (0, 1))
        cost -= sum((_SCATTER - _BESIDE) * len(run.stores) * times[rank] for run in runs_of(nest, loop))
        cost += sum(
            _ACROSS * times[(r.loops & -r.loops).bit_length() - 1]
            for r in nest.reductions
            if r.loops >> loop & 1 and not r.whole
        )
        if cost < best_cost * 0.999:
            best, best_cost = loop, cost
    return best


def _passes(nest: Nest, work: list[int], vector: int | None) -> float:
    return sum(cost * times for cost, times in zip(work, _times(nest, vector), strict=True))


def _times(nest: Nest, vector: int | None) -> list[int]:
    """Return how often the statements of each level run if a loop runs in vectors."""
    times = [1]
    for loop, n in enumerate(nest.extents):
        times.append(times[-1] * (-(-n // LANES) if loop == vector else n))
    return times
