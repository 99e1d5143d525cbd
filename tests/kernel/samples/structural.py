"""Operations that move elements, by fixed shapes or by index arrays."""

import numpy as np

from tests.kernel.samples.make import uniform

INDEX = np.array([2, 0, 2])

SAMPLES = [
    ("broadcast", [uniform(3)], {"shape": (2, 3), "axes": (1,)}),
    ("broadcast", [uniform(1, 3)], {"shape": (4, 2, 3), "axes": (0, 2)}),
    ("reshape", [uniform(2, 3)], {"shape": (3, 2)}),
    ("transpose", [uniform(2, 3, 4)], {"perm": (2, 0, 1)}),
    ("slice", [uniform(5, 4)], {"start": (1, 0), "stop": (5, 4), "step": (2, 3)}),
    ("pad", [uniform(2, 3)], {"low": (1, 0), "high": (0, 2), "interior": (2, 0)}),
    ("set_slice", [uniform(5), uniform(2)], {"start": (1,), "step": (2,)}),
    ("flip", [uniform(2, 3)], {"axes": (1,)}),
    ("roll", [uniform(3, 4)], {"shift": (1, 3)}),
    ("concatenate", [uniform(2, 1), uniform(2, 3)], {"axis": 1}),
    ("place", [uniform(2, 3), uniform(6)], {"shape": (4, 3), "starts": (1, 0), "strides": ((6, 2), (2,))}),
    ("take", [uniform(2, 4), INDEX], {"axis": 1}),
    ("take", [uniform(4, 2), np.array([[0, 3], [1, 1]])], {"axis": 0}),
    ("put", [uniform(4), np.array([1, 3]), uniform(2)], {"axis": 0}),
    ("put", [uniform(2, 4), INDEX, uniform(2, 3)], {"axis": 1}),
    ("put_add", [uniform(4), INDEX, uniform(3)], {"axis": 0}),
    ("put_add", [uniform(4, 2), INDEX, uniform(3, 2)], {"axis": 0}),
]
