"""numpy.linalg and scipy.linalg, by subject. Importing this package fills the tables."""

from diffsci.tracing.functions.linalg import (
    determinants,
    factorizations,
    functions,
    least_squares,
    namespace,
    norms,
    solving,
    spectra,
    structured,
)
from diffsci.tracing.functions.linalg.norms import euclidean_norm

__all__ = [
    "determinants",
    "euclidean_norm",
    "factorizations",
    "functions",
    "least_squares",
    "namespace",
    "norms",
    "solving",
    "spectra",
    "structured",
]
