"""Factors of narrow banded matrices with partial pivoting, the rows in question in registers.

Gaussian elimination as in LAPACK's gbtf2 (Golub and Van Loan, Matrix Computations, section 4.3.5), by rows:
the row that eliminates and the `lower` rows below it are vectors, as many as a row of U needs, and their
first number is that of the column that is eliminated. The function is written for its numbers of diagonals.
A record of the factors (`diffsci.backends.plan.banded.Band`) holds, after the number k of rows,

    1 / u[k, k], u[k, k + 1], ..., u[k, k + lower + upper], zeros; then the multipliers of column k.

Before, it holds row k of the matrix. Where a pivot has no reciprocal, or U is not finite, all pivots become
NaN.
"""

from __future__ import annotations

import itertools

from diffsci.backends.cpu.columns import Columns, lanes
from diffsci.backends.cpu.function import LANES, SIZES, Function, element, literal
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
        f = Function(f"internal void @{name}(ptr %ab, ptr %made, ptr %pivots, i64 %n)")
        super().__init__(module, code, f)
        self.band, self.lanes = band, min(band.padded, LANES)
        self.wide = lanes(code, self.lanes)
        self.fabs = f"@llvm.fabs.{'f64' if code == 'f8' else 'f32'}"
        module.declare(f"declare {self.kind} {self.fabs}({self.kind})")
        self.spread_rows()
        rows = [self.shifted(self.row(str(i)), band.lower - i) for i in range(band.lower)]
        carried = [(self.wide, part) for row in rows for part in row]
        carried += [("i1", "true"), (self.wide, "zeroinitializer")]
        *_, regular, nothing = f.loop("0", "%n", 1, carried, self.column)
        good = f.set(f"and i1 {regular}, {self.is_zero(nothing)}")
        f.when(f.set(f"xor i1 {good}, true"), [], self.spoil)
        self.text = f.finish()

    # ---- the matrix, row by row ----------------------------------------------------------------

    def spread_rows(self) -> None:
        """Copy the matrix from its diagonals into the records."""
        f, band = self.f, self.band
        self.module.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        size = self.times(self.add("%n", str(band.lower)), str(band.record * SIZES[self.code]))
        f.do(f"call void @llvm.memset.p0.i64(ptr %made, i8 0, i64 {size}, i1 false)")
        for lane in range(band.width):
            offset = lane - band.lower  # of columns against rows
            source = element(f, self.code, "%ab", self.times("%n", str(band.upper - offset)))
            source, target = (
                element(f, self.code, *at) for at in ((source, str(offset)), ("%made", str(lane)))
            )
            end = "%n" if offset <= 0 else self.minus("%n", str(offset))

            def entry(i: str, source: str = source, target: str = target) -> None:
                self.store(self.load(source, i), target, self.times(i, str(band.record)))

            self.each(str(max(-offset, 0)), end, entry)

    def record(self, k: str) -> str:
        return element(self.f, self.code, "%made", self.times(k, str(self.band.record)))

    def row(self, i: str) -> Row:
        """Return a row of the matrix; behind the last one there are rows of zeros."""
        f, record = self.f, self.record(i)
        places = [
            element(f, self.code, record, str(first)) for first in range(0, self.band.padded, self.lanes)
        ]
        return [f.set(f"load {self.wide}, ptr {place}, align {SIZES[self.code]}") for place in places]

    def shifted(self, row: Row, count: int) -> Row:
        """Return a row without its first numbers, followed by zeros."""
        skipped, inside = divmod(count, self.lanes)
        parts = [*row[skipped:], *["zeroinitializer"] * (skipped + 1)]
        order = ", ".join(f"i32 {inside + lane}" for lane in range(self.lanes))
        return [
            self.f.set(f"shufflevector {self.wide} {a}, {self.wide} {b}, <{self.lanes} x i32> <{order}>")
            for a, b in itertools.pairwise(parts)
        ]

    def grouped(self, parts: list[str]) -> list[Row]:
        """Return the rows that a list of all their vectors is made of."""
        count = self.band.padded // self.lanes
        return [parts[first : first + count] for first in range(0, len(parts), count)]

    # ---- elimination ---------------------------------------------------------------------------

    def column(self, k: str, values: list[str]) -> list[str]:
        """Choose the pivot of column k, store row k of U and the multipliers, and update the rows below."""
        f, band, kind = self.f, self.band, self.kind
        *parts, regular, nothing = values
        rows = [*self.grouped(parts), self.row(self.add(k, str(band.lower)))]
        pivot, *rest = self.exchanged(k, rows)
        inverse = f.set(f"fdiv {kind} {literal(1.0, self.code)}, {self.first(pivot)}")
        record = self.record(k)
        factors = [f.set(f"fmul {kind} {self.first(row)}, {inverse}") for row in rest]
        kept = [f.set(f"insertelement {self.wide} {pivot[0]}, {kind} {inverse}, i64 0"), *pivot[1:]]
        for i, part in enumerate(kept):
            place = element(f, self.code, record, str(self.lanes * i))
            f.do(f"store {self.wide} {part}, ptr {place}, align {SIZES[self.code]}")
        for i, factor in enumerate(factors):
            self.store(factor, record, str(band.padded + i))
        below = [
            part
            for row, factor in zip(rest, factors, strict=True)
            for part in self.shifted(self.reduced(row, factor, pivot), 1)
        ]
        for part in pivot:  # stays zero as long as numbers are finite
            product = f.set(f"fmul {self.wide} {part}, zeroinitializer")
            nothing = f.set(f"fadd {self.wide} {nothing}, {product}")
        return [*below, f.set(f"and i1 {regular}, {self.usable(inverse)}"), nothing]

    def first(self, row: Row) -> str:
        return self.f.set(f"extractelement {self.wide} {row[0]}, i64 0")

    def exchanged(self, k: str, rows: list[Row]) -> list[Row]:
        """Bring the row with the largest first number, the first of equal ones, to the front."""
        f = self.f
        sizes = [f.set(f"call {self.kind} {self.fabs}({self.kind} {self.first(row)})") for row in rows]
        where = self.largest([(size, str(i)) for i, size in enumerate(sizes)])[1]
        f.do(f"store i64 {where}, ptr {element(f, 'i8', '%pivots', k)}")
        if len(rows) == 1:
            return rows

        def exchange() -> list[str]:
            first, others = rows[0], []
            for i, row in enumerate(rows[1:], 1):
                here = f.set(f"icmp eq i64 {where}, {i}")
                first = self.chosen(here, row, first)
                others += self.chosen(here, rows[0], row)
            return [*first, *others]

        # A jump that is foreseen, and seldom taken, does not wait for the search.
        needed = f.set(f"icmp ne i64 {where}, 0")
        return self.grouped(f.when(needed, [(self.wide, part) for row in rows for part in row], exchange))

    def chosen(self, here: str, row: Row, other: Row) -> Row:
        return [
            self.f.set(f"select i1 {here}, {self.wide} {a}, {self.wide} {b}")
            for a, b in zip(row, other, strict=True)
        ]

    def largest(self, found: list[tuple[str, str]]) -> tuple[str, str]:
        """Return the largest size and where it is, of halves."""
        if len(found) == 1:
            return found[0]
        f, half = self.f, (len(found) + 1) // 2
        (a, i), (b, j) = self.largest(found[:half]), self.largest(found[half:])
        larger = f.set(f"fcmp ogt {self.kind} {b}, {a}")
        size = f.set(f"select i1 {larger}, {self.kind} {b}, {self.kind} {a}")
        return size, f.set(f"select i1 {larger}, i64 {j}, i64 {i}")

    def reduced(self, row: Row, factor: str, pivot: Row) -> Row:
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

    def usable(self, inverse: str) -> str:
        """Tell whether the reciprocal of a pivot is a number other than zero."""
        f, kind = self.f, self.kind
        size = f.set(f"call {kind} {self.fabs}({kind} {inverse})")
        above = f.set(f"fcmp ogt {kind} {size}, {literal(0.0, self.code)}")
        below = f.set(f"fcmp olt {kind} {size}, {literal(float('inf'), self.code)}")
        return f.set(f"and i1 {above}, {below}")

    def is_zero(self, part: str) -> str:
        f, mask = self.f, f"<{self.lanes} x i1>"
        function = f"@llvm.vector.reduce.and.v{self.lanes}i1"
        self.module.declare(f"declare i1 {function}({mask})")
        zeros = f.set(f"fcmp oeq {self.wide} {part}, zeroinitializer")
        return f.set(f"call i1 {function}({mask} {zeros})")

    def spoil(self) -> list[str]:
        """Singular, too near to it for numbers, or not finite: make every solution NaN."""
        self.each("0", "%n", lambda k: self.store(literal(float("nan"), self.code), self.record(k), "0"))
        return []
