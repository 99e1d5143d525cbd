"""ADBench's four problems: objectives and derivatives beside peers, and what derivatives cost.

A gradient costs a few objectives: where an objective is a vector of residuals, that of half the sum of their
squares. A Jacobian costs what its columns do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.adbench import bundle, gmm, hand, lstm
from benchmarks.report import Table
from benchmarks.timing import interleaved

DATA = Path(__file__).resolve().parents[1] / "data" / "adbench"
AGREEMENT = 1e-9
PEERS = {
    "JAX": ("adbench_jax", ("GMM", "LSTM", "hand, simple", "hand, complicated", "bundle adjustment")),
    "PyTorch": ("adbench_torch", ("GMM", "LSTM")),
    "autograd": ("adbench_autograd", ("GMM", "LSTM")),
    "PyTensor": ("adbench_pytensor", ("GMM",)),
}
TARGETS = {"GMM": 0.4, "LSTM": 1.0, "hand, simple": 1.0, "hand, complicated": 1.0, "bundle adjustment": 0.4}
HAND_WRITTEN = 7.8e-3  # seconds: C++ by hand, the GMM's value and gradient on the machine of the design
GRADIENTS = {"GMM": (gmm.objective, 3), "LSTM": (lstm.objective, 2)}  # and their parameters
COLUMNS = {
    "hand, simple": "26 columns",
    "hand, complicated": "28 columns",
    "bundle adjustment": "31 843 blocks of 2 rows and 15 columns",
}
CAMERAS, POINTS, OBSERVATIONS = 49, 7776, 31_843


def scene() -> bundle.Scene:
    """A scene of the size of ADBench's first one, drawn at random: cameras around a cloud of points."""
    rng = np.random.default_rng(0)
    cameras = np.concatenate(
        [
            rng.normal(0.0, 0.1, (CAMERAS, 3)),
            rng.normal(0.0, 1.0, (CAMERAS, 3)),
            rng.uniform(400.0, 600.0, (CAMERAS, 1)),
            rng.normal(0.0, 1.0, (CAMERAS, 2)),
            rng.normal(0.0, 0.01, (CAMERAS, 2)),
        ],
        axis=1,
    )
    points = rng.normal(0.0, 1.0, (POINTS, 3)) + np.array([0.0, 0.0, 8.0])
    seen = np.stack([rng.integers(0, n, OBSERVATIONS) for n in (CAMERAS, POINTS)], axis=1)
    weights = rng.uniform(0.5, 1.5, OBSERVATIONS)
    return bundle.Scene(cameras, points, weights, rng.normal(0.0, 100.0, (OBSERVATIONS, 2)), seen)


def points() -> dict[str, tuple]:
    """The arguments of every problem."""
    model = hand.read_hand(DATA / "hand")
    simple = hand.read_measured(DATA / "hand_test.txt", barycentric=False)
    complicated = hand.read_measured(DATA / "hand_complicated.txt", barycentric=True)
    return {
        "GMM": gmm.read(DATA / "gmm_d10_K25.txt"),
        "LSTM": lstm.read(DATA / "lstm_l2_c1024.txt"),
        "hand, simple": (simple.theta, model, simple),
        "hand, complicated": (complicated.us, complicated.theta, model, complicated),
        "bundle adjustment": scene(),
    }


def diffsci_functions(problem: str, point: tuple[Any, ...]) -> tuple[Callable, Callable]:
    """Ours, compiled: the objective and its derivative, which is a gradient, a Jacobian or blocks of one."""
    import diffsci as ds

    if problem in GRADIENTS:
        function, count = GRADIENTS[problem]
        gradient = ds.value_and_grad(function, tuple(range(count)))
        return _called(ds.jit(function), point), _called(ds.jit(gradient), point)
    function, at = _residuals(ds, problem, point)
    value = _called(ds.jit(function), at)
    if problem == "bundle adjustment":
        blocks = ds.jacobian(bundle.reprojection_error, argnums=(0, 1, 2))
        return value, _called(ds.jit(_observed(ds, blocks, point)), at)
    if problem == "hand, simple":
        return value, _called(ds.jit(ds.jacobian(function)), at)
    us, theta = at  # derivatives for the two parameters of a point share two columns

    def shifted(shift, theta):
        return function(us + shift, theta)

    return value, _called(ds.jit(ds.jacobian(shifted, argnums=(0, 1))), (np.zeros(2), theta))


def squares_functions(problem: str, point: tuple[Any, ...]) -> tuple[Callable, Callable]:
    """Ours, compiled: half the sum of the squares of residuals; that and its gradient, for all parameters."""
    import diffsci as ds

    function, at = _residuals(ds, problem, point)

    def energy(*parameters):
        return 0.5 * np.sum(function(*parameters) ** 2)

    active = tuple(range(min(3, len(at))))  # the features of a scene are measured
    return _called(ds.jit(energy), at), _called(ds.jit(ds.value_and_grad(energy, active)), at)


def _residuals(ds, problem: str, point: tuple[Any, ...]) -> tuple[Callable, tuple]:
    """Return the residuals as a function of the parameters, and where they are evaluated."""
    if problem == "bundle adjustment":
        return _observed(ds, bundle.reprojection_error, point), point[:-1]
    *at, model, measured = point
    objective = hand.simple if problem == "hand, simple" else hand.complicated
    return lambda *parameters: objective(*parameters, model, measured), tuple(at)


def _observed(ds, function: Callable, point: bundle.Scene) -> Callable:
    """Return a function of one observation as one of all of them."""
    camera, seen = point.seen[:, 0], point.seen[:, 1]
    return lambda cameras, points, weights, features: ds.vmap(function)(
        cameras[camera], points[seen], weights, features
    )


def _called(function: Callable, at: tuple) -> Callable:
    return lambda: function(*at)


def measure(threads: int) -> Table:
    """Check that all contestants agree, then time them in turn, problem by problem."""
    table = Table("adbench", f"ADBench, float64, {threads} threads: objectives and derivatives")
    for problem, point in points().items():
        _problem(table, problem, point)
    return table


def _problem(table: Table, problem: str, point: tuple) -> None:
    makers: dict[str, Callable] = {"diffsci": diffsci_functions}
    for peer, (module, problems) in PEERS.items():
        try:
            if problem in problems:
                makers[peer] = import_module(f"benchmarks.peers.{module}").functions
        except ImportError:
            table.missing(f"{problem}: {peer}")
    runs, first, answers = {}, {}, {}
    for name, make in makers.items():
        try:
            *pair, compiling = (*make(problem, point), None)[:3]
        except TimeoutError as error:
            table.missing(f"{problem}: {name}", str(error))
            continue
        start = time.perf_counter()
        answers[name] = [_flat(function()) for function in pair]
        runs[name], first[name] = pair, compiling or time.perf_counter() - start
    for name in list(runs)[1:]:
        gap = max(_gap(a, b) for a, b in zip(answers[name], answers["diffsci"], strict=True))
        if not gap < AGREEMENT:
            raise RuntimeError(f"{problem}: {name} and diffsci differ by {gap:.1e}")
        table.add(
            f"{problem}: difference from {name}", gap, "", note="largest, relative to the largest entry"
        )
    timed = {f"{name}: {k}": pair[k] for name, pair in runs.items() for k in range(2)}
    if problem not in GRADIENTS:
        timed["squares"], timed["squares, gradient"] = squares_functions(problem, point)
    seconds = interleaved(timed, repeats=15, sample=0.01)
    for name in runs:
        value, derivative = (seconds[f"{name}: {k}"] for k in range(2))
        table.add(f"{problem}: {name}, objective", value)
        table.add(f"{problem}: {name}, derivative", derivative, note=f"first calls {first[name]:.2g} s")
    _ratios(table, problem, seconds)


def _ratios(table: Table, problem: str, seconds: dict[str, float]) -> None:
    ours = seconds["diffsci: 1"]
    if "JAX: 1" in seconds:
        table.add(f"{problem}: diffsci / JAX", ours / seconds["JAX: 1"], "", target=TARGETS[problem])
    if problem == "GMM":
        table.add("GMM: diffsci / hand-written C++", ours / HAND_WRITTEN, "", target=0.35)
    objective = seconds["diffsci: 0"]
    if problem not in GRADIENTS:
        table.add(f"{problem}: Jacobian / objective", ours / objective, "", note=COLUMNS[problem])
        table.add(f"{problem}: half the sum of squares", seconds["squares"])
        objective, ours = seconds["squares"], seconds["squares, gradient"]
        table.add(f"{problem}: half the sum of squares, value and gradient", ours)
    table.add(f"{problem}: gradient / objective", ours / objective, "", target=3.0)


def _flat(answer: Any) -> np.ndarray:
    if isinstance(answer, (tuple, list)):
        return np.concatenate([_flat(part) for part in answer])
    return np.ravel(np.asarray(answer, dtype=float))


def _gap(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.max(np.abs(found - expected)) / np.max(np.abs(expected)))
