"""Devices for the tests: machines in the memory of the host in place of CuPy's."""

from __future__ import annotations

import pytest

from diffsci.backends import cuda
from tests.cuda.host_device import InterpretedMachine


@pytest.fixture
def machine(monkeypatch):
    """A machine that stands for the GPU; its programs are interpreted."""
    found = InterpretedMachine()
    monkeypatch.setattr(cuda, "cupy_machine", lambda: found)
    return found
