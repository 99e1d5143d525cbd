"""NumPy functions on traced values, by subject. Importing this package fills the table."""

from diffsci.tracing.functions import creation, linalg, products, reductions, shapes, values

__all__ = ["creation", "linalg", "products", "reductions", "shapes", "values"]
