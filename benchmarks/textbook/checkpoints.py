"""Memory against recomputation: four ways to reverse a loop over time."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import diffsci as ds
from benchmarks.report import Table, quantity
from benchmarks.textbook.drawing import curve, finish, guide, panels, save
from benchmarks.textbook.page import Section
from benchmarks.timing import interleaved
from diffsci.schedules import Checkpoints, RecomputeAll, Uniform, for_slots, optimal_extra_steps

THEORY = """Reversing $n$ steps of a loop needs the state before each of them ([G&W], chapter 12). Store-all
keeps $n$ states and advances each step once. Recompute-all keeps one and advances $n (n - 1) / 2$ steps.
Every $\\sqrt n$-th state, and then all states of one segment, are about $2 \\sqrt n$ states, and fewer than
$2 n$ advanced steps. With $s$ states the optimum is binomial (A. Griewank and A. Walther, "Algorithm 799:
revolve", 2000): $r n - \\binom{s + r}{r - 1}$ advanced steps, where $r$ is the smallest number with
$\\binom{s + r}{s} \\ge n$; memory that grows with $\\log n$ is enough for work that grows with $n \\log n$.
Measured on `ds.scan`: a Burgers equation, all schedules with the same gradient to the last bit. Advanced
steps are counted by executing the schedule; memory is the peak of what Python's `tracemalloc` sees during
value and gradient, in units of one state."""


@dataclass
class Reversal:
    """One schedule: what it says it takes, and what it took."""

    name: str
    slots: int
    advanced: int
    peak: float
    seconds: float
    gradient: np.ndarray


def program(cells: int, steps: int, checkpoint: Checkpoints) -> Callable:
    """Energy at the end of a viscous Burgers flow, as a function of its initial state."""

    def step(u, _):
        flux = 0.5 * u * u - 0.5 * (np.roll(u, -1) - u)  # upwind, and a viscosity of half a cell
        return u - 0.2 * (flux - np.roll(flux, 1)), None

    def energy(u):
        final, _ = ds.scan(step, u, None, length=steps, checkpoint=checkpoint)
        return np.sum(final**2) / cells

    return energy


def rules(steps: int) -> dict[str, Checkpoints]:
    """The contestants; binomial once with the memory of the uniform schedule, once with log2(n) states."""
    uniform = Uniform(steps).slots
    return {
        "store all": None,
        "uniform, sqrt(n)": Uniform,
        "binomial, as many": uniform,
        "binomial, log2(n)": max(1, round(math.log2(steps))),
        "recompute all": RecomputeAll,
    }


def run(cells: int, steps: int, seconds: bool = True) -> list[Reversal]:
    """Value and gradient under every schedule, compiled."""
    u = np.sin(2.0 * np.pi * np.arange(cells) / cells) + 1.5
    compiled = {
        name: ds.jit(ds.value_and_grad(program(cells, steps, rule))) for name, rule in rules(steps).items()
    }
    gradients = {name: function(u)[1] for name, function in compiled.items()}
    peaks = {name: _peak(lambda f=function: f(u)) / u.nbytes for name, function in compiled.items()}
    clock = dict.fromkeys(compiled, math.nan)
    if seconds:
        clock = interleaved(
            {name: (lambda f=function: f(u)) for name, function in compiled.items()}, repeats=7, pick=min
        )
    found = []
    for name, rule in rules(steps).items():
        schedule = for_slots(steps, rule)
        advanced = sum(b - a for code, a, b in schedule.encoded().tolist() if code == 0)
        found.append(
            Reversal(name, schedule.slots, advanced, peaks[name], clock[name], np.array(gradients[name]))
        )
    return found


def _peak(call: Callable) -> float:
    """Bytes that a call holds at most at a time."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        return float(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()


def laws(found: list[Reversal], steps: int) -> Table:
    """Counts as the formulas say, memory as the slots say, and one gradient."""
    table = Table("textbook checkpoints", "Laws of reversal")
    by = {reversal.name: reversal for reversal in found}
    same = sum(not np.array_equal(reversal.gradient, found[0].gradient) for reversal in found)
    table.add("schedules whose gradient differs in any bit", float(same), "", target=0.0)
    expected = {
        "store all": steps - 1,
        "recompute all": steps * (steps - 1) // 2,
        **{name: optimal_extra_steps(steps, by[name].slots) for name in by if name.startswith("binomial")},
    }
    for name, count in expected.items():
        table.add(
            f"{name}: advanced steps beyond the formula", float(by[name].advanced - count), "", target=0.0
        )
    uniform = by["uniform, sqrt(n)"]
    table.add("uniform: advanced steps / n", uniform.advanced / steps, "", target=2.0)
    table.add("uniform: states / sqrt(n)", uniform.slots / math.sqrt(steps), "", target=2.1)
    saved = by["binomial, as many"].advanced / uniform.advanced
    table.add("binomial / uniform, advanced steps at equal memory", saved, "", target=1.0)
    for reversal in found:
        beyond = reversal.peak - reversal.slots
        table.add(f"{reversal.name}: states held at the peak beyond its own", beyond, "", target=16.0)
    return table


def draw(found: list[Reversal], steps: int, path: Path) -> None:
    """Work against memory: the optimum as a curve, the schedules as points; and the times."""
    figure, (left, right) = panels(2)
    slots = np.unique(np.round(np.geomspace(1, steps, 80)).astype(int))
    optimum = [max(optimal_extra_steps(steps, int(s)), 1) / steps for s in slots]
    left.loglog(slots, optimum, "-", lw=1.0, color="0.5", label="binomial: the optimum")
    for k, reversal in enumerate(found):
        curve(left, [reversal.slots], [reversal.advanced / steps], reversal.name, k, "o")
        curve(right, [reversal.peak], [reversal.seconds], reversal.name, k, "o")
    guide(left, [1.0, steps], [2.0, 2.0], "2 n")
    finish(left, f"advanced steps / n, n = {steps}", "states kept", "advanced steps / n")
    finish(right, "value and gradient, measured", "peak memory, in states", "seconds")
    save(figure, path)


CELLS, STEPS = 4096, 1000


def measure() -> Section:
    """A thousand steps of 4096 cells."""
    found = run(CELLS, STEPS)
    rows = [
        [
            reversal.name,
            f"{reversal.slots}",
            f"{reversal.advanced:,}",
            f"{reversal.advanced / STEPS:.2f}",
            f"{reversal.peak:.1f}",
            f"{reversal.peak * CELLS * 8 / 1e6:.2f} MB",
            quantity(reversal.seconds, "s"),
            f"{reversal.seconds / found[0].seconds:.2f}",
        ]
        for reversal in found
    ]
    return Section(
        "checkpoints",
        "5. Memory against recomputation",
        THEORY,
        ["schedule", "states", "advanced", "/ n", "peak, states", "peak", "time", "/ store all"],
        rows,
        laws(found, STEPS),
        "Recomputed steps against states kept, and time against memory, for four kinds of schedule",
        lambda path: draw(found, STEPS, path),
    )
