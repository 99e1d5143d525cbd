"""solvers: time integration of NumPy models with exact derivatives, and studies from config files."""

from solvers.ode import OdeResult, solve_ivp

__all__ = ["OdeResult", "solve_ivp"]
