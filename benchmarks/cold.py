"""Compile one case with one library, and print how long it took: ``python -m benchmarks.cold CASE WHO``."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
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


def of_casadi(case: str) -> tuple[Callable, tuple]:
    """Return CasADi's: symbols are put in when it is first called, as others trace."""
    import casadi

    function, args = model(case, SimpleNamespace(array=lambda parts: casadi.vertcat(*parts)))

    def build() -> Callable:
        y, k = (casadi.SX.sym(name, len(x)) for name, x in zip("yk", args, strict=True))
        out = function(casadi.vertsplit(y), casadi.vertsplit(k))
        if case.endswith(ALONE):
            return casadi.Function("rhs", [y, k], [out])
        ct = casadi.SX.sym("ct", len(args[0]))
        back = casadi.jtimes(out, casadi.vertcat(y, k), ct, True)
        return casadi.Function("both", [y, k, ct], [out, back])

    return _when_called(build), args if case.endswith(ALONE) else (*args, np.ones(len(args[0])))


def of_pytensor(case: str) -> tuple[Callable, tuple]:
    """Return PyTensor's in its default mode, built when it is first called."""
    import pytensor
    import pytensor.tensor as pt

    function, args = model(case, SimpleNamespace(array=pt.stack))

    def build() -> Callable:
        y, k, ct = (pt.TensorType("float64", (len(x),))() for x in (*args, args[0]))
        out = function(y, k)
        if case.endswith(ALONE):
            return pytensor.function([y, k], out)
        return pytensor.function([y, k, ct], [out, *pytensor.grad(pt.sum(out * ct), [y, k])])

    return _when_called(build), args if case.endswith(ALONE) else (*args, np.ones(len(args[0])))


def _when_called(build: Callable[[], Callable]) -> Callable:
    """Return a function that is built at its first call."""
    built = functools.cache(build)
    return lambda *args: built()(*args)


LIBRARIES = {"diffsci": ours, "jax": of_jax, "casadi": of_casadi, "pytensor": of_pytensor}


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
