"""From a program to a program of its sparse derivatives: patterns, direct evaluation, the choice of a way."""

from diffsci.sparse.detection import Pattern, pattern

__all__ = ["Pattern", "pattern"]
