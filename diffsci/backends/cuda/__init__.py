"""The CUDA backend: a plan as CUDA C kernels and the list of steps that runs them."""
