"""Rows that compete for the cache: their vectors begin at cache lines.

Rows that are a multiple of a page apart share the few places of the first cache that their columns have, and
processors that guess the place by a hash of the address hold even fewer of them. A vector that crosses two
lines leaves the second one for the next vector; it is gone by then, and every line is fetched twice. Vectors
that are lines need nothing kept. NumPy's large arrays begin 16 bytes behind a line, so these rows are walked
in three parts: the first whole vector, the vectors from the first line on, the last whole vector. Elements
where parts overlap are computed twice, from the same operands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from diffsci.backends.cpu.function import LANES, Function
from diffsci.backends.cpu.windows import Window
from diffsci.backends.plan.affine import Affine
from diffsci.backends.plan.program import Buffer, Nest
from diffsci.backends.staggering import LINE, PAGE

__all__ = ["aligned_load", "write_parts"]

# The first caches of x86-64 hold up to 8 or 12 lines of one place. Where places are guessed by a hash, two
# that hash alike push each other out: half of the ways is what rows at any place can count on.
_MANY = 4
_SHORTEST = 8 * LANES

Load = tuple[Buffer, Affine]


def aligned_load(nest: Nest, vector: int, windows: Mapping[int, Window]) -> Load | None:
    """Return the load whose vectors should begin at lines; None where nothing is won by that.

    `windows` holds the loads that share vectors along the vector loop.
    """
    if vector == nest.range_loop or vector != len(nest.extents) - 1 or nest.extents[vector] < _SHORTEST:
        return None
    if not _is_repeatable(nest):
        return None
    crowds: dict[tuple, set[Load]] = {}
    for s in nest.live:
        if nest.body.ops[s] == "load":
            buffer, address = nest.body.attrs[s]
            if address[-1] == 1:
                start = windows[s].last if s in windows else address[0]
                crowds.setdefault(_place(buffer, start, address), set()).add((buffer, (start, *address[1:])))
    crowd = max(crowds.values(), key=len, default=())
    if len(crowd) <= _MANY:
        return None
    often = Counter(address[0] % LANES for _, address in crowd)
    wanted = max(sorted(often), key=often.__getitem__)
    found = [load for load in crowd if load[1][0] % LANES == wanted]
    return min(found, key=lambda load: (load[0].number, load[1]))


def write_parts(f: Function, pointer: str, size: int, n: int, write: Callable[[str, str], None]) -> None:
    """Write a loop of `n` iterations as a first vector, vectors that begin at lines, and a last one.

    Parameters
    ----------
    pointer : str
        What iteration 0 loads; vectors of its elements, of `size` bytes each, are to begin at lines.
    write : callable
        ``write(low, high)`` writes the loop over whole vectors of ``[low, high)``, which may be empty.
    """
    behind = f.set(f"sub i64 0, {f.set(f'ptrtoint ptr {pointer} to i64')}")
    elements = f.set(f"lshr i64 {behind}, {size.bit_length() - 1}")
    head = f.set(f"and i64 {elements}, {LANES - 1}")
    some = f.set(f"icmp ne i64 {head}, 0")
    first = f.set(f"select i1 {some}, i64 {LANES}, i64 0")
    whole = f.set(f"and i64 {f.set(f'sub i64 {n}, {head}')}, {-LANES}")
    middle = f.set(f"add i64 {head}, {whole}")
    rest = f.set(f"icmp ne i64 {middle}, {n}")
    last = f.set(f"select i1 {rest}, i64 {n}, i64 0")

    def part(k: str, bounds: list[str]) -> list[str]:
        write(*bounds)
        begun = f.set(f"icmp eq i64 {k}, 0")
        return [
            f.set(f"select i1 {begun}, i64 {head}, i64 {n - LANES}"),
            f.set(f"select i1 {begun}, i64 {middle}, i64 {last}"),
        ]

    f.loop("0", "3", 1, [("i64", "0"), ("i64", first)], part, True)


def _place(buffer: Buffer, start: int, address: Affine) -> tuple:
    """Return what competing loads have in common: arguments begin at equal places of a page."""
    size = buffer.dtype.itemsize
    line = (start * size + LINE // 2) % PAGE // LINE
    base = buffer if buffer.kind == "work" else None
    return base, size, line, *(coef * size % PAGE for coef in address[1:-1])


def _is_repeatable(nest: Nest) -> bool:
    """Tell whether an iteration that runs twice leaves what it left before."""
    if nest.reductions or nest.sequential:
        return False
    reads = nest.reads()
    return not any(_overlap(buffer, other) for buffer in nest.writes() for other in reads)


def _overlap(a: Buffer, b: Buffer) -> bool:
    if a.kind != "work" or b.kind != "work":
        return a is b
    return a.offset < b.offset + b.nbytes and b.offset < a.offset + a.nbytes
