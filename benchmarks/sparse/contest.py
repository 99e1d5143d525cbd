"""Detection, coloring and values of sparse derivatives, each held to its target."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module

import numpy as np

from benchmarks.adbench.contest import scene
from benchmarks.report import Table
from benchmarks.sparse.models import brusselator, bundle_residuals, heat, rosenbrock
from benchmarks.stencil import threaded_copy
from benchmarks.timing import interleaved

__all__ = ["measure"]

# Sides of the grids: seconds of detection, seconds of coloring, colors.
BRUSSELATORS = {6: (None, None, 6), 24: (None, None, 6), 32: (5e-3, 1e-3, 8), 100: (0.1, 15e-3, 10)}
PEERS = {"CasADi": "sparse_casadi", "JAX with asdex": "sparse_jax", "SciPy": "sparse_scipy"}
BOX = 100
VARIABLES = 100_000


def measure(threads: int) -> Table:
    """Measure four problems."""
    table = Table("sparse", f"Sparse derivatives, float64, {threads} threads")
    peers = {}
    for name, module in PEERS.items():
        try:
            peers[name] = import_module(f"benchmarks.peers.{module}")
        except ImportError:
            table.missing(name)
    for side in BRUSSELATORS:
        _brusselator(table, side, peers)
    _heat(table, threads)
    _bundle(table)
    _rosenbrock(table)
    return table


def _least(run: Callable[[], object], repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def _brusselator(table: Table, side: int, peers: dict) -> None:
    import diffsci as ds

    detection, coloring, colors = BRUSSELATORS[side]
    f, y = brusselator(side), np.random.default_rng(side).random(2 * side**2)
    what = f"Brusselator {side} x {side}"
    plan = _setup(table, what, f, (y,), detection, coloring)
    table.add(f"{what}: colors", plan.ncolors, "", target=colors, note=f"at least {plan.lower_bound}")
    value, jacobian = ds.jit(f), ds.sparse_jacobian(f)
    J = jacobian(y)
    contestants = {"f": lambda: value(y), "diffsci": lambda: jacobian(y, out=J)}
    for name, peer in peers.items():
        evaluate, matrix = peer.jacobian(f, side, y, plan)
        if abs(matrix() - J).max() > peer.TOLERANCE * abs(J).max():
            raise RuntimeError(f"{what}: the Jacobian of {name} is another one")
        contestants[name] = evaluate
    seconds = interleaved(contestants, sample=0.01)
    table.add(f"{what}: f", seconds["f"])
    table.add(f"{what}: values", seconds["diffsci"], note=f"{J.nnz} entries, {plan.mode}, out=")
    table.add(f"{what}: values / f", seconds["diffsci"] / seconds["f"], "", target=3.0)
    for name in peers:
        target = 0.5 if name == "CasADi" else None
        ratio = seconds["diffsci"] / seconds[name]
        table.add(f"{what}: values, diffsci / {name}", ratio, "", target=target, note=_in_ms(seconds[name]))


def _in_ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"


def _setup(
    table: Table, what: str, f: Callable, args: tuple, detection: float | None, coloring: float | None
):
    """Time the parts of the set-up on a program that is traced already, and return the plan."""
    import diffsci as ds
    from diffsci.coloring import color
    from diffsci.sparse.detection import jacobian_pattern
    from diffsci.tracing import trace_function
    from diffsci.transforms import simplify

    graph = simplify(trace_function(f, args).graph)
    pattern = jacobian_pattern(graph)
    table.add(f"{what}: detection", _least(lambda: jacobian_pattern(graph)), target=detection)
    matrix = pattern.csr()
    color(matrix)
    table.add(f"{what}: coloring", _least(lambda: color(matrix)), target=coloring)
    return ds.sparse_jacobian(f).plan(*args)


def _heat(table: Table, threads: int) -> None:
    """Count the state, read once, and the entries, written once, beside a copy of as many bytes."""
    import diffsci as ds

    f, y = heat(BOX), np.random.default_rng(0).random(BOX**3)
    what = f"Heat, 7 points, {BOX**3} unknowns"
    start = time.perf_counter()
    plan = ds.sparse_jacobian(f).plan(y)
    colors = plan.ncolors
    seconds = time.perf_counter() - start
    table.add(
        f"{what}: detection and coloring", seconds, target=5.0, note=f"tracing included; {colors} colors"
    )
    jacobian = ds.sparse_jacobian(f)
    J = jacobian(y)
    moved = y.nbytes + J.data.nbytes
    source, copy = np.random.default_rng(1).random(moved // 16), threaded_copy(threads)
    other = np.zeros_like(source)
    seconds = interleaved(
        {"diffsci": lambda: jacobian(y, out=J), "copy": lambda: copy(other, source)}, sample=0.05
    )
    table.add(f"{what}: values", seconds["diffsci"], note=f"{J.nnz} entries, {plan.mode}, out=")
    share = seconds["copy"] / seconds["diffsci"]
    note = f"copy of as many bytes: {moved / seconds['copy'] / 1e9:.1f} GB/s"
    table.add(f"{what}: values, traffic / copy's", share, "", target=0.7, at_least=True, note=note)


def _bundle(table: Table) -> None:
    """Whole blocks store zeros: a coordinate does not depend on the principal point of the other one."""
    import diffsci as ds

    given = scene()
    args = (given.cameras, given.points, given.weights, given.features, *given.seen.T.copy())
    what = f"Bundle adjustment, {given.weights.size} observations"
    start = time.perf_counter()
    jacobian = ds.sparse_jacobian(bundle_residuals, argnums=(0, 1, 2))
    plan = jacobian.plan(*args)
    seconds = time.perf_counter() - start
    table.add(
        f"{what}: detection and plan", seconds, target=1.0, note=f"tracing included; {plan.nnz} entries"
    )
    blocks = ds.sparse_jacobian(bundle_residuals, argnums=(0, 1, 2), pattern=_blocks(given))
    J, whole = jacobian(*args), blocks(*args)
    if (whole != J).nnz:
        raise RuntimeError(f"{what}: the two Jacobians differ")
    seconds = interleaved(
        {"found": lambda: jacobian(*args, out=J), "blocks": lambda: blocks(*args, out=whole)}, sample=0.05
    )
    note = f"{J.nnz} entries, {plan.mode}, out="
    table.add(f"{what}: values", seconds["found"], target=20e-3, note=note)
    note = f"{whole.nnz} entries, out="
    table.add(f"{what}: values, whole blocks", seconds["blocks"], target=20e-3, note=note)


def _blocks(given):
    """Return the pattern with all 15 columns of a block in both of its rows."""
    from scipy.sparse import csr_array

    cameras, points, p = given.cameras.size, given.points.size, given.weights.size
    camera, point = given.seen.T
    columns = np.concatenate(
        [
            11 * camera[:, None] + np.arange(11),
            cameras + 3 * point[:, None] + np.arange(3),
            cameras + points + np.arange(p)[:, None],
        ],
        axis=1,
    )
    indices = np.concatenate([np.repeat(columns, 2, axis=0).ravel(), cameras + points + np.arange(p)])
    indptr = np.concatenate([15 * np.arange(2 * p), 30 * p + np.arange(p + 1)])
    return csr_array((np.ones(indices.size, bool), indices, indptr), shape=(3 * p, cameras + points + p))


def _rosenbrock(table: Table) -> None:
    import diffsci as ds

    x = np.random.default_rng(0).random(VARIABLES)
    gradient, hessian = ds.jit(ds.grad(rosenbrock)), ds.sparse_hessian(rosenbrock)
    plan, H = hessian.plan(x), hessian(x)
    seconds = interleaved({"gradient": lambda: gradient(x), "Hessian": lambda: hessian(x, out=H)})
    what = f"Rosenbrock, {VARIABLES} variables"
    table.add(f"{what}: gradient", seconds["gradient"])
    table.add(f"{what}: Hessian", seconds["Hessian"], note=f"{H.nnz} entries, {plan.mode}, out=")
    table.add(f"{what}: Hessian / gradient", seconds["Hessian"] / seconds["gradient"], "", target=10.0)
