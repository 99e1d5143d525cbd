"""Sparse derivatives: for now, where a Jacobian or Hessian can be nonzero."""

from diffsci.sparse.detection import Pattern, pattern

__all__ = ["Pattern", "pattern"]
