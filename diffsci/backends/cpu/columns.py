"""Pieces of functions on numbers that lie behind each other: columns of dense matrices."""

from __future__ import annotations

from collections.abc import Callable

from diffsci.backends.cpu.function import LANES, MEMORY, Function, element

__all__ = ["Columns", "in_lanes", "lanes", "load"]


class Columns:
    """Writes loops over the columns of a matrix into a function."""

    def __init__(self, module, code: str, f: Function):
        self.module, self.code, self.kind, self.f = module, code, MEMORY[code], f

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

    def minus(self, a: str, b: str) -> str:
        """Subtract integers."""
        return self.f.set(f"sub i64 {a}, {b}")

    def times(self, a: str, b: str) -> str:
        """Multiply integers."""
        return self.f.set(f"mul i64 {a}, {b}")

    def each(self, low: str, high: str, body: Callable[[str], None]) -> None:
        """Write a loop."""

        def run(i: str, _) -> list[str]:
            body(i)
            return []

        self.f.loop(low, high, 1, [], run)

    def library(self, routine: str, *places: str) -> None:
        """Call BLAS or LAPACK in the precision of the numbers."""
        name = ("d" if self.code == "f8" else "s") + routine
        self.module.declare(f"declare void @{name}({', '.join(['ptr'] * len(places))})")
        self.f.do(f"call void @{name}({', '.join(f'ptr {place}' for place in places)})")

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

    def divide(self, count: str, divisor: str, target: str) -> None:
        """Write ``target[:count] /= divisor``."""
        name = f"divide_{self.code}"
        self.module.define(name, lambda: _write_divide(self.code, name))
        self.f.do(f"call void @{name}(i64 {count}, {self.kind} {divisor}, ptr {target})")


def lanes(code: str, width: int = LANES) -> str:
    """Return the LLVM type of several numbers at once."""
    return f"<{width} x {MEMORY[code]}>"


def in_lanes(f: Function, code: str, factors: list[str], update: Callable) -> str:
    """Write ``update(i, type, factors)`` over %n numbers, several at once, the last ones singly; finish."""
    splats = [f.splat(factor, code) for factor in factors]

    def step(i: str, kind: str, factors: list[str]) -> list[str]:
        update(i, kind, factors)
        return []

    whole = f.set(f"and i64 %n, {-LANES}")
    f.loop("0", whole, LANES, [], lambda i, _: step(i, lanes(code), splats))
    f.loop(whole, "%n", 1, [], lambda i, _: step(i, MEMORY[code], factors))
    return f.finish()


def load(f: Function, kind: str, place: str) -> str:
    """Write a load of numbers that need not begin at a line; return its name."""
    return f.set(f"load {kind}, ptr {place}, align 4")


def _write_subtract(code: str, name: str) -> str:
    f = Function(f"internal void @{name}(i64 %n, {MEMORY[code]} %a, ptr %x, ptr %y)")

    def update(i: str, kind: str, factors: list[str]) -> None:
        place = element(f, code, "%y", i)
        product = f.set(f"fmul contract {kind} {factors[0]}, {load(f, kind, element(f, code, '%x', i))}")
        left = f.set(f"fsub contract {kind} {load(f, kind, place)}, {product}")
        f.do(f"store {kind} {left}, ptr {place}, align 4")

    return in_lanes(f, code, ["%a"], update)


def _write_dot(code: str, name: str) -> str:
    kind, wide = MEMORY[code], lanes(code)
    f = Function(f"internal {kind} @{name}(i64 %n, ptr %x, ptr %y)")

    def add(i: str, kind: str, total: str) -> list[str]:
        a, b = (load(f, kind, element(f, code, base, i)) for base in ("%x", "%y"))
        return [f.set(f"fadd contract {kind} {total}, {f.set(f'fmul contract {kind} {a}, {b}')}")]

    whole = f.set(f"and i64 %n, {-LANES}")
    (sums,) = f.loop("0", whole, LANES, [(wide, "zeroinitializer")], lambda i, v: add(i, wide, v[0]))
    width = LANES
    while width > 1:
        width //= 2
        halves = [
            f.set(
                f"shufflevector {lanes(code, 2 * width)} {sums}, {lanes(code, 2 * width)} poison, "
                f"<{width} x i32> <{', '.join(f'i32 {k}' for k in range(first, first + width))}>"
            )
            for first in (0, width)
        ]
        sums = f.set(f"fadd {lanes(code, width)} {halves[0]}, {halves[1]}")
    total = f.set(f"extractelement {lanes(code, 1)} {sums}, i64 0")
    (total,) = f.loop(whole, "%n", 1, [(kind, total)], lambda i, v: add(i, kind, v[0]))
    return f.finish(f"ret {kind} {total}")


def _write_divide(code: str, name: str) -> str:
    f = Function(f"internal void @{name}(i64 %n, {MEMORY[code]} %a, ptr %x)")

    def divide(i: str, kind: str, divisors: list[str]) -> None:
        place = element(f, code, "%x", i)
        quotient = f.set(f"fdiv {kind} {load(f, kind, place)}, {divisors[0]}")
        f.do(f"store {kind} {quotient}, ptr {place}, align 4")

    return in_lanes(f, code, ["%a"], divide)
