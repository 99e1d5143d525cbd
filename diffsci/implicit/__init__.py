"""Solutions of equations as differentiable functions: roots, fixed points, linear systems."""

from diffsci.implicit.linear import linear_solve
from diffsci.implicit.nonlinear import fixed_point, root

__all__ = ["fixed_point", "linear_solve", "root"]
