"""Straight-line NumPy: how derivatives run outside `jit`."""

from diffsci.backends.eager.program import EagerProgram

__all__ = ["EagerProgram"]
