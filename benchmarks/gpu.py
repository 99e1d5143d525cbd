"""Programs on a GPU against its memory's speed and JAX: Gray-Scott, and value and gradient of a sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.elementwise import objective
from benchmarks.report import Table
from benchmarks.stencil_models import gray_scott
from benchmarks.timing import interleaved

SIDE, LARGE = 8192, 100_000_000
OF_COPY, OF_JAX = 0.7, 1.0
RHS_FIELDS, VJP_FIELDS = 4, 6  # of the grid, each read or written once


def measure(threads: int) -> Table:
    """Check the answers at a small size, then time contestants and a copy in turn."""
    from diffsci.backends.cuda.cupy_device import found_problem

    table = Table("gpu", f"CUDA, float64: Gray-Scott {SIDE} x {SIDE}, and a sum over {LARGE:.0e} elements")
    problem = found_problem()
    if problem:
        table.missing("all measurements", f"no CUDA device: {problem}")
        return table
    import cupy

    peer = _jax()
    if peer is None:
        table.missing("JAX", "it sees no GPU")
    table.missing(
        "device", f"{cupy.cuda.runtime.getDeviceProperties(0)['name'].decode()}, CuPy {cupy.__version__}"
    )
    _check(cupy)
    _gray_scott(table, cupy, peer)
    _sum(table, cupy, peer)
    return table


def _jax() -> Any:
    try:
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    return jax if any(d.platform == "gpu" for d in jax.devices()) else None


def _ours() -> tuple[Callable, Callable, Callable]:
    import diffsci as ds

    rhs = ds.jit(gray_scott, backend="cupy")
    pullback = ds.jit(lambda y, ct: ds.vjp(gray_scott, y)[1](ct)[0], backend="cupy")
    return rhs, pullback, ds.jit(ds.value_and_grad(objective), backend="cupy")


def _check(cupy: Any) -> None:
    import diffsci as ds

    rhs, pullback, total = _ours()
    rng = np.random.default_rng(0)
    y, ct, x = rng.standard_normal((2, 64, 64)), rng.standard_normal((2, 64, 64)), rng.random(10_000)
    pairs = [
        (rhs(cupy.asarray(y)), gray_scott(y)),
        (pullback(cupy.asarray(y), cupy.asarray(ct)), ds.vjp(gray_scott, y)[1](ct)[0]),
        (total(cupy.asarray(x))[1], ds.grad(objective)(x)),
    ]
    for found, expected in pairs:
        np.testing.assert_allclose(cupy.asnumpy(found), expected, rtol=1e-11, atol=1e-11)


def _timed(cupy: Any, contestants: dict[str, Callable]) -> dict[str, float]:
    """Seconds per call, until the device is done."""

    def finished(function: Callable) -> Callable:
        def run():
            function()
            cupy.cuda.get_current_stream().synchronize()

        return run

    return interleaved({name: finished(f) for name, f in contestants.items()}, repeats=15, sample=0.05)


def _gray_scott(table: Table, cupy: Any, jax: Any) -> None:
    rhs, pullback, _ = _ours()
    y, ct = (cupy.random.standard_normal((2, SIDE, SIDE)) for _ in range(2))
    other = cupy.empty_like(y)
    timed = {"copy": lambda: cupy.copyto(other, y), "rhs": lambda: rhs(y), "vjp": lambda: pullback(y, ct)}
    seconds = _timed(cupy, timed)
    copied = 2 * y.nbytes / seconds["copy"]
    table.add("copy of the state", copied / 1e9, "GB/s")
    theirs = {} if jax is None else _gray_scott_jax(cupy, jax, y, ct)
    for name, fields in (("rhs", RHS_FIELDS), ("vjp", VJP_FIELDS)):
        _rows(table, f"Gray-Scott {name}", seconds[name], fields * y.nbytes / 2, copied, theirs.get(name))


def _gray_scott_jax(cupy: Any, jax: Any, y: Any, ct: Any) -> dict[str, float]:
    from benchmarks.peers import stencils_jax

    rhs, pullback = stencils_jax.functions(gray_scott, cupy.asnumpy(y), (), cupy.asnumpy(ct))
    return _timed(cupy, {"rhs": rhs, "vjp": pullback})


def _sum(table: Table, cupy: Any, jax: Any) -> None:
    _, _, total = _ours()
    x = cupy.random.random(LARGE) + 0.5
    other = cupy.empty_like(x)
    seconds = _timed(cupy, {"copy": lambda: cupy.copyto(other, x), "sum": lambda: total(x)})
    theirs = None
    if jax is not None:
        jnp = jax.numpy
        compiled = jax.jit(
            jax.value_and_grad(lambda x: jnp.sum(jnp.sin(x) * jnp.exp(-x) + jnp.sqrt(x) * x**2))
        )
        held = jnp.asarray(cupy.asnumpy(x))
        theirs = _timed(cupy, {"sum": lambda: jax.block_until_ready(compiled(held))})["sum"]
    copied = 2 * x.nbytes / seconds["copy"]
    _rows(table, "value and gradient of a sum", seconds["sum"], 2 * x.nbytes, copied, theirs)


def _rows(table: Table, what: str, ours: float, moved: float, copied: float, theirs: float | None) -> None:
    table.add(what, ours)
    note = f"{moved / 1e6:.0f} MB, every array touched once: {moved / ours / 1e9:.0f} GB/s"
    table.add(
        f"{what}, traffic / copy's", moved / ours / copied, "", target=OF_COPY, at_least=True, note=note
    )
    if theirs is not None:
        table.add(
            f"{what}, diffsci / JAX", ours / theirs, "", target=OF_JAX, note=f"JAX {theirs * 1e3:.3g} ms"
        )
