"""Finite differences, symbolic differentiation and AD against the number of inputs, and of nestings."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sympy

import diffsci as ds
from benchmarks.report import Table, quantity
from benchmarks.textbook.drawing import curve, finish, guide, panels, save
from benchmarks.textbook.operations import operations
from benchmarks.textbook.page import Section
from benchmarks.timing import interleaved

THEORY = """Speelpenning's product $x_1 x_2 \\cdots x_n$ ([G&W], chapter 3) costs $n - 1$ multiplications.
Its gradient written out has $n$ products of $n - 1$ factors, $n (n - 2)$ multiplications; differences take
$n + 1$ products; reverse mode takes at most 3 (a product, and two for every multiplication backward). The
iterated logistic map $l_{k+1} = 4 l_k (1 - l_k)$ shows expression swell (A. Baydin, B. Pearlmutter, A.
Radul and J. Siskind, "Automatic differentiation in machine learning: a survey", JMLR 18, 2018, table 1):
written out, each $l_k$ stands twice in $l_{k+1}$, so the formula doubles with every nesting, and its
derivative with it; the program grows by three operations. Symbolic counts are those of SymPy's `diff`
(`count_ops`), before and after `cse`."""


def speelpenning(x):
    """The product, factor by factor."""
    product = x[0]
    for k in range(1, len(x)):
        product = product * x[k]
    return product


def logistic(nestings: int) -> Callable:
    """The map, so many times."""

    def iterated(x):
        for _ in range(nestings):
            x = 4.0 * x * (1.0 - x)
        return x

    return iterated


@dataclass
class Found:
    """For every size the counts of operations and the seconds that were taken there."""

    sizes: list[int]
    rows: list[dict[str, float]] = field(default_factory=list)

    def column(self, name: str) -> np.ndarray:
        """One quantity at all sizes, NaN where it was not taken."""
        return np.array([row.get(name, np.nan) for row in self.rows])

    def growth(self, name: str) -> float:
        """The slope of the quantity's logarithm over that of the size, at the larger half of the sizes."""
        values = self.column(name)
        there = np.nonzero(np.isfinite(values))[0]
        there = there[len(there) // 2 :]
        return float(np.polyfit(np.log(np.array(self.sizes)[there]), np.log(values[there]), 1)[0])


def symbolic(expression, variables, args, seconds: bool) -> dict[str, float]:
    """Differentiate with SymPy; count the operations of all partial derivatives together."""
    start = time.perf_counter()
    partials = [sympy.diff(expression, variable) for variable in variables]
    took = time.perf_counter() - start
    shared, reduced = sympy.cse(partials)
    found = {
        "symbolic: operations": float(sum(map(sympy.count_ops, partials))),
        "symbolic, cse: operations": float(sum(map(sympy.count_ops, [part for _, part in shared] + reduced))),
        "symbolic: seconds to differentiate": took,
    }
    if seconds:
        function = sympy.lambdify(variables, partials)
        found["symbolic: seconds"] = interleaved({"f": lambda: function(*args)}, repeats=7, pick=min)["f"]
    return found


def products(sizes: list[int], largest_symbolic: int = 100, seconds: bool = True) -> Found:
    """Speelpenning's product of so many factors."""
    found = Found(sizes)
    for n in sizes:
        x = np.linspace(0.9, 1.1, n)
        row = {
            "function: operations": float(operations(speelpenning, x)),
            "differences: operations": float((n + 1) * operations(speelpenning, x)),
            "reverse: operations": float(operations(ds.value_and_grad(speelpenning), x)),
        }
        if n <= largest_symbolic:
            row["forward: operations"] = float(operations(ds.jacobian(speelpenning, mode="forward"), x))
            names = sympy.symbols(f"x:{n}")
            row |= symbolic(math.prod(names), names, x, seconds)
        if seconds:
            row |= product_seconds(x)
        found.rows.append(row)
    return found


def product_seconds(x: np.ndarray) -> dict[str, float]:
    """Times of compiled programs for one gradient."""
    function = ds.jit(speelpenning)
    reverse = ds.jit(ds.value_and_grad(speelpenning))
    moved = x + np.vstack([np.zeros(len(x)), 1e-7 * np.eye(len(x))])
    contestants = {
        "function: seconds": lambda: function(x),
        "differences: seconds": lambda: [function(row) for row in moved],
        "reverse: seconds": lambda: reverse(x),
    }
    return interleaved(contestants, repeats=7, pick=min)


def nested(nestings: list[int], largest_symbolic: int = 12) -> Found:
    """The logistic map iterated so many times."""
    found = Found(nestings)
    x = sympy.Symbol("x")
    for k in nestings:
        function = logistic(k)
        row = {
            "function: operations": float(operations(function, 0.2)),
            "reverse: operations": float(operations(ds.value_and_grad(function), 0.2)),
            "differences: operations": float(2 * operations(function, 0.2)),
        }
        if k <= largest_symbolic:
            row |= symbolic(function(x), [x], [0.2], seconds=False)
        found.rows.append(row)
    return found


def laws(product: Found, nest: Found) -> Table:
    """How the counts grow."""
    table = Table("textbook swell", "Laws of cost")
    function, reverse = product.column("function: operations"), product.column("reverse: operations")
    table.add(
        "product: reverse operations / function's, largest", float(np.max(reverse / function)), "", target=3.0
    )
    for name, order in (("reverse", 1), ("forward", 2), ("differences", 2), ("symbolic", 2)):
        slope = product.growth(f"{name}: operations")
        table.add(f"product: growth of {name}, distance from n^{order}", abs(slope - order), "", target=0.15)
    swell = nest.column("symbolic: operations")
    swell = swell[np.isfinite(swell)]
    factor = float((swell[-1] / swell[0]) ** (1.0 / (len(swell) - 1)))
    table.add("map: factor of the symbolic derivative per nesting", factor, "", target=2.0, at_least=True)
    steps = np.diff(nest.column("reverse: operations")) / np.diff(nest.sizes)
    table.add("map: operations of AD added per nesting, largest", float(np.max(steps)), "", target=9.0)
    return table


CURVES = ("function", "reverse", "forward", "differences", "symbolic", "symbolic, cse")


def draw(product: Found, nest: Found, path: Path) -> None:
    """Counts against the number of inputs and of nestings, and times."""
    figure, (left, middle, right) = panels(3)
    for axes, found in ((left, product), (right, nest)):
        for k, name in enumerate(CURVES):
            values = found.column(f"{name}: operations")
            if np.any(np.isfinite(values)):
                curve(axes, found.sizes, values, name, k)
    sizes = np.array(product.sizes, float)
    guide(left, sizes, sizes, "n")
    guide(left, sizes, sizes**2, "n^2")
    finish(left, "product: operations of the gradient", "number of inputs", "operations")
    for k, name in enumerate(CURVES):
        values = product.column(f"{name}: seconds")
        if np.any(np.isfinite(values)):
            curve(middle, product.sizes, values, name, k)
    taken = product.column("symbolic: seconds to differentiate")
    curve(middle, product.sizes, taken, "symbolic: differentiating", 6, "s--")
    finish(middle, "product: time of one gradient", "number of inputs", "seconds")
    finish(right, "logistic map: operations of the derivative", "nestings", "operations")
    right.set_xscale("linear")
    save(figure, path)


def measure() -> Section:
    """Up to 1000 inputs and 40 nestings; SymPy up to 100 and 12."""
    product = products([2, 5, 10, 20, 50, 100, 200, 500, 1000], largest_symbolic=100)
    nest = nested([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 20, 30, 40])
    headings = ["size", *CURVES, "time: function", "differences", "reverse", "symbolic", "(differentiating)"]
    times = [f"{name}: seconds" for name in ("function", "differences", "reverse", "symbolic")]
    rows = []
    for what, found in (("n", product), ("k", nest)):
        for size, row in zip(found.sizes, found.rows, strict=True):
            counts = [_count(row.get(f"{name}: operations")) for name in CURVES]
            clock = [_time(row.get(name)) for name in (*times, "symbolic: seconds to differentiate")]
            rows.append([f"{what} = {size}", *counts, *clock])
    return Section(
        "swell",
        "2. Cost: differences, symbolic differentiation and AD",
        THEORY,
        headings,
        rows,
        laws(product, nest),
        "Operations and time of a gradient against the number of inputs, and of nestings",
        lambda path: draw(product, nest, path),
    )


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _time(value: float | None) -> str:
    return "" if value is None else quantity(value, "s")
