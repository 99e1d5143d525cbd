"""What is used of CuPy exists in the version that is installed: no device is needed to look."""

from __future__ import annotations

import inspect
import operator
import re

import pytest

from diffsci.backends.cuda import cupy_device

cupy = pytest.importorskip("cupy")

METHODS = (
    "cuda.Module.load", "cuda.Module.get_function", "cuda.Stream.begin_capture", "cuda.Stream.end_capture",
    "cuda.Graph.launch", "cuda.MemoryPointer.copy_from_host_async", "ndarray.get", "ndarray.__dlpack__",
    "cuda.Device.compute_capability", "cuda.compiler.compile_using_nvrtc", "cuda.nvrtc.getVersion",
)  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    assert callable(operator.attrgetter(name)(cupy)) or name.endswith("compute_capability")


def test_functions_of_the_library():
    text = inspect.getsource(cupy_device)
    names = re.findall(r"self\.xp\.([\w.]+)", text)
    names += [f"cuda.{name}" for name in re.findall(r"\bcuda\.(\w[\w.]*)\(", text)]
    assert len(names) > 10
    for name in names:
        name = re.sub(r"^cuda\.cuda\.", "cuda.", name)
        operator.attrgetter(name.removesuffix("."))(cupy)
