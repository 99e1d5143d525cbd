"""Devices for the tests: machines in the memory of the host in place of CuPy's."""

from __future__ import annotations

import pytest

from diffsci.backends import cuda
from diffsci.backends.cuda.machine import Machine
from tests.cuda.host_device import InterpretedMachine, KernelDevice


@pytest.fixture
def machine(monkeypatch):
    """A machine that stands for the GPU; its programs are interpreted."""
    return _in_place(InterpretedMachine(), monkeypatch)


@pytest.fixture
def kernels(monkeypatch):
    """A machine that stands for the GPU; its kernels run as C++."""
    return _in_place(Machine(KernelDevice()), monkeypatch)


def _in_place(machine, monkeypatch):
    monkeypatch.setattr(cuda, "cupy_machine", lambda: machine)
    return machine
