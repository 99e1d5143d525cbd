"""The operations: one record each. Importing this package fills the registry."""

from diffsci.primitives import (
    binary,
    calls,
    comparison,
    conditional,
    contraction,
    convolution,
    host,
    indexing,
    leaves,
    linalg,
    reductions,
    scans,
    sorting,
    special,
    structural,
    unary,
)

__all__ = [
    "binary",
    "calls",
    "comparison",
    "conditional",
    "contraction",
    "convolution",
    "host",
    "indexing",
    "leaves",
    "linalg",
    "reductions",
    "scans",
    "sorting",
    "special",
    "structural",
    "unary",
]
