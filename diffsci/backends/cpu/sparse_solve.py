"""Solves with sparse factors by fronts: each goes along columns of its factors, twice.

The function is the same for all patterns; `diffsci.primitives.linalg.multifrontal` is what it does, in NumPy.
The rows that a front reaches are gathered, its factors applied, and the rows put back.
"""

from __future__ import annotations

from diffsci.backends.cpu.fronts import FrontFunction
from diffsci.backends.cpu.function import Function, element
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.sparse import SparseSolveStep

__all__ = ["write_sparse_solve"]


def write_sparse_solve(module, f: Function, step: SparseSolveStep, failed: str) -> None:
    """Write the solution for one or several right-hand sides."""
    code = code_of(step.x.buffer.dtype)
    name = f"sparse_solve_{code}{'_transposed' if step.transposed else ''}"
    module.define(name, lambda: _Solve(module, code, name, step.transposed).text)
    views = (step.factors, step.pivots, step.table, step.b, step.x)
    places = [module.place(f, view) for view in views] + [module.base(f, step.work)]
    f.do(f"call void @{name}({', '.join(f'ptr {place}' for place in places)}, i64 {step.columns})")


class _Solve(FrontFunction):
    """``solve(factors, pivots, table, b, x, work, columns)``: one right-hand side after the other."""

    def __init__(self, module, code: str, name: str, transposed: bool):
        arguments = "ptr %made, ptr %pivots, ptr %table, ptr %b, ptr %x, ptr %work, i64 %columns"
        super().__init__(module, code, f"internal void @{name}({arguments})")
        self.transposed = transposed
        self.reached = element(self.f, code, "%work", self.header["n"])
        self.each("0", "%columns", self.column)
        self.text = self.f.finish()

    def column(self, c: str) -> None:
        n = self.header["n"]

        def place(i: str) -> str:
            return self.add(self.times(self.word(self.parts["order"], i), "%columns"), c)

        self.each("0", n, lambda i: self.store(self.load("%b", place(i)), "%work", i))
        self.fronts(self.forward)
        self.fronts(self.backward, backwards=True)
        self.each("0", n, lambda i: self.store(self.load("%work", i), "%x", place(i)))

    # ---- one front -----------------------------------------------------------------------------

    def place(self, here: dict[str, str], row: str, column: str) -> str:
        """Return the address of an entry of L and U of a front."""
        panel = element(self.f, self.code, "%made", here["factors"])
        return element(self.f, self.code, panel, self.add(row, self.times(column, here["size"])))

    def below(self, here: dict[str, str], column: str) -> str:
        return self.place(here, here["own"], column)

    def beside(self, here: dict[str, str], row: str) -> str:
        panel = self.times(here["size"], here["own"])
        base = element(self.f, self.code, "%made", self.add(here["factors"], panel))
        return element(self.f, self.code, base, self.times(row, here["rest"]))

    def forward(self, k: str, here: dict[str, str]) -> None:
        x = element(self.f, self.code, "%work", here["first"])
        self.gather(here)
        if self.transposed:
            self.each("0", here["own"], lambda c: self.divide_after(c, here, x))
        else:
            self.each("0", here["own"], lambda i: self.exchange(i, here, x))
            self.each("0", here["own"], lambda c: self.push(c, here, x))
        self.scatter(here)

    def backward(self, k: str, here: dict[str, str]) -> None:
        x = element(self.f, self.code, "%work", here["first"])
        self.gather(here)
        if self.transposed:
            self.downwards(here, lambda c: self.pull(c, here, x))
            self.downwards(here, lambda i: self.exchange(i, here, x))
        else:
            self.each("0", here["own"], lambda i: self.reach(i, here, x))
            self.downwards(here, lambda c: self.divide_before(c, here, x))

    def push(self, c: str, here: dict[str, str], x: str) -> None:
        """Forward with L: take the solved number times its column from the numbers behind it."""
        after, value = self.add(c, "1"), self.load(x, c)
        count = self.minus(here["own"], after)
        self.subtract(count, value, self.place(here, after, c), element(self.f, self.code, x, after))
        self.subtract(here["rest"], value, self.below(here, c), self.reached)

    def divide_after(self, c: str, here: dict[str, str], x: str) -> None:
        """Forward with U transposed."""
        before = self.dot(c, self.place(here, "0", c), x)
        value = self.quotient(self.less(self.load(x, c), before), here, c)
        self.store(value, x, c)
        self.subtract(here["rest"], value, self.beside(here, c), self.reached)

    def reach(self, i: str, here: dict[str, str], x: str) -> None:
        """Backward with U: what the reached rows contribute."""
        total = self.dot(here["rest"], self.beside(here, i), self.reached)
        self.store(self.less(self.load(x, i), total), x, i)

    def divide_before(self, c: str, here: dict[str, str], x: str) -> None:
        """Backward with U inside of the front."""
        value = self.quotient(self.load(x, c), here, c)
        self.store(value, x, c)
        self.subtract(c, value, self.place(here, "0", c), x)

    def pull(self, c: str, here: dict[str, str], x: str) -> None:
        """Backward with L transposed."""
        after = self.add(c, "1")
        count = self.minus(here["own"], after)
        inside = self.dot(count, self.place(here, after, c), element(self.f, self.code, x, after))
        outside = self.dot(here["rest"], self.below(here, c), self.reached)
        self.store(self.less(self.less(self.load(x, c), inside), outside), x, c)

    # ---- numbers -------------------------------------------------------------------------------

    def less(self, a: str, b: str) -> str:
        return self.f.set(f"fsub {self.kind} {a}, {b}")

    def quotient(self, value: str, here: dict[str, str], c: str) -> str:
        return self.f.set(f"fdiv {self.kind} {value}, {self.load(self.place(here, c, c), '0')}")

    def downwards(self, here: dict[str, str], body) -> None:
        last = self.f.set(f"sub i64 {here['own']}, 1")
        self.each("0", here["own"], lambda i: body(self.f.set(f"sub i64 {last}, {i}")))

    def exchange(self, i: str, here: dict[str, str], x: str) -> None:
        other = self.word("%pivots", self.add(here["first"], i))
        a, b = self.load(x, i), self.load(x, other)
        self.store(b, x, i)
        self.store(a, x, other)

    def row(self, i: str, here: dict[str, str]) -> str:
        return self.word(self.parts["rows"], self.add(here["rows"], i))

    def gather(self, here: dict[str, str]) -> None:
        def one(i: str) -> None:
            self.store(self.load("%work", self.row(i, here)), self.reached, i)

        self.each("0", here["rest"], one)

    def scatter(self, here: dict[str, str]) -> None:
        def one(i: str) -> None:
            self.store(self.load(self.reached, i), "%work", self.row(i, here))

        self.each("0", here["rest"], one)
