"""What native programs compute again in Python."""

import numpy as np

from tests.kernel.samples.make import uniform

ALL = np.ones(3, bool)
X = uniform(3)

SAMPLES = [("repaired", [np.sin(X), ALL, X], {"of": "sin", "options": ()})]
