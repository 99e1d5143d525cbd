"""Forward against reverse mode by the shape of the Jacobian, and what ``mode="auto"`` picks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import diffsci as ds
from benchmarks.report import Table, quantity
from benchmarks.textbook.drawing import curve, finish, panels, save
from benchmarks.textbook.operations import operations
from benchmarks.textbook.page import Section
from benchmarks.timing import interleaved

THEORY = """A forward sweep gives one column of an $m \\times n$ Jacobian, a reverse sweep one row: forward
costs about $n$ times the function, reverse about $m$ times, with constants between 2 and 2.5, and between 3
and 4 ([G&W], chapter 4), less where values are shared by all sweeps. The modes break even near $m = n$, a
little in favour of forward, which needs no stored intermediates. `mode="auto"` takes forward where $n \\le
2 m$. The function here is a chain of five dense layers of 64 units between $n$ inputs and $m$ outputs, so
its own cost hardly depends on the shape."""

WIDTH, DEPTH, TOTAL = 64, 5, 4096  # inputs times outputs


@dataclass
class Shape:
    """One Jacobian: its shape, operations and seconds by mode, and what auto picks."""

    m: int
    n: int
    operations: dict[str, int]
    seconds: dict[str, float]
    picked: str

    @property
    def best(self) -> str:
        """The mode with fewer operations."""
        return min(("forward", "reverse"), key=self.operations.__getitem__)


def chain(m: int, n: int, width: int = WIDTH) -> Callable:
    """The function from n numbers to m numbers."""
    rng = np.random.default_rng(n)
    first, last = rng.normal(size=(width, n)) / np.sqrt(n), rng.normal(size=(m, width)) / np.sqrt(width)
    inner = [rng.normal(size=(width, width)) / np.sqrt(width) for _ in range(DEPTH)]

    def function(x):
        h = np.tanh(first @ x)
        for layer in inner:
            h = np.tanh(layer @ h)
        return last @ h

    return function


def run(ratios: list[tuple[int, int]], width: int = WIDTH, seconds: bool = True) -> list[Shape]:
    """Jacobians of some shapes (m, n)."""
    found = []
    for m, n in ratios:
        function, x = chain(m, n, width), np.linspace(-1.0, 1.0, n)
        modes = {mode: ds.jacobian(function, mode=mode) for mode in ("forward", "reverse", "auto")}
        counts = {mode: operations(jacobian, x) for mode, jacobian in modes.items()}
        counts["function"] = operations(function, x)
        picked = "forward" if counts["auto"] == counts["forward"] else "reverse"
        clock = {}
        if seconds:
            compiled = {mode: ds.jit(jacobian) for mode, jacobian in modes.items()}
            compiled["function"] = ds.jit(function)
            if not np.allclose(compiled["forward"](x), compiled["reverse"](x), rtol=1e-10, atol=1e-12):
                raise RuntimeError(f"the modes disagree for m = {m}, n = {n}")
            clock = interleaved(
                {k: (lambda f=f, x=x: f(x)) for k, f in compiled.items()}, repeats=9, pick=min
            )
        found.append(Shape(m, n, counts, clock, picked))
    return found


def laws(found: list[Shape]) -> Table:
    """Costs by mode in units of the function's, per input and per output."""
    table = Table("textbook shapes", "Laws of shape")
    forward = [shape.operations["forward"] / shape.operations["function"] / shape.n for shape in found]
    reverse = [shape.operations["reverse"] / shape.operations["function"] / shape.m for shape in found]
    table.add("forward operations / function's / inputs, largest", max(forward), "", target=2.5)
    table.add("reverse operations / function's / outputs, largest", max(reverse), "", target=3.0)
    clear = [shape for shape in found if not 0.5 <= shape.n / shape.m <= 2.0]
    wrong = sum(shape.picked != shape.best for shape in clear)
    table.add("auto picks the dearer mode, shapes", float(wrong), "", target=0.0)
    return table


def draw(found: list[Shape], path: Path) -> None:
    """Operations and times of both modes against n / m."""
    figure, (left, right) = panels(2)
    ratio = [shape.n / shape.m for shape in found]
    for k, mode in enumerate(("forward", "reverse")):
        curve(left, ratio, [shape.operations[mode] for shape in found], mode, k)
        curve(right, ratio, [shape.seconds[mode] for shape in found], mode, k)
    picked = [shape.operations[shape.picked] for shape in found]
    left.loglog(ratio, picked, "o", ms=9, mfc="none", mec="0.3", label='picked by mode="auto"')
    seconds = [shape.seconds["auto"] for shape in found]
    right.loglog(ratio, seconds, "o", ms=9, mfc="none", mec="0.3", label='mode="auto"')
    finish(left, "operations of a Jacobian", "inputs / outputs", "operations")
    finish(right, "time of a Jacobian, compiled", "inputs / outputs", "seconds")
    save(figure, path)


def measure() -> Section:
    """Shapes with m n = 4096."""
    found = run([(TOTAL // n, n) for n in (1, 4, 16, 32, 64, 128, 256, 1024, 4096)])
    rows = []
    for shape in found:
        ratios = [
            f"{shape.operations[mode] / shape.operations['function']:.3g}" for mode in ("forward", "reverse")
        ]
        times = [quantity(shape.seconds[mode], "s") for mode in ("function", "forward", "reverse", "auto")]
        rows.append([f"{shape.m} x {shape.n}", *ratios, *times, shape.picked])
    headings = ["m x n", "forward / f", "reverse / f", "time: f", "forward", "reverse", "auto", "auto picks"]
    return Section(
        "shapes",
        "3. Forward against reverse, by shape",
        THEORY,
        headings,
        rows,
        laws(found),
        "Cost of Jacobians in forward and reverse mode against inputs / outputs",
        lambda path: draw(found, path),
    )
