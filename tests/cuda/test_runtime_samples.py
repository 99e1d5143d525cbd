"""Operations without a kernel, by the library of the device or on the host, against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from diffsci.backends.cuda.machine import Machine
from diffsci.backends.cuda.module import cuda_program
from diffsci.graph.interpreter import run as interpret
from tests.cuda.host_device import HostArray, KernelDevice
from tests.cuda.running import prepared
from tests.kernel.samples import FLAT, SAMPLES, graph_of, label


def without_kernels():
    """Samples of operations that the program calls; their own kernels are compiled together."""
    samples = [sample for sample in SAMPLES + FLAT if not sample[0].startswith("host")]
    found = [(label(sample), graph_of(*sample), sample[1]) for sample in samples]
    found = [row for row in found if cuda_program(row[1]).has_callbacks]
    prepared(graph for _, graph, _ in found)
    return found


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_operations_without_kernels():
    machine, wrong = Machine(KernelDevice()), []
    cases = without_kernels()
    for name, graph, operands in cases:
        try:
            arrays = [HostArray(np.array(x, order="C")) for x in operands]
            outputs = zip(machine.evaluate(graph, arrays), interpret(graph, operands), strict=True)
            for found, expected in outputs:
                scale = np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected))
                np.testing.assert_allclose(found.get(), expected, rtol=1e-11, atol=1e-13 * scale)
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__}: {error}")
    assert len(cases) > 20
    assert not wrong, "\n\n".join(wrong)
