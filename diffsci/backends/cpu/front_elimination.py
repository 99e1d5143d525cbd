"""Elimination of the first columns of a small dense matrix, with exchanges among the first rows.

What LAPACK and BLAS do for large fronts: for small ones their calls, and the threads that they start, cost
more than the numbers. The matrix is kept by columns; four are taken at a time, so that those behind are read
and written once for four.
"""

from __future__ import annotations

from diffsci.backends.cpu.columns import Columns, in_lanes, load
from diffsci.backends.cpu.function import MEMORY, Function, element
from diffsci.backends.cpu.pivoting import write_pivot

__all__ = ["write_elimination"]

_BLOCK = 4


def write_elimination(module, code: str, name: str) -> str:
    """Return ``eliminate(a, own, size, pivots)``: `own` columns of an (size, size) matrix."""
    return _Elimination(module, code, name).text


class _Elimination(Columns):
    def __init__(self, module, code: str, name: str):
        f = Function(f"internal void @{name}(ptr %a, i64 %own, i64 %size, ptr %pivots)")
        super().__init__(module, code, f)
        f.loop("0", "%own", _BLOCK, [], self.block)
        self.text = f.finish()

    def at(self, row: str, column: str) -> str:
        """Return the address of an entry."""
        return element(self.f, self.code, "%a", self.add(row, self.times(column, "%size")))

    def block(self, first: str, _) -> list[str]:
        f = self.f
        beyond = self.add(first, str(_BLOCK))
        whole = f.set(f"icmp sle i64 {beyond}, %own")
        end = f.set(f"select i1 {whole}, i64 {beyond}, i64 %own")
        self.each(first, end, lambda c: self.column(c, first))
        self.each(end, "%size", lambda j: self.update(j, first, end, whole))
        return []

    def column(self, c: str, first: str) -> None:
        """Bring a column of the block up to date, choose its pivot, and divide."""
        f = self.f
        self.each(first, c, lambda k: self.apply(k, c))
        below = self.add(c, "1")
        pivot = write_pivot(self.module, f, self.code, c, "%own", lambda i: self.at(i, c))

        def exchange() -> list[str]:
            self.each("0", "%size", lambda j: self.swap(self.at(c, j), self.at(pivot, j)))
            return []

        f.when(f.set(f"icmp ne i64 {pivot}, {c}"), [], exchange)
        self.divide(self.minus("%size", below), self.load(self.at(c, c), "0"), self.at(below, c))

    def apply(self, k: str, c: str) -> None:
        below = self.add(k, "1")
        factor = self.load(self.at(k, c), "0")
        self.subtract(self.minus("%size", below), factor, self.at(below, k), self.at(below, c))

    def update(self, j: str, first: str, end: str, whole: str) -> None:
        """Apply the block to a column behind it."""
        f = self.f

        def inside(k: str) -> None:
            below = self.add(k, "1")
            factor = self.load(self.at(k, j), "0")
            self.subtract(self.minus(end, below), factor, self.at(below, k), self.at(below, j))

        self.each(first, end, inside)
        count, target = self.minus("%size", end), self.at(end, j)

        def four() -> list[str]:
            name = f"subtract_four_{self.code}"
            self.module.define(name, lambda: _write_subtract_four(self.code, name))
            arguments = f"i64 {count}, ptr {self.at(first, j)}, ptr {self.at(end, first)}, i64 %size"
            f.do(f"call void @{name}({arguments}, ptr {target})")
            return []

        def fewer() -> list[str]:
            def one(k: str) -> None:
                self.subtract(count, self.load(self.at(k, j), "0"), self.at(end, k), target)

            self.each(first, end, one)
            return []

        f.when(whole, [], four)
        f.when(f.set(f"xor i1 {whole}, true"), [], fewer)

    def swap(self, p: str, q: str) -> None:
        a, b = self.load(p, "0"), self.load(q, "0")
        self.store(b, p, "0")
        self.store(a, q, "0")


def _write_subtract_four(code: str, name: str) -> str:
    """``y[:n] -= a[0] x0 + a[1] x1 + a[2] x2 + a[3] x3``: columns of x are `stride` apart."""
    kind = MEMORY[code]
    f = Function(f"internal void @{name}(i64 %n, ptr %a, ptr %x, i64 %stride, ptr %y)")
    columns = [element(f, code, "%x", f.set(f"mul i64 %stride, {k}")) for k in range(_BLOCK)]
    factors = [f.set(f"load {kind}, ptr {element(f, code, '%a', str(k))}") for k in range(_BLOCK)]

    def update(i: str, kind: str, factors: list[str]) -> None:
        place = element(f, code, "%y", i)
        value = load(f, kind, place)
        for factor, column in zip(factors, columns, strict=True):
            x = load(f, kind, element(f, code, column, i))
            value = f.set(f"fsub contract {kind} {value}, {f.set(f'fmul contract {kind} {factor}, {x}')}")
        f.do(f"store {kind} {value}, ptr {place}, align 4")

    return in_lanes(f, code, factors, update)
