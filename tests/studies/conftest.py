"""A small case in a folder of its own, and the command line to run it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from solvers.cli import app

CASE = """\
[case]
title = "Decay"

[model]
file = "decay.py"

[states.x]
initial = "x0"
unit = "mol/L"

[parameters.rate]
value = 0.5
unit = "1/s"
bounds = [0.0, 10.0]

[parameters.x0]
value = 2.0
unit = "mol/L"

[time]
span = [0.0, 2.0]
unit = "s"
samples = 11

[solver]
method = "Tsit5"
rtol = 1.0e-10
atol = 1.0e-12

[objective]
kind = "final"
component = "x"
"""

MODEL = """\
import numpy as np


def rhs(t, y, rate):
    return -rate * y


def stored(t, y, rate):
    return y[0] ** 2


def misfit(sol, rate):
    return np.sum(sol.y[0] ** 2)
"""

DATA = """\
# observed
time,x
0.5,1.5
1.0,1.3
2.0,0.7
"""


class Workbench:
    """Writes variants of the small case and runs the command line on them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.case = folder / "decay.toml"
        self.case.write_text(CASE)
        (folder / "decay.py").write_text(MODEL)
        (folder / "data.csv").write_text(DATA)

    def change(self, old: str, new: str, file: str = "decay.toml") -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def line(self, text: str, file: str = "decay.toml") -> int:
        lines = (self.folder / file).read_text().splitlines()
        return next(number for number, line in enumerate(lines, start=1) if text in line)

    def run(self, *arguments: str):
        return self.invoke("run", str(self.case), "-o", str(self.folder / "out"), *arguments)

    def invoke(self, *arguments: str):
        return CliRunner().invoke(app, list(arguments))

    @property
    def written(self) -> list[str]:
        out = self.folder / "out"
        return sorted(path.name for path in out.iterdir()) if out.exists() else []


@pytest.fixture
def bench(tmp_path):
    return Workbench(tmp_path)
