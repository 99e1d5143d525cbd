"""Functions that models keep in another module: tracing has to follow the call."""

import numpy as np

SCALE = 2.0


def arrhenius(temperature, prefactor, energy):
    """A rate law."""
    return prefactor * np.exp(-energy / (8.314 * temperature))


def scaled(x):
    """Reads a global of this module."""
    return SCALE * x


class Material:
    """Parameters kept on an object, with a method that computes."""

    def __init__(self, stiffness, exponent):
        self.stiffness, self.exponent = stiffness, exponent

    def stress(self, strain):
        """A power law."""
        return self.stiffness * strain**self.exponent
