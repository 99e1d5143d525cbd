"""Banded systems: own routines for narrow bands, LAPACK for wide ones.

LAPACK keeps its factors by columns in the same memory, and its exchanges as 32-bit integers.
"""

from __future__ import annotations

from diffsci.backends.cpu.band_factor import write_own_factor
from diffsci.backends.cpu.band_solve import write_own_solve
from diffsci.backends.cpu.columns import Columns
from diffsci.backends.cpu.function import LANES, Function, cell, element, literal
from diffsci.backends.plan.banded import Band, BandFactorStep, BandSolveStep
from diffsci.backends.plan.codes import code_of

__all__ = ["write_band_factor", "write_band_solve"]


def write_band_factor(module, f: Function, step: BandFactorStep, failed: str) -> None:
    """Write the factors of a stack of banded matrices."""
    code, band = code_of(step.factors.dtype), step.band
    write = write_own_factor if band.narrow else _library_factor
    name = write(module, code, band)
    ab, factors, pivots = module.place(f, step.ab), module.base(f, step.factors), module.base(f, step.pivots)

    def one(i: str, _) -> list[str]:
        matrix = element(f, code, ab, f.set(f"mul i64 {i}, {band.width * band.n}"))
        made = element(f, code, factors, f.set(f"mul i64 {i}, {band.size}"))
        exchanges = element(f, "i8", pivots, f.set(f"mul i64 {i}, {band.n}"))
        f.do(f"call void @{name}(ptr {matrix}, ptr {made}, ptr {exchanges}, i64 {band.n})")
        return []

    f.loop("0", str(band.batch), 1, [], one)


def write_band_solve(module, f: Function, step: BandSolveStep, failed: str) -> None:
    """Write the solution for one or several right-hand sides of each."""
    code, band = code_of(step.x.buffer.dtype), step.band
    factors, pivots = module.base(f, step.factors), module.base(f, step.pivots)
    b, x = module.place(f, step.b), module.place(f, step.x)
    write = _own_solves if band.narrow else _library_solves

    def one(i: str, _) -> list[str]:
        made = element(f, code, factors, f.set(f"mul i64 {i}, {band.size}"))
        exchanges = element(f, "i8", pivots, f.set(f"mul i64 {i}, {band.n}"))
        rows = f.set(f"mul i64 {i}, {band.n * step.columns}")
        write(module, f, step, code, made, exchanges, *(element(f, code, base, rows) for base in (b, x)))
        return []

    f.loop("0", str(band.batch), 1, [], one)


def _own_solves(module, f: Function, step: BandSolveStep, code: str, *places: str) -> None:
    """Write solves for eight right-hand sides at a time, and for each of the last ones."""
    made, exchanges, b, x = places
    whole = step.columns // LANES * LANES
    for first, end, width in ((0, whole, LANES), (whole, step.columns, 1)):
        if first == end:
            continue
        name = write_own_solve(module, code, step.band, step.transposed, width)

        def some(c: str, _, name: str = name) -> list[str]:
            at = (made, exchanges, element(f, code, b, c), element(f, code, x, c))
            f.do(f"call void @{name}({_pointers(at)}, i64 {step.band.n}, i64 {step.columns})")
            return []

        f.loop(str(first), str(end), width, [], some)


def _library_solves(module, f: Function, step: BandSolveStep, code: str, *places: str) -> None:
    name = _library_solve(module, code, step.band, step.transposed)
    scratch = module.base(f, step.scratch) if step.scratch else "null"
    f.do(f"call void @{name}({_pointers(places)}, i64 {step.band.n}, i64 {step.columns}, ptr {scratch})")


def _pointers(places) -> str:
    return ", ".join(f"ptr {place}" for place in places)


# LAPACK -----------------------------------------------------------------------------------------------


class _Library(Columns):
    """A function that calls LAPACK for a band; `cells` are its integer arguments."""

    def __init__(self, module, code: str, band: Band, header: str):
        super().__init__(module, code, Function(header))
        self.band, self.rows = band, 2 * band.lower + band.upper + 1
        f = self.f
        sizes = {"lower": str(band.lower), "upper": str(band.upper), "rows": str(self.rows)}
        self.cells = {name: cell(f, "i32", value) for name, value in sizes.items()}
        self.cells["n"] = cell(f, "i32", f.set("trunc i64 %n to i32"))
        self.cells["info"] = cell(f, "i32", "0")


def _library_factor(module, code: str, band: Band) -> str:
    name = f"library_band_factor_{code}_{band.lower}_{band.upper}"
    module.define(name, lambda: _Factor(module, code, band, name).text)
    return name


class _Factor(_Library):
    def __init__(self, module, code: str, band: Band, name: str):
        super().__init__(
            module, code, band, f"internal void @{name}(ptr %ab, ptr %made, ptr %pivots, i64 %n)"
        )
        f, here = self.f, self.cells
        self.each("0", str(band.width), self.diagonal)
        places = (here["n"], here["n"], here["lower"], here["upper"], "%made", here["rows"], "%pivots")
        self.library("gbtrf", *places, here["info"])
        info = f.set(f"load i32, ptr {here['info']}")
        f.when(f.set(f"icmp ne i32 {info}, 0"), [], self.spoil)
        self.text = f.finish()

    def diagonal(self, r: str) -> None:
        """Copy a diagonal below the room for exchanges."""
        source = element(self.f, self.code, "%ab", self.times(r, "%n"))
        target = element(self.f, self.code, "%made", self.add(r, str(self.band.lower)))
        self.each(
            "0", "%n", lambda j: self.store(self.load(source, j), target, self.times(j, str(self.rows)))
        )

    def spoil(self) -> list[str]:
        """Singular: make every solution NaN."""
        first = element(self.f, self.code, "%made", str(self.band.lower + self.band.upper))
        nan = literal(float("nan"), self.code)
        self.each("0", "%n", lambda j: self.store(nan, first, self.times(j, str(self.rows))))
        return []


def _library_solve(module, code: str, band: Band, transposed: bool) -> str:
    name = f"library_band_solve_{code}_{band.lower}_{band.upper}{'_transposed' if transposed else ''}"
    module.define(name, lambda: _Solve(module, code, band, transposed, name).text)
    return name


class _Solve(_Library):
    """LAPACK's right-hand sides lie by columns: several are turned, one is solved in place."""

    def __init__(self, module, code: str, band: Band, transposed: bool, name: str):
        arguments = "ptr %made, ptr %pivots, ptr %b, ptr %x, i64 %n, i64 %columns, ptr %scratch"
        super().__init__(module, code, band, f"internal void @{name}({arguments})")
        f, here = self.f, self.cells
        form = cell(f, "i8", str(ord("T" if transposed else "N")))
        count = cell(f, "i32", f.set("trunc i64 %columns to i32"))
        several = f.set("icmp sgt i64 %columns, 1")
        work = f.set(f"select i1 {several}, ptr %scratch, ptr %x")
        self.entries(lambda wide, tall: self.store(self.load("%b", wide), work, tall))
        places = (form, here["n"], here["lower"], here["upper"], count, "%made", here["rows"], "%pivots")
        self.library("gbtrs", *places, work, here["n"], here["info"])
        f.when(several, [], lambda: self.entries(lambda w, t: self.store(self.load(work, t), "%x", w)))
        self.text = f.finish()

    def entries(self, body) -> list[str]:
        """Write a loop over the entries of right-hand sides: ``body(place by rows, place by columns)``."""

        def row(i: str) -> None:
            def entry(c: str) -> None:
                body(self.add(self.times(i, "%columns"), c), self.add(self.times(c, "%n"), i))

            self.each("0", "%columns", entry)

        self.each("0", "%n", row)
        return []
