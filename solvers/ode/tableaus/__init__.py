"""The coefficients of the methods: one data file each."""

from solvers.ode.tableaus.dop853 import DOP853
from solvers.ode.tableaus.records import ExplicitTableau, RosenbrockTableau
from solvers.ode.tableaus.rk4 import RK4
from solvers.ode.tableaus.rodas5p import RODAS5P
from solvers.ode.tableaus.tsit5 import TSIT5

__all__ = ["DOP853", "RK4", "RODAS5P", "TSIT5", "ExplicitTableau", "RosenbrockTableau"]
