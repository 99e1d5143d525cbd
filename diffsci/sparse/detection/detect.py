"""Patterns of the derivatives of a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from diffsci.errors import UnsupportedError
from diffsci.graph import Graph, Node
from diffsci.primitives.dependence import TooDense
from diffsci.source import at as at_
from diffsci.sparse.detection import calls as _calls  # noqa: F401  enters the rules of calls
from diffsci.sparse.detection.forms import Dependence, finished
from diffsci.sparse.detection.known import Known
from diffsci.sparse.detection.pattern import Pattern
from diffsci.sparse.detection.sweep import Found, Scope, active_inputs, sweep

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["detect", "detect_varying", "jacobian_pattern", "pattern"]


def detect(
    graph: Graph,
    active: Sequence[bool] | None = None,
    *,
    known: Mapping[int, Any] | None = None,
    at: Sequence[Any] | None = None,
) -> list[Pattern]:
    """Return where the Jacobian of each output of a program can be nonzero.

    The patterns hold for every value of the inputs, and for every branch of `where` and `cond`, any number
    of steps of loops; a guard of the program tells where another program stands in for it.

    Parameters
    ----------
    graph : Graph
    active : sequence of bool, optional
        Which inputs to differentiate with respect to; integer and boolean inputs never count.
    known : mapping, optional
        Position of an input -> its value, where that stays what it is: with the indices of gathers the
        pattern says which elements they take, without them that it may be any.
    at : sequence of array_like, optional
        Values of all inputs: the pattern at this point only. Branches and masks are taken as they are there,
        and products with zeros depend on the zero factor alone.

    Returns
    -------
    list of Pattern
        One per output, of shape (size of the output, sizes of the active float inputs together).

    Raises
    ------
    UnsupportedError
        If an operation has no rule for its pattern, or the derivative is so large and dense that its pattern
        does not fit into memory; the message names the line.
    """
    found, width = _swept(graph, active, known, at, curves=False)
    return [_finished(own.all, y, width) for own, y in zip(found, graph.outputs, strict=True)]


def _finished(part: Dependence | None, y: Node, width: int) -> Pattern:
    try:
        return finished(part, y.type.size, width)
    except TooDense as error:
        raise UnsupportedError(
            f"the derivative is dense{at_(y.location)}: {error}; use jvp and vjp"
        ) from None


def pattern(graph: Graph, active: Sequence[bool] | None = None) -> list[csr_array]:
    """Return `detect` as boolean matrices."""
    return [found.csr() for found in detect(graph, active)]


def jacobian_pattern(
    graph: Graph,
    active: Sequence[bool] | None = None,
    *,
    known: Mapping[int, Any] | None = None,
    at: Sequence[Any] | None = None,
) -> Pattern:
    """Return the patterns of all float outputs, one below the other: see `detect`."""
    patterns = detect(graph, active, known=known, at=at)
    reals = [p for p, y in zip(patterns, graph.outputs, strict=True) if y.type.is_float]
    flags = _flags(graph, active)
    return Pattern.below(reals, sum(x.type.size for x, flag in zip(graph.inputs, flags, strict=True) if flag))


def detect_varying(
    graph: Graph, active: Sequence[bool] | None = None, *, known: Mapping[int, Any] | None = None
) -> list[Pattern]:
    """Return where the Jacobian of each output can change with the active inputs.

    The other entries of `detect` are constants, though they may depend on inputs that are not active; not
    every constant is recognised.

    Parameters
    ----------
    graph, active, known
        As in `detect`.

    Returns
    -------
    list of Pattern
        One per output, as of `detect`.
    """
    found, width = _swept(graph, active, known, None, curves=True)
    return [_finished(own.curved, y, width) for own, y in zip(found, graph.outputs, strict=True)]


def _flags(graph: Graph, active: Sequence[bool] | None) -> list[bool]:
    flags = [True] * len(graph.inputs) if active is None else active
    return [flag and x.type.is_float for x, flag in zip(graph.inputs, flags, strict=True)]


def _swept(
    graph: Graph, active: Sequence[bool] | None, known: Any, at: Any, curves: bool
) -> tuple[list[Found], int]:
    flags = _flags(graph, active)
    inputs, width = active_inputs(graph.input_types, flags)
    if at is not None:
        values = dict(zip(graph.inputs, at, strict=True))
    else:
        values = {graph.inputs[k]: value for k, value in (known or {}).items() if not flags[k]}
    return sweep(graph, inputs, Scope(Known(graph, values, at is not None), width, curves)), width
