"""Measuring fairly: contestants in turn, in one process, medians over repeats, no garbage collection."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from importlib import metadata
from statistics import median_high

PACKAGES = (
    "numpy", "scipy", "numba", "llvmlite", "jax", "diffrax", "casadi", "autograd", "torch", "pytensor",
    "mpmath", "cupy-cuda12x",
)  # fmt: skip
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def define_threads(count: int | None = None) -> int:
    """Give every library the same number of threads; call before importing any of them."""
    threads = count or len(os.sched_getaffinity(0))
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, str(threads))
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    return threads


@contextmanager
def no_garbage_collection():
    """Hold the collector still for the duration of a measurement."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def calls_per_sample(function: Callable[[], object], target: float) -> int:
    """How many calls make a sample of about ``target`` seconds (the clock should not be what is measured)."""
    function()
    start = time.perf_counter()
    function()
    once = max(time.perf_counter() - start, 1e-8)
    return max(1, min(100_000, int(target / once)))


def interleaved(
    contestants: dict[str, Callable[[], object]],
    repeats: int = 15,
    sample: float = 0.02,
    pick: Callable[[list[float]], float] = median_high,
) -> dict[str, float]:
    """Seconds per call of every contestant, the median or what `pick` takes from the repeats.

    They take turns, so that a slow spell hits all of them. The first call of a turn is not counted: it finds
    the caches full of what the contestant before has left, and waits until that is written back.
    """
    counts = {name: calls_per_sample(function, sample) for name, function in contestants.items()}
    samples: dict[str, list[float]] = {name: [] for name in contestants}
    with no_garbage_collection():
        for _ in range(repeats):
            for name, function in contestants.items():
                count = counts[name]
                function()
                start = time.perf_counter()
                for _ in range(count):
                    function()
                samples[name].append((time.perf_counter() - start) / count)
    return {name: pick(times) for name, times in samples.items()}


def process_seconds(
    command: list[str], environment: dict[str, str] | None = None, cwd: str | None = None
) -> float:
    """Wall-clock seconds of a fresh process; a failing process is an error, not a time."""
    start = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **(environment or {})}, cwd=cwd, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr[-2000:]}")
    return seconds


def versions() -> dict[str, str]:
    """What was measured with: Python, packages, processor, threads."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    found["processor"] = processor_name()
    found["cores"] = str(len(os.sched_getaffinity(0)))
    found["load average"] = f"{os.getloadavg()[0]:.1f}"
    found["threads"] = ", ".join(f"{name}={os.environ.get(name, 'unset')}" for name in THREAD_VARIABLES)
    return found


def busy() -> str | None:
    """A warning if other work runs on this machine: times will be too large, ratios uncertain."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    return (
        f"the machine is busy (load {load:.1f} on {cores} cores): do not trust these times"
        if load > 1
        else None
    )


def processor_name() -> str:
    """The processor's name as the system tells it."""
    if sys.platform.startswith("linux"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
