"""Linear algebra: solves, factorizations, spectra, determinants, least squares, functions of matrices.

Operands are matrices or stacks of them, so every batching rule only gives all operands the new axis.
Singular or non-finite data give NaN: no number is right, and NaN says so downstream.
"""

from diffsci.primitives.linalg import (
    banded,
    complex_det,
    determinants,
    factorizations,
    functions,
    hermitian,
    least_squares,
    multifrontal,
    polar,
    solves,
    sparse,
    spectra,
)

__all__ = [
    "banded",
    "complex_det",
    "determinants",
    "factorizations",
    "functions",
    "hermitian",
    "least_squares",
    "multifrontal",
    "polar",
    "solves",
    "sparse",
    "spectra",
]
