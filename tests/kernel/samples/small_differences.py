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
    ("ratio", plus(2), {}),
    *[
        (
            "quadratic_root",
            [uniform(3, low=0.5, high=1.0), uniform(3, low=3.0, high=4.0), uniform(3, low=0.5, high=1.0)],
            {"upper": upper, "count": count, "power": power},
        )
        for upper, count, power in ((False, 0, 0), (True, 0, 0), (True, 1, 1), (False, 2, 3))
    ],
]
