"""The gradient of a program in double precision, its bars, and its true error."""

from __future__ import annotations

from dataclasses import dataclass

import mpmath as mp
import numpy as np

from benchmarks.report import Table
from benchmarks.rounding.exactly import DIGITS, exactly
from benchmarks.rounding.programs import RandomProgram, random_program
from diffsci.calling import Call
from diffsci.control.flattening import flatten_program
from diffsci.explanation.rounding import analyse
from diffsci.transforms import simplify, vjp_graph

__all__ = ["Comparison", "compare", "measure"]

PROGRAMS = 1000


@dataclass(frozen=True)
class Comparison:
    """Error bars and true errors of the gradient entries of one program."""

    bars: np.ndarray
    errors: np.ndarray

    @property
    def bounded(self) -> bool:
        """Whether every bar holds."""
        return bool(np.all(self.errors <= self.bars))

    @property
    def ratio(self) -> float:
        """The largest bar over the largest error: how generous the bars are."""
        error = np.max(self.errors)
        return float(np.max(self.bars) / error) if error else np.inf


def compare(program: RandomProgram) -> Comparison:
    """Return the bars of a program's gradient and its errors against 60 digits."""
    call = Call(program, (program.point,))
    pulled = simplify(vjp_graph(call.graph, [True] + [False] * (len(call.inputs) - 1)))
    analysis = analyse(flatten_program(pulled, [*call.inputs, np.ones(())]))
    exact = exactly(analysis.graph, [*call.inputs, np.ones(())])[-1]
    found = analysis.values[analysis.graph.outputs[-1]]
    with mp.workdps(DIGITS):
        gaps = [float(abs(mp.mpf(float(a)) - b)) for a, b in zip(found.ravel(), exact.ravel(), strict=True)]
    return Comparison(analysis.bars[-1].ravel(), np.array(gaps))


def measure(threads: int) -> Table:
    """Compare bars with true errors for random programs."""
    table = Table("rounding", "Error bars of gradients: random programs beside the same with 60 digits")
    found = [compare(random_program(seed)) for seed in range(PROGRAMS)]
    bounded = np.mean([comparison.bounded for comparison in found])
    ratios = np.array([comparison.ratio for comparison in found])
    title = f"all entries of the gradient within their bars, of {PROGRAMS} programs"
    table.add(title, 100 * bounded, "%", target=95.0, at_least=True)
    table.add("bar / error, median", float(np.median(ratios)), "", target=100.0)
    table.add("gradients without any error", 100 * np.mean(np.isinf(ratios)), "%")
    return table
