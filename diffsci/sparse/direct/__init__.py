"""Sparse Jacobians evaluated directly: each entry by its own formula, written in its place of the CSR data."""

from diffsci.sparse.direct.program import Direct, Refusal, direct

__all__ = ["Direct", "Refusal", "direct"]
