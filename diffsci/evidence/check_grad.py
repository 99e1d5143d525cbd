"""Evidence that a gradient is right: complex step, differences, Taylor remainders, adjoint = tangent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffsci.evidence.behaviour import behaviour, output_note
from diffsci.evidence.failing import Failed, attempt, described_failure
from diffsci.evidence.judging import Judge, Options
from diffsci.evidence.objective import Objective
from diffsci.evidence.parameters import Parameters
from diffsci.evidence.verdict import (
    FAILS,
    NOT_FINITE,
    UNSTABLE,
    VERDICTS,
    Finding,
    GradCheck,
    PointEvidence,
    worst,
)

__all__ = ["check_grad"]


def check_grad(
    f: Callable,
    *args: Any,
    argnums: int | tuple[int, ...] | None = None,
    rtol: float | None = None,
    complex_step: bool = True,
    entries: bool | None = None,
    order: int = 2,
    seed: int = 0,
) -> GradCheck:
    """Collect evidence that ``ds.grad`` (``ds.vjp``, ``ds.jvp``) of ``f`` is right, and give a verdict.

    The evidence is taken at the given point and at a nearby one: the traced value against the plain one,
    reverse against forward mode, ``<w, J v> = <J' w, v>``, and the gradient against the complex step (where
    the program has an analytic continuation) or extrapolated central differences, along a random direction
    and for every parameter; the rates at which the Taylor remainders of first and second order fall; jumps,
    kinks and noise. An ``f`` that returns anything but one real number is checked through a random
    combination of its numbers, and the notes say so. Nothing is raised when the gradient is wrong, or when
    ``f`` fails, is random or has a memory: ask ``.passed`` and ``.verdict``.

    Parameters
    ----------
    f : callable
        The objective.
    *args
        Its arguments: the point to check at.
    argnums : int or tuple of int, optional
        Which arguments to check; all of them by default.
    rtol : float, optional
        Relative agreement asked for; by default 1e-9 where the complex step applies and 1e-5 where only
        finite differences do (loosened for float32 parameters).
    complex_step : bool
        Whether the complex step may be used.
    entries : bool, optional
        Whether to check every parameter alone; by default when there are few of them.
    order : {2, 1}
        2 checks the Hessian-vector product along the random direction, too; 1 leaves second derivatives out.
    seed : int
        Seed of the random directions.

    Returns
    -------
    GradCheck
        ``.passed``, ``.verdict``, ``.offender``, ``.unused``, ``.notes``, ``.points``; ``print`` shows a
        report, ``.plot(path)`` draws the V-curves.

    Raises
    ------
    TypeError, ValueError
        If the question is wrong: ``f`` is no function, no argument is a float, ``argnums`` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> result = ds.check_grad(lambda p: np.exp(p[0]) * np.sin(p[1]), np.array([0.5, 2.0]))
    >>> result.verdict
    'good'
    """
    if not callable(f):
        raise TypeError(f"check_grad: f must be a function, and is a {type(f).__name__}")
    if order not in (1, 2):
        raise ValueError(
            f"check_grad: order={order!r}; expected 1 (gradient) or 2 (Hessian-vector product, too)"
        )
    parameters = Parameters(f, args, argnums)
    with np.errstate(all="ignore"):
        seen = behaviour(f, parameters)
    found = _Found([] if seen.finding is None else [seen.finding], error=seen.error)
    if seen.finding is None:
        with np.errstate(all="ignore"):
            _gather(f, parameters, Options(rtol, complex_step, entries, order), seed, found)
        note = output_note(seen.output)
        found.notes = [*([] if note is None else [note]), *found.notes]
    return GradCheck(
        function=getattr(f, "__qualname__", None) or type(f).__qualname__,
        parameters=parameters.size,
        verdict=worst(found.findings),
        offender=found.offender,
        unused=tuple(found.unused),
        points=tuple(found.points),
        gradient=np.full(parameters.size, np.nan) if found.gradient is None else found.gradient,
        findings=tuple(found.findings),
        notes=tuple(dict.fromkeys(found.notes)),
        error=found.error,
    )


@dataclass
class _Found:
    """What a check gathers on its way, up to where the function fails."""

    findings: list[Finding]
    points: list[PointEvidence] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    offender: str | None = None
    gradient: np.ndarray | None = None
    error: Exception | None = None


def _gather(f: Callable, parameters: Parameters, options: Options, seed: int, found: _Found) -> None:
    """Judge the given point and a nearby one."""
    rng = np.random.default_rng(seed)
    objective = Objective(f, parameters, rng, refusals=(Exception,))
    try:
        first = Judge(objective, options, "at the given point", parameters.vector, rng)
        found.gradient, here = first.reverse.gradient, first.plain()
        _take(first, found)
        if worst(found.findings) == NOT_FINITE:
            return
        nearby = objective.nearby(parameters.vector, rng)
        if nearby is None:
            found.findings.append(_nowhere_else(objective, found))
            return
        _take(Judge(objective, options, "at a nearby point", nearby, rng), found)
        _asked_again(first, here, found)
    except Failed as failure:
        found.findings.append((FAILS, str(failure)))
        found.offender, found.error = None, failure.error


def _take(judge: Judge, found: _Found) -> None:
    """Collect a point's evidence; the offender is that of the finding that explains most."""
    point = judge.evidence()
    if VERDICTS.index(point.verdict) < VERDICTS.index(worst(found.findings)):
        found.offender = judge.offender
    if not found.points:
        found.unused = judge.unused
    found.points.append(point)
    found.findings += point.findings
    found.notes += point.notes


def _nowhere_else(objective: Objective, found: _Found) -> Finding:
    """The function has a value at the given point only."""
    if objective.refused is None:
        return NOT_FINITE, "at all nearby points the objective is NaN or infinite"
    found.error = objective.refused
    return FAILS, f"at all nearby points, called with plain numbers, {described_failure(objective.refused)}"


def _asked_again(judge: Judge, value: float, found: _Found) -> None:
    """Ask about the first point again: a memory, or a tape that other points have overwritten, shows here."""
    visited = "after the second point was visited"
    try:
        pulled = attempt(visited, judge.reverse.pull)
    except Failed as failure:
        found.findings.append((UNSTABLE, f"the first point's pullback: {failure}"))
    else:
        if not np.array_equal(pulled, judge.reverse.gradient, equal_nan=True):
            text = f"the first point's pullback gives another gradient {visited}"
            found.findings.append((UNSTABLE, text))
    again = judge.plain()
    if again != value:
        text = f"the plain function returned {value!r} at the given point, and {again!r} after other points"
        found.findings.append((UNSTABLE, text))
