"""``diffsci validate`` and ``diffsci list``."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.studies.find import shipped_cases
from solvers.studies.load import load_case
from solvers.studies.validate import all_passed, validate_case


def test_every_kind_of_check_is_made_and_passes(bench):
    result = bench.invoke("validate", str(bench.case))
    assert result.exit_code == 0, result.output
    for kind in ("complex step", "central differences", "Taylor remainder", "tangent = adjoint"):
        assert kind in result.output
    assert "FAILED" not in result.output
    assert "at a nearby point" in result.output


def test_a_wrong_published_value_fails(bench):
    text = '\n[[validate.reference]]\nvalue = {}\nsource = "closed form"\n'
    original = bench.case.read_text()
    bench.case.write_text(original + text.format(2 * np.exp(-1.0)))
    assert bench.invoke("validate", str(bench.case)).exit_code == 0
    bench.case.write_text(original + text.format(0.75))
    result = bench.invoke("validate", str(bench.case))
    assert result.exit_code == 1
    assert "FAILED" in result.output


def test_a_folder_of_cases(bench):
    (bench.folder / "second.toml").write_text(bench.case.read_text().replace('"Decay"', '"Second"'))
    result = bench.invoke("validate", str(bench.folder))
    assert result.exit_code == 0, result.output
    assert "decay: good" in result.output
    assert "second: good" in result.output


def test_list_names_the_shipped_cases(bench):
    result = bench.invoke("list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == [
        "gray_scott",
        "lynx_hare",
        "robertson",
    ]


@pytest.mark.parametrize(
    "name", ["robertson", "lynx_hare", pytest.param("gray_scott", marks=pytest.mark.slow)]
)
def test_a_shipped_case_passes_all_its_checks(name):
    checks = validate_case(load_case(shipped_cases()[name]))
    assert all_passed(checks), [check for check in checks if not check.passed]
