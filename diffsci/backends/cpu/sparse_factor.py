"""Sparse factors by fronts: loops over a plan's table, the fronts themselves by BLAS and LAPACK.

The function is the same for all patterns; `diffsci.primitives.linalg.multifrontal` is what it does, in NumPy.
Fronts are kept by columns.
"""

from __future__ import annotations

from diffsci.backends.cpu.front_elimination import write_elimination
from diffsci.backends.cpu.fronts import FrontFunction
from diffsci.backends.cpu.function import SIZES, Function, cell, element, literal
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.sparse import SparseFactorStep
from diffsci.primitives.linalg.multifrontal import GROWTH

__all__ = ["write_sparse_factor"]

LIBRARY_ORDER = 128  # fronts from here on are left to BLAS, whose threads then pay


def write_sparse_factor(module, f: Function, step: SparseFactorStep, failed: str) -> None:
    """Write the factorization of a sparse matrix."""
    code = code_of(step.factors.buffer.dtype)
    name = f"sparse_factor_{code}"
    module.define(name, lambda: _Factor(module, code, name).text)
    views = (step.data, step.table, step.factors, step.pivots, step.good)
    places = [module.place(f, view) for view in views] + [module.base(f, step.work)]
    f.do(f"call void @{name}({', '.join(f'ptr {place}' for place in places)}, i64 {step.fronts.largest})")


class _Factor(FrontFunction):
    """``factor(data, table, factors, pivots, good, work, largest)``."""

    def __init__(self, module, code: str, name: str):
        arguments = "ptr %data, ptr %table, ptr %made, ptr %pivots, ptr %good, ptr %work, i64 %largest"
        super().__init__(module, code, f"internal void @{name}({arguments})")
        f = self.f
        # Arguments of library routines lie in memory. Loops do not give space on the stack back: it is
        # taken before them.
        self.cells = {name: f.set("alloca i32") for name in ("own", "rest", "size", "info")}
        self.flags = {name: cell(f, "i8", str(ord(name))) for name in "LRUN"}
        self.numbers = {value: cell(f, self.kind, literal(value, code)) for value in (1.0, -1.0)}
        self.unit = cell(f, "i32", "1")
        module.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        module.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        self.stack = element(f, code, "%work", self.times("%largest", "%largest"))
        f.do("store i8 1, ptr %good")
        self.fronts(self.eliminate)
        self.text = f.finish()

    def eliminate(self, k: str, here: dict[str, str]) -> None:
        f = self.f
        square = self.times(here["size"], here["size"])
        f.do(f"call void @llvm.memset.p0.i64(ptr %work, i8 0, i64 {self.bytes(square)}, i1 false)")
        self.each(here["entries"], self.after(k, "entries"), self.take_entry)
        self.each(here["children"], self.after(k, "children"), lambda c: self.take_child(c, here["size"]))
        exchanges = element(f, "i8", "%pivots", here["first"])
        large = f.set(f"icmp sgt i64 {here['size']}, {LIBRARY_ORDER}")
        f.when(large, [], lambda: self.by_library(here, exchanges))
        f.when(f.set(f"xor i1 {large}, true"), [], lambda: self.by_hand(here, exchanges))
        panel = self.times(here["size"], here["own"])
        right = element(f, self.code, "%work", panel)
        corner = element(f, self.code, right, here["own"])
        kept = element(f, self.code, self.stack, here["left"])
        self.copy_columns(kept, corner, here["rest"], here["rest"], here["size"])
        self.check(here)
        target = element(f, self.code, "%made", here["factors"])
        self.copy(target, "%work", panel)
        self.turn(element(f, self.code, target, panel), right, here)

    def take_entry(self, e: str) -> None:
        place = self.word(self.parts["places"], e)
        value = self.load("%data", self.word(self.parts["sources"], e))
        self.store(self.f.set(f"fadd {self.kind} {self.load('%work', place)}, {value}"), "%work", place)

    def take_child(self, c: str, size: str) -> None:
        pair = self.times(c, "2")
        child = self.front(self.word(self.parts["children"], pair))
        places = element(
            self.f, "i8", self.parts["maps"], self.word(self.parts["children"], self.add(pair, "1"))
        )
        kept, rest = element(self.f, self.code, self.stack, child["left"]), child["rest"]

        def column(j: str) -> None:
            target = element(self.f, self.code, "%work", self.times(self.word(places, j), size))
            source = element(self.f, self.code, kept, self.times(j, rest))

            def entry(i: str) -> None:
                place = self.word(places, i)
                total = self.f.set(f"fadd {self.kind} {self.load(target, place)}, {self.load(source, i)}")
                self.store(total, target, place)

            self.each("0", rest, entry)

        self.each("0", rest, column)

    def by_hand(self, here: dict[str, str], exchanges: str) -> list[str]:
        name = f"eliminate_{self.code}"
        self.module.define(name, lambda: write_elimination(self.module, self.code, name))
        sizes = f"i64 {here['own']}, i64 {here['size']}"
        self.f.do(f"call void @{name}(ptr %work, {sizes}, ptr {exchanges})")
        return []

    def by_library(self, here: dict[str, str], exchanges: str) -> list[str]:
        """Factor the own columns; L below, U beside, and what is left."""
        f = self.f
        for name in ("own", "rest", "size"):
            f.do(f"store i32 {f.set(f'trunc i64 {here[name]} to i32')}, ptr {self.cells[name]}")
        own, rest, size, info = (self.cells[name] for name in ("own", "rest", "size", "info"))
        left, r, u, n = (self.flags[name] for name in "LRUN")
        one, minus = self.numbers[1.0], self.numbers[-1.0]
        self.library("getrf", own, own, "%work", size, exchanges, info)
        below = element(f, self.code, "%work", here["own"])
        right = element(f, self.code, "%work", self.times(here["size"], here["own"]))
        corner = element(f, self.code, right, here["own"])
        self.library("trsm", r, u, n, n, rest, own, one, "%work", size, below, size)
        self.library("laswp", rest, right, size, self.unit, own, exchanges, self.unit)
        self.library("trsm", left, left, n, u, own, rest, one, "%work", size, right, size)
        self.library("gemm", n, n, rest, rest, own, minus, below, size, right, size, one, corner, size)
        self.widen(exchanges, here["own"])
        return []

    def widen(self, exchanges: str, own: str) -> None:
        """Turn LAPACK's exchanges, 32 bits from 1, into 64 bits from 0, in place from the last."""
        f = self.f

        def one(k: str) -> None:
            i = f.set(f"sub i64 {f.set(f'sub i64 {own}, 1')}, {k}")
            short = f.set(f"load i32, ptr {f.set(f'getelementptr i32, ptr {exchanges}, i64 {i}')}")
            wide = f.set(f"sub i64 {f.set(f'sext i32 {short} to i64')}, 1")
            f.do(f"store i64 {wide}, ptr {element(f, 'i8', exchanges, i)}")

        self.each("0", own, one)

    def check(self, here: dict[str, str]) -> None:
        """Clear `good` where L has grown, a pivot is zero, or numbers are not finite."""
        f, kind = self.f, self.kind
        fabs = f"@llvm.fabs.{'f64' if self.code == 'f8' else 'f32'}"
        self.module.declare(f"declare {kind} {fabs}({kind})")
        huge = literal(1.7976931348623157e308 if self.code == "f8" else 3.4028234663852886e38, self.code)

        def column(j: str) -> None:
            base = element(f, self.code, "%work", self.times(j, here["size"]))

            def entry(i: str, values: list[str]) -> list[str]:
                value = f.set(f"call {kind} {fabs}({kind} {self.load(base, i)})")
                inside = f.set(f"icmp slt i64 {i}, {here['own']}")
                limit = f.set(f"select i1 {inside}, {kind} {huge}, {kind} {literal(GROWTH, self.code)}")
                return [f.set(f"and i1 {values[0]}, {f.set(f'fcmp ole {kind} {value}, {limit}')}")]

            regular = f.set(f"fcmp une {kind} {self.load(base, j)}, {literal(0.0, self.code)}")
            (fine,) = f.loop("0", here["size"], 1, [("i1", regular)], entry)
            before = f.set("load i8, ptr %good")
            still = f.set(f"zext i1 {fine} to i8")
            f.do(f"store i8 {f.set(f'and i8 {before}, {still}')}, ptr %good")

        self.each("0", here["own"], column)

    def bytes(self, count: str) -> str:
        return self.times(count, str(SIZES[self.code]))

    def copy(self, target: str, source: str, count: str) -> None:
        size = self.bytes(count)
        self.f.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)")

    def copy_columns(self, target: str, source: str, rows: str, columns: str, stride: str) -> None:
        def one(j: str) -> None:
            to = element(self.f, self.code, target, self.times(j, rows))
            self.copy(to, element(self.f, self.code, source, self.times(j, stride)), rows)

        self.each("0", columns, one)

    def turn(self, target: str, source: str, here: dict[str, str]) -> None:
        """Copy U beside as its transpose, so that solves go along columns only."""

        def column(j: str) -> None:
            base = element(self.f, self.code, source, self.times(j, here["size"]))

            def entry(i: str) -> None:
                self.store(self.load(base, i), target, self.add(self.times(i, here["rest"]), j))

            self.each("0", here["own"], entry)

        self.each("0", here["rest"], column)
