"""Sparse Jacobians evaluated directly: each entry by its own formula, written into its place in CSR data."""

from diffsci.sparse.direct.program import Direct, Refusal, direct

__all__ = ["Direct", "Refusal", "direct"]
