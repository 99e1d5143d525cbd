"""What ``strict=True`` puts behind derivatives."""

import numpy as np

from tests.kernel.samples.make import uniform

KINK = ("abs", " (model.py:1 in f)", "has two slopes", "0")

SAMPLES = [("checked", [uniform(3), np.zeros(2, bool), uniform(2)], {"kinks": (KINK,)})]
