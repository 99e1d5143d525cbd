"""The page of supported functions is what the tables and the samples say; the samples compute."""

import pathlib
import platform
import subprocess
import sys

import numpy as np
import pytest
import scipy

import diffsci as ds
from diffsci.trees import flatten
from tests.laws.judges import flat
from tests.supported.calls import calls

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = [
    sys.executable,
    "-W",
    "ignore",
    "-m",
    "diffsci.supported",
    "tests.laws.cases",
    "tests.supported.calls",
]
CALLS = list(calls())


def test_the_page_is_current():
    """``python -m diffsci.supported tests.laws.cases tests.supported.calls > docs/supported.md``."""
    written = (ROOT / "docs" / "supported.md").read_text()
    done = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    advice = f"the page is out of date: {' '.join(COMMAND[3:])} > docs/supported.md"
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    if versions in written:
        assert done.stdout == written, advice
    else:  # other versions have other functions: those of both are as the page says
        page, now = _rows(written), _rows(done.stdout)
        assert len(page.keys() & now.keys()) > 500
        assert {name: now[name] for name in page.keys() & now.keys()} == {
            name: page[name] for name in page.keys() & now.keys()
        }, advice


def _rows(page):
    """The line of every function."""
    return {line.split("|")[1]: line for line in page.splitlines() if line.startswith("| `")}


@pytest.mark.parametrize("k", range(len(CALLS)))
@pytest.mark.filterwarnings("ignore")
def test_samples_have_plain_values_and_slopes(k):
    function, args = CALLS[k]
    expected = function(*args)
    kinds = (np.ndarray, np.generic, float, int, complex)
    assert all(isinstance(leaf, kinds) for leaf in flatten(expected)[0])
    rng = np.random.default_rng(1)
    directions = tuple(_like(x, rng) for x in args)
    try:
        found, tangent = ds.jvp(function, args, directions)
    except ds.UnsupportedError:  # orders and parameters are constants: the last argument is not
        function, args, directions = _after(function, args[:-1]), args[-1:], directions[-1:]
        found, tangent = ds.jvp(function, args, directions)
    np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-12, atol=1e-14)
    ahead, behind = (
        flat(function(*(_moved(x, h, v) for x, v in zip(args, directions, strict=True))))
        for h in (1e-6, -1e-6)
    )
    if np.issubdtype(ahead.dtype, np.inexact):
        slope = (ahead - behind) / 2e-6
        np.testing.assert_allclose(
            flat(tangent), slope, rtol=1e-5, atol=1e-6 * (1 + np.max(np.abs(slope), initial=0))
        )


def _after(function, first):
    return lambda *last: function(*first, *last)


def _like(x, rng):
    if isinstance(x, list):
        return [float(v) for v in rng.uniform(-1, 1, len(x))]
    if isinstance(x, complex):
        return complex(*rng.uniform(-1, 1, 2))
    return rng.uniform(-1, 1, np.shape(x)) if np.ndim(x) else float(rng.uniform(-1, 1))


def _moved(x, h, v):
    return [a + h * b for a, b in zip(x, v, strict=True)] if isinstance(x, list) else x + h * v
