"""Compile one case with one library, and print how long it took: ``python -m benchmarks.cold CASE WHO``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.adbench import gmm
from benchmarks.chemistry import growth, mass_action, pollu
from benchmarks.peers.same_source import on

SPECIES, REACTIONS = 500, 1000
ALONE = "-alone"  # ends the name of a case without its derivative


def model(case: str, array: Any = np) -> tuple[Callable, tuple]:
    """Return a function written against NumPy, or a library that looks like it, and its arguments."""
    draw = np.random.default_rng(0)
    if case == "gmm":
        d, k, n = 10, 25, 1000
        sizes = (k,), (k, d), (k, d * (d + 1) // 2), (n, d)
        return gmm.objective, (*(draw.normal(size=size) for size in sizes), 1.0, 0)
    if case.startswith("growth"):
        return growth.program(int(case.removeprefix("growth"))), (np.linspace(0.1, 1.0, growth.STATES),)
    if case == "pollu":
        return on(pollu, np=array).rhs, (pollu.Y0 + 0.1, pollu.RATES)
    network = mass_action.random_network(SPECIES, REACTIONS)
    point = draw.uniform(0.1, 1.0, SPECIES), draw.uniform(0.1, 1.0, REACTIONS)
    if case.startswith("generated"):
        return mass_action.generated(network, SPECIES, array), point
    return getattr(mass_action, case)(network, SPECIES), point


def ours(case: str) -> tuple[Callable, tuple]:
    """Return a compiled function of ours, not called yet."""
    import diffsci as ds

    function, args = model(case)
    if case.endswith(ALONE):
        return ds.jit(function), args
    if case == "gmm":
        return ds.jit(ds.value_and_grad(function, argnums=(0, 1, 2))), args
    if case.startswith("growth"):
        return ds.jit(ds.value_and_grad(function)), args

    def both(y, k, ct):
        out, pullback = ds.vjp(function, y, k)
        return out, pullback(ct)

    return ds.jit(both), (*args, np.ones(len(args[0])))


def of_jax(case: str) -> tuple[Callable, tuple]:
    """Return JAX's, not called yet."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    function, args = model(case, jnp)

    def both(y, k, ct):
        out, pullback = jax.vjp(function, y, k)
        return out, pullback(ct)

    compiled = jax.jit(function if case.endswith(ALONE) else both)
    args = args if case.endswith(ALONE) else (*args, np.ones(len(args[0])))
    return lambda *x: jax.block_until_ready(compiled(*x)), args


LIBRARIES = {"diffsci": ours, "jax": of_jax}


def operations(function: Callable, args: tuple) -> int:
    """Return how many operations a compiled function of ours has."""
    return len(function.lower(*args).graph.nodes)


def main() -> None:
    """Time the first call and later ones."""
    case, library = sys.argv[1:]
    function, args = LIBRARIES[library](case)
    start = time.perf_counter()
    function(*args)
    found = {"first": time.perf_counter() - start}
    later = []
    for _ in range(200):
        start = time.perf_counter()
        function(*args)
        later.append(time.perf_counter() - start)
        if sum(later) > 2:
            break
    found["later"] = sorted(later)[len(later) // 2]
    if library == "diffsci":
        found["operations"] = operations(function, args)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
