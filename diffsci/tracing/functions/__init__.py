"""NumPy functions on traced values, by subject. Importing this package fills the table."""

from diffsci.tracing.functions import (
    creation,
    ignoring,
    linalg,
    products,
    reductions,
    shapes,
    sorting,
    statistics,
    values,
)

__all__ = [
    "creation",
    "ignoring",
    "linalg",
    "products",
    "reductions",
    "shapes",
    "sorting",
    "statistics",
    "values",
]
