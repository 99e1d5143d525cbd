"""The choice of a pivot: the largest number of a column."""

from __future__ import annotations

from collections.abc import Callable

from diffsci.backends.cpu.function import MEMORY, Function, element

__all__ = ["write_pivot"]


def write_pivot(module, f: Function, code: str, k: str, end: str, place: Callable[[str], str]) -> str:
    """Write the search among rows k to `end` of a column, the first of equal ones; store it in %pivots.

    ``place(i)`` writes the address of entry i. Returns the name of the row found.
    """
    kind = MEMORY[code]
    fabs = f"@llvm.fabs.{'f64' if code == 'f8' else 'f32'}"
    module.declare(f"declare {kind} {fabs}({kind})")

    def size(i: str) -> str:
        return f.set(f"call {kind} {fabs}({kind} {f.set(f'load {kind}, ptr {place(i)}')})")

    def search(i: str, values: list[str]) -> list[str]:
        best, where = values
        found = size(i)
        larger = f.set(f"fcmp ogt {kind} {found}, {best}")
        best = f.set(f"select i1 {larger}, {kind} {found}, {kind} {best}")
        return [best, f.set(f"select i1 {larger}, i64 {i}, i64 {where}")]

    first = size(k)
    behind = f.set(f"add i64 {k}, 1")
    _, pivot = f.loop(behind, end, 1, [(kind, first), ("i64", k)], search)
    f.do(f"store i64 {pivot}, ptr {element(f, 'i8', '%pivots', k)}")
    return pivot
