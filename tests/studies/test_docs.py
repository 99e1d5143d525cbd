"""The documentation says what the schema says, and its example loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from solvers.studies.load import load_case
from solvers.studies.schema_doc import key_reference

CASES_PAGE = Path(__file__).resolve().parents[2] / "docs" / "cases.md"


def test_the_reference_of_keys_is_the_schema():
    assert key_reference().strip() in CASES_PAGE.read_text()


def test_the_example_of_the_page_is_a_valid_case(tmp_path):
    example = CASES_PAGE.read_text().split("```toml\n")[1].split("```")[0]
    (tmp_path / "case.toml").write_text(example)
    (tmp_path / "decay.py").write_text("def rhs(t, y, rate):\n    return -rate * y\n")
    case = load_case(tmp_path / "case.toml")
    from solvers.studies.model import Model

    assert Model(case).free == {"rate": pytest.approx(0.5), "x0": 2.0}
