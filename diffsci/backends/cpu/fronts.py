"""Functions that go through the fronts of a sparse matrix (`diffsci.primitives.linalg.fronts`)."""

from __future__ import annotations

from collections.abc import Callable

from diffsci.backends.cpu.function import LANES, MEMORY, Function, cell, element, literal
from diffsci.primitives.linalg.fronts import FIELDS, HEADER

__all__ = ["FrontFunction"]


class FrontFunction:
    """A function that goes through the fronts of a table."""

    def __init__(self, module, code: str, header: str):
        self.module, self.code, self.kind = module, code, MEMORY[code]
        self.prefix = "d" if code == "f8" else "s"
        self.f = Function(header)
        f = self.f
        words = [self.word("%table", str(k)) for k in range(len(HEADER))]
        self.header = dict(zip(HEADER, words, strict=True))
        parts = HEADER[HEADER.index("fronts") :]
        self.parts = {name: element(f, "i8", "%table", self.header[name]) for name in parts}
        flags = {name: cell(f, "i8", str(ord(name))) for name in "LRUNT"}
        numbers = {value: cell(f, self.kind, literal(value, code)) for value in (1.0, -1.0, 0.0)}
        self.flags, self.numbers, self.unit = flags, numbers, cell(f, "i32", "1")
        self.cells: dict[str, str] = {}

    # ---- pieces of code ------------------------------------------------------------------------

    def word(self, base: str, index: str) -> str:
        """Read an integer."""
        return self.f.set(f"load i64, ptr {element(self.f, 'i8', base, index)}")

    def load(self, base: str, index: str) -> str:
        """Read a number."""
        return self.f.set(f"load {self.kind}, ptr {element(self.f, self.code, base, index)}")

    def store(self, value: str, base: str, index: str) -> None:
        """Write a number."""
        self.f.do(f"store {self.kind} {value}, ptr {element(self.f, self.code, base, index)}")

    def add(self, *terms: str) -> str:
        """Add integers."""
        total = terms[0]
        for term in terms[1:]:
            total = self.f.set(f"add i64 {total}, {term}")
        return total

    def times(self, a: str, b: str) -> str:
        """Multiply integers."""
        return self.f.set(f"mul i64 {a}, {b}")

    def each(self, low: str, high: str, body: Callable[[str], None]) -> None:
        """Write a loop."""

        def run(i: str, _) -> list[str]:
            body(i)
            return []

        self.f.loop(low, high, 1, [], run)

    def variable(self, name: str) -> str:
        """Return the place of an integer argument, made once: loops do not give space on the stack back."""
        return self.cells.setdefault(name, self.f.set("alloca i32"))

    def sizes(self, **values: str) -> None:
        """Set integer arguments of library routines."""
        for name, value in values.items():
            self.f.do(f"store i32 {self.f.set(f'trunc i64 {value} to i32')}, ptr {self.cells[name]}")

    def library(self, routine: str, *places: str) -> None:
        """Call BLAS or LAPACK in the precision of the function."""
        name = self.prefix + routine
        self.module.declare(f"declare void @{name}({', '.join(['ptr'] * len(places))})")
        self.f.do(f"call void @{name}({', '.join(f'ptr {place}' for place in places)})")

    # ---- columns of numbers --------------------------------------------------------------------

    def subtract(self, count: str, factor: str, source: str, target: str) -> None:
        """Write ``target[:count] -= factor * source[:count]``."""
        name = f"subtract_multiple_{self.code}"
        self.module.define(name, lambda: _write_subtract(self.code, name))
        arguments = f"i64 {count}, {self.kind} {factor}, ptr {source}, ptr {target}"
        self.f.do(f"call void @{name}({arguments})")

    def dot(self, count: str, a: str, b: str) -> str:
        """Write the product of two columns and return its name."""
        name = f"dot_{self.code}"
        self.module.define(name, lambda: _write_dot(self.code, name))
        return self.f.set(f"call {self.kind} @{name}(i64 {count}, ptr {a}, ptr {b})")

    # ---- fronts --------------------------------------------------------------------------------

    def front(self, k: str) -> dict[str, str]:
        """Read a row of the table, and `size`, the order of the front."""
        row = self.times(k, str(len(FIELDS)))
        here = {name: self.word(self.parts["fronts"], self.add(row, str(i))) for i, name in enumerate(FIELDS)}
        return here | {"size": self.add(here["own"], here["rest"])}

    def after(self, k: str, name: str) -> str:
        """Read a number of the next row: where a part of this front ends."""
        row = self.times(self.add(k, "1"), str(len(FIELDS)))
        return self.word(self.parts["fronts"], self.add(row, str(FIELDS.index(name))))

    def fronts(self, body: Callable[[str, dict[str, str]], None], backwards: bool = False) -> None:
        """Write a loop over the fronts: ``body(k, row of the table)``."""
        count = self.header["count"]

        def one(k: str) -> None:
            k = self.f.set(f"sub i64 {self.f.set(f'sub i64 {count}, 1')}, {k}") if backwards else k
            body(k, self.front(k))

        self.each("0", count, one)


def _lanes(code: str, width: int = LANES) -> str:
    return f"<{width} x {MEMORY[code]}>"


def _load(f: Function, kind: str, place: str) -> str:
    return f.set(f"load {kind}, ptr {place}, align 4")


def _write_subtract(code: str, name: str) -> str:
    kind, wide = MEMORY[code], _lanes(code)
    f = Function(f"internal void @{name}(i64 %n, {kind} %a, ptr %x, ptr %y)")
    factors = f.splat("%a", code)

    def update(i: str, kind: str, factor: str) -> list[str]:
        place = element(f, code, "%y", i)
        product = f.set(f"fmul contract {kind} {factor}, {_load(f, kind, element(f, code, '%x', i))}")
        left = f.set(f"fsub contract {kind} {_load(f, kind, place)}, {product}")
        f.do(f"store {kind} {left}, ptr {place}, align 4")
        return []

    whole = f.set(f"and i64 %n, {-LANES}")
    f.loop("0", whole, LANES, [], lambda i, _: update(i, wide, factors))
    f.loop(whole, "%n", 1, [], lambda i, _: update(i, kind, "%a"))
    return f.finish()


def _write_dot(code: str, name: str) -> str:
    kind, wide = MEMORY[code], _lanes(code)
    f = Function(f"internal {kind} @{name}(i64 %n, ptr %x, ptr %y)")

    def add(i: str, kind: str, total: str) -> list[str]:
        a, b = (_load(f, kind, element(f, code, base, i)) for base in ("%x", "%y"))
        return [f.set(f"fadd contract {kind} {total}, {f.set(f'fmul contract {kind} {a}, {b}')}")]

    whole = f.set(f"and i64 %n, {-LANES}")
    (sums,) = f.loop("0", whole, LANES, [(wide, "zeroinitializer")], lambda i, v: add(i, wide, v[0]))
    width = LANES
    while width > 1:
        width //= 2
        halves = [
            f.set(
                f"shufflevector {_lanes(code, 2 * width)} {sums}, {_lanes(code, 2 * width)} poison, "
                f"<{width} x i32> <{', '.join(f'i32 {k}' for k in range(first, first + width))}>"
            )
            for first in (0, width)
        ]
        sums = f.set(f"fadd {_lanes(code, width)} {halves[0]}, {halves[1]}")
    total = f.set(f"extractelement {_lanes(code, 1)} {sums}, i64 0")
    (total,) = f.loop(whole, "%n", 1, [(kind, total)], lambda i, v: add(i, kind, v[0]))
    return f.finish(f"ret {kind} {total}")
