"""LU factors of stacks of matrices: kernels of our own, where a library takes one matrix at a time.

Partial pivoting as LAPACK's getrf, without blocking (Golub and Van Loan, Matrix Computations, algorithm
3.4.1): a block of threads per matrix. Solutions take a thread per right-hand side.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from diffsci.backends.cuda.device import ArrayDevice
from diffsci.backends.cuda.operations import PRELUDE
from diffsci.backends.cuda.source import SCALARS
from diffsci.backends.cuda.steps import CudaProgram, Library, Place
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import DetStep, LuSolveStep, LuStep

__all__ = ["is_stack", "run_stack", "stack_source"]

LARGEST = 128  # order; the library is faster beyond
THREADS = 128

_SOURCE = """
KERNEL stack_factor_{name}(const {real} *a, {real} *lu, long long *pivots, long long n) {
  __shared__ long long pivot;
  const long long size = n * n, base = blockIdx.x * size;
  {real} *m = lu + base;
  for (long long i = threadIdx.x; i < size; i += blockDim.x) m[i] = a[base + i];
  __syncthreads();
  for (long long k = 0; k < n; ++k) {
    if (threadIdx.x == 0) {
      long long best = k;
      {real} most = {fabs}(m[k * n + k]);
      for (long long i = k + 1; i < n; ++i) {
        const {real} next = {fabs}(m[i * n + k]);
        if (next > most) {
          most = next;
          best = i;
        }
      }
      pivot = best;
      pivots[blockIdx.x * n + k] = best;
    }
    __syncthreads();
    if (pivot != k) {
      for (long long j = threadIdx.x; j < n; j += blockDim.x) {
        const {real} upper = m[k * n + j];
        m[k * n + j] = m[pivot * n + j];
        m[pivot * n + j] = upper;
      }
    }
    __syncthreads();
    for (long long i = k + 1 + threadIdx.x; i < n; i += blockDim.x) m[i * n + k] /= m[k * n + k];
    __syncthreads();
    const long long rest = n - k - 1;
    for (long long e = threadIdx.x; e < rest * rest; e += blockDim.x) {
      const long long i = k + 1 + e / rest, j = k + 1 + e % rest;
      m[i * n + j] -= m[i * n + k] * m[k * n + j];
    }
    __syncthreads();
  }
}
KERNEL stack_solve_{name}(const {real} *lu, const long long *pivots, const {real} *b, {real} *x, \
long long n, long long columns, long long count, long long transposed) {
  const long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= count) return;
  const {real} *m = lu + at / columns * n * n;
  const long long *swaps = pivots + at / columns * n;
  const long long first = at / columns * n * columns + at % columns;
  {real} *v = x + first;
  for (long long i = 0; i < n; ++i) v[i * columns] = b[first + i * columns];
  for (long long i = 0; i < n && !transposed; ++i) {
    const {real} own = v[i * columns];
    v[i * columns] = v[swaps[i] * columns];
    v[swaps[i] * columns] = own;
  }
  for (long long i = 0; i < n; ++i) {
    {real} sum = v[i * columns];
    for (long long j = 0; j < i; ++j) sum -= m[transposed ? j * n + i : i * n + j] * v[j * columns];
    v[i * columns] = transposed ? sum / m[i * n + i] : sum;
  }
  for (long long i = n - 1; i >= 0; --i) {
    {real} sum = v[i * columns];
    for (long long j = i + 1; j < n; ++j) sum -= m[transposed ? j * n + i : i * n + j] * v[j * columns];
    v[i * columns] = transposed ? sum : sum / m[i * n + i];
  }
  for (long long i = n - 1; i >= 0 && transposed; --i) {
    const {real} own = v[i * columns];
    v[i * columns] = v[swaps[i] * columns];
    v[swaps[i] * columns] = own;
  }
}
KERNEL stack_det_{name}(const {real} *lu, const long long *pivots, {real} *out, \
long long n, long long count) {
  const long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= count) return;
  {real} product = 1;
  bool singular = false;  // elimination has divided by zero
  for (long long i = 0; i < n; ++i) {
    const {real} factor = lu[(at * n + i) * n + i];
    product *= pivots[at * n + i] == i ? factor : -factor;
    singular = singular || factor == 0;
  }
  out[at] = singular ? 0 : product;
}
"""
_FABS = {"f8": "fabs", "f4": "fabsf"}


def is_stack(step: object) -> bool:
    """Tell whether the kernels do a step: factors of more than one matrix, or what is done with these."""
    return isinstance(step, (LuStep, LuSolveStep, DetStep)) and step.batch > 1 and step.n <= LARGEST


def run_stack(device: ArrayDevice, step: Library, address: Callable[[Place], int]) -> None:
    """Do a step of LU factors of a stack."""
    code = code_of(step.dtype)
    module = device.compile(stack_source(code), CudaProgram.options)
    kernel, names, numbers, count = _call(step.step)
    grid = count if kernel == "factor" else -(-count // THREADS)
    arguments = [*(address(step.places[name]) for name in names), *numbers]
    module.launch(f"stack_{kernel}_{code}", grid, THREADS, arguments)


@functools.cache
def stack_source(code: str) -> str:
    """Return the text of the kernels for a type of numbers: ``f8`` or ``f4``."""
    text = _SOURCE
    for key, value in {"{name}": code, "{real}": SCALARS[code], "{fabs}": _FABS[code]}.items():
        text = text.replace(key, value)
    return PRELUDE + text


def _call(step: LuStep | LuSolveStep | DetStep) -> tuple[str, list[str], list[int], int]:
    """Return the kernel, the arrays and numbers that it takes, and how many blocks or threads it needs."""
    if isinstance(step, LuStep):
        return "factor", ["a", "lu", "pivots"], [step.n], step.batch
    if isinstance(step, DetStep):
        return "det", ["lu", "pivots", "out"], [step.n, step.batch], step.batch
    count = step.batch * step.columns
    numbers = [step.n, step.columns, count, int(step.transposed)]
    return "solve", ["lu", "pivots", "b", "x"], numbers, count
