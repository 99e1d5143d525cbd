"""docs/stable.md: every function is in its tables, and every number in them is what the code gives."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.special as special

import diffsci as ds

PAGE = Path(__file__).resolve().parents[2] / "docs" / "stable.md"
NAMES = {"np": np, "ds": ds, "special": special, "grad": ds.grad}
ROWS = [
    [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]


def test_every_function_has_a_row():
    listed = [re.match(r"\w+", row[0]).group() for row in ROWS]
    assert sorted(listed) == sorted(ds.stable.__all__)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_numbers(row):
    names = NAMES | {name: getattr(ds.stable, name) for name in ds.stable.__all__}
    with np.errstate(all="ignore"):
        naive, stable = eval(row[2], names), eval(row[4], names)
    close(stable, row[5], 1e-14)
    close(naive, row[3], 1e-6)


def close(found, shown, tolerance):
    shown = eval(shown, {"inf": math.inf, "nan": math.nan})
    np.testing.assert_allclose(found, shown, rtol=tolerance, atol=0, equal_nan=True)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_one_writes_is_wrong(row):
    naive, stable = (eval(row[k], {"inf": math.inf, "nan": math.nan}) for k in (3, 5))
    assert not np.allclose(naive, stable, rtol=1e-9, atol=0)
