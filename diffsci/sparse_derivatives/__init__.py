"""Sparse Jacobians and Hessians of functions: called, compiled, recorded in other functions."""

from diffsci.sparse_derivatives.hessian import sparse_hessian
from diffsci.sparse_derivatives.jacobian import sparse_jacobian

__all__ = ["sparse_hessian", "sparse_jacobian"]
