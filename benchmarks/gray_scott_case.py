"""The checkpointed adjoint of the Gray-Scott case: bitwise the store-all one, with the fewest steps."""

from __future__ import annotations

import importlib.util
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks.report import Table
from benchmarks.timing import interleaved, no_garbage_collection

MODEL = Path(__file__).resolve().parent.parent / "cases" / "gray_scott.py"
STEPS, SPAN, SLOTS = 2000, (0.0, 2000.0), 50
POINTS = (np.array([0.037, 0.0605]), np.array([0.0355, 0.0612]))  # feed and kill rates


def case_model() -> ModuleType:
    """The model file of the case."""
    spec = importlib.util.spec_from_file_location("gray_scott_model", MODEL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def gradient_function(model: ModuleType, target: np.ndarray, checkpoints: int | None) -> Callable:
    """The compiled gradient of the final misfit by both rates and the whole initial field."""
    import diffsci as ds
    from solvers import solve_ivp

    def misfit(rates, y0):
        solution = solve_ivp(
            model.rhs,
            SPAN,
            y0,
            args=(rates[0], rates[1]),
            method="RK4",
            n_steps=STEPS,
            checkpoints=checkpoints,
        )
        return 0.5 * np.sum((solution.y[1, ..., -1] - target) ** 2)

    return ds.jit(ds.value_and_grad(misfit, argnums=(0, 1)))


@contextmanager
def watched_sweeps() -> Iterator[list]:
    """The tapes of the reverse sweeps that run meanwhile: they count advanced and reversed steps."""
    from solvers.ode.loop import IvpLoop

    tapes: list = []
    original = IvpLoop.pullback

    def watched(self, x, tape, ct):
        found = original(self, x, tape, ct)
        tapes.append(tape)
        return found

    IvpLoop.pullback = watched
    try:
        yield tapes
    finally:
        IvpLoop.pullback = original


def peak_states(function: Callable[[], object], state_bytes: int) -> float:
    """Largest memory allocated during a call beyond what was there before, in states."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        function()
        return (tracemalloc.get_traced_memory()[1] - before) / state_bytes
    finally:
        tracemalloc.stop()


def measure(threads: int) -> Table:
    """Compare the 50-checkpoint gradient with the store-all one, bit by bit, at two points."""
    from diffsci.schedules import optimal_extra_steps

    table = Table(
        "gray_scott_case", f"Gray-Scott case: {STEPS} steps of RK4 on 128 x 128, {SLOTS} checkpoints"
    )
    model = case_model()
    y0 = np.stack([model.initial_u(), model.initial_v()])
    target = np.load(MODEL.with_name("gray_scott_target.npy")).astype(float)
    few, every = (gradient_function(model, target, slots) for slots in (SLOTS, None))
    sweeps = []
    for point in POINTS:
        with watched_sweeps() as tapes:
            found = few(point, y0)
        sweeps.append(tapes[-1])
        differences = _different_bits(found, every(point, y0))
        name = f"feed {point[0]:g}, kill {point[1]:g}: entries that differ from store-all"
        table.add(name, float(differences), "", target=0.0)
    # The schedule's advances, and the last step of the first sweep, whose result is the output.
    optimal = optimal_extra_steps(STEPS, SLOTS) + 1
    for tape in sweeps:
        extra = float(tape.advanced - optimal)
        note = f"{tape.advanced} steps forward, {tape.reversed} reversed"
        table.add("steps advanced beyond the binomial optimum", extra, "", target=0.0, note=note)
    with no_garbage_collection():
        peak = peak_states(lambda: few(POINTS[0], y0), y0.nbytes)
        all_peak = peak_states(lambda: every(POINTS[0], y0), y0.nbytes)
    table.add("peak memory, 50 checkpoints", peak, "states", target=60.0)
    table.add("peak memory, store-all", all_peak, "states")
    timed = {"50 checkpoints": lambda: few(POINTS[0], y0), "store-all": lambda: every(POINTS[0], y0)}
    for name, seconds in interleaved(timed, repeats=3, sample=0.1).items():
        table.add(f"value and gradient, {name}", seconds)
    return table


def _different_bits(found: tuple, expected: tuple) -> int:
    """Number of entries that are not bitwise equal, over the value and all gradients."""
    (value, parts), (other_value, other_parts) = found, expected
    pairs = zip((value, *parts), (other_value, *other_parts), strict=True)
    return sum(int(np.sum(np.asarray(a).view(np.int64) != np.asarray(b).view(np.int64))) for a, b in pairs)
