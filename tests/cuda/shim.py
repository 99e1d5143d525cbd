"""A device that is this machine's processor: kernels are compiled as C++ and run block by block.

The threads of a block that meets barriers are fibers, which take turns from barrier to barrier; a kernel in
which only some threads reach a barrier is an error here, as it is on a device.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from diffsci.backends.cuda.steps import Library

__all__ = ["ShimDevice", "ShimModule"]

_HEADER = r"""
typedef struct { unsigned x, y, z; } shim_dim;
extern "C" {
extern shim_dim threadIdx, blockIdx, blockDim, gridDim;
void shim_barrier();
void shim_run(void (*)(long long *), int, int, long long *, int);
double fma(double, double, double); float fmaf(float, float, float);
double fabs(double); float fabsf(float); double sqrt(double); float sqrtf(float);
double floor(double); float floorf(float); double ceil(double); float ceilf(float);
double trunc(double); float truncf(float); double rint(double); float rintf(float);
double copysign(double, double); float copysignf(float, float);
double fmod(double, double); float fmodf(float, float);
double exp10(double);
}
#define __global__
#define __device__
#define __constant__ const
#define __shared__ static
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(n)
#define __syncthreads() shim_barrier()
template <typename To, typename From> static inline To shim_bits(From x) {
  To y;
  __builtin_memcpy(&y, &x, sizeof y);
  return y;
}
static inline double __longlong_as_double(long long x) { return shim_bits<double>(x); }
static inline long long __double_as_longlong(double x) { return shim_bits<long long>(x); }
static inline float __int_as_float(int x) { return shim_bits<float>(x); }
static inline int __float_as_int(float x) { return shim_bits<int>(x); }
"""

_RUNTIME = r"""
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
struct shim_dim { unsigned x, y, z; };
extern "C" { shim_dim threadIdx, blockIdx, blockDim, gridDim; }
enum { MOST = 1024, STACK = 1 << 18 };
static ucontext_t contexts[MOST];
static jmp_buf scheduler, jumps[MOST];
static bool begun[MOST], finished[MOST];
static int current, prepared;
static void (*body)(long long *);
static long long *arguments;

static void enter() {
  body(arguments);
  finished[current] = true;
  _longjmp(scheduler, 1);
}

extern "C" void shim_barrier() {
  if (!_setjmp(jumps[current])) _longjmp(scheduler, 1);
}

static void run_fibers(int block) {
  for (; prepared < block; ++prepared) {
    getcontext(&contexts[prepared]);
    contexts[prepared].uc_stack.ss_sp = malloc(STACK);
    contexts[prepared].uc_stack.ss_size = STACK;
  }
  for (int t = 0; t < block; ++t) {
    begun[t] = finished[t] = false;
    makecontext(&contexts[t], enter, 0);
  }
  for (volatile int done = 0; done == 0;) {
    for (volatile int t = 0; t < block; ++t) {
      current = t;
      threadIdx.x = t;
      if (!_setjmp(scheduler)) {
        if (begun[t]) _longjmp(jumps[t], 1);
        begun[t] = true;
        setcontext(&contexts[t]);
      }
      done = done + finished[t];
    }
    if (done != 0 && done != block) {
      fprintf(stderr, "%d of %d threads did not reach a barrier\n", done, block);
      abort();
    }
  }
}

extern "C" void shim_run(void (*kernel)(long long *), int grid, int block, long long *a, int barriers) {
  body = kernel;
  arguments = a;
  gridDim.x = grid;
  blockDim.x = block;
  for (int b = 0; b < grid; ++b) {
    blockIdx.x = b;
    if (barriers) {
      run_fibers(block);
    } else {
      for (int t = 0; t < block; ++t) {
        threadIdx.x = t;
        kernel(a);
      }
    }
  }
}
"""

_KERNEL = re.compile(r"^KERNEL (?:__launch_bounds__\(\d+\) )?(\w+)\(([^)]*)\) \{$(.*?)^\}$", re.M | re.S)


def _compiler() -> str:
    found = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("c++")
    if found is None:
        pytest.skip("no C++ compiler: set CXX")
    return found


@functools.cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="diffsci-shim-"))


@functools.cache
def _flags() -> tuple[str, ...]:
    try:
        fused = "fma" in Path("/proc/cpuinfo").read_text().split()
    except OSError:
        fused = False
    return ("-mfma",) if fused else ()


def _build(text: str, level: str, libraries: tuple[str, ...] = ()) -> Path:
    stem = hashlib.sha256(text.encode()).hexdigest()[:20]
    source, target = _folder() / f"{stem}.cpp", _folder() / f"lib{stem}.so"
    source.write_text(text)
    flags = [
        level,
        "-std=c++17",
        "-fPIC",
        "-shared",
        "-w",
        "-ffp-contract=off",
        "-U_FORTIFY_SOURCE",
        *_flags(),
    ]
    command = [_compiler(), *flags, str(source), "-o", str(target), *libraries, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr[:4000]}\n{source}"
    return target


@functools.cache
def _runtime() -> ctypes.CDLL:
    return ctypes.CDLL(str(_build(_RUNTIME, "-O1")), mode=ctypes.RTLD_GLOBAL)


_launchers: dict[str, object] = {}


def _wrapper(name: str, parameters: str, text: str) -> str:
    kinds = [
        re.sub(r"\w+$", "", parameter.replace("__restrict__ ", "")) for parameter in parameters.split(",")
    ]
    values = [f"({kind})a[{i}]" for i, kind in enumerate(kinds)]
    barriers = int("__shared__" in text)
    return (
        f"static void call_{name}(long long *a) {{ {name}({', '.join(values)}); }}\n"
        f'extern "C" void launch_{name}(int grid, int block, long long *a) '
        f"{{ shim_run(call_{name}, grid, block, a, {barriers}); }}\n"
    )


class ShimModule:
    """A compiled source; kernels of equal names (which follow from their texts) are compiled once."""

    def __init__(self, source: str):
        _runtime()
        kernels = _KERNEL.findall(source)
        assert len(kernels) == source.count("\nKERNEL "), "a kernel has another form than expected"
        self.names = {name for name, _, _ in kernels}
        if self.names <= _launchers.keys():
            return
        wrappers = "".join(_wrapper(*kernel) for kernel in kernels)
        library = ctypes.CDLL(str(_build(_HEADER + source + wrappers, "-O0")))
        for name in self.names:
            launcher = getattr(library, f"launch_{name}")
            launcher.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
            launcher.restype = None
            _launchers[name] = launcher

    def launch(self, name, grid, block, arguments) -> None:
        assert name in self.names, name
        assert 0 < block <= 1024
        assert 0 < grid < 2**31
        words = np.array(arguments, dtype=np.int64)
        _launchers[name](grid, block, words.ctypes.data)


class _Memory:
    """Memory filled with what no program may rely on."""

    def __init__(self, nbytes: int):
        raw = np.full(nbytes + 256, 0xA5, np.uint8)
        start = -raw.ctypes.data % 256
        self.array = raw[start : start + nbytes]
        self.ptr = raw.ctypes.data + start


def view(address: int, shape, dtype) -> np.ndarray:
    """Return an array over memory of the device."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size == 0:
        return np.empty(shape, dtype)
    return np.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape)


class ShimDevice:
    """The protocol of devices on this machine's memory."""

    def compile(self, source, options=()) -> ShimModule:
        return ShimModule(source)

    def empty(self, nbytes) -> _Memory:
        return _Memory(nbytes)

    def upload(self, target, array) -> None:
        ctypes.memmove(target, np.ascontiguousarray(array).ctypes.data, array.nbytes)

    def download(self, array, source) -> None:
        ctypes.memmove(array.ctypes.data, source, array.nbytes)

    def zero(self, target, nbytes) -> None:
        ctypes.memset(target, 0, nbytes)

    def sort(self, keys, order, count) -> None:
        view(order, count, np.int64)[...] = np.argsort(view(keys, count, np.int64), kind="stable")

    def library(self, step: Library, address) -> None:
        from tests.cuda.library import run

        run(step, address)
