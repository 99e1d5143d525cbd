"""Derivatives at equal eigenvalues and singular values: a limit, or an error that explains itself."""

from diffsci.degenerate.resolve import resolved

__all__ = ["resolved"]
