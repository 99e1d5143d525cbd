"""How long a newcomer waits: import, the first study on a fresh machine, the next one, a new model's first
gradient.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.report import Table
from benchmarks.timing import process_seconds

ROOT = Path(__file__).resolve().parent.parent
CASE = ROOT / "cases" / "robertson.toml"

IMPORT = "import diffsci"
NEW_MODEL = """
import numpy as np
import diffsci as ds
from solvers import solve_ivp

def rhs(t, y, p):
    prey, predator = y
    return [p[0] * prey - p[1] * prey * predator, p[2] * prey * predator - p[3] * predator * {unique}]

def misfit(p):
    y0 = np.array([1.0, 0.5])
    sol = solve_ivp(rhs, (0.0, 10.0), y0, args=(p,), method="Rodas5P", rtol=1e-8, atol=1e-10)
    return np.sum(sol.y[:, -1] ** 2)

print(ds.value_and_grad(misfit)(np.array([1.1, 0.4, 0.1, 0.4])))
"""


KNOWN_PROGRAM = """
import numpy as np
import diffsci as ds

def objective(x):
    return np.sum(np.sin(x) * np.exp(-x) + np.sqrt(x) * x**2)

print(ds.jit(ds.grad(objective))(np.linspace(0.1, 1.0, 100))[:3])
"""


def caches(folder: str) -> dict[str, str]:
    """Environment of a machine where nothing was ever compiled, bytecode included; Python keeps that."""
    return {
        "DIFFSCI_CACHE_DIR": f"{folder}/diffsci",
        "NUMBA_CACHE_DIR": f"{folder}/numba",
        "PYTHONPYCACHEPREFIX": f"{folder}/bytecode",
        "PYTHONDONTWRITEBYTECODE": "",
    }


def python(code: str) -> list[str]:
    """A fresh interpreter running ``code``."""
    return [sys.executable, "-c", code]


def median_seconds(command: list[str], environment: dict[str, str], repeats: int) -> float:
    """Median over fresh processes."""
    times = sorted(process_seconds(command, environment, str(ROOT)) for _ in range(repeats))
    return times[len(times) // 2]


def measure(threads: int) -> Table:
    """Time fresh processes; the first run of the case starts from empty caches."""
    table = Table("startup", "From process start to an answer")
    with tempfile.TemporaryDirectory() as folder:
        environment = caches(folder)
        bare = median_seconds(python("import numpy"), environment, 5)
        imported = median_seconds(python(IMPORT), environment, 5)
        nothing = median_seconds(python("pass"), environment, 5)
        table.add(
            "import diffsci", imported - nothing, target=0.4, note=f"of which NumPy {bare - nothing:.2f} s"
        )
        run = [sys.executable, "-m", "diffsci", "run", str(CASE), "--output", f"{folder}/results"]
        table.add(
            "diffsci run cases/robertson.toml, first time on a fresh machine",
            process_seconds(run, environment, str(ROOT)),
            target=20.0,
        )
        table.add(
            "diffsci run cases/robertson.toml, afterwards", median_seconds(run, environment, 3), target=3.0
        )
        process_seconds(python(KNOWN_PROGRAM), environment, str(ROOT))
        table.add(
            "a program compiled before: first gradient, from process start",
            median_seconds(python(KNOWN_PROGRAM), environment, 5),
            target=0.8,
        )
        times = [
            process_seconds(python(NEW_MODEL.format(unique=1.0 + 0.01 * k)), environment, str(ROOT))
            for k in range(3)
        ]
        table.add(
            "a model never seen before: first gradient, from process start", sorted(times)[1], target=1.5
        )
    return table
