"""Elimination of sparse matrices planned from their patterns: orders, trees, fronts, and what they cost.

The way is one line: pattern → graph of A + Aᵀ (`graphs`) → order (`orders`) → tree and sizes of fronts
(`trees`) → table that programs follow (`planning`). Nothing depends on numbers, and nothing as large as the
factors is made.
"""

from diffsci.elimination.planning import elimination_of, fronts_of
from diffsci.elimination.trees import EliminationTree

__all__ = ["EliminationTree", "elimination_of", "fronts_of"]
