"""What bounds programs on this processor, measured once and kept beside the compiled programs."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from diffsci.backends.cpu.settings import get_num_threads
from diffsci.backends.plan.report import Machine
from diffsci.graph import Builder, Graph, Type
from diffsci.native import cache

__all__ = ["this_machine"]

_SIZES = (1 << 17, 1 << 20, 1 << 22, 1 << 24, 1 << 27)
_CHAIN = 64  # additions and multiplications in a row, on values that stay in the first cache
_CHAIN_SIZE = 1 << 11
_TRAFFIC = 1 << 26  # bytes a copy is measured over: threads start in less time than that takes
_REPEATS = 7
_VERSION = 1


def this_machine() -> Machine:
    """Return the constants of this processor for the present number of threads."""
    return _machine(get_num_threads())


@functools.cache
def _machine(threads: int) -> Machine:
    name = platform.processor() or platform.machine()
    key = f"machine-{_VERSION}-{platform.node()}-{os.cpu_count()}-{threads}"
    stored = cache.read(key)
    if stored is None:
        rates = [_bandwidth(size, threads) for size in _SIZES]
        # Less memory is never slower: where it seems so, something else was running.
        figures = {"bandwidths": [(size, max(rates[place:])) for place, size in enumerate(_SIZES)]}
        figures["operations"] = _operations() * threads
        cache.write(key, {}, json.dumps(figures).encode())
    else:
        figures = json.loads(stored[1])
    rates = tuple((size, rate) for size, rate in figures["bandwidths"])
    return Machine(rates, figures["operations"], threads, name)


def _bandwidth(size: int, threads: int) -> float:
    """Return bytes per second, read plus written, of copies within so many bytes in all."""
    part = max(1, size // 16 // threads)
    pairs = [(np.ones(part), np.ones(part)) for _ in range(threads)]
    rounds = max(1, _TRAFFIC // size)

    def copies(pair) -> None:
        for _ in range(rounds):
            np.copyto(*pair)

    with ThreadPoolExecutor(threads) as pool:
        seconds = _least(lambda: list(pool.map(copies, pairs)))
    return 16.0 * part * threads * rounds / seconds


def _operations() -> float:
    """Return additions per second of one thread in a compiled loop."""
    from diffsci.backends.cpu.program import compile_graph

    b = Builder()
    x = b.input(Type((_CHAIN_SIZE,), np.dtype(float)))
    values = [x] * 4  # chains that do not wait for each other
    for step in range(_CHAIN // 4):
        values = [(b.add if step % 2 else b.mul)(value, x) for value in _apart(b, values, step)]
    total = functools.reduce(b.add, values)
    program = compile_graph(Graph([x], [total]))
    binding = program.bind([np.full(_CHAIN_SIZE, 0.5)])
    native = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(program.address)
    slots = binding.slots.ctypes.data
    seconds = _least(lambda: [native(slots) for _ in range(64)]) / 64
    return (_CHAIN + 3) * _CHAIN_SIZE / seconds


def _apart(b: Builder, values: list, step: int) -> list:
    """Keep the chains different: equal operations would be computed once."""
    return values if step else [b.mul(value, _constant(b, k)) for k, value in enumerate(values)]


def _constant(b: Builder, k: int):
    return b.broadcast(b.const(1.0 + k / 8), shape=(_CHAIN_SIZE,), axes=())


def _least(run) -> float:
    best = float("inf")
    run()
    for _ in range(_REPEATS):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best
