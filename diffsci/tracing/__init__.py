"""From a user's NumPy function to a graph."""

from diffsci.tracing.array import TracedArray
from diffsci.tracing.chance import DRAWN
from diffsci.tracing.function import Traced, trace_function
from diffsci.tracing.trace import current_trace, is_tracing

__all__ = ["DRAWN", "Traced", "TracedArray", "current_trace", "is_tracing", "trace_function"]
