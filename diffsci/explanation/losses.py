"""Digits lost to rounding, described for the user: where, how many, how far the results can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from diffsci.control.flattening import flatten_program
from diffsci.errors import EvaluationError
from diffsci.explanation.blame import OPERATION, Origin
from diffsci.explanation.faults import Operand, place_of
from diffsci.explanation.forms import Form, suggest, written_with
from diffsci.explanation.local_errors import is_backward_stable
from diffsci.explanation.rounding import Analysis, analyse
from diffsci.explanation.spelling import spelled
from diffsci.explanation.sweeps import FORWARD, Sweep
from diffsci.graph import Graph, Node
from diffsci.source import Location, at

__all__ = ["Bars", "Loss", "Step", "rounding_of"]

LEAST_DIGITS = 3.5  # lost by one operation, or by all runs of one line
UNKNOWN = 100.0  # error bars: derivatives that are smaller have hardly a digit
MANY = 6.0  # digits: who is short of so many is told the operation that lost most, however few
NEAR = 4.0  # digits: what is lost on the way to a result may differ by so much from what it is short of
MOST_WORK = 300_000  # operations times entries of results that are analysed


@dataclass(frozen=True)
class Loss:
    """An operation whose result has fewer digits than its operands, and spoils a result by it.

    Attributes
    ----------
    phase, also : str, tuple of str
        The sweeps whose results it spoils.
    operation, expression, derivative, location, source, index
        As in `Fault`.
    result, error : float
        What came out at that element, and a bound of its absolute error.
    operands, point : tuple of Operand
        As in `Fault`.
    digits : float
        Decimal digits lost.
    condition : float
        Relative condition number of the operation there.
    share : float
        Part of a result's error that comes through it.
    run, runs : int or None, int
        In which run of the expression they were lost, counted from 0, and of how many; None: in all of them.
    form : Form or None
        What to write instead.
    """

    phase: str
    also: tuple[str, ...]
    operation: str
    expression: str
    derivative: bool
    location: Location | None
    source: str
    index: tuple[int, ...]
    result: float
    error: float
    operands: tuple[Operand, ...]
    point: tuple[Operand, ...]
    digits: float
    condition: float
    share: float
    run: int | None = 0
    runs: int = 1
    form: Form | None = None

    @property
    def line(self) -> int | None:
        """Line of the user's source."""
        return None if self.location is None else self.location.line


@dataclass(frozen=True)
class Bars:
    """Results of a sweep with their error bars.

    Attributes
    ----------
    phase : str
    names : tuple of str
    values, errors : tuple of ndarray
        The results, and bounds of their absolute rounding errors; NaN where these are not known, behind a
        loop that cannot be looked into.
    condition : float
        Relative condition number of the whole map; of the worst result.
    """

    phase: str
    names: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    errors: tuple[np.ndarray, ...]
    condition: float


@dataclass(frozen=True)
class Step:
    """An expression on the way to the results, and the worst relative condition number of its operations."""

    expression: str
    location: Location
    condition: float


@dataclass
class Rounding:
    """What rounding does in all sweeps of a function."""

    losses: list[Loss]
    bars: list[Bars]
    steps: list[Step]
    remarks: list[str]


def rounding_of(sweeps: Sequence[Sweep]) -> Rounding:
    """Analyse the rounding errors of those sweeps whose results are finite."""
    found = Rounding([], [], [], [])
    for sweep in sweeps:
        if not all(np.isfinite(y).all() for y in sweep.outputs if y.dtype.kind == "f"):
            continue
        flat = flatten_program(sweep.graph, sweep.inputs)
        operations, results = len(flat.graph.nodes), sum(y.type.size for y in flat.graph.outputs)
        if operations * results > MOST_WORK:
            found.remarks.append(
                f"no error bars of the {sweep.phase} sweep: {results} results of {operations} operations are "
                "too many"
            )
            continue
        try:
            analysis = analyse(flat)
        except EvaluationError as error:
            found.remarks.append(f"no error bars of the {sweep.phase} sweep: {error}")
            continue
        for remark in (*_left_out(flat.graph), *_undecided(analysis)):
            if remark not in found.remarks:
                found.remarks.append(remark)
        names = tuple(sweep.outputs_named)
        values = tuple(np.asarray(analysis.values[y]) for y in analysis.graph.outputs)
        errors = tuple(_known_bars(analysis))
        found.bars.append(Bars(sweep.phase, names, values, errors, analysis.condition))
        for loss in _losses(sweep, analysis):
            _enter(found.losses, loss)
        if sweep.phase == FORWARD:
            found.steps = _steps(analysis)
    return found


def _loops(graph: Graph) -> list[Node]:
    """The loops that are one operation here: their own rounding is in no bar."""
    return [node for node in graph.nodes if node.primitive.family == "host"]


def _known_bars(analysis: Analysis) -> Iterator[np.ndarray]:
    unknown = _behind(analysis.graph, _loops(analysis.graph))
    for y, bar in zip(analysis.graph.outputs, analysis.bars, strict=True):
        yield np.full(y.shape, np.nan) if y in unknown and y.type.is_float else np.asarray(bar)


def _left_out(graph: Graph) -> list[str]:
    """Say which loops these are."""
    return [
        f"rounding errors are unknown behind {_written(node, 'a loop')}: rounding inside of it is left out"
        for node in _loops(graph)
    ]


def _undecided(analysis: Analysis) -> list[str]:
    """Say which comparisons rounding may have decided wrongly."""
    return [
        f"rounding decides {_written(node, 'a comparison')}: the bars hold only if it decided right"
        for node in analysis.undecided
    ]


def _written(node: Node, otherwise: str) -> str:
    written = spelled(node.location)
    return (written.text if written else otherwise) + at(node.location)


def _enter(losses: list[Loss], loss: Loss) -> None:
    """Enter a loss; one of an expression that is known gives it its phase."""
    for k, known in enumerate(losses):
        if known.location is loss.location:
            if loss.phase not in (known.phase, *known.also):
                losses[k] = replace(known, also=(*known.also, loss.phase))
            return
    losses.append(loss)


def _steps(analysis: Analysis) -> list[Step]:
    worst: dict[Location, float] = {}
    for node, condition in analysis.conditions.items():
        known = node.primitive.family != "host" and not np.isnan(condition)
        if node.location is not None and known:
            worst[node.location] = max(worst.get(node.location, 0.0), condition)
    written = ((place, spelled(place)) for place in worst)
    return [Step(text.text, place, worst[place]) for place, text in written if text]


# losses -------------------------------------------------------------------------------------------------


def _losses(sweep: Sweep, analysis: Analysis) -> list[Loss]:
    """The operations that lost digits, the most harmful first; else the lines that lost them bit by bit."""
    worst = _short_of(sweep, analysis)
    if worst < LEAST_DIGITS:
        return []
    moving = _moving(analysis.graph, len(sweep.inputs_named) - sweep.inputs_named.count(""))
    losses = _amplified(sweep, analysis, moving, LEAST_DIGITS)
    losses += _ill_conditioned(sweep, analysis, moving, worst - NEAR)
    return (
        losses
        or _bit_by_bit(sweep, analysis, moving, worst)
        or _ill_conditioned(sweep, analysis, moving, LEAST_DIGITS)
        or _amplified(sweep, analysis, moving, 0.0)[: worst >= MANY]
    )


def _amplified(sweep: Sweep, analysis: Analysis, moving: set[Node], least: float) -> list[Loss]:
    losses = []
    for found in analysis.amplifiers:
        digits = min(found.loss, _lost(analysis, found.node, found.index))
        if digits >= least:
            losses.append(
                _loss(sweep, analysis, moving, found.node, found.index, digits, found.condition, found.share)
            )
    return losses


def _lost(analysis: Analysis, node: Node, index: tuple[int, ...]) -> float:
    """Digits that an element of a result is short of."""
    error = np.broadcast_to(np.asarray(analysis.errors[node]), node.shape)[index]
    return _digits(error, np.asarray(analysis.values[node])[index], node.dtype)


def _digits(error: float, value: float, dtype: np.dtype) -> float:
    if not error:
        return -np.inf
    with np.errstate(all="ignore"):
        lost = np.log10(np.float64(error) / abs(value) / (np.finfo(dtype).eps / 2))
    return float(min(lost, -np.log10(np.finfo(dtype).eps / 2)))


def _short_of(sweep: Sweep, analysis: Analysis) -> float:
    """Return how many digits the worst entry of the results is short of."""
    worst = -np.inf
    for y, bar in zip(analysis.graph.outputs, analysis.bars, strict=True):
        if y.type.is_float and y.type.size:
            value = np.abs(analysis.values[y])
            bar = np.where(np.asarray(bar) < np.finfo(y.dtype).tiny, 0.0, bar)
            size = _sizes(sweep, value, bar)
            digits = [_digits(*pair, y.dtype) for pair in zip(np.ravel(bar), np.ravel(size), strict=True)]
            worst = max(worst, *digits)
    return worst


def _sizes(sweep: Sweep, value: np.ndarray, bar: np.ndarray) -> np.ndarray:
    """What errors of results are measured by: the results.

    What cannot be told from 0 may well be 0: it is measured by the largest entry beside it. If there is none,
    a derivative is not measured at all: at an optimum it is 0.
    """
    if sweep.phase == FORWARD:
        return value
    unknown = value <= UNKNOWN * bar
    largest = np.max(value, where=~unknown, initial=0.0)
    if largest:
        return np.where(unknown, largest, value)
    return np.where(value <= bar, np.inf, value)


def _ill_conditioned(sweep: Sweep, analysis: Analysis, moving: set[Node], least: float) -> list[Loss]:
    """Solves and factorizations: backward stable, so what they lose is the condition of their matrix."""
    losses = []
    for node in analysis.graph.nodes:
        if not is_backward_stable(node) or not _is_looked_at(analysis, node):
            continue
        error, value = np.asarray(analysis.errors[node]), np.asarray(analysis.values[node])
        if not value.size:
            continue
        digits = _digits(float(np.max(error)), float(np.max(np.abs(value))), node.dtype)
        if digits >= max(LEAST_DIGITS, least):
            index = tuple(
                int(k)
                for k in np.unravel_index(int(np.argmax(np.broadcast_to(error, value.shape))), value.shape)
            )
            condition = analysis.conditions.get(node, np.inf)
            losses.append(_loss(sweep, analysis, moving, node, index, digits, condition, 1.0))
    return losses


def _bit_by_bit(sweep: Sweep, analysis: Analysis, moving: set[Node], worst: float) -> list[Loss]:
    """Lines that ran many times and lost a little in each: a sum whose terms cancel."""
    lines: dict[Location, list[Node]] = {}
    for node in analysis.graph.nodes:
        if node.location is not None and _is_looked_at(analysis, node):
            lines.setdefault(node.location, []).append(node)
    losses = []
    for nodes in lines.values():
        own = set(nodes)
        outside = {x for node in nodes for x in node.inputs if x not in own and _is_looked_at(analysis, x)}
        before = max((_typical(analysis, x) for x in outside), default=0.0)
        digits = _typical(analysis, nodes[-1]) - max(before, 0.0)
        if digits >= LEAST_DIGITS and digits >= worst - NEAR:
            index = (0,) * len(nodes[-1].shape)
            condition = max(analysis.conditions.get(node, 1.0) for node in nodes)
            loss = _loss(sweep, analysis, moving, nodes[-1], index, digits, condition, 1.0)
            losses.append(replace(loss, run=None, runs=len(nodes)))
    return losses


def _is_looked_at(analysis: Analysis, node: Node) -> bool:
    """Tell whether an operation has one result, of floats, that is not exact."""
    return not isinstance(node.type, tuple) and node.type.is_float and node in analysis.errors


def _typical(analysis: Analysis, node: Node) -> float:
    value = np.asarray(analysis.values[node])
    if not value.size:
        return 0.0
    return _digits(float(np.max(analysis.errors[node])), float(np.max(np.abs(value))), node.dtype)


def _moving(graph: Graph, count: int) -> set[Node]:
    """Return the nodes that depend on directions or cotangents, which are the last inputs."""
    return _behind(graph, graph.inputs[count:])


def _behind(graph: Graph, nodes: Iterable[Node]) -> set[Node]:
    """Return these nodes and all that depend on them."""
    found = set(nodes)
    for node in graph.nodes:
        if any(x in found for x in node.inputs):
            found.add(node)
    return found


def _loss(
    sweep: Sweep,
    analysis: Analysis,
    moving: set[Node],
    node: Node,
    index: tuple[int, ...],
    digits: float,
    condition: float,
    share: float,
) -> Loss:
    mask = np.zeros(node.shape, bool)
    mask[index] = True

    def is_derivative(origin: Origin) -> bool:
        written = spelled(origin.node.location)
        return sweep.phase != FORWARD and (
            node in moving or written is None or node.name not in written.names
        )

    made, result = (node.inputs[0], node.params["index"]) if node.name == "project" else (node, 0)
    origin = Origin(made, OPERATION, result, mask, analysis.values, analysis.graph, (), ())
    told = place_of(origin, sweep.phase, is_derivative)
    error = np.broadcast_to(np.asarray(analysis.errors[node]), node.shape)[index]
    alike = [x for x in analysis.graph.nodes if x.location is node.location and x.name == node.name]
    alike = [x for x in alike if (x in moving) == (node in moving)]
    return Loss(
        phase=sweep.phase,
        also=(),
        operation=told.operation,
        expression=told.expression,
        derivative=told.derivative,
        location=told.location,
        source=told.source,
        index=index,
        result=told.result,
        error=float(error),
        operands=told.operands,
        point=told.point,
        digits=digits,
        condition=float(condition),
        share=share,
        run=alike.index(node),
        runs=len(alike),
        form=_form(analysis, node, moving),
    )


def _form(analysis: Analysis, node: Node, moving: set[Node]) -> Form | None:
    """What to write instead of the formula that an operation, or one written at its place, is part of."""
    places = [node, *written_with(analysis.graph, node)]
    return suggest(analysis.graph, [x for x in places if x not in moving])
