"""The operations: one record each. Importing this package fills the registry."""

from diffsci.primitives import (
    binary,
    calls,
    comparison,
    contraction,
    convolution,
    host,
    indexing,
    leaves,
    linalg,
    reductions,
    scans,
    sorting,
    structural,
    unary,
)

__all__ = [
    "binary",
    "calls",
    "comparison",
    "contraction",
    "convolution",
    "host",
    "indexing",
    "leaves",
    "linalg",
    "reductions",
    "scans",
    "sorting",
    "structural",
    "unary",
]
