"""A model's helpers in a module of their own."""

import numpy as np


def entropy(p):
    """Wrong at 0, where p log(p) has a limit."""
    logs = np.log(p)  # here
    return -np.sum(p * logs)


class Gas:
    """A class of the user's, with a method that fails."""

    def __init__(self, gamma):
        self.gamma = gamma

    def sound(self, pressure, density):
        """The speed of sound."""
        squared = self.gamma * pressure / density
        return np.sqrt(squared)  # here
