"""Native functions that are not programs: loops compiled elsewhere, kept on disk as object code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple

from diffsci.native import cache
from diffsci.native.addresses import imported_names, library_address

__all__ = ["NativeFunction", "native_function"]

# Functions of the C library that LLVM may call in place of an intrinsic or a loop.
_MEMORY = ("memcpy", "memmove", "memset")
_INTRINSICS = {"pow", "exp", "exp2", "log", "log2", "log10", "sin", "cos", "fma"}


class NativeFunction(NamedTuple):
    """Loaded code; the address is good as long as the library lives."""

    address: int
    library: object


def native_function(key: str, make: Callable[[], tuple[str, str]]) -> NativeFunction:
    """Load a function from the disk cache, or make it and keep it there.

    Parameters
    ----------
    key : str
        Everything that the code depends on, the processor and the version of LLVM aside.
    make : callable
        Returns the text of an LLVM module, optimised already, and the name of the function in it. It may call
        functions of libraries only (`diffsci.native.addresses`).

    Returns
    -------
    NativeFunction
    """
    from diffsci.native.engine import compile_object, host

    key = hashlib.sha256("\0".join(["native function", key, *host()]).encode()).hexdigest()[:40]
    function = _stored(key)
    if function is not None:
        return function
    text, name = make()
    code = compile_object(text)
    description = {"imports": _imports(text), "exports": [name]}
    function = _loaded(description, code)
    cache.write(key, description, code)
    return function


def _stored(key: str) -> NativeFunction | None:
    """Load a function from the cache; None where there is none that can be used."""
    found = cache.read(key)
    if found is None:
        return None
    try:
        return _loaded(*found)
    except (KeyError, OSError, RuntimeError):  # foreign or unusable: made again
        return None


def _loaded(description: dict, code: bytes) -> NativeFunction:
    from diffsci.native.engine import load

    (name,) = description["exports"]
    addresses = {called: library_address(called) for called in description["imports"]}
    library = load([code], addresses, [name])
    return NativeFunction(library.addresses[name], library)


def _imports(text: str) -> list[str]:
    """The functions that the object code of a module may ask for."""
    found = {*imported_names(text), *_MEMORY}
    for name, single in re.findall(r"^declare [^@\n]*@llvm\.(\w+)\.(?:v\d+)?f(32)?", text, re.MULTILINE):
        if name in _INTRINSICS:
            found.add(name + "f" * bool(single))
    return sorted(found)
