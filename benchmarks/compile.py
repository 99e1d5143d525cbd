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
PEERS = {"jax": "JAX", "casadi": "CasADi", "pytensor": "PyTensor"}
LIMIT = 120.0  # seconds for a peer


def fresh(case: str, contestant: str, repeats: int = REPEATS) -> dict[str, Any]:
    """Compile a case in fresh processes with empty caches: the median first call, the best later one.

    Raises
    ------
    ModuleNotFoundError
        If the contestant is not installed.
    TimeoutError
        If it needs longer than `LIMIT`.
    """
    found = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "DIFFSCI_CACHE_DIR": folder,
                "NUMBA_CACHE_DIR": folder,
                "PYTENSOR_FLAGS": f"base_compiledir={folder}",
            }
            command = [sys.executable, "-m", "benchmarks.cold", case, contestant]
            try:
                done = subprocess.run(
                    command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT
                )
            except subprocess.TimeoutExpired:
                raise TimeoutError(f"not in {LIMIT:.0f} s") from None
        if "ModuleNotFoundError" in done.stderr:
            raise ModuleNotFoundError(contestant)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        found.append(json.loads(done.stdout.splitlines()[-1]))
    first = sorted(found, key=lambda one: one["first"])[repeats // 2]
    return first | {"later": min(one["later"] for one in found)}


def measure(threads: int) -> Table:
    """Compile the cases beside peers, then programs of growing length."""
    table = Table("compile", "From a new function to its first result: tracing, differentiating, compiling")
    cases = {case: _case(table, case, *row) for case, row in CASES.items()}
    for peer in PEERS:
        _beside(table, peer, "pollu", cases["pollu"], "POLLU with its vjp")
    for peer in ("casadi", "pytensor"):
        _beside(table, peer, "generated", cases["generated"], "1000 reactions with their vjp")
    alone = _case(table, "generated-alone", "1000 reactions, one line each: right-hand side alone", None)
    found = _beside(table, "jax", "generated-alone", alone, "1000 reactions, right-hand side alone", 0.02)
    if found is not None:
        what = "1000 reactions with their vjp, first call: diffsci / JAX without the vjp"
        table.add(what, cases["generated"]["first"] / found["first"], "", target=0.15)
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


def _beside(
    table: Table, peer: str, case: str, own: dict[str, Any], title: str, target: float | None = None
) -> dict[str, Any] | None:
    """Add a peer's times and the ratios, the later one held to a target."""
    name = PEERS[peer]
    try:
        found = fresh(case, peer, repeats=1)
    except ModuleNotFoundError:
        table.missing(name)
        return None
    except TimeoutError as error:
        table.missing(f"{name}: {title}", str(error))
        return None
    table.add(f"{name}: {title}", found["first"])
    table.add("... a later call", found["later"])
    table.add(f"... first call, diffsci / {name}", own["first"] / found["first"], "")
    table.add(f"... later call, diffsci / {name}", own["later"] / found["later"], "", target=target)
    return found
