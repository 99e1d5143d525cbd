"""Error bars of gradients beside their true errors, by evaluating the same programs with 60 digits."""

from benchmarks.rounding.compare import Comparison, compare, measure

__all__ = ["Comparison", "compare", "measure"]
