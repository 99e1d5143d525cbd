"""Every planted loss of digits is found: phase, operation, line, and the form to write instead."""

import numpy as np
import pytest

import diffsci as ds
from tests.explanation.planted import PLANTED
from tests.explanation.planted_digits import PLANTED_DIGITS
from tests.laws.cases import CASES


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


def test_runs_of_a_line_are_told():
    def f(x):
        def body(c, k):
            return (c + 1e9 * k) - 1e9 * k, c

        return ds.scan(body, x, np.array([0.0, 0.0, 1.0, 0.0]))[0]

    loss = ds.explain(f, 1.0 / 3.0).losses[0]
    assert (loss.run, loss.runs) == (2, 4)
    assert "digits lost in run 3 of 4, in the value" in str(ds.explain(f, 1.0 / 3.0))


@pytest.mark.parametrize("case", CASES[7::12], ids=lambda case: case.name)
def test_call_forms_are_finite(case):
    found = ds.explain(case.function, *(domain.typical() for domain in case.domains))
    assert not found.faults, found


def test_there_are_enough_of_them():
    assert len({case.name for case in PLANTED}) >= 30
    assert len({case.name for case in PLANTED_DIGITS}) >= 20
