"""Functions that go through the fronts of a sparse matrix (`diffsci.primitives.linalg.fronts`)."""

from __future__ import annotations

from collections.abc import Callable

from diffsci.backends.cpu.columns import Columns
from diffsci.backends.cpu.function import Function, element
from diffsci.primitives.linalg.fronts import FIELDS, HEADER

__all__ = ["FrontFunction"]


class FrontFunction(Columns):
    """A function that goes through the fronts of a table."""

    def __init__(self, module, code: str, header: str):
        super().__init__(module, code, Function(header))
        f = self.f
        words = [self.word("%table", str(k)) for k in range(len(HEADER))]
        self.header = dict(zip(HEADER, words, strict=True))
        parts = HEADER[HEADER.index("fronts") :]
        self.parts = {name: element(f, "i8", "%table", self.header[name]) for name in parts}

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
