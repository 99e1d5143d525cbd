"""Elimination of the first columns of a small dense matrix, with exchanges among the first rows.

What LAPACK and BLAS do for large fronts: for small ones their calls, and the threads that they start, cost
more than the numbers. The matrix is kept by columns; four are taken at a time, so that those behind are read
and written once for four.
"""

from __future__ import annotations

from diffsci.backends.cpu.columns import Columns, lanes
from diffsci.backends.cpu.function import LANES, MEMORY, Function, element

__all__ = ["write_elimination"]

_BLOCK = 4


def write_elimination(module, code: str, name: str) -> str:
    """Return ``eliminate(a, own, size, pivots)``: `own` columns of an (size, size) matrix."""
    return _Elimination(module, code, name).text


class _Elimination(Columns):
    def __init__(self, module, code: str, name: str):
        f = Function(f"internal void @{name}(ptr %a, i64 %own, i64 %size, ptr %pivots)")
        super().__init__(module, code, f)
        self.fabs = f"@llvm.fabs.{'f64' if code == 'f8' else 'f32'}"
        module.declare(f"declare {self.kind} {self.fabs}({self.kind})")
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
        f, kind = self.f, self.kind
        self.each(first, c, lambda k: self.apply(k, c))
        start = f.set(f"call {kind} {self.fabs}({kind} {self.load(self.at(c, c), '0')})")

        def search(i: str, values: list[str]) -> list[str]:
            best, where = values
            size = f.set(f"call {kind} {self.fabs}({kind} {self.load(self.at(i, c), '0')})")
            larger = f.set(f"fcmp ogt {kind} {size}, {best}")
            best = f.set(f"select i1 {larger}, {kind} {size}, {kind} {best}")
            return [best, f.set(f"select i1 {larger}, i64 {i}, i64 {where}")]

        below = self.add(c, "1")
        _, pivot = f.loop(below, "%own", 1, [(kind, start), ("i64", c)], search)
        f.do(f"store i64 {pivot}, ptr {element(f, 'i8', '%pivots', c)}")

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
    kind, wide = MEMORY[code], lanes(code)
    f = Function(f"internal void @{name}(i64 %n, ptr %a, ptr %x, i64 %stride, ptr %y)")
    columns = [element(f, code, "%x", f.set(f"mul i64 %stride, {k}")) for k in range(_BLOCK)]
    factors = [f.set(f"load {kind}, ptr {element(f, code, '%a', str(k))}") for k in range(_BLOCK)]
    splats = [f.splat(factor, code) for factor in factors]

    def update(i: str, kind: str, factors: list[str]) -> list[str]:
        place = element(f, code, "%y", i)
        value = f.set(f"load {kind}, ptr {place}, align 4")
        for factor, column in zip(factors, columns, strict=True):
            x = f.set(f"load {kind}, ptr {element(f, code, column, i)}, align 4")
            value = f.set(f"fsub contract {kind} {value}, {f.set(f'fmul contract {kind} {factor}, {x}')}")
        f.do(f"store {kind} {value}, ptr {place}, align 4")
        return []

    whole = f.set(f"and i64 %n, {-LANES}")
    f.loop("0", whole, LANES, [], lambda i, _: update(i, wide, splats))
    f.loop(whole, "%n", 1, [], lambda i, _: update(i, kind, factors))
    return f.finish()
