"""Contractions, solves, determinants."""

from tests.kernel.samples.make import uniform, well_conditioned

SAMPLES = [
    ("contract", [uniform(2, 3), uniform(3, 4)], {"spec": ("ik", "kj", "ij")}),
    ("contract", [uniform(2, 3), uniform(2)], {"spec": ("bi", "b", "b")}),
    ("contract", [uniform(5, 2, 3), uniform(5, 3)], {"spec": ("bij", "bj", "jb")}),
    ("solve", [well_conditioned(3, 3), uniform(3)], {"transposed": False}),
    ("solve", [well_conditioned(3, 3), uniform(3, 2)], {"transposed": True}),
    ("solve", [well_conditioned(2, 3, 3), uniform(2, 3)], {"transposed": True}),
    ("det", [well_conditioned(3, 3)], {}),
    ("det", [well_conditioned(2, 3, 3)], {}),
]
