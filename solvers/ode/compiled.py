"""The compiled loops of integrations, see `diffsci.native`."""

from __future__ import annotations

import numpy as np

from diffsci.low_level import raise_pending
from diffsci.native import Loop as NativeLoop
from diffsci.native import LoopFamily

__all__ = ["LOOPS", "MODULES", "Loop"]

# For every loop its module, the type of its result, and its arguments: an element type and a number of
# dimensions, 0 for an integer. Elements are int64 (i), float64 (f), or of the state's type (r).
_LOOPS = {
    "initial_step": ("integrate", "f", "i1 i2 r1 r2 f1 f1 f1 i0 i1"),
    "integrate": (
        "integrate", "i", "i1 i2 i1 i2 i1 f1 f1 i1 f1 f1 r1 r1 f1 r2 r2 f1 f1 r2 i0",
    ),
    "replay": (
        "replay", "i",
        "i2 i1 i1 i1 i1 f1 f1 i1 i2 i1 i2 i1 i2 i1 i2 r2 f1 f1 i1 r3 r3 r2 f1 f1 i0",
    ),
}  # fmt: skip

LOOPS = LoopFamily("solvers.ode", _LOOPS)
MODULES = LOOPS.modules


class Loop(NativeLoop):
    """A loop of integrations; one call at a time.

    Parameters
    ----------
    name : str
        One of the loops.
    dtype : numpy.dtype
        Of the state.
    """

    def __init__(self, name: str, dtype: np.dtype):
        super().__init__(LOOPS, name, dtype)

    def __call__(self, *arguments):
        """Run the loop on arrays and integers; return its result."""
        result = super().__call__(*arguments)
        raise_pending()  # the model's own, from an operation that runs in Python
        return result
