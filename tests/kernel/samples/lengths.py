"""Lengths, directions and deviations."""

from tests.kernel.samples.make import uniform

SAMPLES = [
    ("hypot_term", [uniform(3), uniform(3)], {"powers": (1, 0, 1)}),
    ("hypot_term", [uniform(3), uniform(3)], {"powers": (1, 1, 3)}),
    ("hypot_term", [uniform(3), uniform(3)], {"powers": (2, 1, 5)}),
    ("length", [uniform(2, 3, 2)], {"axes": (0, 2)}),
    ("direction", [uniform(2, 3)], {"axes": (1,)}),
    ("direction_tangent", [uniform(2, 3), uniform(2, 3)], {"axes": (1,)}),
    ("exact_sum", [uniform(2, 3, 2)], {"axes": (0, 2)}),
    ("deviation", [uniform(2, 3, 2)], {"axes": (0, 2), "factor": 0.5}),
    ("deviation_direction", [uniform(2, 3)], {"axes": (1,)}),
    ("variance", [uniform(2, 3)], {"axes": (1,), "freedom": 2.0}),
    ("standard_deviation", [uniform(2, 3)], {"axes": (0, 1), "freedom": 6.0}),
]

FLAT = []
