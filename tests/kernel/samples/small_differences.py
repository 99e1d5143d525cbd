"""Functions that keep the digits of small differences, and their derivatives."""

from tests.kernel.samples.make import uniform


def plus(n):
    """`n` arrays of positive numbers."""
    return [uniform(3, low=0.2, high=0.9) for _ in range(n)]


NAMES = "exprel phi2 bernoulli log1pmx log1pmx_slope cosm1 sqrt1pm1 sinc sinc_unnormalized".split()

SAMPLES = [
    *[(name, plus(1), {}) for name in NAMES],
    ("phi_derivative", plus(1), {"k": 1, "order": 2}),
    ("phi_derivative", plus(1), {"k": 2, "order": 1}),
    *[
        (f"{name}_derivative", plus(1), {"order": order})
        for name in ("bernoulli", "sinc", "sinc_unnormalized")
        for order in (1, 2)
    ],
]
