"""Every planted fault is found: its phase, its operation, its line."""

import pytest

import diffsci as ds
from tests.explanation.planted import PLANTED


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case.name)
def test_planted_fault_is_found(case):
    found = ds.explain(case.function, *case.args)
    assert not found.ok, found
    fault = found.first
    assert (fault.location.file, fault.line) == (case.file, case.line), found
    assert fault.operation in case.operations, found
    assert fault.phase == case.phase, found
    assert fault.source in str(found)
    assert case.advice in fault.advice, found
