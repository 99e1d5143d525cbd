"""Factors of banded matrices with partial pivoting: Gaussian elimination by rows.

As LAPACK's gbtf2 (Golub and Van Loan, Matrix Computations, section 4.3.5), but rows are what lies together:
the row that eliminates is in registers, those below it move by one number with every column, so that all of
them begin with the column that is eliminated. The function is written for its numbers of diagonals.

A record of the factors (`diffsci.backends.plan.banded.Band`) holds, after the number k of rows,

    1 / u[k, k], u[k, k + 1], ..., u[k, k + lower + upper], zeros; then the multipliers of column k.

Before, it holds row k, from the column that is eliminated on. Where a pivot has no reciprocal, or U is not
finite, all pivots become NaN.
"""

from __future__ import annotations

import itertools

from diffsci.backends.cpu.columns import Columns, lanes
from diffsci.backends.cpu.function import LANES, SIZES, Function, element, literal
from diffsci.backends.cpu.pivoting import write_pivot
from diffsci.backends.plan.banded import Band

__all__ = ["write_own_factor"]

Row = list[str]  # vectors


def write_own_factor(module, code: str, band: Band) -> str:
    """Define ``factor(ab, factors, pivots, n)`` and return its name."""
    name = f"band_factor_{code}_{band.lower}_{band.upper}"
    module.define(name, lambda: _Factor(module, code, band, name).text)
    return name


class _Factor(Columns):
    def __init__(self, module, code: str, band: Band, name: str):
        header = f"internal void @{name}(ptr %ab, ptr %made, ptr %pivots, i64 %n)"
        super().__init__(module, code, Function(header))
        self.band, self.lanes = band, min(band.padded, LANES)
        self.wide = lanes(code, self.lanes)
        self.fabs = f"@llvm.fabs.{'f64' if code == 'f8' else 'f32'}"
        module.declare(f"declare {self.kind} {self.fabs}({self.kind})")
        self.spread_rows()
        carried = [("i1", "true"), (self.wide, "zeroinitializer")]
        regular, nothing = self.f.loop("0", "%n", 1, carried, self.column)
        good = self.f.set(f"and i1 {regular}, {self.is_zero(nothing)}")
        self.f.when(self.f.set(f"xor i1 {good}, true"), [], self.spoil)
        self.text = self.f.finish()

    def spread_rows(self) -> None:
        """Copy the matrix from its diagonals into the records, and rows of zeros behind the last one."""
        f, band = self.f, self.band
        self.module.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        size = self.times(self.add("%n", str(band.lower)), str(band.record * SIZES[self.code]))
        f.do(f"call void @llvm.memset.p0.i64(ptr %made, i8 0, i64 {size}, i1 false)")
        self.each(str(-band.lower), str(band.upper + 1), self.spread_diagonal)

    def spread_diagonal(self, offset: str) -> None:
        """Copy the diagonal whose columns are so far from the rows."""
        f, band = self.f, self.band
        diagonal = element(f, self.code, "%ab", self.times("%n", self.minus(str(band.upper), offset)))
        below = f.set(f"icmp slt i64 {offset}, 0")
        first = f.set(f"select i1 {below}, i64 {self.minus('0', offset)}, i64 0")
        end = f.set(f"select i1 {below}, i64 %n, i64 {self.minus('%n', offset)}")

        def entry(i: str) -> None:
            early = f.set(f"icmp slt i64 {i}, {band.lower}")
            lane = self.add(f.set(f"select i1 {early}, i64 {i}, i64 {band.lower}"), offset)
            self.store(self.load(diagonal, self.add(i, offset)), self.record(i), lane)

        self.each(first, end, entry)

    # ---- elimination ---------------------------------------------------------------------------

    def column(self, k: str, values: list[str]) -> list[str]:
        """Choose the pivot of column k, store row k of U and the multipliers, and update the rows below."""
        record = self.record(k)
        end = self.add(k, str(self.band.lower + 1))
        self.exchange(k, write_pivot(self.module, self.f, self.code, k, end, self.record))
        pivot = self.row(record)
        inverse, kept = self.inverse(pivot)
        self.keep(kept, record)
        rest = self.shifted(pivot)

        def update(i: str) -> None:
            below = self.record(self.add(k, i))
            factor = self.f.set(f"fmul {self.kind} {self.load(below, '0')}, {inverse}")
            self.store(factor, record, self.add(i, str(self.band.padded - 1)))
            self.keep(self.reduced(self.row(below, 1), factor, rest), below)

        self.each("1", str(self.band.lower + 1), update)
        return self.judged(inverse, pivot, *values)

    def exchange(self, k: str, found: str) -> None:
        def swap() -> list[str]:
            record, other = self.record(k), self.record(found)
            first, second = self.row(record), self.row(other)
            self.keep(second, record)
            self.keep(first, other)
            return []

        self.f.when(self.f.set(f"icmp ne i64 {found}, {k}"), [], swap)

    # ---- rows ----------------------------------------------------------------------------------

    def record(self, k: str) -> str:
        return element(self.f, self.code, "%made", self.times(k, str(self.band.record)))

    def row(self, record: str, skipped: int = 0) -> Row:
        """Return the row in a record, from a number on."""
        f = self.f
        firsts = range(skipped, skipped + self.band.padded, self.lanes)
        places = [element(f, self.code, record, str(first)) for first in firsts]
        return [f.set(f"load {self.wide}, ptr {place}, align {SIZES[self.code]}") for place in places]

    def keep(self, row: Row, record: str) -> None:
        """Store a row in a record."""
        for i, part in enumerate(row):
            place = element(self.f, self.code, record, str(self.lanes * i))
            self.f.do(f"store {self.wide} {part}, ptr {place}, align {SIZES[self.code]}")

    def first(self, row: Row) -> str:
        return self.f.set(f"extractelement {self.wide} {row[0]}, i64 0")

    def shifted(self, row: Row) -> Row:
        """Return a row without its first number, followed by zero."""
        order = ", ".join(f"i32 {1 + lane}" for lane in range(self.lanes))
        return [
            self.f.set(f"shufflevector {self.wide} {a}, {self.wide} {b}, <{self.lanes} x i32> <{order}>")
            for a, b in itertools.pairwise([*row, "zeroinitializer"])
        ]

    def reduced(self, row: Row, factor: str, pivot: Row) -> Row:
        """Return a row without a multiple of that of the pivot."""
        f = self.f
        one = f.set(f"insertelement {self.wide} poison, {self.kind} {factor}, i64 0")
        spread = f.set(
            f"shufflevector {self.wide} {one}, {self.wide} poison, <{self.lanes} x i32> zeroinitializer"
        )
        products = [f.set(f"fmul contract {self.wide} {spread}, {part}") for part in pivot]
        return [
            f.set(f"fsub contract {self.wide} {part}, {product}")
            for part, product in zip(row, products, strict=True)
        ]

    # ---- pivots --------------------------------------------------------------------------------

    def inverse(self, pivot: Row) -> tuple[str, Row]:
        """Return the reciprocal of a pivot, and its row with that in place of it."""
        inverse = self.f.set(f"fdiv {self.kind} {literal(1.0, self.code)}, {self.first(pivot)}")
        kept = self.f.set(f"insertelement {self.wide} {pivot[0]}, {self.kind} {inverse}, i64 0")
        return inverse, [kept, *pivot[1:]]

    def judged(self, inverse: str, pivot: Row, regular: str, nothing: str) -> list[str]:
        """Tell whether all pivots so far had reciprocals; add zeros times a row of U."""
        f, kind = self.f, self.kind
        size = f.set(f"call {kind} {self.fabs}({kind} {inverse})")
        above = f.set(f"fcmp ogt {kind} {size}, {literal(0.0, self.code)}")
        below = f.set(f"fcmp olt {kind} {size}, {literal(float('inf'), self.code)}")
        regular = f.set(f"and i1 {regular}, {f.set(f'and i1 {above}, {below}')}")
        for part in pivot:  # stays zero as long as numbers are finite
            product = f.set(f"fmul {self.wide} {part}, zeroinitializer")
            nothing = f.set(f"fadd {self.wide} {nothing}, {product}")
        return [regular, nothing]

    def is_zero(self, part: str) -> str:
        f, mask = self.f, f"<{self.lanes} x i1>"
        function = f"@llvm.vector.reduce.and.v{self.lanes}i1"
        self.module.declare(f"declare i1 {function}({mask})")
        zeros = f.set(f"fcmp oeq {self.wide} {part}, zeroinitializer")
        return f.set(f"call i1 {function}({mask} {zeros})")

    def spoil(self) -> list[str]:
        """Singular, too near to it for numbers, or not finite: make every solution NaN."""
        nan = literal(float("nan"), self.code)
        self.each("0", "%n", lambda k: self.store(nan, self.record(k), "0"))
        return []
