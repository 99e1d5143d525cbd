"""Ordinary differential equations: one step per family of methods, compiled loops that drive them."""

from solvers.ode.ivp import solve_ivp
from solvers.ode.jumps import JumpWarning
from solvers.ode.result import DenseSolution, OdeResult

__all__ = ["DenseSolution", "JumpWarning", "OdeResult", "solve_ivp"]
