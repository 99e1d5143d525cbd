"""Loops of the library's own: as many threads as one likes, wrong arguments refused, no Numba."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmarks import patterns
from diffsci.coloring import color
from diffsci.coloring.loops import LOOPS
from diffsci.native import sources

PROGRAM = """
import sys
import numpy as np
import diffsci as ds
print("diffsci.coloring" in sys.modules, "scipy.sparse" in sys.modules)
print(ds.coloring.color(np.tri(5)).ncolors, "numba" in sys.modules, "scipy.sparse" in sys.modules)
"""


def test_threads_have_tables_of_their_own():
    matrices = [patterns.laplace(10 + k, 20) for k in range(8)]
    expected = [color(matrix, "star").column_colors for matrix in matrices]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            found = pool.map(lambda matrix: color(matrix, "star").column_colors, matrices)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "starts", [np.zeros(3), np.zeros(3, np.int64), np.zeros((3, 1), np.int32), np.zeros(6, np.int32)[::2]]
)
def test_wrong_arrays_are_refused(starts):
    with pytest.raises(TypeError, match="argument 0 of 'longest' must be a C-contiguous 1-dimensional array"):
        LOOPS.run("longest", starts)


def test_too_few_arguments_are_refused():
    with pytest.raises(TypeError, match="'longest' takes 1 arguments, got 0"):
        LOOPS.run("longest")


def test_colorings_import_neither_numba_nor_sparse_matrices(tmp_path):
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"DIFFSCI_CACHE_DIR": str(tmp_path), "PYTHONPATH": root}
    lines = []
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        lines.append(run.stdout.split())
    assert lines == [["False", "False", "5", "False", "False"]] * 2


def test_code_depends_on_all_that_a_loop_is_made_of(tmp_path, monkeypatch):
    """Functions of other packages, too: loops of eliminations count operations as the plan of fronts does."""
    package = tmp_path / "made"
    package.mkdir()
    for name, text in {
        "__init__": "",
        "loops": "from made.helpers import twice\n\n\ndef four(x):\n    return twice(x)\n",
        "helpers": "def twice(x):\n    return 2 * x\n",
        "others": "",
    }.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert [Path(file).name for file in sources.files("made.loops")] == ["helpers.py", "loops.py"]
    before = sources.digest("made.loops")
    sources.digest.cache_clear()
    assert sources.digest("made.loops") == before
    (package / "others.py").write_text("x = 1\n")
    (package / "helpers.py").write_text("def twice(x):\n    return x + x\n")
    sources.digest.cache_clear()
    assert sources.digest("made.loops") != before
    names = [Path(file).name for file in sources.files("diffsci.elimination.tree_loops")]
    assert names == ["tree_loops.py", "fronts.py"]
