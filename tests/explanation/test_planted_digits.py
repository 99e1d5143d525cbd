"""Every planted loss of digits is found: phase, operation, line, and the form to write instead."""

import pytest

import diffsci as ds
from tests.explanation.planted import PLANTED
from tests.explanation.planted_digits import PLANTED_DIGITS


@pytest.mark.parametrize("case", PLANTED_DIGITS, ids=lambda case: case.name)
def test_planted_loss_is_found(case):
    found = ds.explain(case.function, *case.args)
    assert found.losses, found
    loss = found.losses[0]
    assert loss.line == case.line, found
    assert loss.operation in case.operations, found
    assert loss.phase == case.phase, found
    if case.instead:
        assert case.instead in loss.form.instead, found


def test_there_are_enough_of_them():
    assert len({case.name for case in PLANTED}) >= 30
    assert len({case.name for case in PLANTED_DIGITS}) >= 20
