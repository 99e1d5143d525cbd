"""The classical Runge-Kutta method of order 4 (W. Kutta, 1901), with the cubic Hermite interpolant."""

import numpy as np

from solvers.ode.tableaus.records import ExplicitTableau, lower

_b = np.array([1 / 6, 1 / 3, 1 / 3, 1 / 6])
_increment = np.append(_b, 0.0)
_first = np.eye(5)[0]
_last = np.eye(5)[4]

RK4 = ExplicitTableau(
    name="RK4",
    order=4,
    error_order=0,
    stages=4,
    a=lower([[], [1 / 2], [0, 1 / 2], [0, 0, 1], list(_b)], 5),
    b=_b,
    c=np.array([0, 1 / 2, 1 / 2, 1, 1]),
    error=np.zeros((0, 4)),
    dense=np.stack([_increment, _first - _increment, 2 * _increment - _first - _last]),
    dense_order=3,
)
