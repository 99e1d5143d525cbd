"""A large stencil: the Gray-Scott right-hand side on 1024 x 1024 and its vjp, against JAX and the memory's
speed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.report import Table
from benchmarks.timing import interleaved

SIZE = 1024
PARAMETERS = np.array([0.2, 0.1, 0.04, 0.06])  # two diffusivities, feed and kill rates
FIELD_BYTES = SIZE * SIZE * 8
RHS_FIELDS = 4  # read u and v, write two rates
VJP_FIELDS = 6  # read u, v and two cotangents, write two gradients


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


def diffsci_functions() -> tuple[Callable, Callable]:
    """Ours, compiled."""
    import diffsci as ds

    def pulled(y, p, ct):
        return ds.vjp(rhs, y, p)[1](ct)

    return ds.jit(rhs), ds.jit(pulled)


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


def contestants(table: Table) -> dict[str, tuple[Callable, Callable]]:
    """``(rhs, vjp)`` of every contestant that is installed."""
    found = {"diffsci": diffsci_functions(), "NumPy by hand": (rhs, vjp_by_hand)}
    try:
        from benchmarks.peers import gray_scott_jax
    except ImportError:
        table.missing("JAX")
    else:
        found["JAX"] = gray_scott_jax.functions()
    return found


def measure(threads: int) -> Table:
    """Check the answers, then time right-hand sides and vjps in turn, with a plain copy among them."""
    table = Table(
        "stencil", f"Gray-Scott {SIZE} x {SIZE}, float64, {threads} threads: right-hand side and vjp"
    )
    y, ct = data()
    runs = contestants(table)
    for name, (value, pulled) in runs.items():
        _check(name, value(y, PARAMETERS), pulled(y, PARAMETERS, ct), y, ct)
    other, copy = np.ones_like(y), threaded_copy(threads)
    timed: dict[str, Callable] = {"copy": lambda: copy(other, y)}
    timed |= {f"{name}: right-hand side": (lambda f=f: f(y, PARAMETERS)) for name, (f, _) in runs.items()}
    timed |= {f"{name}: vjp": (lambda g=g: g(y, PARAMETERS, ct)) for name, (_, g) in runs.items()}
    seconds = interleaved(timed, repeats=25, sample=0.01)
    for name, median in seconds.items():
        table.add(name if name != "copy" else "copy of the state", median)
    _ratios(table, seconds)
    return table


def _check(name: str, value: np.ndarray, pulled: tuple, y: np.ndarray, ct: np.ndarray) -> None:
    for got, want in zip(
        (value, *pulled), (rhs(y, PARAMETERS), *vjp_by_hand(y, PARAMETERS, ct)), strict=True
    ):
        if not np.allclose(got, want, rtol=1e-9, atol=1e-9 * float(np.max(np.abs(want)))):
            raise RuntimeError(f"{name} returns a wrong answer")


def _ratios(table: Table, seconds: dict[str, float]) -> None:
    for kind in ("right-hand side", "vjp"):
        ours = seconds[f"diffsci: {kind}"]
        if f"JAX: {kind}" in seconds:
            table.add(f"{kind}: diffsci / JAX", ours / seconds[f"JAX: {kind}"], "", target=0.5)
    copied = 4 * FIELD_BYTES / seconds["copy"]
    table.add("copy bandwidth", copied / 1e9, "GB/s")
    for kind, fields in (("right-hand side", RHS_FIELDS), ("vjp", VJP_FIELDS)):
        moved = fields * FIELD_BYTES
        rate = moved / seconds[f"diffsci: {kind}"]
        share = f"{100 * rate / copied:.0f} % of a copy's speed"
        note = f"{moved / 1e6:.0f} MB if every field is touched once; {share}"
        table.add(f"{kind}: memory traffic", rate / 1e9, "GB/s", note=note)
