"""Solves with factors of narrow banded matrices: two sweeps, the numbers in question in registers.

What a row still waits for, or those that are solved and still needed, are as many numbers as the matrix has
diagonals on one side. They go from step to step in registers, so that a step waits for the one before for one
multiplication. Right-hand sides go eight at a time, in vectors, the last ones singly. For the records of the
factors see `diffsci.backends.cpu.band_factor`.
"""

from __future__ import annotations

from diffsci.backends.cpu.columns import Columns, lanes
from diffsci.backends.cpu.function import MEMORY, SIZES, Function, element
from diffsci.backends.plan.banded import Band

__all__ = ["write_own_solve"]

_SUMS = 4


def write_own_solve(module, code: str, band: Band, transposed: bool, width: int) -> str:
    """Define ``solve(factors, pivots, b, x, n, stride)`` for `width` right-hand sides and return its name."""
    name = f"band_solve_{code}_{band.lower}_{band.upper}_{width}{'_transposed' if transposed else ''}"
    module.define(name, lambda: _Solve(module, code, band, transposed, width, name).text)
    return name


class _Solve(Columns):
    def __init__(self, module, code: str, band: Band, transposed: bool, width: int, name: str):
        header = f"internal void @{name}(ptr %made, ptr %pivots, ptr %b, ptr %x, i64 %n, i64 %stride)"
        super().__init__(module, code, Function(header))
        self.band, self.width = band, width
        self.wide = lanes(code, width) if width > 1 else MEMORY[code]
        self.zero = "zeroinitializer" if width > 1 else "0.0"
        self.reach = band.lower + band.upper
        if transposed:
            self.upwards(self.reach, self.divide_after)
            self.downwards(band.lower, self.pull)
        else:
            self.upwards(band.lower, self.push)
            self.downwards(self.reach, self.divide_before)
        self.text = self.f.finish()

    # ---- sweeps --------------------------------------------------------------------------------

    def upwards(self, count: int, body) -> None:
        """Write a sweep from b to x: ``body(k, row k and the `count` rows behind it) -> those rows``."""
        ahead = [(self.wide, self.ahead(str(i))) for i in range(count)]

        def step(k: str, rows: list[str]) -> list[str]:
            return body(k, [*rows, self.ahead(self.add(k, str(count)))])

        self.f.loop("0", "%n", 1, ahead, step)

    def downwards(self, count: int, body) -> None:
        """Write a sweep over x: ``body(k, the `count` rows behind row k) -> row k and all but the last``."""
        last = self.minus("%n", "1")
        behind = [(self.wide, self.zero)] * count
        self.f.loop("0", "%n", 1, behind, lambda i, rows: body(self.minus(last, i), rows)[:count])

    def ahead(self, i: str) -> str:
        """Return row i of b, zeros behind the last one."""
        f = self.f
        inside = f.set(f"icmp slt i64 {i}, %n")
        value = self.get("%b", f.set(f"select i1 {inside}, i64 {i}, i64 0"))
        return f.set(f"select i1 {inside}, {self.wide} {value}, {self.wide} {self.zero}")

    # ---- one row -------------------------------------------------------------------------------

    def push(self, k: str, rows: list[str]) -> list[str]:
        """With L: exchange rows, and take the multiples of row k from those behind it."""
        record = self.record(k)
        value, *rest = self.exchanged(k, rows)
        self.put(value, k)
        return [self.less(row, self.below(record, i), value) for i, row in enumerate(rest)]

    def divide_before(self, k: str, rows: list[str]) -> list[str]:
        """With U: take the multiples of the rows behind row k from it, the latest one last, and divide."""
        record = self.record(k)
        value = self.without(
            self.get("%x", k), [(self.factor(record, i + 1), row) for i, row in enumerate(rows)]
        )
        value = self.f.set(f"fmul {self.wide} {value}, {self.factor(record, 0)}")
        self.put(value, k)
        return [value, *rows]

    def divide_after(self, k: str, rows: list[str]) -> list[str]:
        """With U transposed."""
        record = self.record(k)
        value = self.f.set(f"fmul {self.wide} {rows[0]}, {self.factor(record, 0)}")
        self.put(value, k)
        return [self.less(row, self.factor(record, i + 1), value) for i, row in enumerate(rows[1:])]

    def pull(self, k: str, rows: list[str]) -> list[str]:
        """With L transposed; then exchange rows, back."""
        f, record = self.f, self.record(k)
        value = self.without(self.get("%x", k), [(self.below(record, i), row) for i, row in enumerate(rows)])
        found = self.exchanged(k, [value, *rows])
        self.put(found[0], k)
        if rows:
            where = self.distance(k)

            def back() -> list[str]:
                self.put(value, self.add(k, where))
                return []

            f.when(f.set(f"icmp ne i64 {where}, 0"), [], back)
        return found

    def exchanged(self, k: str, rows: list[str]) -> list[str]:
        """Exchange the first row with that of the pivot."""
        if len(rows) == 1:
            return rows
        f, where = self.f, self.distance(k)

        def exchange() -> list[str]:
            first, others = rows[0], []
            for i, row in enumerate(rows[1:], 1):
                here = f.set(f"icmp eq i64 {where}, {i}")
                first = f.set(f"select i1 {here}, {self.wide} {row}, {self.wide} {first}")
                others.append(f.set(f"select i1 {here}, {self.wide} {rows[0]}, {self.wide} {row}"))
            return [first, *others]

        return f.when(f.set(f"icmp ne i64 {where}, 0"), [(self.wide, row) for row in rows], exchange)

    # ---- numbers -------------------------------------------------------------------------------

    def distance(self, k: str) -> str:
        """Return how far below row k the row is that was exchanged with it."""
        return self.minus(self.word("%pivots", k), k)

    def record(self, k: str) -> str:
        return element(self.f, self.code, "%made", self.times(k, str(self.band.record)))

    def factor(self, record: str, i: int) -> str:
        """Return a number of the factors, in all lanes."""
        value = self.load(record, str(i))
        return self.f.splat(value, self.code) if self.width > 1 else value

    def below(self, record: str, i: int) -> str:
        return self.factor(record, self.band.padded + i)

    def without(self, value: str, products: list[tuple[str, str]]) -> str:
        """Subtract products: in several sums, so as not to wait for each, the first product last."""
        sums = [value, *([self.zero] * (_SUMS - 1) if len(products) > 2 * _SUMS else [])]
        for i, (factor, row) in enumerate(reversed(products[1:])):
            sums[i % len(sums)] = self.less(sums[i % len(sums)], factor, row)
        while len(sums) > 1:
            a, b, *rest = sums
            sums = [*rest, self.f.set(f"fadd {self.wide} {a}, {b}")]
        return self.less(sums[0], *products[0]) if products else sums[0]

    def less(self, value: str, factor: str, row: str) -> str:
        product = self.f.set(f"fmul contract {self.wide} {factor}, {row}")
        return self.f.set(f"fsub contract {self.wide} {value}, {product}")

    def get(self, base: str, i: str) -> str:
        place = element(self.f, self.code, base, self.times(i, "%stride"))
        return self.f.set(f"load {self.wide}, ptr {place}, align {SIZES[self.code]}")

    def put(self, value: str, i: str) -> None:
        place = element(self.f, self.code, "%x", self.times(i, "%stride"))
        self.f.do(f"store {self.wide} {value}, ptr {place}, align {SIZES[self.code]}")
