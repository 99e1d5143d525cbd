"""Error functions: exponentials of squares and their derivatives."""

from tests.kernel.samples.make import uniform

SAMPLES = [
    ("gaussian", [uniform(3)], {"rate": rate, "order": order}) for rate, order in ((-0.5, 1), (1.0, 2))
]
FLAT = [("product_error", [uniform(3), uniform(3)], {})]
