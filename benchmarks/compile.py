"""How long a new function takes to compile: fresh processes, nothing cached, tracing and loading included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.report import Table

ROOT = Path(__file__).resolve().parent.parent
LENGTHS = (1_000, 5_000, 20_000, 50_000)
REPEATS = 3
CASES = {
    "gmm": ("GMM of ADBench, d = 10, K = 25, n = 1000: value and gradient", 1.0),
    "pollu": ("POLLU, 20 species: right-hand side and vjp", 0.3),
    "generated": ("1000 reactions on 500 species, one line each: right-hand side and vjp", 1.5),
    "loops": ("the same as loops that add to the elements of an array", None),
    "vectorised": ("the same with integer arrays", None),
}


def fresh(case: str, contestant: str, repeats: int = REPEATS) -> dict[str, Any]:
    """Compile a case in fresh processes with empty caches: the median first call, the best later one.

    Raises
    ------
    ModuleNotFoundError
        If the contestant is not installed.
    """
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "DIFFSCI_CACHE_DIR": folder, "NUMBA_CACHE_DIR": folder}
            command = [sys.executable, "-m", "benchmarks.cold", case, contestant]
            done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        if "ModuleNotFoundError" in done.stderr:
            raise ModuleNotFoundError(contestant)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        found.append(json.loads(done.stdout.splitlines()[-1]))
    first = sorted(found, key=lambda one: one["first"])[repeats // 2]
    return first | {"later": min(one["later"] for one in found)}


def measure(threads: int) -> Table:
    """Compile the cases beside JAX, then programs of growing length."""
    table = Table("compile", "From a new function to its first result: tracing, differentiating, compiling")
    cases = {case: _case(table, case, *row) for case, row in CASES.items()}
    _beside_jax(table, "pollu", cases["pollu"], "POLLU with its vjp")
    alone = _case(table, "generated-alone", "1000 reactions, one line each: right-hand side alone", None)
    peer = _beside_jax(table, "generated-alone", alone, "1000 reactions, right-hand side alone", 0.02)
    if peer is not None:
        what = "1000 reactions with their vjp, first call: diffsci / JAX without the vjp"
        table.add(what, cases["generated"]["first"] / peer["first"], "", target=0.15)
    for length in LENGTHS:
        own = fresh(f"growth{length}", "diffsci", repeats=1)
        note = f"{own['first']:.2f} s for the {own['operations']} operations of value and gradient"
        what = f"{length} scalar statements: per 1000 operations"
        table.add(what, 1000 * own["first"] / own["operations"], note=note)
    return table


def _case(table: Table, case: str, title: str, target: float | None) -> dict[str, Any]:
    own = fresh(case, "diffsci")
    table.add(title, own["first"], target=target)
    table.add("... a later call", own["later"])
    return own


def _beside_jax(
    table: Table, case: str, own: dict[str, Any], title: str, target: float | None = None
) -> dict[str, Any] | None:
    """Add JAX's times and the ratios, the later one held to a target."""
    try:
        peer = fresh(case, "jax", repeats=1)
    except ModuleNotFoundError:
        table.missing("JAX")
        return None
    table.add(f"JAX: {title}", peer["first"])
    table.add("... a later call", peer["later"])
    table.add("... first call, diffsci / JAX", own["first"] / peer["first"], "")
    table.add("... later call, diffsci / JAX", own["later"] / peer["later"], "", target=target)
    return peer
