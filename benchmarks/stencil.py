"""Stencils against JAX and the memory's speed: right-hand sides and vjps, inside the cache and beyond it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.report import Table
from benchmarks.stencil_models import MODELS, Model
from benchmarks.timing import interleaved

JAX_BEYOND, JAX_INSIDE, OF_COPY = 0.5, 0.4, 0.75


def measure(threads: int) -> Table:
    """Check the answers, then time contestants and a plain copy in turn, model by model."""
    table = Table(
        "stencil", f"Five stencils, float64, {threads} threads: right-hand side and vjp for the state"
    )
    try:
        from benchmarks.peers import stencils_jax
    except ImportError:
        table.missing("JAX")
        stencils_jax = None
    for model in MODELS:
        for side in (model.small, *model.large):
            _measure(table, model, side, threads, stencils_jax)
    return table


def _measure(table: Table, model: Model, side: int, threads: int, jax) -> None:
    y, data, ct = _point(model, side)
    ours = dict(zip(("rhs", "vjp"), _functions(model.function, y, data, ct), strict=True))
    theirs = {}
    if jax is not None:
        theirs = dict(zip(("rhs", "vjp"), jax.functions(model.function, y, data, ct), strict=True))
    for functions in (ours, theirs):
        if functions:
            _check(model, y, data, ct, functions)
    timed = {("diffsci", kind): function for kind, function in ours.items()}
    timed |= {("JAX", kind): function for kind, function in theirs.items()}
    other, copy = np.ones_like(y), threaded_copy(threads)
    timed[("copy", "")] = lambda: copy(other, y)
    seconds = interleaved(timed, repeats=15, sample=0.02)
    _rows(table, model, side, seconds, y.nbytes)


def _rows(table: Table, model: Model, side: int, seconds: dict, nbytes: int) -> None:
    beyond = side in model.large
    grid = " x ".join([str(side)] * (2 if model.state[0] == 2 or len(model.state) == 2 else 3))
    field = nbytes // (2 if model.state[0] == 2 else 1)
    copied = 2 * nbytes / seconds[("copy", "")]
    if beyond:
        table.add(f"{model.name} {grid}: copy of the state", copied / 1e9, "GB/s")
    for kind, fields in (("rhs", model.rhs_fields), ("vjp", model.vjp_fields)):
        what, ours = f"{model.name} {grid}: {kind}", seconds[("diffsci", kind)]
        table.add(what, ours)
        if beyond:
            moved = fields * field
            share = moved / ours / copied
            note = f"{moved / 1e6:.0f} MB, every grid touched once: {moved / ours / 1e9:.1f} GB/s"
            table.add(f"{what}, traffic / copy's", share, "", target=OF_COPY, at_least=True, note=note)
        theirs = seconds.get(("JAX", kind))
        if theirs is not None:
            target = JAX_BEYOND if beyond else JAX_INSIDE
            note = f"JAX {theirs * 1e3:.3g} ms"
            table.add(f"{what}, diffsci / JAX", ours / theirs, "", target=target, note=note)


def _point(model: Model, side: int) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    """A state with both signs, data and a cotangent, all without structure."""
    rng = np.random.default_rng(0)

    def field(shape):
        return rng.standard_normal(tuple(n or side for n in shape))

    return field(model.state), tuple(field(shape) for shape in model.data), field(model.state)


def _functions(rhs: Callable, y: np.ndarray, data: tuple, ct: np.ndarray) -> tuple[Callable, Callable]:
    """Ours, compiled: the right-hand side and the pullback."""
    import diffsci as ds

    value = ds.jit(rhs)
    pullback = ds.jit(lambda y, ct, *data: ds.vjp(lambda state: rhs(state, *data), y)[1](ct)[0])
    return lambda: value(y, *data), lambda: pullback(y, ct, *data)


def _check(model: Model, y: np.ndarray, data: tuple, ct: np.ndarray, functions: dict[str, Callable]) -> None:
    """Compare with NumPy: the values, and the pullback by a central difference along one direction."""
    expected = model.function(y, *data)
    if not np.allclose(functions["rhs"](), expected, rtol=1e-10, atol=1e-10):
        raise RuntimeError(f"{model.name}: the right-hand side is wrong")
    direction, h = np.random.default_rng(1).standard_normal(y.shape) * np.abs(y), 1e-6
    ahead, behind = (model.function(y + step * direction, *data) for step in (h, -h))
    slope = np.sum(ct * (ahead - behind)) / (2.0 * h)
    found = np.asarray(functions["vjp"]())
    if abs(np.sum(found * direction) - slope) > 1e-6 * np.linalg.norm(found) * np.linalg.norm(direction):
        raise RuntimeError(f"{model.name}: the pullback is wrong")


def threaded_copy(threads: int) -> Callable[[np.ndarray, np.ndarray], None]:
    """Copy one array into another, touched, one with all threads: the speed of the memory."""
    pool = ThreadPoolExecutor(threads)

    def copy(target: np.ndarray, source: np.ndarray) -> None:
        pairs = zip(
            np.array_split(target.ravel(), threads), np.array_split(source.ravel(), threads), strict=True
        )
        list(pool.map(lambda pair: np.copyto(*pair), pairs))

    return copy
