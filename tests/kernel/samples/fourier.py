"""Fourier, cosine and sine transforms; complex numbers are pairs along the last axis."""

from tests.kernel.samples.make import uniform

SAMPLES = [
    ("fft", [uniform(5, 2)], {"axes": (0,), "inverse": False}),
    ("fft", [uniform(3, 2, 4, 2)], {"axes": (2, 0), "inverse": True}),
    ("rfft", [uniform(6)], {"axes": (0,)}),
    ("rfft", [uniform(3, 5, 2)], {"axes": (0, 1)}),
    ("irfft", [uniform(4, 2)], {"axes": (0,), "n": 6}),
    ("irfft", [uniform(3, 3, 2, 2)], {"axes": (0, 1), "n": 5}),
    *(("dct", [uniform(5, 2)], {"kind": kind, "axis": 0}) for kind in (1, 2, 3, 4)),
    *(("dst", [uniform(2, 4)], {"kind": kind, "axis": 1}) for kind in (1, 2, 3, 4)),
]
