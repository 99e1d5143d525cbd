"""Evidence that a gradient is right: complex step, differences, Taylor remainders, adjoint = tangent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from diffsci.evidence.judging import Judge, Options
from diffsci.evidence.objective import Objective
from diffsci.evidence.parameters import Parameters
from diffsci.evidence.verdict import GOOD, NOT_FINITE, UNSTABLE, VERDICTS, GradCheck, PointEvidence

__all__ = ["check_grad"]


def check_grad(
    f: Callable,
    *args: Any,
    argnums: int | tuple[int, ...] | None = None,
    rtol: float | None = None,
    complex_step: bool = True,
    entries: bool | None = None,
    seed: int = 0,
) -> GradCheck:
    """Collect evidence that ``ds.grad`` (``ds.vjp``, ``ds.jvp``) of ``f`` is right, and give a verdict.

    The evidence is taken at the given point and at a nearby one: the traced value against the plain one,
    reverse against forward mode, and the gradient against the complex step (where the program has an analytic
    continuation) or extrapolated central differences, along a random direction and for every parameter; the
    rate at which the Taylor remainder falls; kinks and noise. An array-valued ``f`` is checked through a
    random combination of its outputs. Nothing is raised when the gradient is wrong: ask ``.passed``.

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
    seed : int
        Seed of the random directions.

    Returns
    -------
    GradCheck
        ``.passed``, ``.verdict``, ``.offender``, ``.unused``, ``.points``; ``print`` shows a report.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> result = ds.check_grad(lambda p: np.exp(p[0]) * np.sin(p[1]), np.array([0.5, 2.0]))
    >>> result.verdict
    'good'
    """
    rng = np.random.default_rng(seed)
    parameters = Parameters(f, args, argnums)
    objective, options = Objective(f, parameters, rng), Options(rtol, complex_step, entries)
    judges = [Judge(objective, options, "at the given point", parameters.vector, rng)]
    points = [judges[0].evidence()]
    nearby = objective.nearby(parameters.vector, rng)
    if points[0].verdict != NOT_FINITE and nearby is not None:
        judges.append(Judge(objective, options, "at a nearby point", nearby, rng))
        points.append(judges[1].evidence())
        points[0] = _pulled_again(judges[0], points[0])
    worst = min(range(len(points)), key=lambda k: VERDICTS.index(points[k].verdict))
    verdict = points[worst].verdict
    return GradCheck(
        function=getattr(f, "__qualname__", None) or type(f).__qualname__,
        parameters=parameters.size,
        verdict=verdict,
        offender=None if verdict == GOOD else judges[worst].offender,
        unused=tuple(judges[0].unused),
        points=tuple(points),
        gradient=judges[0].reverse.gradient,
    )


def _pulled_again(judge: Judge, point: PointEvidence) -> PointEvidence:
    """Ask the first point's pullback again: a tape that the second point has overwritten shows here."""
    if np.array_equal(judge.reverse.pull(), judge.reverse.gradient, equal_nan=True):
        return point
    text = "the first point's pullback gives another gradient after the second point was visited"
    return replace(point, findings=((UNSTABLE, text), *point.findings))
