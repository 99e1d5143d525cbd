"""Compiled programs on the CPU. Importing this package loads neither llvmlite nor Numba."""

from diffsci.backends.cpu.program import Binding, Program, compile_graph
from diffsci.backends.cpu.settings import get_num_threads, set_num_threads

__all__ = ["Binding", "Program", "compile_graph", "get_num_threads", "set_num_threads"]
