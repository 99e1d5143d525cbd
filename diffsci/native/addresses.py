"""Addresses of library functions that generated code calls: of C, BLAS, LAPACK, SciPy and Python."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import re
import sys

__all__ = ["imported_names", "library_address", "special_symbol"]

_SPECIAL = "scipy_special_"
_FUSED = ("", "__pyx_fuse_1", "__pyx_fuse_0")  # how Cython names the versions of a function for real numbers
_BLAS = ("dgemm", "sgemm", "dtrsm", "strsm")
_LAPACK = ("dgetrf", "sgetrf", "dgetrs", "sgetrs", "dpotrf", "spotrf", "dlaswp", "slaswp")
_BANDS = ("dgbtrf", "sgbtrf", "dgbtrs", "sgbtrs")


def imported_names(text: str) -> list[str]:
    """Return the functions that a module declares, intrinsics aside."""
    return re.findall(r"\ndeclare [^@\n]*@([A-Za-z_0-9]+)\(", "\n" + text)


def library_address(name: str) -> int:
    """Return the address of a function of C, BLAS, LAPACK, SciPy or Python; OSError for all others."""
    if name.startswith("Py"):
        return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    if name in _BLAS:
        from scipy.linalg import cython_blas

        return _capsule(cython_blas, name)
    if name in _LAPACK + _BANDS:
        from scipy.linalg import cython_lapack

        return _capsule(cython_lapack, name)
    if name.startswith(_SPECIAL):
        return _special(*name.removeprefix(_SPECIAL).split("_", 2))
    for library in _libraries():
        function = getattr(library, name, None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value
    raise OSError(f"this system's libraries have no function {name!r}")


def special_symbol(name: str, count: int, results: int = 0) -> str:
    """Return our name for a special function of `count` doubles that writes `results`, or returns one."""
    return f"{_SPECIAL}{count}_{results}_{name}"


def _special(count: str, results: str, name: str) -> int:
    from scipy.special import cython_special

    kinds = ", ".join(["double"] * int(count) + ["double *"] * int(results))
    signature = f"void ({kinds})" if int(results) else f"double ({kinds}, int __pyx_skip_dispatch)"
    for prefix in _FUSED:
        capsule = cython_special.__pyx_capi__.get(prefix + name)
        if capsule is not None and f'"{signature}"' in repr(capsule):
            return _capsule(cython_special, prefix + name)
    raise OSError(f"this version of SciPy has no C function {name!r} with the signature {signature!r}")


@functools.cache
def _libraries() -> tuple[ctypes.CDLL, ...]:
    if sys.platform == "win32":
        return (ctypes.CDLL("ucrtbase"),)
    found = [ctypes.util.find_library(stem) for stem in ("m", "pthread")] if sys.platform != "linux" else []
    names = ["libm.so.6", "libpthread.so.0"] if sys.platform == "linux" else [name for name in found if name]
    return (*(_open(name) for name in names if _open(name) is not None), ctypes.CDLL(None))


@functools.cache
def _open(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _capsule(module, name: str) -> int:
    """Return the C function behind a Cython capsule."""
    capsule = module.__pyx_capi__[name]
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return get_pointer(capsule, get_name(capsule))
