"""NVIDIA's run-time compiler, which needs no device: by ctypes, from the package of PyPI or the system."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib.util
from pathlib import Path

import pytest

__all__ = ["compile_text", "version"]

_ABSENT = "NVRTC is not installed: pip install 'nvidia-cuda-nvrtc-cu12>=12.9,<13' (in the extra 'test')"


@functools.cache
def _library() -> ctypes.CDLL:
    found = None
    try:
        package = importlib.util.find_spec("nvidia.cuda_nvrtc")
    except ModuleNotFoundError:
        package = None
    if package is not None:
        folders = map(Path, package.submodule_search_locations)
        found = next((str(path) for folder in folders for path in folder.glob("lib/libnvrtc.so.*")), None)
    found = found or ctypes.util.find_library("nvrtc")
    if found is None:
        pytest.skip(_ABSENT)
    return ctypes.CDLL(found)


def version() -> tuple[int, int]:
    """Return the version of NVRTC."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    _library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return major.value, minor.value


def compile_text(source: str, options) -> tuple[bool, str]:
    """Compile CUDA C and return (whether it compiled, what the compiler said)."""
    library = _library()
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    created = library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None)
    assert created == 0
    words = [option.encode() for option in options]
    failed = library.nvrtcCompileProgram(program, len(words), (ctypes.c_char_p * len(words))(*words))
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return failed == 0, log.value.decode()
