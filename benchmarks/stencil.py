"""A large stencil: the Gray-Scott right-hand side on 1024 x 1024 and its vjp, against JAX and the memory's
speed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from benchmarks.report import Table
from benchmarks.timing import interleaved

SIZE = 1024
PARAMETERS = np.array([0.2, 0.1, 0.04, 0.06])  # two diffusivities, feed and kill rates
FIELD_BYTES = SIZE * SIZE * 8
# What is computed, and how many fields one pass over memory reads and writes.
TRAFFIC = {
    "right-hand side": 4,  # read u and v, write two rates
    "vjp, state": 6,  # read u, v and two cotangents, write two gradients
    "vjp, state and rates": 6,
}


def laplacian(z):
    """Five-point Laplacian on a periodic grid of unit spacing."""
    return np.roll(z, 1, 0) + np.roll(z, -1, 0) + np.roll(z, 1, 1) + np.roll(z, -1, 1) - 4.0 * z


def rhs(y, p):
    """Gray-Scott reaction and diffusion, as a user writes it."""
    u, v = y
    reaction = u * v * v
    return np.stack(
        [
            p[0] * laplacian(u) - reaction + p[2] * (1.0 - u),
            p[1] * laplacian(v) + reaction - (p[2] + p[3]) * v,
        ]
    )


def vjp_by_hand(y, p, ct):
    """The vjp in NumPy, written by hand: what every contestant has to return."""
    (u, v), (a, b) = y, ct
    du = p[0] * laplacian(a) + (b - a) * v * v - p[2] * a
    dv = p[1] * laplacian(b) + (b - a) * 2.0 * u * v - (p[2] + p[3]) * b
    rates = np.array(
        [
            np.sum(a * laplacian(u)),
            np.sum(b * laplacian(v)),
            np.sum(a * (1.0 - u)) - np.sum(b * v),
            -np.sum(b * v),
        ]
    )
    return np.stack([du, dv]), rates


def diffsci_functions(y: np.ndarray, p: np.ndarray, ct: np.ndarray) -> dict[str, Callable]:
    """Ours, compiled."""
    import diffsci as ds

    def by_state(y, p, ct):
        return ds.vjp(lambda state: rhs(state, p), y)[1](ct)[0]

    def by_both(y, p, ct):
        return ds.vjp(rhs, y, p)[1](ct)

    value, state, both = ds.jit(rhs), ds.jit(by_state), ds.jit(by_both)
    return dict(
        zip(TRAFFIC, (lambda: value(y, p), lambda: state(y, p, ct), lambda: both(y, p, ct)), strict=True)
    )


def numpy_functions(y: np.ndarray, p: np.ndarray, ct: np.ndarray) -> dict[str, Callable]:
    """NumPy, the vjp written by hand: the answers to agree with, and a scale for the times."""
    functions = (lambda: rhs(y, p), lambda: vjp_by_hand(y, p, ct)[0], lambda: vjp_by_hand(y, p, ct))
    return dict(zip(TRAFFIC, functions, strict=True))


def threaded_copy(threads: int) -> Callable[[np.ndarray, np.ndarray], None]:
    """Copy one state into another, touched, one with all threads: the speed of the memory."""
    pool = ThreadPoolExecutor(threads)

    def copy(target: np.ndarray, source: np.ndarray) -> None:
        pairs = zip(
            np.array_split(target.ravel(), threads), np.array_split(source.ravel(), threads), strict=True
        )
        list(pool.map(lambda pair: np.copyto(*pair), pairs))

    return copy


def data() -> tuple[np.ndarray, np.ndarray]:
    """A state and a cotangent without structure."""
    rng = np.random.default_rng(0)
    return rng.uniform(0.1, 1.0, (2, SIZE, SIZE)), rng.standard_normal((2, SIZE, SIZE))


def contestants(table: Table, *point: np.ndarray) -> dict[str, dict[str, Callable]]:
    """The functions of every contestant that is installed, at this point."""
    found = {"diffsci": diffsci_functions(*point), "NumPy by hand": numpy_functions(*point)}
    try:
        from benchmarks.peers import gray_scott_jax
    except ImportError:
        table.missing("JAX")
    else:
        found["JAX"] = gray_scott_jax.functions(*point)
    return found


def measure(threads: int) -> Table:
    """Check the answers, then time right-hand sides and vjps in turn, with a plain copy among them."""
    table = Table(
        "stencil", f"Gray-Scott {SIZE} x {SIZE}, float64, {threads} threads: right-hand side and vjp"
    )
    y, ct = data()
    runs = contestants(table, y, PARAMETERS, ct)
    for name, functions in runs.items():
        for kind, function in functions.items():
            _check(f"{name}: {kind}", function(), runs["NumPy by hand"][kind]())
    other, copy = np.ones_like(y), threaded_copy(threads)
    timed: dict[str, Callable] = {"copy of the state": lambda: copy(other, y)}
    for name, functions in runs.items():
        timed |= {f"{name}: {kind}": function for kind, function in functions.items()}
    seconds = interleaved(timed, repeats=25, sample=0.01)
    for name, median in seconds.items():
        table.add(name, median)
    _ratios(table, seconds)
    return table


def _check(name: str, found: Any, expected: Any) -> None:
    pairs = zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
    for got, want in pairs:
        if not np.allclose(got, want, rtol=1e-9, atol=1e-9 * float(np.max(np.abs(want)))):
            raise RuntimeError(f"{name} is a wrong answer")


def _ratios(table: Table, seconds: dict[str, float]) -> None:
    copied = 4 * FIELD_BYTES / seconds["copy of the state"]
    table.add("copy bandwidth", copied / 1e9, "GB/s")
    for kind, fields in TRAFFIC.items():
        ours, theirs = seconds[f"diffsci: {kind}"], seconds.get(f"JAX: {kind}")
        if theirs is not None:
            table.add(f"{kind}: diffsci / JAX", ours / theirs, "", target=0.5)
        moved = fields * FIELD_BYTES
        share = f"{100 * moved / ours / copied:.0f} % of the copy's"
        note = f"{share}; {moved / 1e6:.0f} MB, every field touched once"
        table.add(f"{kind}: memory traffic", moved / ours / 1e9, "GB/s", note=note)
