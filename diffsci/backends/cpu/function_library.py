"""Elementary functions, each compiled once for all programs: an object of its own on disk."""

from __future__ import annotations

import functools

from diffsci.backends.cpu.vectors import write_function
from diffsci.backends.cpu.version import own_version
from diffsci.native.engine import host
from diffsci.native.stored import NativeFunction, native_function

__all__ = ["elementary_function", "has_fused_multiply_add"]


def has_fused_multiply_add() -> bool:
    """Tell whether the processor has the operation that formulas are made of."""
    name, features, _ = host()
    return "+fma" in features.split(",") or name.startswith("apple")


@functools.cache
def elementary_function(name: str) -> NativeFunction:
    """Return the function that has a name by `diffsci.backends.cpu.symbols.function_symbol`."""
    return native_function(f"{name} {own_version()}", lambda: (_Text(name).text, name))


class _Text:
    """The module of one function, with what its writer asks for."""

    def __init__(self, name: str):
        self.fused = has_fused_multiply_add()
        self._lines: dict[str, None] = {}
        self._functions: dict[str, str] = {}
        function = write_function(self, name)
        self.text = "\n".join([*self._lines, "", *self._functions.values(), function, ""])

    def declare(self, line: str) -> None:
        """Declare a function that the function calls."""
        self._lines[line] = None

    def define(self, name: str, write) -> None:
        """Write a helper function once; `write()` returns its text."""
        if name not in self._functions:
            self._functions[name] = write()

    def constant_array(self, kind: str, count: int, numbers: str) -> str:
        """Write an array of constants and return its name."""
        name = f"table{len(self._lines)}"
        self._lines[f"@{name} = internal constant [{count} x {kind}] [{numbers}]"] = None
        return name
