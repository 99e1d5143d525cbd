"""The cheap-gradient constant over the objectives of ADBench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import diffsci as ds
from benchmarks.adbench import bundle, gmm, hand, lstm
from benchmarks.report import Table, quantity
from benchmarks.textbook.drawing import COLORS, GRID, panels, save
from benchmarks.textbook.operations import operations
from benchmarks.textbook.page import Section
from benchmarks.timing import interleaved

THEORY = """The gradient of any program costs a small multiple of the program, whatever the number of inputs
(W. Baur and V. Strassen, "The complexity of partial derivatives", 1983; [G&W], chapter 4: value and
gradient in reverse mode take at most 3 to 4 times the time of the value; 5 times the arithmetic in the
worst case, a product, with two products and two additions more in reverse). Objectives and data are
ADBench's (F. Srajer, Z. Kukelova and A. Fitzgibbon, 2018); residuals of bundle adjustment and of the hand
are summed as squares. The constant is the cost of value and gradient over that of the value: in operations,
in compiled code, and eager, where tracing is part of both."""

DATA = Path(__file__).resolve().parents[1] / "data" / "adbench"


@dataclass
class Case:
    """One objective: its function, the point, and which arguments are differentiated."""

    name: str
    function: Callable
    args: tuple
    argnums: tuple[int, ...]

    @property
    def inputs(self) -> int:
        """How many numbers the gradient has."""
        return sum(np.size(leaf) for k in self.argnums for leaf in _leaves(self.args[k]))


@dataclass
class Constant:
    """Costs of one case: operations and seconds of the value, and of value and gradient."""

    case: Case
    operations: tuple[int, int]
    seconds: dict[str, tuple[float, float]]

    @property
    def ratio(self) -> float:
        """Operations of value and gradient over those of the value."""
        return self.operations[1] / self.operations[0]


def _leaves(value) -> list:
    return list(value.values()) if isinstance(value, dict) else [value]


def cases(small: bool = False) -> list[Case]:
    """The four objectives; the hand in both versions."""
    mixture = gmm.read(DATA / ("gmm_test.txt" if small else "gmm_d10_K25.txt"))
    scene = _scene(20 if small else 3000)
    model = lstm.read(DATA / "lstm_l2_c1024.txt")
    short = model._replace(sequence=model.sequence[: 3 if small else 12])
    fingers = hand.read_hand(DATA / "hand")
    plain = hand.read_measured(DATA / "hand_test.txt", barycentric=False)
    full = hand.read_measured(DATA / "hand_complicated.txt", barycentric=True)
    return [
        Case("mixture of Gaussians", gmm.objective, tuple(mixture), (0, 1, 2)),
        Case("bundle adjustment", misfit, tuple(scene), (0, 1, 2)),
        Case(f"LSTM, {len(short.sequence)} steps", lstm.objective, tuple(short), (0, 1)),
        Case("hand", lambda theta: np.sum(hand.simple(theta, fingers, plain) ** 2), (plain.theta,), (0,)),
        Case(
            "hand, with correspondences",
            lambda us, theta: np.sum(hand.complicated(us, theta, fingers, full) ** 2),
            (full.us, full.theta),
            (0, 1),
        ),
    ]


def misfit(cameras, points, weights, features, seen):
    """The sum of squares of `bundle.residuals`, all observations at once."""
    errors = ds.vmap(bundle.reprojection_error)(cameras[seen[:, 0]], points[seen[:, 1]], weights, features)
    return np.sum(errors**2) + np.sum(bundle.weight_error(weights) ** 2)


def _scene(observations: int):
    """The test scene with every observation repeated at points moved a little."""
    scene = bundle.read(DATA / "ba_test.txt")
    copies = -(-observations // len(scene.seen))
    moves = np.random.default_rng(0).normal(scale=1e-3, size=(copies, 1, 3))
    points = (scene.points + moves).reshape(-1, 3)
    shift = np.arange(copies)[:, None, None] * np.array([0, len(scene.points)])
    return scene._replace(
        points=points,
        weights=np.tile(scene.weights, copies),
        features=np.tile(scene.features, (copies, 1)),
        seen=(scene.seen + shift).reshape(-1, 2),
    )


def run(small: bool = False, seconds: bool = True) -> list[Constant]:
    """Count and time every case, eager and compiled."""
    found = []
    for case in cases(small):
        both = ds.value_and_grad(case.function, argnums=case.argnums)
        counts = operations(case.function, *case.args), operations(both, *case.args)
        clock = {}
        if seconds:
            clock = {"compiled": _clock(case, ds.jit(case.function), ds.jit(both))}
            clock["eager"] = _clock(case, _traced(case), both)
        found.append(Constant(case, counts, clock))
    return found


def _traced(case: Case) -> Callable:
    """The value as eager transformations see it: traced and run."""
    return lambda *args: ds.vjp(case.function, *args)[0]


def _clock(case: Case, value: Callable, both: Callable) -> tuple[float, float]:
    contestants = {"value": lambda: value(*case.args), "both": lambda: both(*case.args)}
    for contestant in contestants.values():
        for _ in range(3):  # programs are written in the first runs
            contestant()
    times = interleaved(contestants, repeats=11, pick=min)
    return times["value"], times["both"]


def laws(found: list[Constant]) -> Table:
    """The constant in operations, for every objective."""
    table = Table("textbook cheap_gradient", "Laws of cheap gradients")
    for constant in found:
        what = f"{constant.case.name}: operations of value and gradient / value"
        table.add(what, constant.ratio, "", target=5.0)
    return table


def draw(found: list[Constant], path: Path) -> None:
    """Bars: the constant in operations, compiled and eager."""
    figure, (axes,) = panels(1, 7.2, 3.6)
    series = {"operations": [constant.ratio for constant in found]}
    for kind in ("compiled", "eager"):
        series[kind] = [constant.seconds[kind][1] / constant.seconds[kind][0] for constant in found]
    places = np.arange(len(found))
    for k, (name, values) in enumerate(series.items()):
        axes.bar(places + 0.26 * (k - 1), values, 0.24, color=COLORS[k], label=name)
    for level in (3.0, 4.0, 5.0):
        axes.axhline(level, color="0.4", lw=0.7, ls=":")
    axes.set_xticks(places, [constant.case.name.replace(", ", ",\n") for constant in found], fontsize=8)
    axes.set_ylabel("value and gradient / value", fontsize=9)
    axes.grid(axis="y", **GRID)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8)
    save(figure, path)


def measure() -> Section:
    """All objectives at full size."""
    found = run()
    rows = []
    for constant in found:
        cells = [
            constant.case.name,
            f"{constant.case.inputs:,}",
            f"{constant.operations[0]:,}",
            f"{constant.ratio:.2f}",
        ]
        for kind in ("compiled", "eager"):
            value, both = constant.seconds[kind]
            cells += [quantity(value, "s"), quantity(both, "s"), f"{both / value:.2f}"]
        rows.append(cells)
    headings = ["objective", "inputs", "operations of f", "with gradient / f"]
    for kind in ("compiled", "eager"):
        headings += [f"{kind}: f", "with gradient", "ratio"]
    return Section(
        "cheap_gradient",
        "4. The cheap-gradient constant",
        THEORY,
        headings,
        rows,
        laws(found),
        "Cost of value and gradient over the cost of the value, five objectives of ADBench",
        lambda path: draw(found, path),
    )
