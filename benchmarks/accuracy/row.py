"""One record per function: its spellings, its reference in mpmath, and where it is looked at."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import benchmarks.accuracy
from benchmarks.accuracy.points import Sampler


@dataclass(frozen=True)
class Function:
    """A row of the table; see `benchmarks.accuracy` for what the fields mean."""

    name: str
    arguments: str
    ours: str
    value: Callable
    first: tuple[Callable, ...]
    second: tuple[Callable, ...]
    points: Sampler
    jax: str | None = None
    torch: str | None = None
    autograd: str | None = None
    peers_from: float | None = None
    digits: int = 60
    ulps: float = 4.0
    second_scale: Callable | None = None

    def __post_init__(self) -> None:
        if len(self.first) != self.arity or len(self.second) != len(self.pairs):
            raise ValueError(
                f"{self.name}: {self.arity} arguments need {self.arity} first and {len(self.pairs)} second "
                f"derivatives, not {len(self.first)} and {len(self.second)}"
            )

    @property
    def arity(self) -> int:
        """The number of arguments."""
        return len(self.arguments.split())

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Which second derivatives there are: the upper triangle, row by row."""
        return [(i, j) for i in range(self.arity) for j in range(i, self.arity)]

    @property
    def quantities(self) -> list[Callable]:
        """Value, first and second derivatives in mpmath, in this order, and the scale if there is one."""
        return [self.value, *self.first, *self.second, *filter(None, [self.second_scale])]

    @property
    def labels(self) -> list[str]:
        """What the quantities are called."""
        names = self.arguments.split()
        return ["value", *(f"d{x}" for x in names), *(f"d{names[i]}d{names[j]}" for i, j in self.pairs)]


def families() -> list[str]:
    """The modules of rows."""
    found = pkgutil.iter_modules(benchmarks.accuracy.__path__)
    return sorted(module.name for module in found if module.name.startswith("rows_"))


def rows_of(family: str) -> list[Function]:
    """The rows of one module."""
    return import_module(f"benchmarks.accuracy.{family}").ROWS
