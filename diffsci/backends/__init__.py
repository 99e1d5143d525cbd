"""From a graph to numbers: the NumPy interpreter (the oracle) and the native CPU backend."""
