"""NumPy functions on traced values, by subject. Importing this package fills the table."""

from diffsci.tracing.functions import (
    creation,
    fourier,
    ignoring,
    integration,
    interpolation,
    linalg,
    phases,
    picking,
    polynomials,
    products,
    reductions,
    shapes,
    signal,
    sorting,
    statistics,
    values,
)

__all__ = [
    "creation",
    "fourier",
    "ignoring",
    "integration",
    "interpolation",
    "linalg",
    "phases",
    "picking",
    "polynomials",
    "products",
    "reductions",
    "shapes",
    "signal",
    "sorting",
    "statistics",
    "values",
]
