"""Sorting, search and convolution."""

import numpy as np

from tests.kernel.samples.make import uniform

APART = np.array([[0.3, -1.0, 2.0, 0.9], [4.0, 0.1, 0.2, -3.0]])
TIED = np.array([[1, 1, 2, 5], [0, 3, 3, 3]])

SAMPLES = [
    ("sort", [APART], {}),
    ("tie_average", [TIED, uniform(2, 4)], {}),
    ("convolve", [uniform(4), uniform(3)], {}),
    ("convolve", [uniform(2, 2), uniform(2, 3)], {}),
]

FLAT = [
    ("argsort", [APART], {"stable": True}),
    ("argpartition", [APART], {"kth": (1,)}),
    ("searchsorted", [np.array([0.0, 1.0, 2.0]), uniform(4)], {"side": "left"}),
    ("searchsorted", [np.sort(APART), uniform(2, 3)], {"side": "right"}),
]
