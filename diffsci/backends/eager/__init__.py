"""Straight-line NumPy: how derivatives run outside `jit`."""

from diffsci.backends.eager.program import EagerProgram, own

__all__ = ["EagerProgram", "own"]
