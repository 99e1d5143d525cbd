"""Colorings of sparse matrices: recover a matrix from a few products with it.

Columns that never meet in a row can be added up before the product is made and told apart afterwards. `color`
takes a pattern, from `scipy.sparse` or anywhere, and finds groups; nothing here knows what the products are.
Problem, algorithm and result are values of their own: `Problem`; `Greedy`, `Lattice`, `LatticeOrder`
and `Portfolio`; `Coloring`.

The algorithms are those of Gebremedhin, Manne and Pothen, "What color is your Jacobian?", SIAM Review 47
(2005); Gebremedhin, Tarafdar, Manne and Pothen, "New acyclic and star coloring algorithms", SIAM J. Sci.
Comput. 29 (2007); Gebremedhin, Nguyen, Patwary and Pothen, "ColPack", ACM TOMS 40 (2013); Coleman and Verma,
SIAM J. Sci. Comput. 19 (1998); and Goldfarb and Toint, Math. Comp. 43 (1984).
"""

from diffsci.coloring.algorithms import Greedy, Lattice, LatticeOrder, Portfolio
from diffsci.coloring.checking import ColoringError, check, is_valid
from diffsci.coloring.decompression import Decompression
from diffsci.coloring.patterns import Pattern, as_pattern
from diffsci.coloring.problems import Problem
from diffsci.coloring.result import Candidate, Coloring
from diffsci.coloring.solving import color
from diffsci.coloring.storing import load

__all__ = [
    "Candidate",
    "Coloring",
    "ColoringError",
    "Decompression",
    "Greedy",
    "Lattice",
    "LatticeOrder",
    "Pattern",
    "Portfolio",
    "Problem",
    "as_pattern",
    "check",
    "color",
    "is_valid",
    "load",
]
