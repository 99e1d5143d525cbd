"""Functions by which the threads of a block join their results, and the kernels that finish reductions."""

from __future__ import annotations

from diffsci.backends.cuda.operations import combine, wins
from diffsci.backends.cuda.shapes import THREADS
from diffsci.backends.cuda.source import MEMORY, SCALARS, literal, named
from diffsci.backends.plan.codes import identity_of

__all__ = ["block_function", "combine_kernel", "fill_kernel", "scan_function"]

# Thread t holds element t / width of column t % width. Halves are joined with halves: the order depends on
# nothing but the number of threads, which is written in the kernel.
_JOIN = """\
  const int t = threadIdx.x;
  cells[t] = value;
  __syncthreads();
  for (int half = blockDim.x / 2; half >= width; half >>= 1) {{
    if (t < half) cells[t] = {joined};
    __syncthreads();
  }}
  value = cells[t % width]{test};
  __syncthreads();
  return value;
"""
_JOIN_PLACES = """\
  const int t = threadIdx.x;
  cells[t] = best;
  places[t] = where;
  __syncthreads();
  for (int half = blockDim.x / 2; half >= width; half >>= 1) {{
    if (t < half) {{
      const {kind} value = cells[t + half]{test};
      const long long place = places[t + half];
      best = cells[t]{test};
      where = places[t];
      if ({wins}) {{ cells[t] = value; places[t] = place; }}
    }}
    __syncthreads();
  }}
  best = cells[t % width]{test};
  where = places[t % width];
  __syncthreads();
"""
# Thread t gets the running result of its column from the first element to its own.
_SCAN = """\
  const int t = threadIdx.x;
  cells[t] = value;
  __syncthreads();
  for (int step = width; step < blockDim.x; step <<= 1) {{
    if (t >= step) value = {joined};
    __syncthreads();
    cells[t] = value;
    __syncthreads();
  }}
  const {kind} total = cells[blockDim.x - width + t % width]{test};
  __syncthreads();
  return total;
"""
_COMBINE = """\
  __shared__ {memory} cells[{threads}];
  {kind} total = {identity};
  for (long long i = threadIdx.x; i < count; i += {threads}) total = {step};
  total = {function}(total, cells, 1);
  if (threadIdx.x == 0) out[0] = total;
"""
_FILL = """\
  const long long i = (long long)blockIdx.x * {threads} + threadIdx.x;
  if (i < count) out[i] = {identity};
"""


def _test(code: str) -> str:
    return " != 0" if code == "b1" else ""


def block_function(op: str, code: str, with_place: bool = False) -> tuple[str, str]:
    """Return name and text of the function that joins the values of the threads of a block, per column.

    Every thread of the block calls it and gets the result of its column.
    """
    kind, memory, test = SCALARS[code], MEMORY[code], _test(code)
    if with_place:
        accumulators = f"{kind} &best, long long &where"
        head = f"INNER void {{name}}({accumulators}, {memory} *cells, long long *places, int width)"
        condition = wins(op, code, "value", "place", "best", "where")
        return named(f"block_{op}", head, _JOIN_PLACES.format(kind=kind, test=test, wins=condition))
    head = f"INNER {kind} {{name}}({kind} value, {memory} *cells, int width)"
    cells = ("(cells[t] != 0)", "(cells[t + half] != 0)") if code == "b1" else ("cells[t]", "cells[t + half]")
    return named(f"block_{op}", head, _JOIN.format(joined=combine(op, code, *cells), test=test))


def scan_function(op: str, code: str) -> tuple[str, str]:
    """Return name and text of the function that makes running results of the values of a block, per column.

    Every thread of the block calls it, has its value replaced, and gets the result of its whole column.
    """
    kind, memory, test = SCALARS[code], MEMORY[code], _test(code)
    joined = combine(op, code, f"(cells[t - step]{test})", "value")
    head = f"INNER {kind} {{name}}({kind} &value, {memory} *cells, int width)"
    return named(f"scan_{op}", head, _SCAN.format(kind=kind, joined=joined, test=test))


def combine_kernel(op: str, code: str) -> tuple[str, str, str]:
    """Return name, text and block function of a kernel ``(partials, count, out)`` of one block."""
    function, text = block_function(op, code)
    value = "(p[i] != 0)" if code == "b1" else "p[i]"
    body = _COMBINE.format(
        memory=MEMORY[code],
        kind=SCALARS[code],
        threads=THREADS,
        identity=literal(identity_of(op, code), code),
        step=combine(op, code, "total", value),
        function=function,
    )
    head = f"KERNEL {{name}}(const {MEMORY[code]} *p, long long count, {MEMORY[code]} *out)"
    return (*named("combine", head, body), text)


def fill_kernel(op: str, code: str) -> tuple[str, str]:
    """Return name and text of a kernel ``(out, count)`` that writes the identity of a reduction."""
    value = identity_of(op, code)
    body = _FILL.format(threads=THREADS, identity=int(value) if code == "b1" else literal(value, code))
    return named("fill", f"KERNEL {{name}}({MEMORY[code]} *out, long long count)", body)
