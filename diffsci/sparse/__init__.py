"""Sparse derivatives: for now, where a Jacobian can be nonzero."""

from diffsci.sparse.pattern import pattern

__all__ = ["pattern"]
