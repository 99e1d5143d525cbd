"""Operands of samples, always the same."""

from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(20261122)
FLOAT = np.dtype(float)


_START = RNG.bit_generator.state


def restart():
    """Begin again: the samples of a file do not depend on those of other files."""
    RNG.bit_generator.state = _START


def uniform(*shape, low=0.2, high=0.9):
    """Return numbers in an interval, by default one on which most functions are smooth."""
    return RNG.uniform(low, high, shape)


def well_conditioned(*shape):
    """Return a (stack of) matrices with a heavy diagonal."""
    return RNG.uniform(-1, 1, shape) + 4 * np.eye(shape[-1])
