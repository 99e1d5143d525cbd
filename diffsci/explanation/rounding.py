"""Rounding errors of a program at one point: a bar for every result, and the operations that lost digits.

Every operation's own rounding is carried to the results by the derivative of the results with respect to
that operation's value, which reverse mode gives exactly:

    |error of y_k|  <=  sum over operations  |dy_k / dv| * |rounding of v|     (to first order)

S. Linnainmaa, "Taylor expansion of the accumulated rounding error", BIT 16 (1976), where reverse mode comes
from. Unlike an error propagated from operation to operation, errors that cancel on their way do so here, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffsci.control.flattening import Flat
from diffsci.errors import EvaluationError, UnsupportedError
from diffsci.explanation.local_errors import (
    SUMS,
    backward_error,
    is_backward_stable,
    local_error,
    size_of_terms,
)
from diffsci.explanation.propagation import condition, propagated
from diffsci.graph import Builder, Graph, Node
from diffsci.graph.interpreter import run
from diffsci.transforms import vjp_graph

__all__ = ["Amplifier", "Analysis", "analyse"]

Array = np.ndarray
MOST_ENTRIES = 256  # of the results, whose bars are taken by reverse sweeps; more of them are propagated
LEAST_LOSS = 2.0  # decimal digits
LEAST_SHARE = 0.05  # of the error of a result
COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
UNIT = np.finfo(float).eps / 2


@dataclass(frozen=True)
class Amplifier:
    """An operation whose result has fewer digits than its operands, and whose error reaches a result.

    Attributes
    ----------
    node : Node
    index : tuple of int
        The element that lost most.
    loss : float
        Decimal digits lost in this operation.
    condition : float
        Relative condition number at that element.
    share : float
        Part of a result's error bar that comes through this operation, at most 1.
    """

    node: Node
    index: tuple[int, ...]
    loss: float
    condition: float
    share: float


@dataclass
class Analysis:
    """What rounding does to a program at one point.

    Attributes
    ----------
    graph : Graph
        The program as it ran: calls written out, branches taken, rolled loops unrolled.
    values, errors : dict
        Node -> its value, and a bound of its absolute error (absent where it is exact).
    conditions : dict
        Node -> worst relative condition number of that operation.
    bars : list of ndarray
        One per result: the bound of its absolute rounding error; 0 for integers.
    map_conditions : list of ndarray
        One per result: sum |dy/dx_i x_i| / |y| over the float inputs.
    amplifiers : list of Amplifier
        The most harmful first.
    undecided : list of Node
        Comparisons whose operands differ by no more than their errors: rounding decided them, and bars hold
        only if it decided right.
    swept : bool
        Whether bars come from reverse sweeps; else they were propagated (too many results, or an operation
        without derivatives), which bounds them less tightly.
    """

    graph: Graph
    values: dict[Node, Any]
    errors: dict[Node, Any]
    conditions: dict[Node, float]
    bars: list[Array] = field(default_factory=list)
    map_conditions: list[Array] = field(default_factory=list)
    amplifiers: list[Amplifier] = field(default_factory=list)
    undecided: list[Node] = field(default_factory=list)
    swept: bool = True

    @property
    def condition(self) -> float:
        """Relative condition number of the whole map: the worst result's."""
        return max((float(np.max(found)) for found in self.map_conditions if found.size), default=0.0)


def analyse(flat: Flat) -> Analysis:
    """Bound the rounding errors of a program's results, its inputs taken as exact.

    Parameters
    ----------
    flat : Flat
        A program, or a derivative of one, as it ran at a point: see `flatten_program`.

    Returns
    -------
    Analysis
    """
    analysis = Analysis(flat.graph, flat.values, {}, {})
    _carry_forward(analysis)
    analysis.undecided = [node for node in analysis.graph.nodes if _is_undecided(analysis, node)]
    try:
        _sweep(analysis, _sites(analysis))
    except UnsupportedError:  # an operation that has no derivative: its error cannot be carried back
        _propagate(analysis)
    analysis.amplifiers.sort(key=lambda found: -found.loss * found.share)
    return analysis


def _operands(analysis: Analysis, node: Node) -> list[Any]:
    return [analysis.values[x] for x in node.inputs]


def _carry_forward(analysis: Analysis) -> None:
    """Fill `errors` and `conditions`."""
    values, errors = analysis.values, analysis.errors
    for node in analysis.graph.nodes:
        if not node.inputs:
            continue
        operands = _operands(analysis, node)
        if node.name == "project":
            several = errors.get(node.inputs[0])
            if several is not None and several[node.params["index"]] is not None:
                errors[node] = several[node.params["index"]]
            continue
        if any(np.asarray(x).dtype == object for x in operands):  # the tape of a loop
            continue
        try:
            came = _came(node, operands, [errors.get(x) for x in node.inputs])
            analysis.conditions[node] = condition(node, operands, values[node])
        except (UnsupportedError, EvaluationError):  # no derivative, or vectors of equal eigenvalues
            came, analysis.conditions[node] = None, np.inf
        own = local_error(node, operands, values[node])
        if came is not None or own is not None:
            errors[node] = own if came is None else came if own is None else came + own


def _came(node: Node, operands: list, errors: list) -> Any:
    """The error from the operands, to which a backward stable operation adds its own."""
    if is_backward_stable(node):
        own = backward_error(node, operands)
        errors = [b if a is None else a if b is None else a + b for a, b in zip(errors, own, strict=True)]
    return propagated(node, operands, errors)


def _is_undecided(analysis: Analysis, node: Node) -> bool:
    if node.name not in COMPARISONS:
        return False
    x, y = _operands(analysis, node)
    error = np.add(*(analysis.errors.get(operand, 0.0) for operand in node.inputs))
    with np.errstate(all="ignore"):
        near = (np.abs(x - y) <= error) & (error > 0) & np.isfinite(x) & np.isfinite(y)
        if node.name in ("eq", "ne"):  # numbers that are equal are one and the same: the largest of some
            near &= x != y
    return bool(np.any(near))


# bars by reverse sweeps -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Site:
    """Where an error enters: behind an operation, or (`operand`) in front of it."""

    node: Node
    size: Array
    operand: int | None = None


def _sites(analysis: Analysis) -> list[_Site]:
    found = []
    for node in analysis.graph.nodes:
        if not node.inputs or node.name == "project":
            continue
        operands = _operands(analysis, node)
        if any(np.asarray(x).dtype == object for x in operands):
            continue
        own = local_error(node, operands, analysis.values[node])
        if own is not None:
            found.append(_Site(node, own))
        if is_backward_stable(node):
            for k, size in enumerate(backward_error(node, operands)):
                if size is not None:
                    found.append(_Site(node, size, k))
    return found


def _perturbed(graph: Graph, sites: Sequence[_Site]) -> Graph:
    """Return the program (x, e) -> y in which e is added at the sites."""
    b = Builder()
    moved: dict[Node, Node] = {x: b.input(x.type) for x in graph.inputs}
    behind: dict[Node, Node] = {}
    before: dict[tuple[Node, int], Node] = {}
    added = []
    for site in sites:
        where = site.node if site.operand is None else site.node.inputs[site.operand]
        e = b.input(where.type)
        added.append(e)
        if site.operand is None:
            behind[site.node] = e
        else:
            before[site.node, site.operand] = e
    for node in graph.nodes:
        if node in moved:
            continue
        operands = [moved[x] for x in node.inputs]
        operands = [b.add(x, before[node, k]) if (node, k) in before else x for k, x in enumerate(operands)]
        made = b.emit(node.primitive, *operands, **node.params)
        moved[node] = b.add(made, behind[node]) if node in behind else made
    return Graph((*(moved[x] for x in graph.inputs), *added), [moved[y] for y in graph.outputs])


def _sweep(analysis: Analysis, sites: list[_Site]) -> None:
    graph, values = analysis.graph, analysis.values
    floats = [y for y in graph.outputs if y.type.is_float]
    if sum(y.type.size for y in floats) > MOST_ENTRIES:
        _propagate(analysis)
        return
    perturbed = _perturbed(graph, sites)
    inputs = len(graph.inputs)
    real_inputs = [x for x in graph.inputs if x.type.is_float]
    pulled = vjp_graph(perturbed)
    back = Graph(pulled.inputs, pulled.outputs[len(graph.outputs) :])
    point = [values[x] for x in graph.inputs] + [
        np.zeros(x.shape, x.dtype) for x in perturbed.inputs[inputs:]
    ]
    masked = [site.operand is None and ~np.isfinite(values[site.node]) for site in sites]
    amplified = _Reach(analysis, sites)
    for y in graph.outputs:
        bars, conditions = np.zeros(y.shape), np.zeros(y.shape)
        for index in np.ndindex(y.shape) if y.type.is_float else ():
            seeds = [np.zeros(other.shape, other.dtype) for other in floats]
            seeds[floats.index(y)][index] = 1.0
            weights = run(back, [*point, *seeds])
            own, rest = weights[: len(real_inputs)], weights[len(real_inputs) :]
            bars[index] = sum(
                _weighted(w, site.size, mask) for w, site, mask in zip(rest, sites, masked, strict=True)
            )
            moved = sum(_weighted(w, np.abs(values[x])) for w, x in zip(own, real_inputs, strict=True))
            conditions[index] = _relative(moved, abs(float(np.asarray(values[y])[index])))
            amplified.add(rest, bars[index])
        analysis.bars.append(bars)
        analysis.map_conditions.append(conditions)
    analysis.amplifiers = amplified.found()


def _weighted(weight: Array, size: Array, masked: Any = False) -> float:
    """Sum of |weight| size, where no error has no effect, and what was masked away has none.

    A value that is not finite was masked away from results that are finite if their slope in it is 0.
    """
    with np.errstate(all="ignore"):
        left_out = (size == 0) | (masked & (weight == 0))
        total = float(np.sum(np.where(left_out, 0.0, np.abs(weight) * size)))
    return np.inf if np.isnan(total) else total  # the derivative itself is not known


def _relative(moved: float, size: float) -> float:
    if moved == 0.0:
        return 0.0
    return moved / size if size else np.inf


class _Reach:
    """How much of the results' bars comes through each operation."""

    def __init__(self, analysis: Analysis, sites: list[_Site]):
        self.analysis, self.sites = analysis, sites
        self.shares = [np.zeros(site.size.shape) for site in sites]

    def add(self, weights: Sequence[Array], bar: float) -> None:
        """Look at the weights of one element of a result."""
        if bar == 0.0:
            return
        with np.errstate(all="ignore"):
            for k, (weight, site) in enumerate(zip(weights, self.sites, strict=True)):
                if site.operand is None:
                    error = self.analysis.errors[site.node]
                    share = np.nan_to_num(np.where(error == 0, 0.0, np.abs(weight) * error / bar), nan=1.0)
                    self.shares[k] = np.maximum(self.shares[k], np.minimum(share, 1.0))

    def found(self) -> list[Amplifier]:
        """Return the operations that lost digits which reach a result."""
        amplifiers = []
        for site, shares in zip(self.sites, self.shares, strict=True):
            if site.operand is None and np.any(shares >= LEAST_SHARE):
                amplifier = _amplifier(self.analysis, site.node, shares)
                if amplifier is not None:
                    amplifiers.append(amplifier)
        return amplifiers


def _amplifier(analysis: Analysis, node: Node, shares: Array) -> Amplifier | None:
    with np.errstate(all="ignore"):
        before = np.maximum(_relative_before(analysis, node), UNIT)
        after = analysis.errors[node] / np.abs(analysis.values[node])
        loss = np.where(shares >= LEAST_SHARE, np.log10(after / before), -np.inf)
        if node.name in SUMS:  # a sum of zeros has lost nothing
            loss = np.where(size_of_terms(node, _operands(analysis, node)) == 0, -np.inf, loss)
    loss = np.where(np.isnan(loss), -np.inf, np.minimum(loss, 16.0))
    if not loss.size or np.max(loss) < LEAST_LOSS:
        return None
    index = np.unravel_index(int(np.argmax(loss)), loss.shape)
    return Amplifier(
        node,
        tuple(int(k) for k in index),
        float(loss[index]),
        analysis.conditions.get(node, np.inf),
        float(shares[index]),
    )


def _relative_before(analysis: Analysis, node: Node) -> Any:
    """The largest relative error among the operands, element by element where shapes allow."""
    worst: Any = 0.0
    for x in node.inputs:
        error = analysis.errors.get(x)
        if error is None or isinstance(error, tuple):
            continue
        with np.errstate(all="ignore"):
            relative = np.where(error == 0, 0.0, error / np.abs(analysis.values[x]))
        if relative.shape != node.shape:
            relative = np.max(relative[np.isfinite(relative)], initial=0.0)
        worst = np.maximum(worst, relative)
    return worst


# bars propagated ------------------------------------------------------------------------------------


def _propagate(analysis: Analysis) -> None:
    analysis.swept = False
    analysis.bars = [
        np.broadcast_to(analysis.errors.get(y, 0.0), y.shape).astype(float) for y in analysis.graph.outputs
    ]
    analysis.map_conditions = [np.full(y.shape, np.nan) for y in analysis.graph.outputs]
