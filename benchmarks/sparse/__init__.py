"""Sparse Jacobians and Hessians: detection, colorings, values, against what others take for the same."""

from benchmarks.sparse.contest import measure

__all__ = ["measure"]
