"""Polynomials at points, and the transpose of that."""

from tests.kernel.samples.make import uniform

SAMPLES = [
    ("polyval", [uniform(4), uniform(3)], {"order": 0}),
    ("polyval", [uniform(4), uniform(2, 3)], {"order": 2}),
    ("polyval", [uniform(2, 3), uniform(2, 2)], {"order": 1}),
    ("polyval_transposed", [uniform(3), uniform(3)], {"size": 4, "order": 0, "lead": 0}),
    ("polyval_transposed", [uniform(2, 2), uniform(2, 2)], {"size": 3, "order": 1, "lead": 1}),
    ("fma", [uniform(3), uniform(3), uniform(3)], {}),
]
FLAT = [("fma_error", [uniform(3), uniform(3), uniform(3)], {})]
