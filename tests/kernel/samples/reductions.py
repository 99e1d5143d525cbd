"""Reductions and scans."""

import numpy as np

from tests.kernel.samples.make import uniform

SAMPLES = [
    ("sum", [uniform(2, 3, 2)], {"axes": (0, 2)}),
    ("prod", [uniform(2, 3)], {"axes": (1,)}),
    ("prod", [np.array([0.0, 2.0, 0.0, 3.0])], {"axes": (0,)}),
    ("max", [uniform(2, 3)], {"axes": (1,)}),
    ("min", [uniform(2, 3)], {"axes": (0, 1)}),
    ("cumsum", [uniform(2, 3)], {"axis": 1, "reverse": False}),
    ("cumsum", [uniform(2, 3)], {"axis": 0, "reverse": True}),
    ("cumprod", [np.array([0.5, 0.0, 2.0, 3.0, 0.0])], {"axis": 0}),
]

FLAT = [
    ("any", [np.array([[True, False]])], {"axes": (1,)}),
    ("all", [np.array([[True, False]])], {"axes": (1,)}),
    ("argmax", [uniform(2, 3)], {"axis": 1}),
    ("argmin", [uniform(2, 3)], {"axis": 0}),
]
