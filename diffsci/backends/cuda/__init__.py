"""The CUDA backend: a plan as CUDA C kernels, the list of steps that runs them, and what runs the steps."""

from diffsci.backends.cuda.machine import Machine, cupy_machine

__all__ = ["Machine", "cupy_machine"]
