"""A warning where the frozen-step derivative misses something: jumps of the right-hand side.

The discrete adjoint holds the steps fixed. Where a model branches and its right-hand side jumps, the moment
of the jump moves with the parameters, and that motion is not in the derivative. A kink without a jump is
fine, and so is a jump at a time that does not move.
"""

from __future__ import annotations

import warnings

import numpy as np

from solvers.ode.rhs import Path, Rhs
from solvers.ode.tape import Tape

RELATIVE = 1e-2  # smaller differences between two branches are the kink's curvature over one step


class JumpWarning(UserWarning):
    """The right-hand side jumps along the solution: derivatives leave out how that moment moves."""


def warn_of_jumps(rhs: Rhs, tape: Tape, y0: np.ndarray, parameters: list[np.ndarray]) -> None:
    """Warn, naming the first time, if the right-hand side jumped in a recorded integration.

    Costs nothing for models that took one path only. Integrations that do not record their states are not
    looked at.
    """
    if not rhs.branches or not tape.states:
        return
    states = [y0.reshape(-1), *(row for block in tape.states for row in block)]
    points = [(t, y.reshape(rhs.state_shape)) for t, y in zip(tape.times, states, strict=False)]
    before = None
    for earlier, (t, y) in zip([None, *points], points, strict=False):
        path = rhs.path_at(np.asarray(t), y, parameters)
        guard = None if before in (None, path) else before.left(np.asarray(t), y, parameters)
        moving = guard is not None and before.moves(guard)
        if moving and _jumps(before, path, (earlier, (t, y)), parameters):
            where = f" ({guard.location})" if guard.location else ""
            warnings.warn(
                f"the right-hand side jumps where it takes another branch, between t = {earlier[0]:.9g} "
                f"and {t:.9g}{where}: the derivative holds the steps fixed and leaves out how the moment of "
                "the jump moves; make the right-hand side continuous there, or integrate up to the jump and "
                "go on from it",
                JumpWarning,
                stacklevel=2,
            )
            return
        before = path


def _jumps(old: Path, new: Path, points, parameters: list[np.ndarray]) -> bool:
    """Tell a jump from a kink: across a kink the difference of the branches passes through zero."""
    differences, sizes = [], []
    for t, y in points:
        values = [path.value(t, y, parameters) for path in (old, new)]
        differences.append(values[1] - values[0])
        sizes.append(np.maximum(*map(np.abs, values)))
    first, second = differences
    jump = np.where(first * second > 0, np.minimum(abs(first), abs(second)), 0.0)
    return bool(np.max(jump, initial=0.0) > RELATIVE * np.max(np.minimum(*sizes), initial=0.0))
