"""Complex values as pairs of real ones: programs stay real, in every mode and on every backend."""

from diffsci.tracing.complex.array import ComplexArray, is_complex, make_complex

__all__ = ["ComplexArray", "is_complex", "make_complex"]
